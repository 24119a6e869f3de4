/**
 * How likely a guess at the gate is right.
 *
 * A PIN keeps the length that it was issued with, and `pin.length` may have
 * changed since. A shorter one is ended with `#`, so whoever guesses takes the
 * length that hits most easily: the chance is that of the likeliest length, not
 * one of all PINs together. A longer one is cut off where the entry ends, and so
 * hits nothing: neither its owner nor a guesser can type it.
 */

export type PinsOfLength = { length: number; validPins: number }

export type GuessChance = {
  /** Valid PINs that can be typed. */
  validPins: number
  /** The length that is most easily guessed, and its PINs. */
  likeliest: { length: number; validPins: number; possiblePins: number }
  /** That one random entry of that length is right: 0.01 is one per cent. */
  chance: number
  /** Of `validPins` those that are shorter than what is asked for. */
  shortPins: number
  /** Valid PINs that cannot be typed any more. */
  cutPins: number
}

/** @param asked `pin.length` now */
export function guessChance(pins: readonly PinsOfLength[], asked: number): GuessChance {
  const count = (wanted: (length: number) => boolean): number =>
    pins.reduce((sum, { length, validPins }) => (wanted(length) ? sum + validPins : sum), 0)
  let likeliest = { length: asked, validPins: 0, possiblePins: 10 ** asked }
  let chance = 0
  for (const { length, validPins } of pins) {
    if (length > asked || validPins / 10 ** length < chance) continue
    likeliest = { length, validPins, possiblePins: 10 ** length }
    chance = validPins / likeliest.possiblePins
  }
  return {
    validPins: count((length) => length <= asked),
    likeliest,
    chance,
    shortPins: count((length) => length < asked),
    cutPins: count((length) => length > asked),
  }
}
