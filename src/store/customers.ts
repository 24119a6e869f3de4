/** Customers and their numbers. */
import { sql, type Kysely, type RawBuilder, type SelectQueryBuilder, type Transaction } from 'kysely'
import type {
  Customer,
  CustomerChange,
  CustomerFilter,
  DemoRows,
  NewCustomer,
  Page,
  PageRequest,
  Refusal,
  Result,
} from '../app/ports/records.ts'
import { customerNumberMistake, noCustomerNumberLeft, typable } from '../domain/customer/number.ts'
import { changedIn } from './changes.ts'
import type { Connections, Statement } from './connections.ts'
import { violatedUnique } from './errors.ts'
import { isId, newId } from './ids.ts'
import { newestFirst, pageOf } from './pages.ts'
import { printable, type PhoneNumbers } from './phone-numbers.ts'
import { moment, type Schema, type TraceStep } from './schema.ts'

/** Given numbers may lie where the sequence will come; each of these draws skips one. */
const drawsOfCustomerNumber = 1000

/** So many rows are sorted about as fast as the newest of a million are walked through for a page of them. */
const namesakesToSort = 2000

const countUntypable: Statement = {
  name: 'count untypable customer numbers',
  text: 'SELECT count(*) AS customers, max(length(customer_number)) AS longest FROM customers WHERE length(customer_number) > $1',
}
const demoRows: Statement = {
  name: 'rows of the demo',
  text: `WITH demo AS (
      SELECT k.id AS customer, c.id AS contract
      FROM customers k LEFT JOIN contracts c ON c.customer_id = k.id
      WHERE k.demo ORDER BY k.created_at, c.created_at LIMIT 1)
    SELECT EXISTS (SELECT FROM customers WHERE NOT demo) AS others,
      (SELECT customer FROM demo) AS "customerId", (SELECT contract FROM demo) AS "contractId",
      ARRAY (SELECT p.id FROM pins p JOIN demo ON p.contract_id = demo.contract WHERE p.revoked_at IS NULL) AS "pinIds"`,
}

export class Customers {
  readonly #connections: Connections
  readonly #numbers: PhoneNumbers
  #numberLength: number

  /** @param numberLength digits of a customer number that can be typed */
  constructor(connections: Connections, numbers: PhoneNumbers, numberLength: number) {
    this.#connections = connections
    this.#numbers = numbers
    this.#numberLength = numberLength
  }

  /** For customers who are entered from now on. */
  useNumberLength(numberLength: number): void {
    this.#numberLength = numberLength
  }

  async create(customer: NewCustomer, at: number): Promise<Result<Customer>> {
    const numbers = this.#inOneForm(customer.numbers)
    if (!numbers.ok) return numbers
    const mistake = this.#mistakeIn(customer.customerNumber)
    if (mistake !== null) return mistake
    return orConflict(() => this.#connections.kyselyTransaction((transaction) => this.#insert(transaction, customer, numbers.value, at)))
  }

  async get(id: string): Promise<Customer | null> {
    return isId(id) ? readCustomer(this.#connections.kysely, id) : null
  }

  /** Newest first. `name` is how a name begins, whatever its case; `number` is looked for in E.164. */
  async list(filter: CustomerFilter, page: PageRequest): Promise<Page<Customer>> {
    const rows = await this.#newest(filter, page)
    return pageOf(
      rows,
      page.limit,
      (row) => ({ at: row.createdAt, id: row.id }),
      (row) => row,
    )
  }

  async #newest(filter: CustomerFilter, page: PageRequest): Promise<Customer[]> {
    const { kysely } = this.#connections
    let query = customersWithNumbers(kysely)
    if (filter.customerNumber !== undefined) query = query.where('customers.customer_number', '=', printable(filter.customerNumber))
    if (filter.number !== undefined) {
      const owner = sql<string>`(SELECT customer_id FROM customer_phone_numbers WHERE number = ${printable(filter.number)})`
      query = query.where('customers.id', '=', owner)
    }
    if (filter.name !== undefined) {
      const few =
        filter.customerNumber === undefined && filter.number === undefined ? await pageOfNamesakes(kysely, filter.name, filter, page) : null
      if (few !== null) query = query.where(sql<boolean>`customers.id = ANY (${few}::uuid[])`)
      else query = query.where(nameBegins(filter.name))
    }
    if (filter.from !== undefined) query = query.where('customers.created_at', '>=', moment(filter.from))
    if (filter.to !== undefined) query = query.where('customers.created_at', '<', moment(filter.to))
    return newestFirst(query, 'customers.created_at', 'customers.id', isId, page).execute()
  }

  /** Only what is given changes. `numbers` are all that the customer has from now on. */
  async change(id: string, change: CustomerChange, at: number): Promise<Result<Customer>> {
    const noCustomer = refuse('not_found', null, 'There is no such customer.')
    if (!isId(id)) return noCustomer
    const numbers = change.numbers === undefined ? null : this.#inOneForm(change.numbers)
    if (numbers?.ok === false) return numbers
    const mistake = this.#mistakeIn(change.customerNumber)
    if (mistake !== null) return mistake
    const columns = {
      ...(change.name === undefined ? {} : { name: printable(change.name) }),
      ...(change.language === undefined ? {} : { language: change.language }),
      ...(change.timeZone === undefined ? {} : { time_zone: change.timeZone }),
      ...(change.customerNumber === undefined ? {} : { customer_number: change.customerNumber }),
    }
    return orConflict(() =>
      this.#connections.kyselyTransaction<Result<Customer>>(async (transaction) => {
        const there = transaction.selectFrom('customers').select('id').where('id', '=', id).where('erased_at', 'is', null)
        const found = await there.forNoKeyUpdate().executeTakeFirst()
        if (found === undefined) return noCustomer
        if (Object.keys(columns).length > 0) await transaction.updateTable('customers').set(columns).where('id', '=', id).execute()
        if (numbers !== null) {
          await replaceNumbers(transaction, id, numbers.value)
          await withholdPins(transaction, id, numbers.value, at)
        }
        return { ok: true, value: (await readCustomer(transaction, id))! }
      }),
    )
  }

  /** What there is of the demo, while there is nobody else. */
  async demo(): Promise<DemoRows | null> {
    const [rows] = await this.#connections.run<DemoRows & { others: boolean }>(demoRows, [])
    const { others, ...demo } = rows!
    return others ? null : demo
  }

  /** Customer numbers that are longer than what can be typed, and how long the longest is. */
  async untypable(): Promise<{ customers: number; longest: number }> {
    const [row] = await this.#connections.run<{ customers: number; longest: number | null }>(countUntypable, [this.#numberLength])
    return { customers: row!.customers, longest: row!.longest ?? 0 }
  }

  /** In E.164, each once, in the order given. */
  #inOneForm(given: readonly string[]): Result<string[]> {
    const numbers: string[] = []
    for (const text of given) {
      const number = this.#numbers.e164(text)
      if (number === null)
        return refuse(
          'invalid',
          'numbers',
          `"${printable(text).slice(0, 40)}" is no telephone number. Write it as +49…, with country and area code.`,
        )
      if (!numbers.includes(number)) numbers.push(number)
    }
    return { ok: true, value: numbers }
  }

  #mistakeIn(customerNumber: string | undefined): { ok: false; refusal: Refusal } | null {
    const mistake = customerNumber === undefined ? null : customerNumberMistake(customerNumber, this.#numberLength)
    return mistake === null ? null : refuse('invalid', 'customerNumber', mistake)
  }

  async #insert(transaction: Transaction<Schema>, customer: NewCustomer, numbers: string[], at: number): Promise<Result<Customer>> {
    const id = newId()
    const insert = (customerNumber: string) =>
      transaction.insertInto('customers').values({
        id,
        customer_number: customerNumber,
        name: printable(customer.name),
        language: customer.language,
        time_zone: customer.timeZone,
        demo: customer.demo ?? false,
        created_at: new Date(at),
      })
    let customerNumber = customer.customerNumber
    if (customerNumber !== undefined) await insert(customerNumber).execute()
    for (let draws = 0; customerNumber === undefined; draws += 1) {
      if (draws === drawsOfCustomerNumber) throw new Error(`no free customer number within ${drawsOfCustomerNumber} draws`)
      const { rows } = await sql<{ drawn: number }>`SELECT nextval('customer_numbers_drawn') AS drawn`.execute(transaction)
      const drawn = typable(rows[0]!.drawn, this.#numberLength)
      if (drawn === null) return refuse('conflict', null, noCustomerNumberLeft(this.#numberLength))
      const inserted = await insert(drawn)
        .onConflict((conflict) => conflict.column('customer_number').doNothing())
        .executeTakeFirst()
      if (inserted.numInsertedOrUpdatedRows === 1n) customerNumber = drawn
    }
    await insertNumbers(transaction, id, numbers)
    const { name, language, timeZone } = customer
    return { ok: true, value: { id, customerNumber, name: printable(name), numbers, language, timeZone, createdAt: at } }
  }
}

/** As they stand, in a transaction or outside. */
async function readCustomer(database: Kysely<Schema>, id: string): Promise<Customer | null> {
  return (await customersWithNumbers(database).where('customers.id', '=', id).executeTakeFirst()) ?? null
}

function nameBegins(beginning: string): RawBuilder<boolean> {
  return sql<boolean>`lower(customers.name) LIKE lower(${printable(beginning).replace(/[\\%_]/g, '\\$&')}) || '%'`
}

/**
 * The ids of a page and of one more; null if too many are called so to sort them.
 * The planner only guesses how many share a beginning, from a hundred steps of a
 * histogram: where it guesses a hundredth of all and there are three, it would
 * walk through all customers, newest first. So they are counted up to a bound;
 * beyond it the walk soon has its page.
 */
async function pageOfNamesakes(
  kysely: Kysely<Schema>,
  name: string,
  { from, to }: CustomerFilter,
  page: PageRequest,
): Promise<string[] | null> {
  const namesakes = sql<{ id: string; created_at: Date }>`namesakes`.as('namesakes')
  let ofThem = kysely.selectFrom(namesakes).select('id')
  if (from !== undefined) ofThem = ofThem.where('created_at', '>=', new Date(from))
  if (to !== undefined) ofThem = ofThem.where('created_at', '<', new Date(to))
  const { rows } = await sql<{ many: boolean; ids: string[] }>`
    WITH namesakes AS MATERIALIZED (
      SELECT id, created_at FROM customers WHERE erased_at IS NULL AND ${nameBegins(name)} LIMIT ${namesakesToSort + 1})
    SELECT (SELECT count(*) FROM namesakes) > ${namesakesToSort} AS many,
      ARRAY (${newestFirst(ofThem, 'created_at', 'id', isId, page)}) AS ids`.execute(kysely)
  const { many, ids } = rows[0]!
  return many ? null : ids
}

function customersWithNumbers(database: Kysely<Schema>): SelectQueryBuilder<Schema, 'customers', Customer> {
  return database
    .selectFrom('customers')
    .where('customers.erased_at', 'is', null)
    .select([
      'customers.id',
      'customers.customer_number as customerNumber',
      'customers.name',
      'customers.language',
      'customers.time_zone as timeZone',
      'customers.created_at as createdAt',
      sql<string[]>`ARRAY (SELECT n.number FROM customer_phone_numbers n WHERE n.customer_id = customers.id ORDER BY n.place)`.as(
        'numbers',
      ),
    ])
}

async function insertNumbers(transaction: Transaction<Schema>, id: string, numbers: readonly string[]): Promise<void> {
  if (numbers.length === 0) return
  await transaction
    .insertInto('customer_phone_numbers')
    .values(numbers.map((number, place) => ({ number, customer_id: id, place })))
    .execute()
}

/** Those that stay are not written again, so that the record of changes tells what changed. */
async function replaceNumbers(transaction: Transaction<Schema>, id: string, numbers: string[]): Promise<void> {
  await sql`DELETE FROM customer_phone_numbers WHERE customer_id = ${id} AND number <> ALL (${numbers}::text[])`.execute(transaction)
  const { rows } = await sql<{ number: string; place: number }>`
    SELECT number, place FROM customer_phone_numbers WHERE customer_id = ${id}`.execute(transaction)
  const places = new Map(rows.map(({ number, place }) => [number, place]))
  for (const [place, number] of numbers.entries()) {
    const before = places.get(number)
    if (before === undefined) await transaction.insertInto('customer_phone_numbers').values({ number, customer_id: id, place }).execute()
    else if (before !== place) await transaction.updateTable('customer_phone_numbers').set({ place }).where('number', '=', number).execute()
  }
}

/** A PIN that waits to be sent does not go where the customer is no longer. */
async function withholdPins(transaction: Transaction<Schema>, id: string, numbers: string[], at: number): Promise<void> {
  const step: TraceStep = { at, what: 'superseded', why: "the number is no longer the customer's" }
  const { rows } = await sql<{ id: string }>`
    UPDATE messages SET state = 'superseded', due_at = NULL, sealed_text = NULL, trace = trace || ${JSON.stringify([step])}::jsonb
    WHERE customer_id = ${id} AND sealed_text IS NOT NULL AND state IN ('held', 'queued') AND recipient <> ALL (${numbers}::text[])
    RETURNING id`.execute(transaction)
  changedIn(transaction).message(rows.map((row) => row.id))
}

/** Whoever else has the number was there first. */
async function orConflict<T>(write: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await write()
  } catch (error) {
    const constraint = violatedUnique(error)
    if (constraint === 'customers_customer_number_key')
      return refuse('conflict', 'customerNumber', 'Another customer has this customer number.')
    if (constraint === 'customer_phone_numbers_pkey')
      return refuse('conflict', 'numbers', 'One of these numbers belongs to another customer.')
    throw error
  }
}

export function refuse(refused: Refusal['refused'], field: string | null, message: string): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: field === null ? { refused, message } : { refused, field, message } }
}
