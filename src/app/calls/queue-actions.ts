/** What a call does with queues and agents: the row first, then the phone. */
import { setTimeout as wait } from 'node:timers/promises'
import type { AgentRelease, CallCommand } from '../../domain/call/commands.ts'
import type { LegName } from '../../domain/call/events.ts'
import type { CallRow, Offer } from '../ports/store.ts'
import { untilStored } from '../store-patience.ts'
import { type CallInHand, isStillIn } from './call-in-hand.ts'
import { describeCaller } from './caller-id.ts'
import { bridgeOf, offerOf, outgoingLeg } from './ids.ts'
import { reportRefusal } from './refusal.ts'

/** How long the PBX itself lets a phone ring at most, should our own timer be lost in a crash. */
export const RING_BACKSTOP_MS = 120_000

export function enterQueue(call: CallInHand, { visit, queue, priority, since }: Extract<CallCommand, { type: 'enterQueue' }>): void {
  const { store, now, dispatcher } = call.services
  call.work.inOrder(async () => {
    const callId = call.facts.id
    // The row goes along, since whoever reads the queue must find the call: one commit between the PIN and the ring.
    const entered = await untilStored(
      () => withRow(call, (row) => store.enterQueue({ callId, row, queue, priority, at: since })),
      () => isStillIn(call, visit),
    )
    if (entered === null) return
    // If the caller has gone while we wrote, the core answers with leaving and with letting the agent go.
    if (entered.entered) call.take({ type: 'queueEntered', at: now(), visit })
    else call.take({ type: 'queueRefused', at: now(), visit, why: 'full' })
    dispatcher.deliver(entered.offers)
    dispatcher.changesAt(entered.nextChangeAt)
  })
}

/** What changes a place or an agent takes the call's newest row along. */
function withRow<T>(call: CallInHand, write: (row: CallRow) => Promise<T>): Promise<T> {
  return call.services.journal.carry(call.facts.id, () => call.row(), write)
}

export function leaveQueue(call: CallInHand): void {
  if (call.state.queuedSince === null) return
  const { store, now, dispatcher, queueOf } = call.services
  const queue = queueOf(call.flow.flow, call.state)
  call.work.inOrder(async () => {
    await untilStored(() => store.leaveQueue(call.facts.id, now()))
    // An offer whose news never came (its commit was not answered) has just set an agent free.
    dispatcher.kick(queue)
  })
}

export function ring(call: CallInHand, visit: number, leg: LegName, endpoint: string): void {
  const { telephony, now } = call.services
  const { id } = call.facts
  const callerId = describeCaller(call.facts.caller, call.known)
  const ringing = telephony.send({
    do: 'ring',
    leg: outgoingLeg(id, leg),
    endpoint,
    callerId,
    timeoutMs: RING_BACKSTOP_MS,
    forCaller: call.facts.leg,
  })
  void ringing.then((outcome) => {
    if (outcome.ok || outcome.why === 'conflict') return
    // No answer is no refusal: the phone may ring all the same, and has to be stopped.
    if (outcome.why === 'timeout') return call.take({ type: 'commandRefused', at: now(), visit, command: 'ring', leg })
    call.take({ type: 'legEnded', at: now(), leg, why: 'unreachable' })
  })
}

export function connect(call: CallInHand, visit: number, leg: LegName): void {
  const { telephony, now } = call.services
  const { doing } = call.state
  const offer = offerOf(leg)
  const agentId = doing.what === 'talking' ? doing.agentId : null
  call.work.inOrder(async () => {
    if (offer !== null && agentId !== null) {
      const mine = await accept(call, { callId: call.facts.id, agentId, endpoint: '', offer })
      if (!mine) return call.take({ type: 'commandRefused', at: now(), visit, command: 'connect', leg })
    }
    if (isOver(call)) return
    const bridge = bridgeOf(call.facts.id)
    // Not one after the other's answer: two people hold a phone to their ear. The PBX keeps the order.
    telephony.tell({ do: 'stopMusic', leg: call.facts.leg })
    const created = telephony.send({ do: 'createBridge', bridge })
    const joined = telephony.send({ do: 'joinBridge', bridge, legs: [call.facts.leg, outgoingLeg(call.facts.id, leg)] })
    const connected = created.then((made) => (made.ok || made.why === 'conflict' ? joined : made))
    reportRefusal(call, { visit, command: 'connect', leg }, connected)
  })
}

/** It may have ended while something was waited for. */
function isOver(call: CallInHand): boolean {
  return call.state.phase === 'ended'
}

/** A row takes 1–2 ms. Two people who hold a phone to their ear and hear nothing say hello again after this. */
const ROW_FIRST_MS = 300

/**
 * The row first. If Postgres is away, both are joined all the same and the row
 * follows: this process holds the lease, so nobody else can have given the
 * agent away.
 */
async function accept(call: CallInHand, offer: Offer): Promise<boolean> {
  const { store, now, log } = call.services
  const isTalking = (): boolean => call.state.doing.what === 'talking'
  const written = untilStored(() => withRow(call, (row) => store.acceptOffer(offer, row, now())), isTalking)
  let isLate = false
  call.work.begin(async () => {
    const mine = await written
    if (isLate && mine === false)
      log.error({ call: call.facts.id, agent: offer.agentId }, 'joined without the store, which has the agent elsewhere')
  })
  const inTime = await Promise.race([written, wait(ROW_FIRST_MS, 'late')])
  if (inTime !== 'late') return inTime !== false
  isLate = true
  log.warn({ call: call.facts.id }, 'connected without the store; the row follows')
  return true
}

export function release(call: CallInHand, offer: number, agentId: string, why: AgentRelease): void {
  const { store, now, dispatcher, queueOf, nextForAgent } = call.services
  const callId = call.facts.id
  const queue = queueOf(call.flow.flow, call.state)
  const backToQueue = call.state.phase === 'active'
  const at = now()
  const next = nextForAgent(why, queue, at)
  call.work.inOrder(async () => {
    const released = await untilStored(() =>
      withRow(call, (row) => store.releaseAgent({ agentId, callId, row, offer, next, backToQueue, queue, at })),
    )
    dispatcher.changesAt(released?.nextChangeAt ?? null)
    if (released?.nothingToDo !== true) dispatcher.kick(queue)
  })
}
