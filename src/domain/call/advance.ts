/**
 * The call as a pure step machine.
 *
 * ## Theory of operation
 *
 * A *flow* is a graph of steps. A *call* stands in one step at a time and is
 * in the middle of something there (`doing`). It hears *events* (a digit, a
 * timer, an agent's phone answering) and answers each with its next state and
 * with *commands* (play this, ring that), in the order in which they are to be
 * done. Nothing here waits, looks at a clock, or reaches out: time comes in
 * with the event, timers are commands, and whoever runs the call (`app/`)
 * carries commands out and brings back what became of them.
 *
 * One turn, in `advance`:
 *
 * 1. *Is the event for now?* One rule for all steps (`heeded.ts`): the call
 *    waits for it, and visit, leg or timer are the ones in hand. If not, the
 *    state stays as it is, and what the event holds open is given back.
 * 2. *The step acts* (`steps/`, one file a kind): it changes what it is doing,
 *    gives commands, and may take one of its edges.
 * 3. *The walk follows* (`walk.ts`): timers of the left step are cleared, the
 *    path is written, the next step entered; on through steps that decide at
 *    once, until one waits.
 *
 * *Visits.* Each entry into a step has a number, which names its playbacks,
 * recordings and timers. An event from an earlier visit is late, however
 * alike the steps are.
 *
 * *The caller's hang-up* is for every moment, so no step hears it as an event;
 * a step only says how to close what it holds open (`close`). `end` is the
 * last command of a call. What still comes after it can only cause closing
 * commands: an agent who answers now is told that the caller has gone.
 *
 * *Being away.* `resume.ts` is a turn without an event: it gets what was found
 * of the call and lets the step take it up again.
 *
 * *Digits* live in the state, in memory (`typed`, `typedAhead`, `pinInHand`).
 * They are in no command, no path entry and no row.
 */
import type { CallCommand } from './commands.ts'
import type { CallEvent } from './events.ts'
import type { Flow, Language } from './flow.ts'
import { giveBack, isHeeded } from './heeded.ts'
import { outcomeSoFar } from './outcome.ts'
import type { CallState } from './state.ts'
import { rulesFor } from './steps/table.ts'
import { Turn } from './turn.ts'
import { enterStart, presentStep, settle } from './walk.ts'

export type Advanced = { state: CallState; commands: CallCommand[] }

/** A call before its first event. `language`: the line's. */
export function newCall(language: Language): CallState {
  return {
    phase: 'new',
    language,
    step: null,
    visit: 0,
    nextVisit: 1,
    doing: { what: 'nothing' },
    tries: {},
    timers: {},
    typedAhead: '',
    pinInHand: '',
    admission: null,
    queuedSince: null,
    answeredAt: null,
    connectedAt: null,
    endedAt: null,
    agentId: null,
    voicemailVisit: null,
    outcome: null,
    path: [],
  }
}

/**
 * The call's next state and what it wants done, in order. `flow` is the one
 * that the call began under. Never throws for any event at any time; it
 * asserts only against flows that `checkFlow` refuses.
 */
export function advance(flow: Flow, state: CallState, event: CallEvent): Advanced {
  if (!isHeeded(state, event)) return { state, commands: giveBack(state, event) }
  const turn = new Turn(flow, state, event.at)
  if (event.type === 'callArrived') arrive(turn)
  else if (event.type === 'callerHungUp') callerGone(turn)
  else if (event.type === 'recordingFoundEmpty') {
    turn.state.voicemailVisit = null
    if (turn.state.doing.what === 'listening' && event.visit === turn.state.visit) act(turn, event)
  } else act(turn, event)
  return { state: turn.state, commands: turn.commands }
}

/** Takes the call and enters the flow. */
export function arrive(turn: Turn): void {
  turn.state.phase = 'active'
  turn.state.answeredAt = turn.at
  turn.do({ type: 'answer' })
  enterStart(turn)
  settle(turn)
}

/** Closes what is open, then ends. Before the call was answered there is nothing to close. */
export function callerGone(turn: Turn): void {
  if (turn.state.phase === 'active') {
    const step = presentStep(turn)
    rulesFor(step).close(turn, step)
  }
  turn.end(outcomeSoFar(turn.state) ?? 'abandoned', 'hung_up')
}

function act(turn: Turn, event: CallEvent): void {
  if (event.type === 'timerFired') turn.forgetTimer(event.timer)
  const step = presentStep(turn)
  rulesFor(step).on(turn, step, event)
  settle(turn)
}
