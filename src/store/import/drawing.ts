/** Drawing by the thousand: PINs without collision, customer numbers around those that were given. */
import { randomInt } from 'node:crypto'
import { noCustomerNumberLeft, typable } from '../../domain/customer/number.ts'
import { isObviousPin } from '../../domain/gate/limits.ts'
import type { Run, Statement } from '../connections.ts'

/** So full a drum gives PINs that are guessed easily, and is slow to draw from. */
const fullestShare = 0.9
/** Two digits more than there are PINs: a random guess hits one in a hundred at most. */
const spareDigits = 2
const longestPin = 12

export function drawPin(length: number): string {
  for (;;) {
    const pin = String(randomInt(10 ** length)).padStart(length, '0')
    if (!isObviousPin(pin)) return pin
  }
}

const countInUse: Statement = {
  name: 'count pins of a length',
  text: 'SELECT count(*) AS count FROM pins WHERE revoked_at IS NULL AND length = $1 AND (valid_to IS NULL OR valid_to > $2)',
}

/** Why so many PINs cannot be issued; null: they can. */
export async function roomForPins(run: Run, wanted: number, length: number, at: number): Promise<{ what: string; mend: string } | null> {
  if (wanted === 0) return null
  const [row] = await run<{ count: number }>(countInUse, [length, new Date(at)])
  const inUse = row!.count
  const all = 10 ** length
  if (inUse + wanted <= all * fullestShare) return null
  const enough = Math.min(longestPin, Math.ceil(Math.log10(inUse + wanted)) + spareDigits)
  return {
    what: `${number(wanted)} more PINs of ${length} digits would be in use: there are ${number(all)} at all, ${number(inUse)} of them taken`,
    mend: `Make them longer: length: ${enough} under pin in pforte.yaml. Those that are out stay as they are.`,
  }
}

const drawNumbers: Statement = {
  name: 'draw customer numbers',
  text: `SELECT drawn FROM (SELECT nextval('customer_numbers_drawn') AS drawn FROM generate_series(1, $1)) d ORDER BY drawn`,
}
const takenNumbers: Statement = {
  name: 'customer numbers that are taken',
  text: 'SELECT customer_number AS "customerNumber" FROM customers WHERE customer_number = ANY ($1)',
}
const drawnUpTo: Statement = { name: 'customer numbers drawn so far', text: 'SELECT last_value AS last FROM customer_numbers_drawn' }
const mostAtOnce = 5_000

/** Why so many customers get no number; null: they do. */
export async function roomForNumbers(run: Run, wanted: number, length: number): Promise<{ what: string; mend: string } | null> {
  if (wanted === 0) return null
  const [row] = await run<{ last: number }>(drawnUpTo, [])
  return typable(row!.last + wanted, length) === null ? noRoom(length) : null
}

/** @param given numbers that are given to others in the same breath */
export async function drawCustomerNumbers(
  run: Run,
  wanted: number,
  length: number,
  given: ReadonlySet<string>,
): Promise<string[] | { what: string; mend: string }> {
  const drawn: string[] = []
  while (drawn.length < wanted) {
    const rows = await run<{ drawn: number }>(drawNumbers, [Math.min(mostAtOnce, wanted - drawn.length)])
    const texts = rows.map((row) => typable(row.drawn, length))
    if (texts.includes(null)) return noRoom(length)
    const free = (texts as string[]).filter((text) => !given.has(text))
    const taken = new Set((await run<{ customerNumber: string }>(takenNumbers, [free])).map((row) => row.customerNumber))
    drawn.push(...free.filter((text) => !taken.has(text)))
  }
  return drawn
}

function noRoom(length: number): { what: string; mend: string } {
  return { what: 'there are more customers than customer numbers', mend: noCustomerNumberLeft(length) }
}

const number = (count: number): string => count.toLocaleString('en')
