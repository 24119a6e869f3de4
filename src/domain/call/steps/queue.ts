/**
 * Waits for an agent with music from the first moment, rings the one that is
 * offered, talks.
 *
 * Who gets whom is decided elsewhere (`domain/acd`, in Postgres); here an
 * offer is rung, and whatever becomes of it the agent is released exactly
 * once. A caller keeps the place (`queuedSince`) however often agents do not
 * answer; the longest wait passes while it rings, too, but does not cut off a
 * phone that is ringing.
 */
import type { AgentRelease } from '../commands.ts'
import type { CallEvent, LegEnd } from '../events.ts'
import type { QueueRules, QueueStep } from '../flow.ts'
import { legInHand } from '../heeded.ts'
import type { Turn } from '../turn.ts'
import { closeConversation, forgetConversation, otherSideLeft, resumeConversation, talk } from './conversation.ts'
import type { StepRules } from './kind.ts'

/** For a contract whose queue has left the file since this call began: it is still waited in. */
const unlistedQueue: QueueRules = { ringMs: 20_000, maxWaitMs: 0 }

export const queue: StepRules<QueueStep> = {
  enter(turn, step) {
    turn.state.typedAhead = ''
    if (queueName(turn, step) === null) return turn.take('full', 'full (no contract)')
    turn.state.queuedSince = turn.at
    turn.do({ type: 'startMusic' })
    askForPlace(turn, step)
  },

  on(turn, step, event: CallEvent) {
    switch (event.type) {
      case 'queueEntered':
        turn.state.doing = { what: 'waiting' }
        return
      case 'queueRefused':
        turn.do({ type: 'stopMusic' })
        return turn.take('full')
      case 'agentOffered':
        return ring(turn, step, event)
      case 'legAnswered':
        return answered(turn)
      case 'legEnded':
        if (turn.state.doing.what === 'talking') return otherSideLeft(turn)
        return offerFailed(turn, step, releaseFor(event.why))
      case 'commandRefused':
        if (event.command === 'connect') return notConnected(turn, step)
        // A refusal may be no more than a lost answer; the leg may be there after all.
        stopOffer(turn)
        return offerFailed(turn, step, 'unreachable')
      case 'timerFired':
        return timeIsUp(turn, step, event.timer)
      case 'digitReceived':
        if (event.digit === '#' && step.then['#'] !== undefined) leave(turn, '#')
        return
    }
  },

  resume(turn, step, observed) {
    const doing = turn.state.doing
    if (doing.what === 'talking') return resumeConversation(turn, observed)
    const leg = observed.legs.find((each) => each.leg === legInHand(turn.state))
    if (leg?.state === 'up') return answered(turn)
    turn.do({ type: 'startMusic' })
    if (leg?.state === 'ringing') return resumeRinging(turn, step)
    if (doing.what === 'entering_queue') return waitIsOver(turn, step) ? leave(turn, 'timeout') : askForPlace(turn, step)
    // The phone has stopped ringing unheard, for whatever reason: nothing to hold against the agent.
    offerFailed(turn, step, 'caller_gone')
  },

  close(turn) {
    if (turn.state.doing.what === 'talking') return closeConversation(turn)
    giveUpPlace(turn)
  },
}

function queueName(turn: Turn, step: QueueStep): string | null {
  return step.queue === 'contract' ? (turn.state.admission?.queue ?? null) : step.queue
}

function rulesOf(turn: Turn, step: QueueStep): QueueRules {
  const name = queueName(turn, step)
  return name !== null && Object.hasOwn(turn.flow.queues, name) ? (turn.flow.queues[name] ?? unlistedQueue) : unlistedQueue
}

/** Epoch ms; null: they wait as long as they like. */
function waitEndsAt(turn: Turn, step: QueueStep): number | null {
  const { maxWaitMs } = rulesOf(turn, step)
  return maxWaitMs === 0 ? null : (turn.state.queuedSince ?? turn.at) + maxWaitMs
}

function waitIsOver(turn: Turn, step: QueueStep): boolean {
  const endsAt = waitEndsAt(turn, step)
  return endsAt !== null && endsAt <= turn.at
}

function askForPlace(turn: Turn, step: QueueStep): void {
  turn.state.doing = { what: 'entering_queue' }
  turn.do({
    type: 'enterQueue',
    visit: turn.state.visit,
    queue: queueName(turn, step) ?? '',
    priority: turn.state.admission?.priority ?? 0,
    since: turn.state.queuedSince ?? turn.at,
  })
  setMaxWait(turn, step)
}

function setMaxWait(turn: Turn, step: QueueStep): void {
  const endsAt = waitEndsAt(turn, step)
  if (endsAt !== null) turn.setTimer('max_wait', endsAt)
}

function awaitAgent(turn: Turn, step: QueueStep): void {
  turn.state.doing = { what: 'waiting' }
  if (waitIsOver(turn, step)) return leave(turn, 'timeout')
  setMaxWait(turn, step)
}

function ring(turn: Turn, step: QueueStep, offered: Extract<CallEvent, { type: 'agentOffered' }>): void {
  const { offer, agentId, endpoint } = offered
  turn.clearTimer('max_wait')
  turn.state.doing = { what: 'ringing', offer, agentId, endpoint }
  turn.do({ type: 'ring', visit: turn.state.visit, leg: `agent-${offer}`, agentId, endpoint })
  turn.setTimer('ring', turn.at + rulesOf(turn, step).ringMs)
}

function resumeRinging(turn: Turn, step: QueueStep): void {
  const endsAt = turn.state.timers.ring ?? turn.at + rulesOf(turn, step).ringMs
  if (endsAt > turn.at) return turn.setTimer('ring', endsAt)
  stopOffer(turn)
  offerFailed(turn, step, 'no_answer')
}

function answered(turn: Turn): void {
  const doing = turn.state.doing
  if (doing.what === 'ringing') talk(turn, `agent-${doing.offer}`, doing.agentId)
}

function offerFailed(turn: Turn, step: QueueStep, why: AgentRelease): void {
  turn.clearTimer('ring')
  releaseOffer(turn, why)
  awaitAgent(turn, step)
}

/** The agent had answered, the bridge failed: nobody's fault. Both are free for each other or another again. */
function notConnected(turn: Turn, step: QueueStep): void {
  const doing = turn.state.doing
  if (doing.what !== 'talking' || doing.agentId === null) return
  forgetConversation(turn)
  const offer = Number(doing.leg.slice('agent-'.length))
  turn.do({ type: 'releaseAgent', offer, agentId: doing.agentId, why: 'caller_gone' })
  turn.do({ type: 'startMusic' })
  // Connecting took the caller out of the queue; the place counts from the same moment as before.
  askForPlace(turn, step)
}

function timeIsUp(turn: Turn, step: QueueStep, timer: string): void {
  if (timer === 'ring') {
    stopOffer(turn)
    offerFailed(turn, step, 'no_answer')
  } else {
    leave(turn, 'timeout')
  }
}

function stopOffer(turn: Turn): void {
  const doing = turn.state.doing
  if (doing.what === 'ringing') turn.do({ type: 'stopRinging', leg: `agent-${doing.offer}` })
}

function releaseOffer(turn: Turn, why: AgentRelease): void {
  const doing = turn.state.doing
  if (doing.what !== 'ringing') return
  turn.do({ type: 'releaseAgent', offer: doing.offer, agentId: doing.agentId, why })
}

function giveUpPlace(turn: Turn): void {
  stopOffer(turn)
  releaseOffer(turn, 'caller_gone')
  turn.do({ type: 'leaveQueue', visit: turn.state.visit })
}

function leave(turn: Turn, edge: 'timeout' | '#'): void {
  giveUpPlace(turn)
  turn.do({ type: 'stopMusic' })
  turn.take(edge)
}

/** A phone that is picked up and put down at once has said no. */
function releaseFor(why: LegEnd): AgentRelease {
  return why === 'hung_up' ? 'rejected' : why
}
