/**
 * Customers from a file: all of them, or none. Everything that is wrong is found
 * before anything is written, and told by line.
 */
import { type Columns, readHeadings } from '../../domain/import/columns.ts'
import { letterHeadings } from '../../domain/import/letters.ts'
import { Mistakes, type Mistake } from '../../domain/import/mistakes.ts'
import { type ImportedCustomer, type ImportFacts, RowReader } from '../../domain/import/rows.ts'
import { Twins } from '../../domain/import/twins.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import type { CustomerImports, Letters } from '../ports/imports.ts'
import { decode, type Encoding } from './decode.ts'
import { type Delimiter, readTable, type TableRow } from './table.ts'

/** What `pforte.yaml` says of customers who say less themselves. */
export type ImportDefaults = Omit<ImportFacts, 'queues' | 'e164' | 'noSms'>

export type ImportRequest = {
  bytes: Buffer
  /** Null: told by what stands in the file. */
  encoding: Encoding | null
  delimiter: Delimiter | null
  defaults: ImportDefaults
  /** By which PINs are sent; null: there are no SMS. */
  sms: SmsDefinition | null
  /** Everything is checked and nothing written. */
  isDry: boolean
  /** Null: nobody asked for letters. */
  letters: Letters | null
  /** Epoch milliseconds. */
  at: number
  by: string
  stop: AbortSignal
}

export type ImportCounts = { customers: number; contracts: number; pins: { drawn: number; given: number; sms: number } }

export type ImportOutcome = { encoding: Encoding | null; delimiter: Delimiter | null } & (
  | { is: 'imported' | 'dry' | 'unknown'; counts: ImportCounts }
  /** The first hundred, and how many there are. */
  | { is: 'mistaken'; mistakes: Mistake[]; count: number }
  | { is: 'refused'; what: string; mend: string }
)

/** Tells whoever waits. */
export type ImportProgress = { checked(customers: number): void; written(customers: number, of: number): void }

/** @throws StoreUnavailable: nothing was written; the reason of `stop` */
export async function importCustomers(request: ImportRequest, imports: CustomerImports, progress: ImportProgress): Promise<ImportOutcome> {
  const decoded = decode(request.bytes, request.encoding)
  if ('mistake' in decoded) return { is: 'mistaken', mistakes: [decoded.mistake], count: 1, encoding: null, delimiter: null }
  const table = readTable(decoded.text, request.delimiter)
  const read = { encoding: decoded.encoding, delimiter: 'mistake' in table ? null : table.delimiter }
  const mistaken = (mistakes: Mistakes): ImportOutcome => ({ is: 'mistaken', mistakes: mistakes.inOrder(), count: mistakes.count, ...read })

  const mistakes = new Mistakes()
  if ('mistake' in table) {
    mistakes.add(table.mistake)
    return mistaken(mistakes)
  }
  const { columns, mistakes: ofHeading } = readHeadings(table.heading.cells, table.heading.line)
  mistakes.add(...ofHeading)
  if (table.rows.length === 0)
    mistakes.add({ line: null, column: null, what: 'has headings and no customers', mend: 'Each line behind the first is a customer.' })
  if (mistakes.count > 0) return mistaken(mistakes)

  const facts: ImportFacts = { ...request.defaults, ...(await imports.surroundings(request.sms)) }
  const customers = readRows(table.rows, columns, facts, mistakes)
  request.stop.throwIfAborted()
  if (!mistakes.areTooMany)
    mistakes.add(...(await imports.taken(customers, request.sms, request.at)).map((mistake) => named(mistake, columns)))
  if (mistakes.count > 0) return mistaken(mistakes)

  const refusal = (await imports.room(customers, request.at)) ?? withoutLetters(customers, request)
  if (refusal !== null) return { is: 'refused', ...refusal, ...read }
  progress.checked(customers.length)
  const counts = countsOf(customers)
  if (request.isDry) return { is: 'dry', counts, ...read }

  await request.letters?.append(letterHeadings(table.delimiter))
  const result = await imports.write({
    customers,
    sms: request.sms,
    at: request.at,
    by: request.by,
    letters: request.letters,
    delimiter: table.delimiter,
    onProgress: (written) => progress.written(written, customers.length),
    stop: request.stop,
  })
  if (result.is === 'refused') return { ...result, ...read }
  return { is: result.is === 'written' ? 'imported' : 'unknown', counts, ...read }
}

function readRows(rows: readonly TableRow[], columns: Columns, facts: ImportFacts, mistakes: Mistakes): ImportedCustomer[] {
  const reader = new RowReader(columns, facts)
  const twins = new Twins(columns)
  const customers: ImportedCustomer[] = []
  for (const { line, cells } of rows) {
    const read = reader.read(line, cells)
    if ('mistakes' in read) {
      mistakes.add(...read.mistakes)
      continue
    }
    mistakes.add(...twins.of(read.customer))
    customers.push(read.customer)
  }
  return customers
}

/** A drawn PIN that stands nowhere is lost. */
function withoutLetters(customers: readonly ImportedCustomer[], { letters, isDry }: ImportRequest): { what: string; mend: string } | null {
  if (letters !== null || isDry) return null
  const drawn = customers.filter(({ pin }) => pin?.is === 'draw').length
  if (drawn === 0) return null
  const what = `${drawn.toLocaleString('en')} PINs would be drawn, and nobody would ever see them`
  return { what, mend: 'Say where they go: --letters FILE. Or write none, sms or their digits into the column pin.' }
}

function countsOf(customers: readonly ImportedCustomer[]): ImportCounts {
  const pins = { draw: 0, given: 0, sms: 0 }
  let contracts = 0
  for (const { contract, pin } of customers) {
    if (contract !== null) contracts += 1
    if (pin !== null) pins[pin.is] += 1
  }
  return { customers: customers.length, contracts, pins: { drawn: pins.draw, given: pins.given, sms: pins.sms } }
}

/** The store knows columns by our name for them. */
function named(mistake: Mistake, { places }: Columns): Mistake {
  const column = [...places].find(([name]) => name === mistake.column)
  return column === undefined ? mistake : { ...mistake, column: column[1].heading }
}
