/**
 * Tells those who watch what changes, all of them at the price of one.
 *
 * The store says which things were changed (`ports/live.ts`). For a moment that
 * is gathered, then read, one query a kind however many watch, written as JSON
 * once, and handed to every subscriber in the order of the ring (`ring.ts`).
 *
 *   asleep ─somebody comes→ watching ─the last one leaves→ lingering ─nobody came back→ asleep
 *                               └────────somebody is back────────┘
 *
 * - asleep: nothing is even written down
 * - watching: changes are read and told; queues, agents and announcements are also looked at again every now and then, for
 *   what other processes did and what time alone changes (a wrap-up ends)
 * - lingering: changes are written down and not read, so that whoever lost the line for a moment resumes
 *
 * Where something may have been missed a new stream begins, and whoever is there is told everything that stands, anew.
 * What it costs is bounded: the longer reading and telling took, the longer the pause before the next time.
 */
import { randomBytes } from 'node:crypto'
import type { LiveStore, Touched } from '../ports/live.ts'
import type { Log } from '../ports/log.ts'
import { StoreUnavailable } from '../ports/store.ts'
import { keyOf, type LiveChange, type LiveEvent, type LiveType } from './events.ts'
import { defaultLiveLimits, type LiveLimits } from './limits.ts'
import { readChanged, readStanding, type StandingThings } from './reading.ts'
import { Ring } from './ring.ts'
import type { LiveSubscriber } from './subscriber.ts'
import { realTimers, type Timers } from './timers.ts'
import { Told } from './told.ts'

export type LiveHubDeps = {
  store: LiveStore
  /** The thing of this change as the API shows it, as JSON in one line. */
  write: (change: LiveChange) => string
  log: Log
  /** Epoch milliseconds. */
  now: () => number
  timers?: Timers
  limits?: LiveLimits
}

/** `standing` is null where nothing of it was touched. */
type News = {
  touched: Touched
  wanted: ReadonlySet<LiveType>
  changed: readonly LiveChange[]
  standing: StandingThings | null
  at: number
}

export class LiveHub {
  readonly #store: LiveStore
  readonly #write: (change: LiveChange) => string
  readonly #log: Log
  readonly #now: () => number
  readonly #timers: Timers
  readonly #limits: LiveLimits
  readonly #subscribers = new Set<LiveSubscriber>()
  /** Both null: asleep. */
  #ring: Ring | null = null
  #told: Told | null = null
  #waking: Promise<void> | null = null
  /** One reading after the other. */
  #reading: Promise<void> = Promise.resolve()
  #pauseMs: number
  #cancelNext: (() => void) | null = null
  #cancelLinger: (() => void) | null = null
  #cancelRounds: (() => void)[] = []
  #isClosed = false

  constructor({ store, write, log, now, timers = realTimers, limits = defaultLiveLimits }: LiveHubDeps) {
    this.#store = store
    this.#write = write
    this.#log = log
    this.#now = now
    this.#timers = timers
    this.#limits = limits
    this.#pauseMs = limits.gatherMs
  }

  get count(): number {
    return this.#subscribers.size
  }

  get isFull(): boolean {
    return this.#subscribers.size >= this.#limits.subscribers
  }

  /** Settles when somebody with these types can subscribe. @throws StoreUnavailable */
  async ready(types: ReadonlySet<LiveType>): Promise<void> {
    if (this.#isClosed) return
    if (this.#ring === null) await (this.#waking ??= this.#wake().finally(() => (this.#waking = null)))
    else if (this.#subscribers.size === 0) {
      // It shall not fall asleep just now.
      this.#linger()
      await this.#read(types, true)
    }
  }

  /**
   * At once after `ready`. Whoever subscribes is told how things begin, then what happens.
   * @param after id of the last event that it has seen; null: it begins
   * @returns call it when the subscriber has gone
   */
  subscribe(subscriber: LiveSubscriber, after: string | null): () => void {
    const [ring, told] = [this.#ring, this.#told]
    if (ring === null || told === null) {
      subscriber.end()
      return () => {}
    }
    ring.trim(this.#now())
    const missed = after === null ? null : this.#missed(ring, after, subscriber.types)
    const standing = missed === null ? told.all(subscriber.types) : []
    const is = after === null ? 'fresh' : missed === null ? 'reset' : 'resumed'
    subscriber.begin({ is, missed: missed ?? [], standing, position: ring.position })
    this.#subscribers.add(subscriber)
    if (this.#subscribers.size === 1) this.#watch()
    return () => {
      if (this.#subscribers.delete(subscriber) && this.#subscribers.size === 0) this.#linger()
    }
  }

  /** Everybody is told that no more comes. */
  close(): void {
    this.#isClosed = true
    this.#endAll()
  }

  #missed(ring: Ring, after: string, types: ReadonlySet<LiveType>): LiveEvent[] | null {
    const missed = ring.after(after, types)
    const bytes = missed?.reduce((sum, { json }) => sum + json.length, 0) ?? 0
    return bytes > this.#limits.missedBytes ? null : missed
  }

  async #wake(): Promise<void> {
    // What is changed while it is being read is read again.
    this.#store.listen(() => this.#touched())
    try {
      this.#told = new Told(this.#write, await readStanding(this.#store, this.#now()))
      this.#ring = this.#newStream()
      // Nobody may come after all.
      this.#linger()
    } catch (error) {
      this.#store.listen(null)
      throw error
    }
  }

  #newStream(): Ring {
    return new Ring(randomBytes(6).toString('hex'), this.#limits.ring)
  }

  /** The first one is here. */
  #watch(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = null
    const { lookEveryMs, beatEveryMs } = this.#limits
    this.#cancelRounds = [
      this.#timers.every(lookEveryMs, () => void this.#readOrWait(true)),
      this.#timers.every(beatEveryMs, () => this.#beat()),
    ]
    this.#soon()
  }

  #linger(): void {
    this.#stopTimers()
    if (this.#isClosed) this.#sleep()
    else this.#cancelLinger = this.#timers.after(this.#limits.lingerMs, () => this.#sleep())
  }

  #sleep(): void {
    this.#stopTimers()
    if (this.#ring !== null) this.#store.listen(null)
    this.#ring = null
    this.#told = null
  }

  #stopTimers(): void {
    for (const cancel of [...this.#cancelRounds, this.#cancelNext, this.#cancelLinger]) cancel?.()
    this.#cancelRounds = []
    this.#cancelNext = null
    this.#cancelLinger = null
  }

  #endAll(): void {
    const all = [...this.#subscribers]
    this.#subscribers.clear()
    this.#sleep()
    for (const subscriber of all) subscriber.end()
  }

  #beat(): void {
    const position = this.#ring?.position
    if (position === undefined) return
    for (const subscriber of this.#subscribers) subscriber.beat(position)
  }

  #touched(): void {
    if (this.#subscribers.size > 0) this.#soon()
  }

  #soon(): void {
    this.#cancelNext ??= this.#timers.after(this.#pauseMs, () => {
      this.#cancelNext = null
      void this.#readOrWait(false)
    })
  }

  async #readOrWait(isLook: boolean): Promise<void> {
    try {
      await this.#read(this.#wanted(), isLook)
    } catch (error) {
      if (error instanceof StoreUnavailable) {
        this.#pauseMs = this.#limits.longestPauseMs
        if (this.#subscribers.size > 0) this.#soon()
        return
      }
      this.#log.error({ err: error }, 'what has changed could not be told to those who watch: a bug in Pforte; they begin anew')
      this.#endAll()
    }
  }

  #wanted(): ReadonlySet<LiveType> {
    const wanted = new Set<LiveType>()
    for (const { types } of this.#subscribers) for (const type of types) wanted.add(type)
    return wanted
  }

  /** @throws StoreUnavailable; what was to be read is read the next time */
  #read(wanted: ReadonlySet<LiveType>, isLook: boolean): Promise<void> {
    const mine = this.#reading.then(() => this.#readNow(wanted, isLook))
    this.#reading = mine.catch(() => {})
    return mine
  }

  async #readNow(wanted: ReadonlySet<LiveType>, isLook: boolean): Promise<void> {
    const [ring, told] = [this.#ring, this.#told]
    if (ring === null || told === null) return
    const began = this.#now()
    const touched = this.#store.take()
    const { now, later } = this.#part(touched)
    try {
      const isStanding = isLook || touched.service || touched.announcements || touched.isTooMuch
      const changed = touched.isTooMuch ? [] : await readChanged(this.#store, now, wanted)
      const standing = isStanding ? await readStanding(this.#store, began) : null
      // It fell asleep meanwhile.
      if (this.#ring !== ring) return
      ring.trim(began)
      if (touched.isTooMuch || (standing !== null && told.knowsMoreThan(standing))) this.#restart(standing!)
      else this.#tell(ring, told, { touched, wanted, changed, standing, at: began })
    } catch (error) {
      if (this.#ring === ring) this.#store.putBack(touched)
      throw error
    }
    this.#pauseMs = Math.min(this.#limits.longestPauseMs, Math.max(this.#limits.gatherMs, (this.#now() - began) * this.#limits.pauseFactor))
    if (later !== null) this.#store.putBack(later)
  }

  /** What is read at a time, and what waits for the next. */
  #part(touched: Touched): { now: Touched; later: Touched | null } {
    const { atOnce } = this.#limits
    const { tickets, calls, messages } = touched
    if (tickets.size <= atOnce && calls.size <= atOnce && messages.size <= atOnce) return { now: touched, later: null }
    const from = (begin: number, end?: number) => ({
      tickets: new Set([...tickets].slice(begin, end)),
      calls: new Set([...calls].slice(begin, end)),
      messages: new Set([...messages].slice(begin, end)),
    })
    return {
      now: { ...touched, ...from(0, atOnce) },
      later: { ...from(atOnce), service: false, announcements: false, isTooMuch: false },
    }
  }

  /** Everybody is told all that stands. */
  #restart(standing: StandingThings): void {
    const told = (this.#told = new Told(this.#write, standing))
    const { position } = (this.#ring = this.#newStream())
    for (const subscriber of this.#subscribers)
      subscriber.begin({ is: 'reset', missed: [], standing: told.all(subscriber.types), position })
  }

  #tell(ring: Ring, told: Told, { touched, wanted, changed, standing, at }: News): void {
    if (touched.tickets.size > 0 && !wanted.has('ticket.changed')) ring.skip('ticket.changed')
    if (touched.calls.size > 0 && !wanted.has('call.changed')) ring.skip('call.changed')
    if (touched.messages.size > 0 && !wanted.has('message.changed')) ring.skip('message.changed')
    const written = changed.map((change) => ({ type: change.type, key: keyOf(change), json: this.#write(change) }))
    const news = [...written, ...(standing === null ? [] : told.news(standing))]
    const events = news.map((thing) => ring.add(thing, at))
    if (events.length > 0) for (const subscriber of this.#subscribers) subscriber.take(events)
  }
}
