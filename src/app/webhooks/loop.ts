/**
 * Who delivers when. Each webhook is a queue of the job runner's, so that one
 * process at a time delivers for it and a slow receiver keeps nobody else
 * waiting. That there is something to deliver is told by Postgres with the
 * commit that wrote it; what a telling did not reach is found once a minute.
 */
import type { CronJob, JobOrdering, OrderedJob } from '../ports/jobs.ts'
import { StoreUnavailable } from '../ports/store.ts'
import type { DeliveryOutbox } from '../ports/webhooks.ts'
import { untriedGivenUpAfterMs } from '../../domain/webhook/retry.ts'
import { drain, type DrainDeps } from './drain.ts'

/** Tellings of one webhook are gathered this long: a burst is one order. */
const gatherMs = 20

export type WebhookLoopDeps = DrainDeps & { outbox: DeliveryOutbox; orders: JobOrdering }

export class WebhookLoop {
  readonly #deps: WebhookLoopDeps
  /** Webhooks that this process delivers for, and whether something came meanwhile. */
  readonly #underWay = new Map<string, { again: boolean }>()
  readonly #told = new Map<string, NodeJS.Timeout>()

  constructor(deps: WebhookLoopDeps) {
    this.#deps = deps
  }

  readonly job: OrderedJob = { name: 'webhook', run: (payload, signal) => this.#deliver(payload, signal) }

  readonly sweep: CronJob = { name: 'webhooks', pattern: '* * * * *', run: () => this.lookForWork() }

  /** There is something to deliver, or may be. */
  tell(webhookId: string): void {
    const underWay = this.#underWay.get(webhookId)
    if (underWay !== undefined) underWay.again = true
    else if (!this.#told.has(webhookId)) {
      this.#told.set(webhookId, setTimeout(() => this.#order(webhookId), gatherMs).unref())
    }
  }

  /** Finds what nobody told of: it was written while nobody listened, or the one who heard of it died. @throws StoreUnavailable */
  async lookForWork(): Promise<void> {
    const { outbox, now, log } = this.#deps
    const given = await outbox.giveUp(now() - untriedGivenUpAfterMs, now())
    if (given > 0) log.warn({ deliveries: given }, 'what has waited for a day behind receivers that take nothing is given up')
    await outbox.sweepRemoved(now())
    for (const { webhookId, nextAt } of await outbox.waiting()) if (nextAt <= now()) this.tell(webhookId)
  }

  /** For what is told at the start: goes on in the background, and is tried again by the minute if Postgres goes away. */
  lookSoon(): void {
    this.lookForWork().catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) this.#deps.log.error({ err: error }, 'webhooks cannot be looked after: a bug in Pforte')
    })
  }

  #order(webhookId: string): void {
    this.#told.delete(webhookId)
    this.#deps.orders.order(orderFor(webhookId)).catch((error: unknown) => {
      // Found by the minute, then.
      if (!(error instanceof StoreUnavailable)) this.#deps.log.error({ err: error }, 'a delivery cannot be ordered: a bug in Pforte')
    })
  }

  async #deliver(payload: unknown, signal: AbortSignal): Promise<void> {
    const { webhookId } = payload as { webhookId?: unknown }
    if (typeof webhookId !== 'string') throw new TypeError('an order for a webhook names it')
    const mine = { again: false }
    this.#underWay.set(webhookId, mine)
    let nextAt: number | null
    try {
      do {
        mine.again = false
        nextAt = await drain(webhookId, this.#deps, signal)
      } while (mine.again && !signal.aborted)
    } finally {
      this.#underWay.delete(webhookId)
    }
    // Under a key of its own, so that it does not take the place of one for now.
    if (nextAt !== null) await this.#deps.orders.order({ ...orderFor(webhookId), key: `webhook ${webhookId} later`, at: nextAt })
  }
}

function orderFor(webhookId: string) {
  return { name: 'webhook', payload: { webhookId }, queue: `webhook ${webhookId}`, key: `webhook ${webhookId}` }
}
