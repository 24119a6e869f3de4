/**
 * What an attempt at the PIN gate is answered, from what has been counted.
 *
 * A caller's number is easily forged, so it is a sign of risk and never a
 * proof: beyond its limits a number or a trunk is sent to the loop, hearing
 * only what a wrong PIN hears. A line is never closed to those who pay: many
 * wrong PINs on it make it ask for the customer number beside the PIN. Both
 * together right pass even where the whole trunk is limited, because nobody
 * guesses both.
 */

/** Wrong PINs within the window before this attempt. Null: no such counter (number withheld, trunk unknown). */
export type WrongBefore = { byCaller: number | null; byTrunk: number | null; byLine: number }

export type GuessLimits = {
  windowMs: number
  perCallerSlow: number
  perCallerStop: number
  perTrunkSlow: number
  perTrunkStop: number
  perLineAlarm: number
  /** The longest that a look-up is ever held back. */
  slowDownMs: number
}

export type Attempt = {
  wrongBefore: WrongBefore
  /** The line asks for the customer number now, and none was given: nothing was looked up. */
  lacksCustomerNumber: boolean
  /** PIN (and customer number, if given) were found, valid and of one contract. */
  matched: boolean
  /** The match rests on customer number and PIN together. */
  withCustomerNumber: boolean
}

export type Judgement = {
  is: 'right' | 'wrong' | 'step_up' | 'limited'
  slowDownMs: number
  /** This attempt reached a limit for the first time within the window. */
  reached: { trunk: boolean; line: boolean }
}

/** From the first slowed-down look-up to the slowest one it doubles this often. */
const slowDownDoublings = 3

/** Judges one attempt. The same facts give the same answer for right and wrong PINs wherever a limit bites. */
export function judge(attempt: Attempt, limits: GuessLimits): Judgement {
  const { byCaller, byTrunk, byLine } = attempt.wrongBefore
  const isWrong = !attempt.matched && !attempt.lacksCustomerNumber
  return {
    is: answer(attempt, limits),
    slowDownMs: slowDown(byCaller ?? 0, byTrunk ?? 0, limits),
    reached: {
      trunk: isWrong && byTrunk !== null && byTrunk + 1 === limits.perTrunkStop,
      line: isWrong && byLine + 1 >= limits.perLineAlarm,
    },
  }
}

function answer(attempt: Attempt, limits: GuessLimits): Judgement['is'] {
  const { byCaller, byTrunk } = attempt.wrongBefore
  // Before any limit: on a line that asks everybody for the customer number, whoever is not asked knows that they are limited.
  if (attempt.lacksCustomerNumber) return 'step_up'
  if (byCaller !== null && byCaller >= limits.perCallerStop) return 'limited'
  const trunkStopped = byTrunk !== null && byTrunk >= limits.perTrunkStop
  if (trunkStopped && !(attempt.matched && attempt.withCustomerNumber)) return 'limited'
  return attempt.matched ? 'right' : 'wrong'
}

/**
 * Doubles with each wrong PIN beyond the threshold, up to `slowDownMs` and never beyond it: on a slowed-down trunk
 * those who pay wait as well. In milliseconds.
 */
function slowDown(byCaller: number, byTrunk: number, limits: GuessLimits): number {
  const beyond = Math.max(byCaller - limits.perCallerSlow, byTrunk - limits.perTrunkSlow)
  return beyond < 0 ? 0 : Math.round(limits.slowDownMs / 2 ** Math.max(0, slowDownDoublings - beyond))
}

/** Counting further than the highest threshold changes no answer. */
export function highestThreshold(limits: GuessLimits): number {
  return (
    Math.max(
      limits.perCallerStop,
      limits.perTrunkStop,
      limits.perLineAlarm,
      limits.perCallerSlow + slowDownDoublings,
      limits.perTrunkSlow + slowDownDoublings,
    ) + 1
  )
}

/** True for PINs that people try first: one digit repeated, or counted up or down (12345, 98765, 67890). */
export function isObviousPin(pin: string): boolean {
  const steps = new Set<number>()
  for (let place = 1; place < pin.length; place += 1) steps.add((Number(pin[place]) - Number(pin[place - 1]) + 10) % 10)
  const [step] = steps
  return steps.size === 1 && (step === 0 || step === 1 || step === 9)
}
