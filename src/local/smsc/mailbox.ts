/** What arrived and was not taken yet, and who waits for what arrives next. */

/** By default nobody waits longer for anything here. */
export const patienceMs = 10_000

/** It did not come in time. */
export class NothingCame extends Error {
  override readonly name = 'NothingCame'
}

export class Mailbox<T> implements AsyncIterable<T> {
  readonly #what: string
  readonly #most: number
  #unread: T[]
  #takers: ((item: T) => void)[] = []

  /**
   * @param what is awaited, for the error: `a message at +49…`
   * @param most that are kept unread; beyond, the oldest are forgotten
   */
  constructor(what: string, { unread = [], most = 10_000 }: { unread?: T[]; most?: number } = {}) {
    this.#what = what
    this.#most = most
    this.#unread = unread
  }

  put(item: T): void {
    const taker = this.#takers.shift()
    if (taker !== undefined) return taker(item)
    this.#unread.push(item)
    if (this.#unread.length > this.#most) this.#unread.shift()
  }

  /** The next one, each once: what has arrived already, or what will. @throws {NothingCame} */
  next(withinMs = patienceMs): Promise<T> {
    if (this.#unread.length > 0) return Promise.resolve(this.#unread.shift() as T)
    return new Promise((resolve, reject) => {
      const taker = (item: T): void => {
        clearTimeout(timer)
        resolve(item)
      }
      const timer = setTimeout(() => {
        this.#takers = this.#takers.filter((other) => other !== taker)
        reject(new NothingCame(`${this.#what} did not come within ${withinMs} ms`))
      }, withinMs)
      this.#takers.push(taker)
    })
  }

  /** Endless; whoever iterates says when it is enough. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, never, undefined> {
    for (;;) yield await this.next(longestTimerMs)
  }
}

/** Longer ones fire at once. */
const longestTimerMs = 2 ** 31 - 1
