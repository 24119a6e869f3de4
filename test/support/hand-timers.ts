/** Timers that run when the story says so. */
import type { Timers } from '../../src/app/live/timers.ts'

type Timer = { ms: number; work: () => void; isOnce: boolean }

export class HandTimers implements Timers {
  readonly #timers = new Set<Timer>()

  readonly after = (ms: number, work: () => void): (() => void) => this.#set({ ms, work, isOnce: true })
  readonly every = (ms: number, work: () => void): (() => void) => this.#set({ ms, work, isOnce: false })

  /** Those that were set for so long run now. Returns how many there were. */
  fire(ms: number): number {
    const due = [...this.#timers].filter((timer) => timer.ms === ms)
    for (const timer of due) {
      if (timer.isOnce) this.#timers.delete(timer)
      timer.work()
    }
    return due.length
  }

  get count(): number {
    return this.#timers.size
  }

  #set(timer: Timer): () => void {
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }
}
