/**
 * Brings free agents and waiting callers together, the moment either changes.
 * Postgres decides (`store.dispatch`); this only sees to it that it is asked
 * at the right times and that each offer reaches its call.
 *
 * There is no polling: it runs when a caller enters, when an agent becomes
 * free, and at the one time the store names as the next change (an agent's
 * wrap-up or rest ends).
 */
import type { QueueName } from '../domain/call/flow.ts'
import type { CallStore, Offer } from './ports/store.ts'
import type { Log } from './ports/log.ts'
import { untilStored } from './store-patience.ts'

/** A timer cannot be longer than this (setTimeout's limit is 2^31 - 1 ms). */
const LONGEST_TIMER_MS = 2_000_000_000

export class Dispatcher {
  readonly #store: CallStore
  readonly #log: Log
  readonly #now: () => number
  readonly #giveTo: (offer: Offer) => boolean
  /** Queues to ask for; null stands for all. */
  #wanted = new Set<QueueName | null>()
  #running = false
  #closed = false
  #timer: NodeJS.Timeout | null = null
  #timerAt = Infinity

  /** `giveTo` hands an offer to its call, or answers false if there is no such call. */
  constructor(store: CallStore, log: Log, now: () => number, giveTo: (offer: Offer) => boolean) {
    this.#store = store
    this.#log = log
    this.#now = now
    this.#giveTo = giveTo
  }

  /** Something changed for this queue's group; null: for all. */
  kick(queue: QueueName | null): void {
    if (this.#closed) return
    this.#wanted.add(queue)
    if (!this.#running) void this.#run()
  }

  deliver(offers: Offer[]): void {
    for (const offer of offers) {
      if (this.#giveTo(offer)) continue
      // The call ended between the commit and now: nobody may stay reserved for it.
      this.#log.info({ call: offer.callId, agent: offer.agentId }, 'an offer came too late for its call; the agent is free again')
      const at = this.#now()
      untilStored(() => this.#store.releaseAgent({ ...offer, next: { state: 'available' }, backToQueue: false, queue: null, at }))
        .then(() => this.kick(null))
        .catch((error: unknown) => this.#log.error({ err: error, agent: offer.agentId }, 'this agent could not be let go: a bug in Pforte'))
    }
  }

  /** An agent will be free by themselves then; null: nobody will. */
  changesAt(at: number | null): void {
    if (at === null || this.#closed || (at >= this.#timerAt && this.#timer !== null)) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        this.#timerAt = Infinity
        this.kick(null)
      },
      Math.min(Math.max(0, at - this.#now()) + 1, LONGEST_TIMER_MS),
    )
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      while (this.#wanted.size > 0 && !this.#closed) {
        const queues = this.#wanted.has(null) ? [null] : [...this.#wanted]
        this.#wanted.clear()
        for (const queue of queues) {
          const found = await untilStored(
            () => this.#store.dispatch(queue, this.#now()),
            () => !this.#closed,
          )
          if (found === null) return
          this.deliver(found.offers)
          this.changesAt(found.nextChangeAt)
        }
      }
    } catch (error) {
      this.#log.error({ err: error }, 'dispatch failed: a bug in Pforte; it is tried again at the next change')
    } finally {
      this.#running = false
    }
  }
}
