/** Which numbers a message can go to, and which of a ticket's numbers it goes to. */

/** What the numbering plan says of a number; worked out outside, because the plans are a library of their own. */
export type NumberFacts = {
  /** E.164. */
  number: string
  /** ISO 3166; null where the country code leads to none. */
  country: string | null
  /** `mobile_or_landline`: the plan does not tell them apart, as in the USA. `other`: premium, shared cost, toll-free, pager … */
  type: 'mobile' | 'landline' | 'mobile_or_landline' | 'other'
  /** Of a length and range that the country gives out. */
  valid: boolean
}

export type RecipientRules = {
  /** ISO 3166: numbers of other countries get no message. */
  countries: readonly string[]
  /** Whether landlines, which can have a text read out, are tried. */
  landlines: boolean
}

export const recipientRefusals = ['no_number', 'invalid_number', 'foreign', 'landline', 'no_mobile'] as const
export type RecipientRefusal = (typeof recipientRefusals)[number]

/** Why this number gets no message; null if it can. */
export function refusalOf(facts: NumberFacts | null, rules: RecipientRules): RecipientRefusal | null {
  if (facts === null) return 'no_number'
  if (!facts.valid || facts.country === null) return 'invalid_number'
  if (!rules.countries.includes(facts.country)) return 'foreign'
  if (facts.type === 'landline') return rules.landlines ? null : 'landline'
  return facts.type === 'other' ? 'no_mobile' : null
}

export type Choice = { to: NumberFacts; of: 'caller' | 'customer' } | { refusal: RecipientRefusal }

/**
 * The caller if that number can take a message, else the customer's first that can.
 * If none can, the refusal is that of the caller, or of the first number there is.
 */
export function chooseRecipient(caller: NumberFacts | null, ofCustomer: readonly NumberFacts[], rules: RecipientRules): Choice {
  if (caller !== null && refusalOf(caller, rules) === null) return { to: caller, of: 'caller' }
  const first = ofCustomer.find((facts) => refusalOf(facts, rules) === null)
  if (first !== undefined) return { to: first, of: 'customer' }
  return { refusal: refusalOf(caller ?? ofCustomer[0] ?? null, rules) ?? 'no_number' }
}
