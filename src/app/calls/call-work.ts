/** Work of one call that answers later: what must happen in order does, and what is open is counted. */
export class CallWork {
  #open = 0
  #last: Promise<void> = Promise.resolve()
  readonly #failed: (error: unknown) => void
  readonly #settled: () => void

  /** `failed` hears of bugs; `settled` after every piece of work. */
  constructor(failed: (error: unknown) => void, settled: () => void) {
    this.#failed = failed
    this.#settled = settled
  }

  get isOpen(): boolean {
    return this.#open > 0
  }

  /** Begins at once. */
  begin(work: () => Promise<void>): void {
    this.#open++
    work()
      .catch(this.#failed)
      .finally(() => {
        this.#open--
        this.#settled()
      })
  }

  /**
   * Begins when what was asked before is done: rows of one call are written in
   * the order of its events. A bug in one piece does not keep back the next,
   * which may be what lets an agent go.
   */
  inOrder(work: () => Promise<void>): void {
    const before = this.#last
    this.begin(() => {
      const mine = before.then(work)
      this.#last = mine.catch(() => {})
      return mine
    })
  }
}
