/**
 * What nobody waits for, done once in a while: long replies whose rest never
 * came are taken as they are, receipts are matched that a process left
 * unmatched when it died or lost Postgres, and old ones go.
 */
import type { Log } from '../ports/log.ts'
import type { Outbox } from '../ports/outbox.ts'
import type { ReceiptStore } from '../ports/receipts.ts'
import { StoreUnavailable } from '../ports/store.ts'

const ROUND_EVERY_MS = 60_000
/** So long before the round before, what is not matched is looked at again: what was being stored then may not have been seen. */
const OVERLAP_MS = 120_000
/** What another process may have left is looked for this often, as far back as this; and what is old enough goes. */
const LONG_ROUND_EVERY_MS = 3_600_000
const LONG_ROUND_REACH_MS = 24 * 3_600_000
/** A carrier tries for some days and tells soon after. What became of a message stands in its parts, which stay. */
const KEEP_RECEIPTS_MS = 14 * 24 * 3_600_000

export type SmsHousekeepingDeps = {
  outbox: Pick<Outbox, 'expirePiles'>
  receipts: ReceiptStore
  log: Log
  now: () => number
}

export class SmsHousekeeping {
  readonly #deps: SmsHousekeepingDeps
  #timer: NodeJS.Timeout | null = null
  #round: Promise<void> | null = null
  readonly #closing = new AbortController()
  /** When the last round that came to its end began; null: none has in this process. */
  #lastAt: number | null = null
  #lastLongAt = -Infinity

  constructor(deps: SmsHousekeepingDeps) {
    this.#deps = deps
  }

  open(): void {
    void this.#next()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#round
  }

  /** One round, now. What fails is done in the next one, and keeps nothing else from being done. */
  async round(): Promise<void> {
    const { outbox, receipts, log, now } = this.#deps
    const at = now()
    const stop = this.#closing.signal
    const isLong = at - this.#lastLongAt >= LONG_ROUND_EVERY_MS
    const lately = this.#lastAt === null ? 0 : this.#lastAt - OVERLAP_MS
    await this.#guarded('taking long replies that are not whole', () => outbox.expirePiles(at, stop))
    const hasMatched = await this.#guarded('matching receipts', async () => {
      const matched = await receipts.matchLeft(isLong ? Math.min(lately, at - LONG_ROUND_REACH_MS) : lately, at, stop)
      if (matched > 0) log.info({ receipts: matched }, 'receipts were matched that had been left unmatched')
    })
    if (hasMatched) this.#lastAt = at
    if (!isLong) return
    const hasPurged = await this.#guarded('deleting old receipts', async () => {
      const { purged, unmatched } = await receipts.purgeReceipts(at - KEEP_RECEIPTS_MS, stop)
      if (unmatched > 0) log.info({ purged, unmatched }, 'old receipts were deleted, some of which no message of ours was ever found for')
    })
    if (hasMatched && hasPurged) this.#lastLongAt = at
  }

  /** @returns whether it was done */
  async #guarded(what: string, work: () => Promise<unknown>): Promise<boolean> {
    if (this.#closing.signal.aborted) return false
    try {
      await work()
      return true
    } catch (error) {
      if (error instanceof StoreUnavailable) return false
      // Its message may quote what somebody wrote.
      const { name, code } = error as { name?: string; code?: string }
      this.#deps.log.error({ error: name, code }, `${what} failed: a bug in Pforte; it is tried again`)
      return false
    }
  }

  async #next(): Promise<void> {
    this.#round = this.round()
    await this.#round
    if (!this.#closing.signal.aborted) this.#timer = setTimeout(() => void this.#next(), ROUND_EVERY_MS)
  }
}
