/**
 * All calls under way: takes what the PBX tells, finds whose it is, and gives
 * it to that call. A new caller becomes a call here; a finished one is put
 * away here.
 */
import { newCall } from '../../domain/call/advance.ts'
import type { AgentRelease, CallOutcome } from '../../domain/call/commands.ts'
import type { CallEvent } from '../../domain/call/events.ts'
import type { Flow, QueueName } from '../../domain/call/flow.ts'
import type { CallState } from '../../domain/call/state.ts'
import { typedForLookUp } from '../../domain/call/steps/collect-pin.ts'
import type { Announcements } from '../announcements.ts'
import type { Dispatcher } from '../dispatcher.ts'
import type { AgentReleaseRequest, CallStore, Offer, PinAnswer } from '../ports/store.ts'
import type { Log } from '../ports/log.ts'
import type { Telephony, TelephonyEvent } from '../ports/telephony.ts'
import type { CallFacts } from './call-in-hand.ts'
import { CallRunner } from './call-runner.ts'
import { lineDialled, type ActiveFlow, type CallDefinitions } from './definitions.ts'
import { callOf, legNameOf, playbackVisit, recordingParts } from './ids.ts'
import { Journal } from './journal.ts'
import type { CallServices } from './services.ts'

export type CallObserver = {
  started(call: CallRunner): void
  pinChecked(call: CallRunner, answer: PinAnswer): void
  ended(call: CallRunner, outcome: CallOutcome): void
}

export type CallsDeps = {
  asterisk: string
  telephony: Telephony
  store: CallStore
  log: Log
  now: () => number
  newId: () => string
  definitions: () => CallDefinitions
  announcements: Announcements
  observer: CallObserver
}

/** How long an agent whose phone did not answer, or could not be reached, is passed over before being rung again. */
const REST_MS = { rejected: 10_000, busy: 10_000, no_answer: 5_000, unreachable: 5_000 } as const

export class Calls {
  readonly journal: Journal
  readonly #deps: CallsDeps
  readonly #byId = new Map<string, CallRunner>()
  readonly #byLeg = new Map<string, CallRunner>()
  /** Callers' legs of calls that have ended, until the PBX says that they are gone. */
  readonly #leaving = new Set<string>()
  #services: ((call: CallRunner) => CallServices) | null = null

  constructor(deps: CallsDeps) {
    this.#deps = deps
    this.journal = new Journal(deps.store, deps.log)
  }

  /** Dispatcher and keeper need the calls, and the calls need them: joined once, before the first event. */
  wire(dispatcher: Dispatcher, voicemails: CallServices['voicemails']): void {
    const { asterisk, telephony, store, log, now, announcements, observer, definitions } = this.#deps
    const shared = {
      asterisk,
      telephony,
      store,
      journal: this.journal,
      log,
      now,
      announcements,
      voicemails,
      dispatcher,
      trunkEndpoint: (name: string) => definitions().trunks.get(name) ?? name,
      callerGone: (language: string) => {
        const { callerGone } = definitions()
        return callerGone[language] ?? Object.values(callerGone)[0] ?? null
      },
      typedFor: typedForLookUp,
      queueOf,
      nextForAgent: (why: AgentRelease, queue: QueueName | null, at: number) => this.#nextForAgent(why, queue, at),
    }
    this.#services = (call) => ({
      ...shared,
      onPinChecked: (answer) => {
        if (answer.alarm !== null) log.error({ line: call.facts.line, trunk: call.facts.trunk }, `ALARM: ${answer.alarm}`)
        observer.pinChecked(call, answer)
      },
      onEnded: (outcome) => {
        this.#leaving.add(call.facts.leg)
        log.info({ call: call.facts.id, line: call.facts.line, outcome, lastedMs: now() - call.facts.startedAt }, 'a call has ended')
        observer.ended(call, outcome)
      },
      onSettled: () => this.#putAway(call),
    })
  }

  get underWay(): CallRunner[] {
    return [...this.#byId.values()]
  }

  get(id: string): CallRunner | undefined {
    return this.#byId.get(id)
  }

  byLeg(leg: string): CallRunner | undefined {
    return this.#byLeg.get(leg)
  }

  /** Of the legs that are there, those whose call has ended: the hang-up never reached the PBX. Forgets all that are not. */
  leavingAmong(present: string[]): string[] {
    const still = present.filter((leg) => this.#leaving.has(leg))
    this.#leaving.clear()
    for (const leg of still) this.#leaving.add(leg)
    return still
  }

  giveOffer = (offer: Offer): boolean => {
    const call = this.#byId.get(offer.callId)
    if (call === undefined) return false
    call.offered(offer)
    return true
  }

  /** Routes what the PBX told. Answers false for what belongs to no call of ours. */
  handle(event: TelephonyEvent): boolean {
    switch (event.type) {
      case 'callerArrived':
        this.arrived(event)
        return true
      case 'digit':
        return this.#give(this.#byLeg.get(event.leg), { type: 'digitReceived', at: event.at, digit: event.digit })
      case 'legAnswered':
        return this.#legAnswered(event.leg, event.at)
      case 'legEnded':
        return this.#legEnded(event)
      case 'playbackFinished': {
        const call = this.#byId.get(callOf(event.playback) ?? '')
        if (call?.goodbyeHeard(event.playback) === true) return true
        const visit = playbackVisit(event.playback)
        if (visit === null) return false
        return this.#give(call, { type: 'playbackFinished', at: event.at, visit, role: 'prompt', ok: event.ok })
      }
      case 'recordingFinished': {
        const { at, durationMs, talkingMs } = event
        const parts = recordingParts(event.recording)
        if (parts === null) return false
        return this.#give(this.#byId.get(parts.call), { type: 'recordingFinished', at, visit: parts.visit, durationMs, talkingMs })
      }
      case 'recordingFailed': {
        const parts = recordingParts(event.recording)
        if (parts === null) return false
        return this.#give(this.#byId.get(parts.call), { type: 'recordingFailed', at: event.at, visit: parts.visit })
      }
    }
  }

  /** A caller's leg is ours. One that is known already (found again after a reconnect) changes nothing. */
  arrived(caller: { leg: string; dialled: string; caller: string | null; trunk: string | null; at: number }): void {
    if (this.#byLeg.has(caller.leg)) return
    const definitions = this.#deps.definitions()
    const line = lineDialled(definitions, caller.dialled)
    const flow = line === null ? undefined : definitions.flows.get(line.flow)
    if (line === null || flow === undefined) {
      this.#deps.log.warn(
        { dialled: caller.dialled.slice(0, 40), trunk: caller.trunk },
        'nobody answers this number: no line in pforte.yaml has it',
      )
      this.#deps.telephony.tell({ do: 'hangUp', leg: caller.leg, why: 'unknown_number' })
      return
    }
    const facts: CallFacts = {
      id: this.#deps.newId(),
      leg: caller.leg,
      line: line.name,
      dialled: caller.dialled,
      caller: caller.caller,
      trunk: caller.trunk,
      startedAt: caller.at,
    }
    const call = this.adopt(facts, flow, newCall(line.language))
    this.#deps.observer.started(call)
    call.take({ type: 'callArrived', at: caller.at })
  }

  /** Takes a call in, new or found again after a restart. */
  adopt(facts: CallFacts, flow: ActiveFlow, state: CallState): CallRunner {
    if (this.#services === null) throw new Error('wire() comes before the first call')
    const call = new CallRunner(facts, flow, state, this.#services)
    this.#byId.set(facts.id, call)
    this.#byLeg.set(facts.leg, call)
    return call
  }

  close(): void {
    for (const call of this.#byId.values()) call.stopTimers()
  }

  #give(call: CallRunner | undefined, event: CallEvent): boolean {
    if (call === undefined) return false
    call.take(event)
    return true
  }

  #legAnswered(leg: string, at: number): boolean {
    const call = this.#byId.get(callOf(leg) ?? '')
    const name = legNameOf(leg)
    if (call === undefined || name === null) {
      // Nobody waits for this phone any more.
      this.#deps.telephony.tell({ do: 'hangUp', leg })
      return false
    }
    return this.#give(call, { type: 'legAnswered', at, leg: name })
  }

  #legEnded(event: Extract<TelephonyEvent, { type: 'legEnded' }>): boolean {
    const own = this.#byLeg.get(event.leg)
    if (own !== undefined) this.#give(own, { type: 'callerHungUp', at: event.at })
    if (this.#leaving.delete(event.leg) || own !== undefined) return true
    const call = this.#byId.get(callOf(event.leg) ?? '')
    const name = legNameOf(event.leg)
    if (call === undefined || name === null) return false
    call.legGone(event.leg)
    return this.#give(call, { type: 'legEnded', at: event.at, leg: name, why: event.cause })
  }

  #putAway(call: CallRunner): void {
    if (!call.isOver || this.#byId.get(call.facts.id) !== call) return
    call.stopTimers()
    this.#byId.delete(call.facts.id)
    this.#byLeg.delete(call.facts.leg)
  }

  #nextForAgent(why: AgentRelease, queue: QueueName | null, at: number): AgentReleaseRequest['next'] {
    if (why === 'caller_gone') return { state: 'available' }
    if (why === 'conversation_ended') {
      const wrapUpMs = queue === null ? 0 : (this.#deps.definitions().queues.get(queue)?.wrapUpMs ?? 0)
      return wrapUpMs === 0 ? { state: 'available' } : { state: 'wrap_up', untilAt: at + wrapUpMs }
    }
    return { state: 'resting', untilAt: at + REST_MS[why] }
  }
}

/** The queue a call stands in or came from. */
function queueOf(flow: Flow, state: CallState): QueueName | null {
  const step = state.step === null ? undefined : flow.steps[state.step]
  if (step?.kind !== 'queue') return state.admission?.queue ?? null
  return step.queue === 'contract' ? (state.admission?.queue ?? null) : step.queue
}
