/** The timers of one call, at most one of a name. */
import type { TimerName } from '../../domain/call/events.ts'

export class CallTimers {
  readonly #timers = new Map<TimerName, NodeJS.Timeout>()
  readonly #now: () => number
  readonly #fired: (visit: number, timer: TimerName, at: number) => void
  #over = false

  constructor(now: () => number, fired: (visit: number, timer: TimerName, at: number) => void) {
    this.#now = now
    this.#fired = fired
  }

  set(visit: number, timer: TimerName, firesAt: number): void {
    if (this.#over) return
    clearTimeout(this.#timers.get(timer))
    const fire = (): void => {
      this.#timers.delete(timer)
      // A timer may run a hair before the clock shows its time; the core is told the time it asked for.
      this.#fired(visit, timer, Math.max(this.#now(), firesAt))
    }
    this.#timers.set(timer, setTimeout(fire, Math.max(0, firesAt - this.#now())))
  }

  clear(timer: TimerName): void {
    clearTimeout(this.#timers.get(timer))
    this.#timers.delete(timer)
  }

  /** For good: work that answers after the end, or after this process has been told to go, starts no timer any more. */
  clearAll(): void {
    this.#over = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }
}
