/**
 * How fast one bind may send: a token bucket that counts parts, which the
 * carrier's ESME_RTHROTTLED makes slower for a while.
 *
 *   full speed ──throttled──► pause, then half of what went through ──each quiet second a little more──► full speed
 *
 * Sans clock: every time comes in as monotonic ms.
 */
import assert from 'node:assert/strict'

/** What may leave in one burst, as a part of a second's worth. */
const BURST_S = 0.1
const SLOWEST_PER_SECOND = 1
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** Doubled in ten seconds without complaint. */
const RECOVERY_MS = 10_000
/** Faster than any link: from here on a bind without a limit is without one again. */
const UNLIMITED_PER_SECOND = 100_000
/** Of tokens, which come in fractions. */
const ROUNDING = 1e-6
/** Over which the parts that went through are counted. */
const SAMPLE_MS = 1_000

export class Rate {
  readonly #limit: number
  /** Parts a second at `#at`; Infinity without limit. */
  #rate: number
  #tokens: number
  #at: number
  #pausedUntil = -Infinity
  #pauseMs = FIRST_PAUSE_MS
  /** Parts taken in the sample under way, and how many a second in the one before. */
  #sample = { since: 0, parts: 0, before: 0 }

  /** @param perSecond parts; null for no limit */
  constructor(perSecond: number | null, now: number) {
    assert(perSecond === null || perSecond > 0, 'a rate is above 0')
    this.#limit = perSecond ?? Infinity
    this.#rate = this.#limit
    this.#tokens = this.#burst()
    this.#at = now
    this.#sample.since = now
  }

  /** The carrier complained, and it is not forgotten yet. */
  isSlowed(now: number): boolean {
    this.#refill(now)
    return this.#rate < this.#limit
  }

  /** Parts that may leave now. Infinity without limit. */
  room(now: number): number {
    this.#refill(now)
    return now < this.#pausedUntil ? 0 : Math.max(0, Math.floor(this.#tokens + ROUNDING))
  }

  /**
   * Takes room for a message. Its parts stay together, so a message of several
   * may run into debt that the next one waits for.
   *
   * @returns false when not even one part may leave now
   */
  take(parts: number, now: number): boolean {
    if (this.room(now) < this.#needed(parts)) return false
    this.#tokens -= parts
    this.#count(parts, now)
    return true
  }

  /** What was taken and not used. */
  giveBack(parts: number): void {
    this.#tokens = Math.min(this.#tokens + parts, this.#burst())
    this.#sample.parts -= parts
  }

  /** ms until `take` may succeed; 0 if it would now. */
  waitMs(parts: number, now: number): number {
    if (this.room(now) >= this.#needed(parts)) return 0
    const pauseMs = Math.max(0, this.#pausedUntil - now)
    return pauseMs + Math.max(1, Math.ceil(((this.#needed(parts) - this.#tokens) / this.#rate) * 1000))
  }

  /** ESME_RTHROTTLED came, or ESME_RMSGQFUL. @returns whether that was news */
  complain(now: number): boolean {
    this.#refill(now)
    // A window full of them comes as the answer to one burst: that is one complaint.
    if (now < this.#pausedUntil) return false
    // One that comes soon after the last pause says that it was too short.
    const isAgain = now - this.#pausedUntil < RECOVERY_MS
    this.#pauseMs = isAgain ? Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS
    this.#pausedUntil = now + this.#pauseMs
    this.#rate = Math.max(Math.min(SLOWEST_PER_SECOND, this.#limit), Math.min(this.#rate, this.#wentThrough(now)) / 2)
    this.#tokens = Math.min(this.#tokens, 0)
    this.#at = this.#pausedUntil
    return true
  }

  #refill(now: number): void {
    if (now <= this.#at) return
    const passed = now - this.#at
    this.#at = now
    if (this.#rate < this.#limit) {
      this.#rate = Math.min(this.#limit, this.#rate * 2 ** (passed / RECOVERY_MS))
      if (this.#limit === Infinity && this.#rate > UNLIMITED_PER_SECOND) this.#rate = Infinity
    }
    this.#tokens = this.#rate === Infinity ? Infinity : Math.min(this.#tokens + (this.#rate * passed) / 1000, this.#burst())
  }

  /** Tokens that must be there for so many parts: the bucket never holds more than a burst. */
  #needed(parts: number): number {
    return Math.min(parts, Math.floor(this.#burst() + ROUNDING))
  }

  #burst(): number {
    return Math.max(1, this.#rate * BURST_S)
  }

  #count(parts: number, now: number): void {
    if (now - this.#sample.since >= SAMPLE_MS) {
      this.#sample = { since: now, parts: 0, before: this.#wentThrough(now) }
    }
    this.#sample.parts += parts
  }

  /** Parts a second, lately. */
  #wentThrough(now: number): number {
    const { since, parts, before } = this.#sample
    const lastedMs = now - since
    return Math.max(before, lastedMs >= SAMPLE_MS ? (parts * 1000) / lastedMs : parts)
  }
}
