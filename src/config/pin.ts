import type { PinLimits } from '../app/ports/store.ts'
import type { PinRules } from '../domain/call/flow.ts'
import { ms } from './flow.ts'
import { filled } from './schema/filled.ts'
import * as schema from './schema/service.ts'
import type { ServiceFile } from './schema/service.ts'
import type { Mistake } from './validate.ts'

/** The rules at the gate, and what does not go together in them. */
export function pinOf(written: ServiceFile['pin']): { rules: PinRules; limits: PinLimits; mistakes: Mistake[] } {
  const pin = filled(schema.pin, written)
  const limits = filled(schema.pinLimits, written?.limits)
  const perCaller = filled(schema.perCaller, written?.limits?.per_caller)
  const perTrunk = filled(schema.perTrunk, written?.limits?.per_trunk)
  const perLine = filled(schema.perLine, written?.limits?.per_line)
  const mistakes: Mistake[] = []
  if (ms(pin.between_digits) > ms(pin.total)) {
    mistakes.push({
      path: ['pin', 'between_digits'],
      message: `between_digits (${pin.between_digits}) is longer than total (${pin.total})`,
      hint: 'total is the time for all digits: make it longer, or the pause shorter.',
    })
  }
  for (const [key, limit] of [
    ['per_caller', perCaller],
    ['per_trunk', perTrunk],
  ] as const) {
    if (limit.slow_after > limit.stop_after) {
      mistakes.push({
        path: ['pin', 'limits', key],
        message: `${key} stops after ${limit.stop_after} but slows down only after ${limit.slow_after}`,
        hint: 'Look-ups are slowed down first: slow_after is the smaller one.',
      })
    }
  }
  return {
    rules: {
      length: pin.length,
      customerNumberLength: pin.customer_number_length,
      firstDigitMs: ms(pin.first_digit),
      betweenDigitsMs: ms(pin.between_digits),
      totalMs: ms(pin.total),
      tries: pin.tries,
    },
    limits: {
      windowMs: ms(limits.window),
      perCallerSlow: perCaller.slow_after,
      perCallerStop: perCaller.stop_after,
      perTrunkSlow: perTrunk.slow_after,
      perTrunkStop: perTrunk.stop_after,
      perLineAlarm: perLine.alarm_after,
      slowDownMs: ms(limits.slow_down),
      maxGuessChance: Number.parseFloat(limits.max_guess_chance) / 100,
      whenTooLikely: limits.when_too_likely,
    },
    mistakes,
  }
}
