/**
 * Keeps things that share a key in order, and lets all others run beside each
 * other. HTTP requests travel on many connections, so two commands for one leg
 * would otherwise overtake each other.
 */
export class InOrder {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Starts `work` when all earlier work under any of the keys has settled. `work` must not reject. */
  run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = keys.map((key) => this.#last.get(key)).filter((one) => one !== undefined)
    const running = before.length === 0 ? work() : Promise.all(before).then(work)
    for (const key of keys) this.#last.set(key, running)
    void running.then(() => {
      for (const key of keys) if (this.#last.get(key) === running) this.#last.delete(key)
    })
    return running
  }
}
