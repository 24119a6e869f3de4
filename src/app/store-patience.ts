/**
 * Waiting for a store that is away. A look-up or a queue entry cannot be
 * decided without Postgres, and must not be given up either: the caller hears
 * music until it is back.
 */
import { StoreUnavailable } from './ports/store.ts'

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 1_000

/**
 * Runs `work` until Postgres takes it. `stillWanted` is asked before every
 * further try: null comes back when the caller has gone meanwhile. Other
 * errors than `StoreUnavailable` are thrown on: they are bugs.
 */
export async function untilStored<T>(work: () => Promise<T>, stillWanted: () => boolean = () => true): Promise<T | null> {
  let waitMs = FIRST_WAIT_MS
  while (stillWanted()) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
    }
    // Does not keep a process alive that has closed everything else: its store will never answer again.
    await new Promise((resolve) => setTimeout(resolve, waitMs).unref())
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
  }
  return null
}
