/** Some carriers write numbers of the country they are in as one dials them there. Rows know people by E.164 alone. */
import type { PhoneNumbers } from '../phone-numbers.ts'
import { numberFacts } from './number-facts.ts'

/** Digits, more than a short code has. */
const dialled = /^\d{9,15}$/

/** Whom the carrier names: E.164 if it is a valid number at home, else as it is written (a short code, a name, E.164 already). */
export function homeNumber(numbers: PhoneNumbers, written: string): string {
  const digits = written.trim()
  const number = dialled.test(digits) ? numbers.e164(digits) : null
  return number !== null && numberFacts(number).valid ? number : written
}
