/**
 * The last events, so that whoever was away for a moment misses none. Bounded
 * in number, age and size.
 *
 * Events are numbered without a gap within a stream. A stream ends where
 * something may have been missed (a start of the process, nobody there to read
 * what was changed); an id of another stream resumes nothing.
 */
import type { LiveEvent, LiveType } from './events.ts'

export type RingLimits = { events: number; ageMs: number; bytes: number }
export const defaultRingLimits: RingLimits = { events: 10_000, ageMs: 10 * 60_000, bytes: 16 * 1024 * 1024 }

export class Ring {
  readonly #limits: RingLimits
  #stream: string
  #events: LiveEvent[] = []
  #bytes = 0
  /** Number of the newest event. */
  #newest = 0
  /** The newest one that is no longer kept. */
  #forgotten = 0
  /** Of a type that nobody wanted then: the newest that was not even read. */
  readonly #unread = new Map<LiveType, number>()

  /** @param stream its name, unlike that of any other; letters and digits */
  constructor(stream: string, limits: RingLimits = defaultRingLimits) {
    this.#stream = stream
    this.#limits = limits
  }

  /** Whoever has seen everything so far resumes after this id. */
  get position(): string {
    return `${this.#stream}-${this.#newest}`
  }

  add(type: LiveType, json: string, at: number): LiveEvent {
    this.#newest += 1
    const event: LiveEvent = { id: this.position, n: this.#newest, at, type, json }
    this.#events.push(event)
    this.#bytes += json.length
    return event
  }

  /** There were events of this type, and nobody to tell. */
  skip(type: LiveType): void {
    this.#newest += 1
    this.#unread.set(type, this.#newest)
  }

  /** Lets go of what is too much or too old. */
  trim(at: number): void {
    const { events, ageMs, bytes } = this.#limits
    let gone = 0
    while (
      gone < this.#events.length &&
      (this.#events.length - gone > events || this.#bytes > bytes || this.#events[gone]!.at <= at - ageMs)
    ) {
      this.#bytes -= this.#events[gone]!.json.length
      this.#forgotten = this.#events[gone]!.n
      gone += 1
    }
    if (gone > 0) this.#events.splice(0, gone)
  }

  /** What came after this id, of these types; null: nobody can tell any more. */
  after(id: string, types: ReadonlySet<LiveType>): LiveEvent[] | null {
    const cut = id.lastIndexOf('-')
    const n = Number(id.slice(cut + 1))
    if (cut < 0 || id.slice(0, cut) !== this.#stream || !/^\d{1,15}$/.test(id.slice(cut + 1)) || n > this.#newest || n < this.#forgotten)
      return null
    for (const type of types) if ((this.#unread.get(type) ?? 0) > n) return null
    return this.#events.filter((event) => event.n > n && types.has(event.type))
  }
}
