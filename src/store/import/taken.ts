/** What an import finds taken: phone numbers, customer numbers and PINs of customers who are there already. */
import type { Mistake } from '../../domain/import/mistakes.ts'
import type { ImportedCustomer } from '../../domain/import/rows.ts'
import type { ColumnName } from '../../domain/import/columns.ts'
import type { ConsentChange } from '../../domain/sms/consent.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import type { Run, Statement } from '../connections.ts'
import type { Keys } from '../keys.ts'
import { consentOf } from '../sms/facts.ts'
import { optedOutOfPins, pinNumber } from '../sms/pin-messages.ts'

const takenNumbers: Statement = {
  name: 'phone numbers that are taken',
  text: 'SELECT number AS value FROM customer_phone_numbers WHERE number = ANY ($1)',
}
const takenCustomerNumbers: Statement = {
  name: 'given customer numbers that are taken',
  text: 'SELECT customer_number AS value FROM customers WHERE customer_number = ANY ($1)',
}
const takenPins: Statement = {
  name: 'given pins that are taken',
  text: `SELECT encode(digest, 'hex') AS value FROM pins
    WHERE revoked_at IS NULL AND digest IN (SELECT decode(d, 'hex') FROM unnest($1::text[]) d) AND (valid_to IS NULL OR valid_to > $2)`,
}
const mostAtOnce = 5_000

/** By line; `column` is our own name for it. */
export async function takenAmong(run: Run, keys: Keys, customers: readonly ImportedCustomer[], at: number): Promise<Mistake[]> {
  const numbers = new Map<string, number>()
  const customerNumbers = new Map<string, number>()
  const pins = new Map<string, number>()
  for (const { line, numbers: ofOne, customerNumber, pin } of customers) {
    for (const number of ofOne) numbers.set(number, line)
    if (customerNumber !== null) customerNumbers.set(customerNumber, line)
    if (pin?.is === 'given') pins.set(keys.pinDigest(pin.pin).toString('hex'), line)
  }
  const mistakes: Mistake[] = []
  const look = async (
    sought: Map<string, number>,
    statement: Statement,
    more: unknown[],
    say: (value: string) => Omit<Mistake, 'line'>,
  ) => {
    const values = [...sought.keys()]
    for (let from = 0; from < values.length; from += mostAtOnce) {
      const rows = await run<{ value: string }>(statement, [values.slice(from, from + mostAtOnce), ...more])
      for (const { value } of rows) mistakes.push({ line: sought.get(value)!, ...say(value) })
    }
  }
  const column = (name: ColumnName): string => name
  await look(numbers, takenNumbers, [], (value) => ({
    column: column('numbers'),
    what: `${value} belongs to a customer who is there already`,
    mend: 'Take the line out; what changes of a customer goes over the API (PATCH /v1/customers/ID).',
  }))
  await look(customerNumbers, takenCustomerNumbers, [], (value) => ({
    column: column('customer_number'),
    what: `"${value}" is a customer who is there already`,
    mend: 'Take the line out; what changes of a customer goes over the API (PATCH /v1/customers/ID).',
  }))
  await look(pins, takenPins, [new Date(at)], () => ({
    column: column('pin'),
    what: 'this PIN cannot be issued',
    mend: 'Give another one, or write draw.',
  }))
  return mistakes
}

const saidAboutMessages: Statement = {
  name: 'what numbers said about messages',
  text: `SELECT m.recipient AS number, consent.consent FROM unnest($1::text[], $2::text[]) AS m (recipient, erased)
    CROSS JOIN LATERAL (${consentOf("decode(m.erased, 'hex')")}) consent WHERE consent.consent IS NOT NULL`,
}

/** Customers who would get their PIN by SMS, and said that they want none. */
export async function unwantedAmong(
  run: Run,
  keys: Keys,
  definition: SmsDefinition,
  customers: readonly ImportedCustomer[],
): Promise<Mistake[]> {
  const lines = new Map<string, number>()
  for (const { line, numbers, pin } of customers) {
    const number = pin?.is === 'sms' ? pinNumber(definition, numbers) : null
    if (number !== null && 'to' in number) lines.set(number.to.number, line)
  }
  const numbers = [...lines.keys()]
  const mistakes: Mistake[] = []
  for (let from = 0; from < numbers.length; from += mostAtOnce) {
    const some = numbers.slice(from, from + mostAtOnce)
    const erased = some.map((number) => keys.erasedDigest(number).toString('hex'))
    const said = await run<{ number: string; consent: ConsentChange[] }>(saidAboutMessages, [some, erased])
    for (const { number, consent } of said) {
      if (!optedOutOfPins(definition, consent)) continue
      const what = `it cannot be sent by SMS: ${number} opted out`
      mistakes.push({ line: lines.get(number)!, column: 'pin' satisfies ColumnName, what, mend: 'Write draw, for a letter.' })
    }
  }
  return mistakes
}
