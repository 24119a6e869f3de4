/**
 * Takes what the carrier delivers and has it stored; only then does the
 * carrier hear that we have it. While the store is away everything is refused,
 * and the carrier keeps it and comes again.
 *
 * What comes while the store is busy goes in together, receipts and replies
 * apart, so that a thousand receipts of a morning do not wait for replies that
 * make tickets.
 */
import type { Log } from '../ports/log.ts'
import type { Outbox } from '../ports/outbox.ts'
import type { Incoming, Smsc } from '../ports/smsc.ts'
import { StoreUnavailable } from '../ports/store.ts'

/** So many go to the store at once. */
const MOST_AT_ONCE = 200

export type SmsReceiverDeps = {
  outbox: Pick<Outbox, 'takeIncoming'>
  smsc: Pick<Smsc, 'onIncoming'>
  log: Log
  now: () => number
  /** It is stored. */
  onIncoming?: (incoming: Incoming) => void
  /** It was not, and is to come again. */
  onRefused?: (incoming: Incoming) => void
}

type Waiting = { incoming: Incoming; settle: (error: unknown) => void }
type Line = { waiting: Waiting[]; working: Promise<void> | null }

export class SmsReceiver {
  readonly #deps: SmsReceiverDeps
  readonly #lines: Record<Incoming['kind'], Line> = { receipt: { waiting: [], working: null }, reply: { waiting: [], working: null } }
  #closed = false

  constructor(deps: SmsReceiverDeps) {
    this.#deps = deps
    deps.smsc.onIncoming((incoming) => this.#take(incoming))
  }

  /** Takes nothing more; settles when all that was taken is stored or refused. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(Object.values(this.#lines).map(({ working }) => working))
  }

  #take(incoming: Incoming): Promise<void> {
    // Refused, it comes again to whoever is there then.
    if (this.#closed) return Promise.reject(new StoreUnavailable('Pforte is being stopped'))
    return new Promise((resolve, reject) => {
      const line = this.#lines[incoming.kind]
      line.waiting.push({ incoming, settle: (error) => (error === null ? resolve() : reject(error)) })
      line.working ??= this.#work(line)
    })
  }

  async #work(line: Line): Promise<void> {
    // What came in one piece off the wire goes together.
    await null
    while (line.waiting.length > 0) await this.#store(line.waiting.splice(0, MOST_AT_ONCE))
    line.working = null
  }

  async #store(batch: readonly Waiting[]): Promise<void> {
    const error = await this.#tryToStore(batch)
    if (error !== null && !(error instanceof StoreUnavailable) && batch.length > 1) {
      // One that nobody can store shall not keep the others from being stored. Those that were come a second time, which they may.
      for (const one of batch) await this.#store([one])
      return
    }
    for (const { incoming, settle } of batch) {
      if (error === null) this.#deps.onIncoming?.(incoming)
      else this.#refused(incoming, error)
      settle(error)
    }
  }

  async #tryToStore(batch: readonly Waiting[]): Promise<unknown> {
    const { outbox, now } = this.#deps
    const incoming = batch.map((one) => one.incoming)
    return outbox.takeIncoming(incoming, now()).then(
      () => null,
      (error: unknown) => error ?? new Error('nothing was said'),
    )
  }

  #refused(incoming: Incoming, error: unknown): void {
    this.#deps.onRefused?.(incoming)
    if (error instanceof StoreUnavailable) return
    // Its message may quote what somebody wrote.
    const { name, code } = error as { name?: string; code?: string }
    this.#deps.log.error({ kind: incoming.kind, error: name, code }, 'what the carrier delivered could not be stored: a bug in Pforte')
  }
}
