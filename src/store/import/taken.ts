/** What an import finds taken: phone numbers, customer numbers and PINs of customers who are there already. */
import type { Mistake } from '../../domain/import/mistakes.ts'
import type { ImportedCustomer } from '../../domain/import/rows.ts'
import type { ColumnName } from '../../domain/import/columns.ts'
import type { Run, Statement } from '../connections.ts'
import type { Keys } from '../keys.ts'

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
