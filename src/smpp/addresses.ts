/** Addresses as SMPP writes them (3.4, sections 5.2.5 and 5.2.6) and as Pforte does: E.164 with its plus, a name, a short code. */
import { numberingPlan, typeOfNumber } from '../wire/smpp/constants.ts'

export type Address = { ton: number; npi: number; address: string }

/** Numbers with their country code have 7 to 15 digits (E.164). */
const E164 = /^\+[1-9]\d{6,14}$/
const SHORT_CODE = /^\d{3,8}$/
/** What phones show and networks let through; no digits alone, which would be a number. */
const NAME = /^(?=.*[A-Za-z])[A-Za-z0-9 ._&+-]{1,11}$/

/** @returns null for what is no E.164 number: nothing else is ever written to the wire */
export function destinationAddress(to: string): Address | null {
  if (!E164.test(to)) return null
  return { ton: typeOfNumber.international, npi: numberingPlan.isdn, address: to.slice(1) }
}

/** @returns null for what is neither E.164 nor a short code nor a name of 1–11 characters */
export function sourceAddress(from: string): Address | null {
  if (E164.test(from)) return { ton: typeOfNumber.international, npi: numberingPlan.isdn, address: from.slice(1) }
  if (SHORT_CODE.test(from)) return { ton: typeOfNumber.networkSpecific, npi: numberingPlan.unknown, address: from }
  if (NAME.test(from)) return { ton: typeOfNumber.alphanumeric, npi: numberingPlan.unknown, address: from }
  return null
}

/** Digits enough that a country code must be among them, where the carrier does not say what kind of number it is. */
const SHORTEST_UNSAID_INTERNATIONAL = 11

/** Who wrote, or to whom: E.164 where that can be told, else as the carrier wrote it. */
export function readAddress(ton: number, address: string): string {
  const digits = address.replace(/^(\+|00)/, '')
  if (!/^[1-9]\d{4,14}$/.test(digits)) return address
  const isInternational =
    ton === typeOfNumber.international ||
    (ton === typeOfNumber.unknown && (digits !== address || digits.length >= SHORTEST_UNSAID_INTERNATIONAL))
  return isInternational ? `+${digits}` : address
}
