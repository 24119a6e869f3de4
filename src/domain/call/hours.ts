/** Opening hours: weekly spans in a time zone, closed on holidays. */
import type { Hours } from './flow.ts'

/**
 * Whether it is open at `at` (epoch ms). A span holds from its first minute up
 * to, not including, its last; both are wall-clock minutes of the zone, so a
 * day with a summer-time change is open from eight to six like any other. The
 * time zone is one that the file's check has let pass; Temporal throws
 * RangeError for others.
 */
export function isOpen(hours: Hours, at: number): boolean {
  const here = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(hours.timeZone)
  if (hours.holidays.includes(here.toPlainDate().toString())) return false
  const minute = here.hour * 60 + here.minute
  return hours.weekly.some((span) => span.day === here.dayOfWeek && span.fromMinute <= minute && minute < span.toMinute)
}
