/** What can be said of a customer and their contract, whichever way it comes in. */

export const longestName = 200
export const mostNumbers = 20
export const priorities = { least: -1000, most: 1000 }
/** A year. */
export const longestSlaMinutes = 366 * 24 * 60

/** An IANA name. An offset ("+02:00") knows no summer time, so it is nobody's time zone. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false // RangeError: unknown zone.
  }
}

/** BCP 47: `de`, `en-GB`. */
export function isLanguageTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1
  } catch {
    return false // RangeError: not well formed.
  }
}
