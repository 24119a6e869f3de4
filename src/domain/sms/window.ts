/**
 * When a message may reach a phone: on the recipient's own clock, not on
 * Sundays or holidays if so configured. A day has one opening at most, and
 * every moment of it shows a time within the window on the recipient's clock.
 * Where summer time makes a time of day come twice it opens at the second and
 * closes at the first; where it leaves one out, the jump takes its place. So a
 * change of clocks makes an opening shorter, and never one at night.
 */
import { strict as assert } from 'node:assert'

/** Minutes since midnight, `toMinute` up to 1440 and after `fromMinute`. Holidays are ISO dates. */
export type Window = 'always' | { fromMinute: number; toMinute: number; sundays: boolean; holidays: readonly string[] }

/** Epoch ms; open from the first up to, not including, the second, which is null when it does not close within `mostDaysOpen`. */
export type Opening = { opensAt: number; closesAt: number | null }

type Hours = Exclude<Window, 'always'>

/** A window without an opening for so long is a mistake of who made it: no year is made of holidays. */
const mostDaysShut = 400
const mostDaysOpen = 31
const wholeDay = 1440

/** The answer that each window gave last, by zone: thousands of messages a second ask the same. */
const lastAnswers = new WeakMap<Hours, Map<string, Opening & { askedAt: number }>>()

/** Whether a message may arrive at `at` (epoch ms). Temporal throws RangeError for a zone that does not exist. */
export function isOpen(window: Window, timeZone: string, at: number): boolean {
  return openingFrom(window, timeZone, at).opensAt <= at
}

/** The first moment from `at` on at which it is open: `at` itself if it is. Epoch ms. */
export function nextOpening(window: Window, timeZone: string, at: number): number {
  return Math.max(at, openingFrom(window, timeZone, at).opensAt)
}

/** When the opening that `at` lies in, or the next one, is over (epoch ms); null when it stays open for a month at least. */
export function closesAt(window: Window, timeZone: string, at: number): number | null {
  return openingFrom(window, timeZone, at).closesAt
}

/** The opening that `at` lies in, or the next one. Of one that is open for days, `opensAt` may be a midnight in it. */
export function openingFrom(window: Window, timeZone: string, at: number): Opening {
  if (window === 'always') return { opensAt: -Infinity, closesAt: null }
  let byZone = lastAnswers.get(window)
  if (byZone === undefined) lastAnswers.set(window, (byZone = new Map()))
  const last = byZone.get(timeZone)
  if (last !== undefined && last.closesAt !== null && last.askedAt <= at && at < last.closesAt) return last
  const found = search(window, timeZone, at)
  byZone.set(timeZone, { ...found, askedAt: at })
  return found
}

function search(window: Hours, timeZone: string, at: number): Opening {
  const today = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDate()
  for (let days = 0; days < mostDaysShut; days++) {
    const opening = openingOn(today.add({ days }), window, timeZone)
    if (opening === null || opening.closesAt <= at) continue
    let closing = opening.closesAt
    // A window up to midnight goes on where the next day's begins then.
    for (let more = days + 1; more <= days + mostDaysOpen; more++) {
      const next = openingOn(today.add({ days: more }), window, timeZone)
      if (next?.opensAt !== closing) return { opensAt: opening.opensAt, closesAt: closing }
      closing = next.closesAt
    }
    return { opensAt: opening.opensAt, closesAt: null }
  }
  assert.fail('a delivery window that never opens')
}

function openingOn(date: Temporal.PlainDate, window: Hours, timeZone: string): { opensAt: number; closesAt: number } | null {
  if ((date.dayOfWeek === 7 && !window.sundays) || window.holidays.includes(date.toString())) return null
  const opensAt = momentOf(date, window.fromMinute, timeZone, 'later')
  const closesAt = momentOf(date, window.toMinute, timeZone, 'earlier')
  return opensAt < closesAt ? { opensAt, closesAt } : null
}

function momentOf(date: Temporal.PlainDate, minute: number, timeZone: string, ofTwo: 'earlier' | 'later'): number {
  const time =
    minute === wholeDay
      ? date.add({ days: 1 }).toPlainDateTime('00:00')
      : date.toPlainDateTime({ hour: Math.floor(minute / 60), minute: minute % 60 })
  const moment = time.toZonedDateTime(timeZone, { disambiguation: ofTwo })
  if (moment.toPlainDateTime().equals(time)) return moment.epochMilliseconds
  // No clock shows this time. `earlier` is as far before the jump as the time is after it.
  const jump = time.toZonedDateTime(timeZone, { disambiguation: 'earlier' }).getTimeZoneTransition('next')
  assert(jump !== null, 'a time that is left out has a jump after it')
  return jump.epochMilliseconds
}
