/**
 * Delivers what is due for one webhook until nothing is: objects side by side,
 * each in order. A receiver that takes nothing is left alone for a while and
 * then asked with one delivery, so that its outage costs nobody much.
 */
import type { Log } from '../ports/log.ts'
import { laneOf, type Delivery, type DeliveryOutbox, type Outcome, type Sent, type Target, type WebhookSender } from '../ports/webhooks.ts'
import { nextTryAt, restMs, sideBySide } from '../../domain/webhook/retry.ts'

/** Objects of one webhook that are told of side by side. */
const mostSideBySide = 8
/** Read at a time. */
const mostRead = 64
const gone = 410

export type DrainDeps = {
  outbox: Pick<DeliveryOutbox, 'target' | 'due' | 'nextAt' | 'record' | 'keepHealth'>
  sender: WebhookSender
  log: Log
  now: () => number
  /** 0 up to 1. */
  random: () => number
  /** Told of each try. */
  onTry?: (result: 'delivered' | 'failed' | 'dead') => void
}

/**
 * @param signal when it is to leave off; what is under way is cut short and tried again later
 * @returns when it is to go on, epoch ms; null: nothing waits
 * @throws StoreUnavailable
 */
export async function drain(webhookId: string, deps: DrainDeps, signal: AbortSignal): Promise<number | null> {
  return new Drain(webhookId, deps, signal).run()
}

class Drain {
  readonly #id: string
  readonly #deps: DrainDeps
  readonly #signal: AbortSignal
  readonly #busy = new Map<string, Promise<void>>()
  #failures = 0
  #restsUntil: number | null = null
  #failed: { error: unknown } | null = null
  /** The last word on the receiver's health: written one after the other, or an older state could come to stand last. */
  #healthKept: Promise<void> = Promise.resolve()

  constructor(id: string, deps: DrainDeps, signal: AbortSignal) {
    this.#id = id
    this.#deps = deps
    this.#signal = signal
  }

  async run(): Promise<number | null> {
    const { outbox, now } = this.#deps
    try {
      while (!this.#signal.aborted) {
        if (this.#failed !== null) throw this.#failed.error
        // While tries are under way we know more of its health than what was read.
        const isIdle = this.#busy.size === 0
        const target = await outbox.target(this.#id, now())
        if (target === null) return null
        if (isIdle) {
          this.#failures = target.failures
          this.#restsUntil = target.restsUntil
        }
        if (this.#isResting()) return this.#restsUntil
        const due = await outbox.due(this.#id, now(), mostRead, [...this.#busy.keys()])
        if (due.length > 0) await this.#begin(target, due)
        else if (this.#busy.size > 0) await Promise.race(this.#busy.values())
        else {
          const nextAt = await outbox.nextAt(this.#id)
          if (nextAt === null || nextAt > now()) return nextAt
        }
      }
      return null
    } finally {
      await Promise.all(this.#busy.values())
    }
  }

  /** Each as soon as there is room; what is not begun is read again. */
  async #begin(target: Target, due: readonly Delivery[]): Promise<void> {
    for (const delivery of due) {
      while (this.#busy.size >= sideBySide(this.#failures, mostSideBySide)) await Promise.race(this.#busy.values())
      if (this.#signal.aborted || this.#isResting() || this.#failed !== null) return
      const lane = laneOf(delivery)
      const trying = this.#try(target, delivery)
        .catch((error: unknown) => {
          this.#failed ??= { error }
        })
        .finally(() => this.#busy.delete(lane))
      this.#busy.set(lane, trying)
    }
  }

  async #try({ url, secrets }: Target, delivery: Delivery): Promise<void> {
    const { outbox, sender, now, onTry } = this.#deps
    const body = JSON.stringify(delivery.payload)
    const sent = await sender.send({ url, id: delivery.id, at: now(), body, secrets }, this.#signal)
    // Cut short by us: that is no failure of theirs.
    if (this.#signal.aborted && sent.is === 'failed') return
    const at = now()
    const outcome = this.#outcomeOf(sent, delivery, at)
    await outbox.record(this.#id, delivery, outcome, at)
    onTry?.(outcome.is === 'delivered' ? 'delivered' : outcome.is === 'failed' && outcome.nextAt !== null ? 'failed' : 'dead')
    await this.#noteHealth(outcome, at)
  }

  #outcomeOf(sent: Sent, { attempts, since }: Delivery, at: number): Outcome {
    if (sent.is === 'answered' && sent.status >= 200 && sent.status < 300) return { is: 'delivered', status: sent.status }
    if (sent.is === 'answered' && sent.status === gone) return { is: 'gone' }
    const retryAfterMs = sent.is === 'answered' ? sent.retryAfterMs : null
    const nextAt = nextTryAt({ attempts: attempts + 1, since, at, retryAfterMs, random: this.#deps.random() })
    if (sent.is === 'failed') return { is: 'failed', status: null, error: sent.error, nextAt }
    return { is: 'failed', status: sent.status, error: wordsFor(sent.status), nextAt }
  }

  /** Written down only as it changes: most receivers always do well. */
  async #noteHealth(outcome: Outcome, at: number): Promise<void> {
    const { outbox, log } = this.#deps
    if (outcome.is === 'gone') {
      log.warn({ webhook: this.#id }, 'the receiver of this webhook is gone (410): it is switched off')
      return
    }
    if (outcome.is === 'delivered') {
      if (this.#failures === 0) return
      this.#failures = 0
      this.#restsUntil = null
    } else {
      this.#failures += 1
      const ms = restMs(this.#failures)
      this.#restsUntil = ms === null ? null : at + ms
      if (ms !== null && restMs(this.#failures - 1) === null) {
        log.warn(
          { webhook: this.#id, failures: this.#failures },
          'the receiver of this webhook takes nothing; it is left alone for a while',
        )
      }
    }
    const [failures, restsUntil] = [this.#failures, this.#restsUntil]
    this.#healthKept = this.#healthKept.then(() => outbox.keepHealth(this.#id, failures, restsUntil))
    await this.#healthKept
  }

  #isResting(): boolean {
    return this.#restsUntil !== null && this.#restsUntil > this.#deps.now()
  }
}

function wordsFor(status: number): string {
  if (status >= 300 && status < 400) return `it answered ${status}, and redirects are not followed`
  return `it answered ${status}`
}
