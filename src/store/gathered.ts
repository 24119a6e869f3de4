/**
 * Work that comes in one by one and is done many at a time: what comes while a
 * batch is under way makes up the next one. So whoever comes alone is served at
 * once, and the more there are, the more share a commit.
 */
import { StoreUnavailable } from '../app/ports/store.ts'

/** Of one item: somebody else was faster with the same key; it is looked at once more, with what they wrote. */
export const again = Symbol('again')

export type Work<Item, Answer> = {
  /** Answers each item, in their order, in one transaction. An item that throws something fails all. */
  run(items: readonly Item[]): Promise<(Answer | typeof again)[]>
  /** Two with the same key never share a batch, so that the second sees what became of the first. Null: it has none. */
  keyOf(item: Item): string | null
  /** So many in a batch. */
  most: number
}

type Waiting<Item, Answer> = { item: Item; resolve: (answer: Answer) => void; reject: (error: unknown) => void }

export class Gathered<Item, Answer> {
  readonly #work: Work<Item, Answer>
  #waiting: Waiting<Item, Answer>[] = []
  #isUnderWay = false

  constructor(work: Work<Item, Answer>) {
    this.#work = work
  }

  /** Settles once the item's batch is committed. Rejects with what the item alone ran into. */
  do(item: Item): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#waiting.push({ item, resolve, reject })
    if (!this.#isUnderWay) void this.#workOff()
    return promise
  }

  async #workOff(): Promise<void> {
    this.#isUnderWay = true
    while (this.#waiting.length > 0) await this.#run(this.#take())
    this.#isUnderWay = false
  }

  /** The next batch; the others keep their places. */
  #take(): Waiting<Item, Answer>[] {
    const keys = new Set<string>()
    const batch: Waiting<Item, Answer>[] = []
    const later: Waiting<Item, Answer>[] = []
    for (const waiting of this.#waiting) {
      const key = this.#work.keyOf(waiting.item)
      if (batch.length === this.#work.most || (key !== null && keys.has(key))) later.push(waiting)
      else batch.push(waiting)
      if (key !== null) keys.add(key)
    }
    this.#waiting = later
    return batch
  }

  async #run(batch: Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.#work.run(batch.map(({ item }) => item))
      const anew: Waiting<Item, Answer>[] = []
      for (const [place, waiting] of batch.entries()) {
        const answer = answers[place]!
        if (answer === again) anew.push(waiting)
        else waiting.resolve(answer as Answer)
      }
      this.#waiting.unshift(...anew)
    } catch (error) {
      // A Postgres that is away is away for all of them. Anything else is one item's doing, which the others must not suffer for.
      if (batch.length === 1 || error instanceof StoreUnavailable) for (const { reject } of batch) reject(error)
      else for (const waiting of batch) await this.#run([waiting])
    }
  }
}
