/**
 * How much of a stretch of time somebody is there, and when so much of it will
 * have passed: what a promise of so many minutes is counted in.
 *
 * Open is exactly what `call/hours.ts` calls open, to the minute of the wall
 * clock: where summer time makes an hour come twice it counts twice, and where
 * it leaves one out there is none to count. Openings are worked out a month at
 * a time and kept, so that a page of old tickets costs no walk over their years.
 */
import { strict as assert } from 'node:assert'
import type { Hours, WeeklySpan } from '../call/flow.ts'

/** `always`: every moment counts. */
export type CountingHours = Hours | 'always'

/** Epoch ms; to, not including, `closesAt`. */
type Opening = { opensAt: number; closesAt: number }
/** `next` once somebody went on to it. */
type Month = { startsAt: number; endsAt: number; openings: Opening[]; openMs: number; next: Month | null }

/** A promise that far away is due in nobody's working life. */
const farthestMonths = 12 * 25
const minuteMs = 60_000

const monthsOf = new WeakMap<Hours, Map<string, Month>>()

/** Open time from `from` to `to`, in ms; nothing if `to` is not later. Times are epoch ms. */
export function openMsBetween(hours: CountingHours, from: number, to: number): number {
  if (to <= from) return 0
  if (hours === 'always') return to - from
  let open = 0
  for (let month = monthAt(hours, from); ; month = monthAfter(hours, month)) {
    open += from <= month.startsAt && month.endsAt <= to ? month.openMs : within(month.openings, from, to)
    if (to <= month.endsAt) return open
  }
}

/**
 * The first moment by which `ms` of open time have passed since `from`: `from` itself for none. Null when it does not come
 * within 25 years. Epoch ms.
 */
export function whenOpenFor(hours: CountingHours, from: number, ms: number): number | null {
  if (ms <= 0) return from
  if (hours === 'always') return from + ms
  let left = ms
  let month = monthAt(hours, from)
  for (let months = 0; months < farthestMonths; months++) {
    const passed = from <= month.startsAt ? month.openMs : within(month.openings, from, month.endsAt)
    if (passed >= left) return momentIn(month.openings, from, left)
    left -= passed
    month = monthAfter(hours, month)
  }
  return null
}

function within(openings: readonly Opening[], from: number, to: number): number {
  let open = 0
  for (const { opensAt, closesAt } of openings) open += Math.max(0, Math.min(closesAt, to) - Math.max(opensAt, from))
  return open
}

function momentIn(openings: readonly Opening[], from: number, ms: number): number {
  let left = ms
  for (const { opensAt, closesAt } of openings) {
    const begins = Math.max(opensAt, from)
    const open = Math.max(0, closesAt - begins)
    if (open >= left) return begins + left
    left -= open
  }
  assert.fail('a month has the open time that was counted in it')
}

function monthAt(hours: Hours, at: number): Month {
  const day = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(hours.timeZone).toPlainDate()
  const name = `${day.year}-${day.month}`
  let known = monthsOf.get(hours)
  if (known === undefined) monthsOf.set(hours, (known = new Map()))
  let month = known.get(name)
  if (month === undefined) known.set(name, (month = monthOf(hours, day.with({ day: 1 }))))
  return month
}

function monthAfter(hours: Hours, month: Month): Month {
  return (month.next ??= monthAt(hours, month.endsAt))
}

function monthOf(hours: Hours, first: Temporal.PlainDate): Month {
  const weekly = hours.weekly.reduce(
    (week, span) => week.set(span.day, [...(week.get(span.day) ?? []), span]),
    new Map<number, WeeklySpan[]>(),
  )
  const openings: Opening[] = []
  for (let date = first; date.month === first.month; date = date.add({ days: 1 })) {
    if (hours.holidays.includes(date.toString())) continue
    openings.push(...openingsOn(date, hours.timeZone, weekly.get(date.dayOfWeek) ?? []))
  }
  const startsAt = first.toZonedDateTime(hours.timeZone).epochMilliseconds
  const endsAt = first.add({ months: 1 }).toZonedDateTime(hours.timeZone).epochMilliseconds
  return { startsAt, endsAt, openings, openMs: within(openings, startsAt, endsAt), next: null }
}

/** Of one day, in order and apart from each other. */
function openingsOn(date: Temporal.PlainDate, timeZone: string, spans: readonly WeeklySpan[]): Opening[] {
  const found: Opening[] = []
  for (const { startsAt, endsAt, midnight } of evenPieces(date, timeZone)) {
    for (const { fromMinute, toMinute } of spans) {
      const opensAt = Math.max(startsAt, midnight + fromMinute * minuteMs)
      const closesAt = Math.min(endsAt, midnight + toMinute * minuteMs)
      if (opensAt < closesAt) found.push({ opensAt, closesAt })
    }
  }
  return joined(found)
}

/** The pieces of a day on which its clock goes on without a jump; `midnight` is when that clock would have shown 00:00. */
function evenPieces(date: Temporal.PlainDate, timeZone: string): { startsAt: number; endsAt: number; midnight: number }[] {
  const nextDay = date.add({ days: 1 }).toZonedDateTime(timeZone)
  const pieces: { startsAt: number; endsAt: number; midnight: number }[] = []
  for (let start = date.toZonedDateTime(timeZone); Temporal.ZonedDateTime.compare(start, nextDay) < 0; ) {
    const jump = start.getTimeZoneTransition('next')
    const end = jump === null || Temporal.ZonedDateTime.compare(jump, nextDay) > 0 ? nextDay : jump
    const shown = start.toPlainDateTime().since(date.toPlainDateTime('00:00'), { largestUnit: 'millisecond' }).milliseconds
    pieces.push({ startsAt: start.epochMilliseconds, endsAt: end.epochMilliseconds, midnight: start.epochMilliseconds - shown })
    start = end
  }
  return pieces
}

/** Spans may overlap, as people write them. */
function joined(openings: Opening[]): Opening[] {
  const apart: Opening[] = []
  for (const opening of openings.sort((a, b) => a.opensAt - b.opensAt)) {
    const last = apart.at(-1)
    if (last !== undefined && opening.opensAt <= last.closesAt) last.closesAt = Math.max(last.closesAt, opening.closesAt)
    else apart.push({ ...opening })
  }
  return apart
}
