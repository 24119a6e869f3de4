/** Times as SMPP writes them: `YYMMDDhhmmsstnnp` (3.4, section 7.1.1), and those in receipts' texts (Appendix B). */

const SECOND_MS = 1000
const DAY_MS = 24 * 3600 * SECOND_MS
/** The fields for days go no further without months, whose length is the carrier's to guess. */
const MOST_DAYS = 30

/** `260302080000000+`: in UTC, to the second below. */
export function absoluteTime(at: number): string {
  return `${new Date(at).toISOString().slice(2, 19).replace(/[-:T]/g, '')}000+`
}

/** `000001023000000R`: from when the carrier takes it, to the second below; 30 days at most. */
export function relativeTime(ms: number): string {
  const short = Math.min(ms, MOST_DAYS * DAY_MS)
  const days = Math.floor(short / DAY_MS)
  const ofDay = new Date(short % DAY_MS).toISOString().slice(11, 19).replace(/:/g, '')
  return `0000${String(days).padStart(2, '0')}${ofDay}000R`
}

/**
 * A receipt's `done date`: YYMMDDhhmm, YYMMDDhhmmss, YYYYMMDDhhmm or
 * YYYYMMDDhhmmss, in a zone that it does not tell. Twelve digits can be read in
 * two ways; the one nearer to `now` was meant.
 *
 * @returns epoch ms, or null where it makes no time
 */
export function receiptTime(digits: string, timeZone: string, now: number): number | null {
  const readings: (number | null)[] = []
  if (/^(\d{10}|\d{12})$/.test(digits)) readings.push(epochMs(`20${digits}`, timeZone))
  if (/^(\d{12}|\d{14})$/.test(digits)) readings.push(epochMs(digits, timeZone))
  const possible = readings.filter((reading) => reading !== null)
  return possible.sort((a, b) => Math.abs(a - now) - Math.abs(b - now))[0] ?? null
}

/** @param digits YYYYMMDDhhmm or YYYYMMDDhhmmss */
function epochMs(digits: string, timeZone: string): number | null {
  const [year, month, day, hour, minute, second] = [
    digits.slice(0, 4),
    digits.slice(4, 6),
    digits.slice(6, 8),
    digits.slice(8, 10),
    digits.slice(10, 12),
    digits.slice(12, 14),
  ].map(Number)
  try {
    return Temporal.ZonedDateTime.from(
      { timeZone, year: year!, month: month!, day: day!, hour: hour!, minute: minute!, second: second! },
      { overflow: 'reject' },
    ).epochMilliseconds
  } catch {
    return null
  }
}
