/**
 * Background work that is kept in Postgres and survives the process: done once
 * whichever process comes to it, again if it fails.
 */

/** Work that comes by the clock. */
export type CronJob = {
  /** Also its name in the database: letters, digits and `_`. */
  name: string
  /** Five fields of cron, in UTC: `* * * * *`. */
  pattern: string
  /** @param at when it was due, epoch milliseconds. What it throws is logged, and it is tried again. */
  run: (at: number, signal: AbortSignal) => Promise<void>
}

/** Work that somebody ordered. */
export type OrderedJob = {
  name: string
  /** @param payload what came with the order, not yet validated */
  run: (payload: unknown, signal: AbortSignal) => Promise<void>
}

/** An order for an `OrderedJob`. */
export type JobOrder = {
  name: string
  /** Kept as JSON until it is done: ids, and nothing that must stay secret. */
  payload: object
  /** Jobs of one queue are done one after the other, whichever process does them. */
  queue?: string
  /** An order that waits under the same key is replaced. */
  key?: string
  /** Not before then, epoch milliseconds; at once where not given. */
  at?: number
}

export interface JobOrdering {
  /** Kept when it settles; within a transaction it comes and goes with it. @throws StoreUnavailable */
  order(order: JobOrder): Promise<void>
}

/** Does background work until it is closed; while Postgres is away it waits. */
export interface JobRunner {
  /** Work under way is told to end and waited for, within seconds. */
  close(): Promise<void>
}
