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
