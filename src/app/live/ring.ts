/**
 * The last events, so that whoever was away for a moment misses none. Bounded
 * in number, age and size. Of each thing only the newest is kept: whoever comes
 * back wants to know how it is, and what was erased must not be told again.
 *
 * Events are numbered without a gap within a stream. A stream ends where
 * something may have been missed (a start of the process, nobody there to read
 * what was changed); an id of another stream resumes nothing.
 */
import type { LiveEvent, LiveType, Standing } from './events.ts'

export type RingLimits = { events: number; ageMs: number; bytes: number }
export const defaultRingLimits: RingLimits = { events: 10_000, ageMs: 10 * 60_000, bytes: 16 * 1024 * 1024 }

export class Ring {
  readonly #limits: RingLimits
  readonly #stream: string
  /** By thing, in the order of their numbers. */
  readonly #events = new Map<string, LiveEvent>()
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

  add(thing: Standing, at: number): LiveEvent {
    this.#newest += 1
    const event: LiveEvent = { ...thing, id: this.position, n: this.#newest, at }
    const place = `${thing.type} ${thing.key}`
    const older = this.#events.get(place)
    if (older !== undefined) this.#drop(place, older)
    this.#bytes += thing.json.length
    this.#events.set(place, event)
    return event
  }

  /** Things of this type were changed, and nobody wants to hear of them: whoever wants to later begins anew. */
  skip(type: LiveType): void {
    this.#newest += 1
    this.#unread.set(type, this.#newest)
    for (const [place, event] of this.#events) if (event.type === type) this.#drop(place, event)
  }

  /** Lets go of what is too much or too old. */
  trim(at: number): void {
    const { events, ageMs, bytes } = this.#limits
    for (const [place, event] of this.#events) {
      if (this.#events.size <= events && this.#bytes <= bytes && event.at > at - ageMs) return
      this.#forgotten = event.n
      this.#drop(place, event)
    }
  }

  /** What came after this id, of these types, each thing as it is now; null: nobody can tell any more. */
  after(id: string, types: ReadonlySet<LiveType>): LiveEvent[] | null {
    const cut = id.lastIndexOf('-')
    const n = Number(id.slice(cut + 1))
    if (cut < 0 || id.slice(0, cut) !== this.#stream || !/^\d{1,15}$/.test(id.slice(cut + 1)) || n > this.#newest || n < this.#forgotten)
      return null
    for (const type of types) if ((this.#unread.get(type) ?? 0) > n) return null
    return [...this.#events.values()].filter((event) => event.n > n && types.has(event.type))
  }

  #drop(place: string, { json }: LiveEvent): void {
    this.#bytes -= json.length
    this.#events.delete(place)
  }
}
