/** What the numbering plans say of a number, for the rules on who can be sent an SMS. */
import { parsePhoneNumberFromString, type NumberType } from 'libphonenumber-js/max'
import { LRUCache } from 'lru-cache'
import type { NumberFacts } from '../../domain/sms/recipient.ts'

/** Asked at each intent and at each claim; to read a number costs as much as a small statement. */
const known = new LRUCache<string, NumberFacts>({ max: 20_000 })

/** @param number E.164 */
export function numberFacts(number: string): NumberFacts {
  let facts = known.get(number)
  if (facts === undefined) {
    const parsed = parsePhoneNumberFromString(number)
    facts = {
      number,
      country: parsed?.country ?? null,
      type: typeOf(parsed?.getType()),
      valid: parsed?.isValid() === true && parsed.number === number,
    }
    known.set(number, facts)
  }
  return facts
}

function typeOf(type: NumberType): NumberFacts['type'] {
  if (type === 'MOBILE') return 'mobile'
  if (type === 'FIXED_LINE') return 'landline'
  return type === 'FIXED_LINE_OR_MOBILE' ? 'mobile_or_landline' : 'other'
}
