/** Opening hours: weekly spans in a time zone, closed on holidays. */
import type { Hours } from './flow.ts'

/**
 * Whether it is open at `at` (epoch ms). A span holds from its first minute up
 * to, not including, its last; both are wall-clock minutes of the zone, so a
 * day with a summer-time change is open from eight to six like any other.
 * Throws RangeError for a time zone that does not exist; the flow's check
 * refuses those.
 */
export function isOpen(hours: Hours, at: number): boolean {
  const here = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(hours.timeZone)
  if (hours.holidays.includes(here.toPlainDate().toString())) return false
  const minute = here.hour * 60 + here.minute
  return hours.weekly.some(
    (span) => span.day === here.dayOfWeek && span.fromMinute <= minute && minute < span.toMinute
  )
}

/** Whether the time zone is one that this machine knows (IANA name or fixed offset). */
export function isTimeZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name)
    return true
  } catch {
    // Temporal has no other way to ask; RangeError is its "no such zone".
    return false
  }
}
