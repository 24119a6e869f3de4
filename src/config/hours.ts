/** Opening hours: from lines as people write them to minutes and ISO dates. */
import Holidays from 'date-holidays'
import type { Hours, WeeklySpan } from '../domain/call/flow.ts'

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const yearsAhead = 2

/** What is wrong with a line, a region or a zone. */
export type HoursMistake = { message: string; hint: string }

/**
 * `Mon-Fri 08:00-18:00`, `Sat,Sun 10:00-14:00`, `Wed 00:00-24:00`. A span that goes over midnight
 * is two lines; a range of days may go over the week's end (`Sat-Mon`).
 */
export function weeklySpans(written: string): WeeklySpan[] | HoursMistake {
  const parts = /^\s*([A-Za-z,\s-]+?)\s+(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$/.exec(written)
  if (parts === null) return { message: `"${written}" is not a line of opening hours`, hint: 'Write days and times: Mon-Fri 08:00-18:00.' }
  const [, dayList = '', fromHour, fromMin, toHour, toMin] = parts
  const fromMinute = minuteOfDay(fromHour, fromMin)
  const toMinute = minuteOfDay(toHour, toMin)
  if (fromMinute === null || toMinute === null)
    return { message: `"${written}" has a time that no clock shows`, hint: 'Times go from 00:00 to 24:00.' }
  if (fromMinute >= toMinute) {
    return {
      message: `"${written}" ends before it begins`,
      hint: 'Hours over midnight are two lines: Fri 18:00-24:00 and Sat 00:00-06:00.',
    }
  }
  const spans: WeeklySpan[] = []
  for (const part of dayList.split(',')) {
    const [first = '', last = first, ...more] = part.split('-').map((day) => day.trim())
    const from = dayNumber(first)
    const to = dayNumber(last)
    if (from === null || to === null || more.length > 0) {
      return {
        message: `"${part.trim()}" is not a day of the week`,
        hint: 'Days are Mon, Tue, Wed, Thu, Fri, Sat, Sun; several as Mon-Fri or Sat,Sun.',
      }
    }
    for (let day = from; ; day = (day % 7) + 1) {
      spans.push({ day: day as WeeklySpan['day'], fromMinute, toMinute })
      if (day === to) break
    }
  }
  return spans
}

/** A delivery window as it is written: `08:00-20:00`, or `always`. In minutes of the day. */
export function windowSpan(written: string): 'always' | { fromMinute: number; toMinute: number } | HoursMistake {
  if (written === 'always') return 'always'
  const [, fromHour, fromMin, toHour, toMin] = /^(\d{1,2}):(\d{2}) *- *(\d{1,2}):(\d{2})$/.exec(written) ?? []
  const fromMinute = minuteOfDay(fromHour, fromMin)
  const toMinute = minuteOfDay(toHour, toMin)
  if (fromMinute === null || toMinute === null)
    return { message: `"${written}" has a time that no clock shows`, hint: 'Times go from 00:00 to 24:00.' }
  if (fromMinute >= toMinute)
    return {
      message: `"${written}" ends before it begins`,
      hint: 'A window lies within one day: "08:00-20:00". For day and night write always.',
    }
  return { fromMinute, toMinute }
}

/** ISO dates of the public holidays of a region (`DE-BW`) in the year of `now` and the two after it. */
export function holidaysOf(region: string, now: number, timeZone: string): string[] | HoursMistake {
  const [country = '', state, district] = region.split('-')
  const calendar = new Holidays()
  if (!(country in calendar.getCountries()))
    return {
      message: `there are no holidays known for "${country}"`,
      hint: 'Write the country as DE, AT, CH, and its part behind it: DE-BW.',
    }
  const states = calendar.getStates(country) ?? {}
  if (state !== undefined && !(state in states)) {
    return {
      message: `"${state}" is not a part of ${country}`,
      hint: `Known parts: ${Object.keys(states).join(', ') || 'none; write the country alone'}.`,
    }
  }
  const districts = state === undefined ? {} : (calendar.getRegions(country, state) ?? {})
  if (state !== undefined && district !== undefined && !(district in districts)) {
    return {
      message: `"${district}" is not a part of ${country}-${state}`,
      hint: `Known parts: ${Object.keys(districts).join(', ') || 'none'}.`,
    }
  }
  calendar.init(country, state ?? '', district ?? '')
  const { year } = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone)
  const dates = new Set<string>()
  for (let ahead = 0; ahead <= yearsAhead; ahead++) {
    for (const { type, date } of calendar.getHolidays(year + ahead)) {
      if (type === 'public') dates.add(date.slice(0, 'YYYY-MM-DD'.length))
    }
  }
  return [...dates].sort()
}

/** Whether the runtime knows the zone's rules. */
export function isTimeZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name)
    return true
  } catch {
    return false
  }
}

/** Hours that are never closed, for a file with a mistake in these. */
export const roundTheClock = (timeZone: string): Hours => ({
  timeZone,
  weekly: ([1, 2, 3, 4, 5, 6, 7] as const).map((day) => ({ day, fromMinute: 0, toMinute: 1440 })),
  holidays: [],
})

function dayNumber(written: string): number | null {
  const index = days.indexOf(written.toLowerCase())
  return index === -1 ? null : index + 1
}

function minuteOfDay(hour: string | undefined, minute: string | undefined): number | null {
  const total = Number(hour) * 60 + Number(minute)
  return Number(minute) < 60 && total <= 1440 ? total : null
}
