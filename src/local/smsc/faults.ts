/**
 * What goes wrong at the carrier, on demand. Each fault is plain data, so that
 * it can be written in a test, sent over HTTP or to another process.
 */
import { statuses, type MessageStateName, type StatusName } from '../../wire/smpp/constants.ts'
import type { MalformedKind } from './malformed.ts'

/** Which submit_sm it meets: those to one number (`+49…`), or all; so many of them, or all until the faults are cleared. */
type Which = { to?: string; next?: number }

/** `fin` ends the connection orderly, `rst` without a word. */
export type Hangup = 'fin' | 'rst'

export type Fault =
  /** Refused, with a status by its name or, a carrier's own, by its number. */
  | ({ kind: 'reject'; status: StatusName | number } & Which)
  /** ESME_RTHROTTLED: for each, or only for what exceeds the rate. */
  | ({ kind: 'throttle'; perSecond?: number } & Which)
  /** ESME_RMSGQFUL. */
  | ({ kind: 'queue_full' } & Which)
  /** Not taken, not answered. */
  | ({ kind: 'drop' } & Which)
  /** Taken and delivered, with its receipt; but the response is lost. */
  | ({ kind: 'lose_response' } & Which)
  | ({ kind: 'delay'; what: 'response' | 'receipt'; ms: number } & Which)
  /**
   * What receipts say, one after another, in place of DELIVERED; none if `states` is empty. `early`: they come before
   * the submit_sm_resp, which waits until they are acknowledged. `times`: each so often.
   */
  | ({ kind: 'receipts'; states?: readonly MessageStateName[]; error?: string; early?: boolean; times?: number } & Which)
  /** Octets that are no sound PDU, in place of the submit_sm_resp, or to every bind at once. */
  | ({ kind: 'malform'; how: MalformedKind; when: 'now' | 'response' } & Which)
  /** At once; when a submit_sm has come, before anything is done with it; or within its response, after so many octets of it. */
  | ({ kind: 'disconnect'; how: Hangup; when: 'now' | 'request' | { afterOctets: number } } & Which)
  /** `reads`: takes nothing off the socket any more. `answers`: reads on, but says nothing, whatever comes. */
  | { kind: 'mute'; what: 'reads' | 'answers' }
  /** Asks every bind to unbind. */
  | { kind: 'unbind' }
  /** Binds are refused though user and password are right. */
  | { kind: 'refuse_bind'; status: StatusName; next?: number }

/** What becomes of one submit_sm. */
export type Plan = {
  /** Other than ESME_ROK: it is not taken. */
  status: number
  isDropped: boolean
  isAnswered: boolean
  responseDelayMs: number
  malformed: MalformedKind | null
  hangup: { how: Hangup; when: 'request' | { afterOctets: number } } | null
  receipts: { states: readonly MessageStateName[]; error: string; isEarly: boolean; times: number; delayMs: number }
}

export type PlanDefaults = { responseDelayMs: number; receiptDelayMs: number }

/** At a time; beyond, the oldest is forgotten. */
const mostFaults = 1_000

type Lasting = { fault: Fault; left: number; taken: number; since: number }

/** The faults that are on, in the order in which they were asked for. */
export class Faults {
  readonly #usual: Plan
  readonly #now: () => number
  #lasting: Lasting[] = []

  constructor({ responseDelayMs, receiptDelayMs }: PlanDefaults, now: () => number) {
    this.#now = now
    this.#usual = {
      status: statuses.ESME_ROK,
      isDropped: false,
      isAnswered: true,
      responseDelayMs,
      malformed: null,
      hangup: null,
      receipts: { states: ['DELIVERED'], error: '000', isEarly: false, times: 1, delayMs: receiptDelayMs },
    }
  }

  add(fault: Fault): void {
    const left = 'next' in fault ? (fault.next ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
    this.#lasting.push({ fault, left, taken: 0, since: this.#now() })
    if (this.#lasting.length > mostFaults) this.#lasting.shift()
  }

  clear(): void {
    this.#lasting = []
  }

  get isMuteToReads(): boolean {
    return this.#lasting.some(({ fault }) => fault.kind === 'mute' && fault.what === 'reads')
  }

  get isMuteToAnswers(): boolean {
    return this.#lasting.some(({ fault }) => fault.kind === 'mute' && fault.what === 'answers')
  }

  /** With which status a bind is refused that would be granted otherwise. */
  bindRefusal(): number | null {
    for (const lasting of this.#lasting) {
      if (lasting.fault.kind !== 'refuse_bind') continue
      this.#spend(lasting)
      return statuses[lasting.fault.status]
    }
    return null
  }

  /** @param to the number that a submit_sm is for */
  plan(to: string): Plan {
    if (this.#lasting.length === 0) return this.#usual
    const plan: Plan = { ...this.#usual, receipts: { ...this.#usual.receipts } }
    // A copy, since those that are spent leave the list.
    for (const lasting of [...this.#lasting]) {
      const { fault } = lasting
      if ('to' in fault && fault.to !== undefined && fault.to !== to) continue
      // Whoever is refused already does not use up what would have refused the next one.
      if (plan.status !== statuses.ESME_ROK || plan.isDropped) continue
      if (this.#apply(lasting, plan)) this.#spend(lasting)
    }
    return plan
  }

  /** @returns whether it did anything to this one */
  #apply(lasting: Lasting, plan: Plan): boolean {
    const { fault } = lasting
    switch (fault.kind) {
      case 'reject':
        plan.status = typeof fault.status === 'number' ? fault.status : statuses[fault.status]
        return true
      case 'throttle':
        if (fault.perSecond !== undefined && this.#isWithin(lasting, fault.perSecond)) return false
        plan.status = statuses.ESME_RTHROTTLED
        return true
      case 'queue_full':
        plan.status = statuses.ESME_RMSGQFUL
        return true
      case 'drop':
        plan.isDropped = true
        return true
      case 'lose_response':
        plan.isAnswered = false
        return true
      case 'delay':
        if (fault.what === 'response') plan.responseDelayMs = fault.ms
        else plan.receipts.delayMs = fault.ms
        return true
      case 'receipts': {
        const { states = plan.receipts.states, error = plan.receipts.error, early = false, times = 1 } = fault
        Object.assign(plan.receipts, { states, error, isEarly: early, times })
        return true
      }
      case 'malform':
        plan.malformed = fault.how
        return true
      case 'disconnect':
        if (fault.when === 'now') return false
        plan.hangup = { how: fault.how, when: fault.when }
        return true
      case 'mute':
      case 'unbind':
      case 'refuse_bind':
        return false
    }
  }

  /** A bucket that holds one second's worth. */
  #isWithin(lasting: Lasting, perSecond: number): boolean {
    const now = this.#now()
    const leaked = ((now - lasting.since) / 1000) * perSecond
    lasting.taken = Math.max(0, lasting.taken - leaked)
    lasting.since = now
    if (lasting.taken + 1 > perSecond) return false
    lasting.taken++
    return true
  }

  #spend(lasting: Lasting): void {
    if (--lasting.left <= 0) this.#lasting = this.#lasting.filter((other) => other !== lasting)
  }
}
