/**
 * Ordering background work. An order is a row: within a transaction it comes
 * and goes with it, and whoever runs jobs (runner.ts) does it, in this process
 * or another.
 */
import type { JobOrder, JobOrdering } from '../../app/ports/jobs.ts'
import type { Connections, Statement } from '../connections.ts'

export const jobsSchema = 'graphile_worker'

const order: Statement = {
  name: 'order a job',
  text: `SELECT id FROM ${jobsSchema}.add_job(identifier => $1, payload => $2::json, queue_name => $3, job_key => $4, run_at => $5::timestamptz)`,
}

/** setTimeout takes no more; whoever looks every now and then finds what is later than that. */
const longestTimerMs = 24 * 60 * 60_000

export class JobOrders implements JobOrdering {
  readonly #connections: Connections
  readonly #listeners = new Set<() => void>()
  readonly #timers = new Map<string, NodeJS.Timeout>()

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** @throws StoreUnavailable */
  async order({ name, payload, queue, key, at }: JobOrder): Promise<void> {
    await this.#connections.run(order, [name, JSON.stringify(payload), queue ?? null, key ?? null, at === undefined ? null : new Date(at)])
    if (at !== undefined) this.#wakeAt(key ?? name, at)
  }

  /** Called when something that was ordered here for later is due; until the answer is called. */
  onDue(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      for (const timer of this.#timers.values()) clearTimeout(timer)
      this.#timers.clear()
    }
  }

  #wakeAt(key: string, at: number): void {
    clearTimeout(this.#timers.get(key))
    if (this.#listeners.size === 0) return
    const inMs = Math.min(longestTimerMs, Math.max(0, at - Date.now()))
    const timer = setTimeout(() => {
      this.#timers.delete(key)
      for (const listener of this.#listeners) listener()
    }, inMs)
    this.#timers.set(key, timer.unref())
  }
}
