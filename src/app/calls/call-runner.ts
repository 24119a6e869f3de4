/**
 * One call under way: feeds what happens into the pure core and does what it
 * answers, in order.
 *
 * Run loop: one event, one `advance`, all its commands, then the next event.
 * Work that answers later (a look-up, a queue entry) comes back as an event
 * naming the visit that asked; the core ignores it if the call has moved on.
 * Durable work of one call happens in the order it was asked (`CallWork`).
 */
import { advance } from '../../domain/call/advance.ts'
import type { CallCommand } from '../../domain/call/commands.ts'
import type { CallEvent } from '../../domain/call/events.ts'
import type { Flow } from '../../domain/call/flow.ts'
import { stateForRow, type CallState } from '../../domain/call/state.ts'
import type { CallRow, Offer } from '../ports/store.ts'
import type { CallFacts, CallInHand } from './call-in-hand.ts'
import { CallTimers } from './call-timers.ts'
import { CallWork } from './call-work.ts'
import type { ActiveFlow } from './definitions.ts'
import { doCommand } from './do-command.ts'
import { Goodbyes } from './goodbyes.ts'
import { agentLeg, offerOf, outgoingLeg } from './ids.ts'
import { leaveQueue, release } from './queue-actions.ts'
import type { CallServices } from './services.ts'

export class CallRunner implements CallInHand {
  readonly facts: CallFacts
  readonly flow: ActiveFlow
  readonly services: CallServices
  readonly work: CallWork
  known: CallInHand['known'] = { customerName: null, service: null }
  readonly #timers: CallTimers
  readonly #goodbyes: Goodbyes
  #state: CallState
  #mailbox: CallEvent[] = []
  #draining = false

  constructor(facts: CallFacts, flow: ActiveFlow, state: CallState, services: (call: CallRunner) => CallServices) {
    this.facts = facts
    this.flow = flow
    this.#state = state
    this.services = services(this)
    this.work = new CallWork(
      (error) => this.#fail(error),
      () => this.services.onSettled(),
    )
    this.#timers = new CallTimers(this.services.now, (visit, timer, at) => this.take({ type: 'timerFired', at, visit, timer }))
    this.#goodbyes = new Goodbyes(this)
  }

  get state(): CallState {
    return this.#state
  }

  /** Nothing more will come of this call, and nothing of it is unfinished. */
  get isOver(): boolean {
    return this.#state.phase === 'ended' && !this.work.isOpen && this.#goodbyes.areOver
  }

  /** Takes what happened. A bug while handling it ends this call and no other. */
  take(event: CallEvent): void {
    this.#mailbox.push(event)
    if (this.#draining) return
    this.#draining = true
    try {
      for (let next = this.#mailbox.shift(); next !== undefined; next = this.#mailbox.shift()) {
        const { state, commands } = advance(this.flow.flow, this.#state, next)
        this.#become(state, commands)
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#draining = false
    }
    this.services.onSettled()
  }

  /** Puts the call where `how` (domain/call/resume) says it stands, after a restart or a lost connection. */
  resume(how: (flow: Flow, state: CallState) => { state: CallState; commands: CallCommand[] }): void {
    try {
      const { state, commands } = how(this.flow.flow, this.#state)
      this.#become(state, commands, true)
    } catch (error) {
      this.#fail(error)
    }
    this.services.onSettled()
  }

  /** Dispatch found an agent for this call. */
  offered(offer: Offer): void {
    this.take({
      type: 'agentOffered',
      at: this.services.now(),
      visit: this.#state.visit,
      offer: offer.offer,
      agentId: offer.agentId,
      endpoint: offer.endpoint,
    })
  }

  /** Answers whether this playback was the word to an agent that the caller has gone. */
  goodbyeHeard(playback: string): boolean {
    return this.#goodbyes.heard(playback)
  }

  legGone(leg: string): void {
    this.#goodbyes.legGone(leg)
  }

  /** What was told while the connection was away is lost: nobody is waited for any more. */
  forgetGoodbyes(): void {
    this.#goodbyes.forget()
  }

  row(): CallRow {
    const state = this.#state
    return {
      ...this.facts,
      asterisk: this.services.asterisk,
      language: state.language,
      flowHash: this.flow.hash,
      state: stateForRow(state),
      customerId: state.admission?.customerId ?? null,
      contractId: state.admission?.contractId ?? null,
      agentId: state.agentId,
      queuedAt: state.queuedSince,
      answeredAt: state.answeredAt,
      connectedAt: state.connectedAt,
      endedAt: state.endedAt,
      outcome: state.outcome,
      path: state.path,
      rings: state.doing.what === 'ringing' ? { agentId: state.doing.agentId, offer: state.doing.offer, at: this.services.now() } : null,
    }
  }

  stopTimers(): void {
    this.#timers.clearAll()
  }

  #become(state: CallState, commands: CallCommand[], always = false): void {
    const before = this.#state
    this.#state = state
    for (const command of commands) doCommand(this, command, this.#timers, this.#goodbyes)
    if (always || worthWriting(before, state))
      this.services.journal.mark(this.facts.id, () => this.row(), !always && canWait(before, state))
  }

  #fail(error: unknown): void {
    this.services.log.error({ err: error, call: this.facts.id, step: this.#state.step }, 'a bug ended this call; the others go on')
    this.#mailbox = []
    this.stopTimers()
    if (this.#state.phase === 'ended') return
    const { doing } = this.#state
    const { telephony, now } = this.services
    const { id, leg } = this.facts
    const at = now()
    this.#state = { ...this.#state, phase: 'ended', endedAt: at, outcome: 'failed', doing: { what: 'nothing' } }
    if (doing.what === 'ringing') {
      telephony.tell({ do: 'hangUp', leg: outgoingLeg(id, agentLeg(doing.offer)) })
      release(this, doing.offer, doing.agentId, 'caller_gone')
    }
    if (doing.what === 'talking') {
      telephony.tell({ do: 'hangUp', leg: outgoingLeg(id, doing.leg) })
      const offer = offerOf(doing.leg)
      if (offer !== null && doing.agentId !== null) release(this, offer, doing.agentId, 'conversation_ended')
    }
    leaveQueue(this)
    telephony.tell({ do: 'hangUp', leg })
    this.services.journal.mark(this.facts.id, () => this.row())
    this.services.onEnded('failed')
  }
}

/** Digits come and go without a write; where the call stands does not. */
function worthWriting(before: CallState, after: CallState): boolean {
  return (
    before.visit !== after.visit ||
    before.phase !== after.phase ||
    before.doing.what !== after.doing.what ||
    before.timers.pause !== after.timers.pause ||
    before.path !== after.path ||
    before.agentId !== after.agentId ||
    before.admission !== after.admission
  )
}

/**
 * A caller who has just arrived has nothing to lose: without a row they are greeted again. That a phone rings is for
 * those who watch: the reservation stands already, and mostly somebody picks up and takes the row along.
 */
function canWait(before: CallState, after: CallState): boolean {
  return before.phase === 'new' || (after.doing.what === 'ringing' && before.doing.what !== 'ringing')
}
