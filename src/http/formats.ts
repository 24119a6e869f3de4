/** Formats that JSON Schema does not check strictly enough for us, or does not know. */
import { isLanguageTag, isTimeZone } from '../domain/customer/limits.ts'

const EARLIEST_AT = Temporal.Instant.from('1900-01-01T00:00Z').epochMilliseconds
const LATEST_AT = Temporal.Instant.from('9999-12-31T23:59:59Z').epochMilliseconds

/** Epoch milliseconds of an ISO 8601 time with a zone, or null. Years beyond 1900–9999 are mistakes, and no store keeps them alike. */
export function instantOf(text: string): number | null {
  try {
    const at = Temporal.Instant.from(text).epochMilliseconds
    return at >= EARLIEST_AT && at <= LATEST_AT ? at : null
  } catch {
    return null // A RangeError is Temporal's only way to say that it is no time.
  }
}

/** Name → check, and the words for whoever sent something else. */
export const FORMATS: Record<string, { check: (value: string) => boolean; wanted: string }> = {
  'date-time': {
    check: (value) => instantOf(value) !== null,
    wanted: 'must be a time in ISO 8601 with its zone, such as 2026-07-01T08:00:00+02:00',
  },
  'time-zone': { check: isTimeZone, wanted: 'must be an IANA time zone, such as Europe/Berlin' },
  'language-tag': { check: isLanguageTag, wanted: 'must be a language tag, such as de or en' },
}

/** ISO 8601 in UTC, with milliseconds. */
export function isoTime(at: number): string
export function isoTime(at: number | null): string | null
export function isoTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
