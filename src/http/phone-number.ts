import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js'
import { invalidField, type FieldProblem } from './problem.ts'

/**
 * E.164 of a number as people write it, or null.
 * @param country where a number without `+` is dialled: `DE`
 */
export function e164(text: string, country: string): string | null {
  const home = isSupportedCountry(country) ? { defaultCountry: country as CountryCode } : {}
  const number = parsePhoneNumberFromString(text.trim(), { ...home, extract: false })
  // "Possible" goes by length only: number plans change faster than any list of valid ranges.
  return number?.isPossible() && number.ext === undefined ? number.number : null
}

export function requireE164(text: string, country: string, where: FieldProblem['in'], field: string): string {
  const number = e164(text, country)
  if (number === null) throw invalidField(where, field, 'must be a phone number, best in the form +4962155501')
  return number
}

/**
 * A number to look for. Calls can carry a caller that is no phone number (a SIP
 * user), so anything else is looked for as it stands. `+` in a query means a
 * space (WHATWG URL), and a number typed there without escaping still works.
 */
export function callerFilter(text: string, country: string): string {
  return e164(text.replace(/^ /, '+'), country) ?? text
}
