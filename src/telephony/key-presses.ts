/**
 * Tells a key press from its echo. Asterisk keeps digits at least 45 ms apart:
 * one that comes too soon after the one before, or while it still pretends
 * that the one before sounds, is put back and read again later, and
 * `ChannelDtmfReceived` is sent both times [tried, 22.10.1; __ast_read in
 * main/channel.c]. Jitter, a busy machine or a fast dialler are enough for
 * it, and a PIN with an echo in it is a wrong PIN.
 *
 * Nothing in the event says which of the two it is; the time does. A digit
 * that waited for its distance comes again within 45 ms, when no finger and no
 * dialler can have pressed the key again. One that waited until the digit
 * before had sounded comes later, and only after digits that were squeezed
 * together; so this follows what Asterisk does then.
 */

/** AST_MIN_DTMF_GAP */
const GAP_MS = 45
/** AST_MIN_DTMF_DURATION, the default of mindtmfduration: shorter digits are lengthened to it. */
const SHORTEST_MS = 80
/** A digit that is lengthened ends with the next packet of sound. */
const NEXT_PACKET_MS = 20
/** How late what was put back may be read, and its event be here. */
const LATE_MS = 25

const AFTER_A_DIGIT_MS = NEXT_PACKET_MS + GAP_MS

/** More legs than anybody types on at once; whose end was missed while the line to Asterisk was down is forgotten in the end. */
const MOST_LEGS = 4096

type Leg = {
  lastAt: number
  /** Until then Asterisk may let a digit sound, and put back what comes. */
  busyUntil: number
  /** What may come again, once, and until when. */
  mayComeAgain: { digit: string; until: number; waits: boolean }[]
}

export class KeyPresses {
  readonly #legs = new Map<string, Leg>()

  /**
   * @param toneMs how long the key was held, as the event says
   * @param at by Asterisk's clock, in ms
   * @returns false for an echo
   */
  isPress(leg: string, digit: string, toneMs: number, at: number): boolean {
    const typing = this.#legs.get(leg) ?? this.#begin(leg)
    const soundsMs = Math.max(toneMs, SHORTEST_MS) + AFTER_A_DIGIT_MS
    typing.mayComeAgain = typing.mayComeAgain.filter(({ until }) => at <= until)

    const echo = typing.mayComeAgain.findIndex((earlier) => earlier.digit === digit)
    if (echo >= 0) {
      typing.mayComeAgain.splice(echo, 1)
      typing.busyUntil = at + soundsMs
    } else {
      const ahead = typing.mayComeAgain.findLast(({ waits }) => waits)
      const waits = ahead !== undefined || at < typing.busyUntil
      const taken = ahead !== undefined ? ahead.until + soundsMs : waits ? Math.max(typing.busyUntil, typing.lastAt + soundsMs) : at
      typing.mayComeAgain.push({ digit, until: Math.max(taken, at + GAP_MS) + LATE_MS, waits })
      // So soon that its beginning was overlooked: Asterisk lets it sound from now on instead.
      const squeezed = at - typing.lastAt < soundsMs
      typing.busyUntil = at + (squeezed ? soundsMs : AFTER_A_DIGIT_MS)
    }
    typing.lastAt = at
    return echo < 0
  }

  /** The leg is over. */
  forget(leg: string): void {
    this.#legs.delete(leg)
  }

  #begin(leg: string): Leg {
    const typing: Leg = { lastAt: -Infinity, busyUntil: -Infinity, mayComeAgain: [] }
    this.#legs.set(leg, typing)
    if (this.#legs.size > MOST_LEGS)
      for (const oldest of this.#legs.keys()) {
        this.#legs.delete(oldest)
        break
      }
    return typing
  }
}
