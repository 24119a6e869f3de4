/**
 * Writes calls down behind their backs. A volatile step (a prompt, music,
 * digits) goes on in memory and is journalled after, so that callers hear
 * music and not silence while Postgres is away.
 *
 * One write is under way at a time; what changes meanwhile is written next,
 * only the newest state of each call. So a burst costs one statement, and an
 * outage costs memory for one row a call, not one a change.
 */
import type { CallRow, CallStore } from '../ports/store.ts'
import { StoreUnavailable } from '../ports/store.ts'
import type { Log } from '../ports/log.ts'

/** How long changes are gathered: far below what a caller notices, long enough that several calls are one write. */
const GATHER_MS = 50
/** The same for what is mended by itself if it is lost: it mostly rides with another write. */
const GATHER_LONG_MS = 500
const RETRY_MS = 250
const BATCH = 500

type Waiter = { call: string; settle: () => void }

export class Journal {
  readonly #store: Pick<CallStore, 'saveCalls'>
  readonly #log: Log
  readonly #dirty = new Map<string, () => CallRow>()
  #inFlight = new Set<string>()
  /** Calls whose newest row somebody else is writing, and how many do. */
  readonly #carried = new Map<string, Set<Promise<unknown>>>()
  #waiters: Waiter[] = []
  #timer: NodeJS.Timeout | null = null
  /** What the timer was set for. */
  #delayMs = 0
  #writing: Promise<void> | null = null
  #closed = false
  #away = false

  constructor(store: Pick<CallStore, 'saveCalls'>, log: Log) {
    this.#store = store
    this.#log = log
  }

  /**
   * The row is made when it is written, so that ten changes cost one row.
   * @param canWait losing it costs nothing that a restart does not find by itself
   */
  mark(call: string, row: () => CallRow, canWait = false): void {
    this.#dirty.set(call, row)
    this.#schedule(canWait ? GATHER_LONG_MS : GATHER_MS)
  }

  /** Settles when nothing of this call is unwritten. */
  written(call: string): Promise<void> {
    if (!this.#isUnwritten(call)) return Promise.resolve()
    return new Promise((settle) => {
      this.#waiters.push({ call, settle })
      this.#schedule(0)
    })
  }

  /**
   * Lets `write` take the newest row along in a transaction of its own. Until that has ended nothing else of this call
   * is written, or an older row could come after a newer one.
   */
  async carry<T>(call: string, row: () => CallRow, write: (row: CallRow) => Promise<T>): Promise<T> {
    const others = this.#carried.get(call) ?? new Set()
    // An older row that is on its way may come after ours: then ours is written once more.
    if (this.#inFlight.has(call) || others.size > 0) this.#dirty.set(call, row)
    else this.#dirty.delete(call)
    const writing = write(row())
    this.#carried.set(call, others.add(writing))
    try {
      return await writing
    } catch (error) {
      if (!this.#dirty.has(call)) this.#dirty.set(call, row)
      throw error
    } finally {
      others.delete(writing)
      if (others.size === 0) this.#carried.delete(call)
      if (this.#dirty.has(call)) this.#schedule(GATHER_MS)
      else this.#settleWaiters()
    }
  }

  get unwritten(): number {
    return this.#dirty.size + this.#inFlight.size
  }

  /** Writes what is left; what Postgres will not take now is found on the PBX at the next start. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    // What is being written has left out what came since.
    await Promise.allSettled([this.#writing, ...[...this.#carried.values()].flatMap((writing) => [...writing])])
    while (this.#isToWrite && !this.#away) await this.#write()
  }

  get #isToWrite(): boolean {
    return this.#dirty.keys().some((call) => !this.#carried.has(call))
  }

  #isUnwritten(call: string): boolean {
    return this.#dirty.has(call) || this.#inFlight.has(call) || this.#carried.has(call)
  }

  #schedule(delayMs: number): void {
    if (this.#writing !== null || this.#closed) return
    if (this.#timer !== null) {
      if (delayMs >= this.#delayMs || this.#away) return
      clearTimeout(this.#timer)
    }
    this.#delayMs = this.#away ? RETRY_MS : delayMs
    this.#timer = setTimeout(() => void this.#write(), this.#delayMs)
  }

  #write(): Promise<void> {
    this.#timer = null
    this.#writing = this.#writeBatch().finally(() => {
      this.#writing = null
      if (this.#isToWrite) this.#schedule(this.#waiters.length > 0 ? 0 : GATHER_MS)
    })
    return this.#writing
  }

  async #writeBatch(): Promise<void> {
    const batch: [string, () => CallRow][] = []
    for (const entry of this.#dirty) {
      if (this.#carried.has(entry[0])) continue
      batch.push(entry)
      if (batch.length === BATCH) break
    }
    if (batch.length === 0) return
    for (const [call] of batch) {
      this.#dirty.delete(call)
      this.#inFlight.add(call)
    }
    try {
      await this.#save(batch)
      if (this.#away) this.#log.info({ calls: batch.length }, 'the store is back; calls are written down again')
      this.#away = false
    } catch (error) {
      for (const [call, row] of batch) if (!this.#dirty.has(call)) this.#dirty.set(call, row)
      if (!this.#away) this.#log.error({ err: error }, 'calls cannot be written down now; they go on in memory')
      this.#away = true
    }
    this.#inFlight = new Set()
    if (!this.#away) this.#settleWaiters()
  }

  /** One call's row that cannot be written is a bug in that call: it must not keep the others from being written. */
  async #save(batch: [string, () => CallRow][]): Promise<void> {
    try {
      await this.#store.saveCalls(batch.map(([, row]) => row()))
      return
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error
    }
    for (const [call, row] of batch) {
      try {
        await this.#store.saveCalls([row()])
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error
        this.#log.error({ err: error, call }, 'the row of this call cannot be written: a bug in Pforte, please report it')
      }
    }
  }

  #settleWaiters(): void {
    const still: Waiter[] = []
    for (const waiter of this.#waiters) {
      if (this.#isUnwritten(waiter.call)) still.push(waiter)
      else waiter.settle()
    }
    this.#waiters = still
  }
}
