/** What may be there only once: phone numbers, customer numbers and PINs, within the file. */
import type { Columns } from './columns.ts'
import type { Mistake } from './mistakes.ts'
import type { ImportedCustomer } from './rows.ts'
import { quoted } from './values.ts'

export class Twins {
  readonly #columns: Columns
  /** Line by number. */
  readonly #numbers = new Map<string, number>()
  readonly #customerNumbers = new Map<string, number>()
  readonly #pins = new Map<string, number>()

  constructor(columns: Columns) {
    this.#columns = columns
  }

  /** What this line has in common with one before. */
  of({ line, numbers, customerNumber, pin }: ImportedCustomer): Mistake[] {
    const mistakes: Mistake[] = []
    for (const number of numbers) {
      const first = firstOf(this.#numbers, number, line)
      const mend = 'A number speaks for one customer. Leave it with one of the two.'
      if (first !== null) mistakes.push({ line, column: this.#heading('numbers'), what: `${number} is in line ${first}, too`, mend })
    }
    const first = customerNumber === null ? null : firstOf(this.#customerNumbers, customerNumber, line)
    if (first !== null) {
      const what = `${quoted(customerNumber!)} is in line ${first}, too`
      mistakes.push({
        line,
        column: this.#heading('customer_number'),
        what,
        mend: 'One line for each customer: give one of them another number.',
      })
    }
    const same = pin?.is !== 'given' ? null : firstOf(this.#pins, pin.pin, line)
    if (same !== null) {
      const mend = 'A PIN opens one contract. Give one of them another, or write draw.'
      mistakes.push({ line, column: this.#heading('pin'), what: `the same PIN is in line ${same}`, mend })
    }
    return mistakes
  }

  #heading(name: 'numbers' | 'customer_number' | 'pin'): string {
    return this.#columns.places.get(name)?.heading ?? name
  }
}

/** Null: it is the first. */
function firstOf(seen: Map<string, number>, value: string, line: number): number | null {
  const first = seen.get(value)
  if (first === undefined) seen.set(value, line)
  return first ?? null
}
