/**
 * The message that brings a PIN to its customer. Its row shows everything but
 * the PIN; the text as it is sent stands beside it, encrypted, until it cannot be
 * sent any more. Whether one may be sent is asked before a PIN is drawn for it.
 */
import type { ConsentChange } from '../../domain/sms/consent.ts'
import { mayReceive } from '../../domain/sms/consent.ts'
import { decide, type Decision } from '../../domain/sms/decide.ts'
import type { SmsDefinition, SmsTemplate } from '../../domain/sms/definition.ts'
import { pinEvent, pinShownAs, pinValues } from '../../domain/sms/pin-words.ts'
import { chooseRecipient, type NumberFacts, type RecipientRefusal } from '../../domain/sms/recipient.ts'
import type { Statement } from '../connections.ts'
import type { Keys } from '../keys.ts'
import { asIntentRows, factsOf, intoMessages, rowOf, worded, type Intent, type IntentRow } from './intent.ts'
import { numberFacts } from './number-facts.ts'

export type PinCustomer = { customerId: string; language: string; timeZone: string; numbers: readonly string[] }

/** What is known of the recipient: what they said about getting messages, and when others went there. */
export type PinFacts = { consent: ConsentChange[]; sent: number[] }

/** A message that may be sent; it lacks the PIN. */
export type PinMessage = { id: string; to: string; rowWith(pin: string): IntentRow }

export const insertMessages: Statement = {
  name: 'insert messages that bring pins',
  text: `${intoMessages} jsonb_to_recordset($1::jsonb) ${asIntentRows}`,
}

const whys: Readonly<Record<RecipientRefusal, string>> = {
  no_number: 'there is no number on file',
  invalid_number: 'no number on file can be in use',
  foreign: 'the numbers on file are of countries that get no messages (sms.countries in pforte.yaml)',
  landline: 'there is no mobile number on file',
  no_mobile: 'there is no mobile number on file',
}

/** The number on file that a PIN goes to, or why there is none. */
export function pinNumber(definition: SmsDefinition | null, numbers: readonly string[]): { to: NumberFacts } | { refusal: string } {
  if (definition === null) return { refusal: 'pforte.yaml has no section sms' }
  if (definition.templates[pinEvent] === undefined) return { refusal: `pforte.yaml has no message ${pinEvent} under sms.templates` }
  const choice = chooseRecipient(null, numbers.map(numberFacts), definition.recipients)
  return 'to' in choice ? { to: choice.to } : { refusal: whys[choice.refusal] }
}

/** True if somebody who said all this wants no PINs by SMS. */
export function optedOutOfPins({ templates }: SmsDefinition, consent: readonly ConsentChange[]): boolean {
  const purpose = templates[pinEvent]?.purpose ?? null
  return purpose !== null && !mayReceive(consent, purpose)
}

/**
 * The message, or why nobody would get it.
 * @param pinId of the PIN that it will bring
 */
export function planPinMessage(
  definition: SmsDefinition,
  keys: Keys,
  { id, pinId, to, customer }: { id: string; pinId: string; to: NumberFacts; customer: PinCustomer },
  facts: PinFacts,
  at: number,
): PinMessage | { refusal: string } {
  const template = definition.templates[pinEvent]!
  const intent = intentOf(template, pinId, to, customer)
  const decision: Decision = decide(factsOf(id, intent(pinShownAs), { told: null, stranger: null, ...facts }, at), definition.rules)
  if (decision.do === 'suppress' || decision.do === 'supersede') return { refusal: decision.why }
  const shown = worded(definition, intent(pinShownAs))
  if (shown === null) return { refusal: `${pinEvent} has no text in any language` }
  return {
    id,
    to: to.number,
    rowWith(pin) {
      const sent = worded(definition, intent(pin))!
      const row = rowOf(definition, id, intent(pin), { ...sent, body: shown.body }, decision, at)
      return { ...row, sealedText: keys.sealText(sent.body, id).toString('base64') }
    },
  }
}

function intentOf(template: SmsTemplate, pinId: string, to: NumberFacts, customer: PinCustomer): (pin: string) => Intent {
  return (pin) => ({
    template,
    to,
    refusal: null,
    language: customer.language,
    timeZone: customer.timeZone,
    from: null,
    values: () => pinValues(pin),
    ticketId: null,
    customerId: customer.customerId,
    tells: null,
    stranger: null,
    dedupe: `pin ${pinId}`,
  })
}
