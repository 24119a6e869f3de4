/** Customers, their numbers and contracts. */
import { sql } from 'kysely'
import type { Contract, Customer, DemoRows, NewContract, NewCustomer, Refusal, Result } from '../app/ports/records.ts'
import type { Connections, Statement } from './connections.ts'
import { violatedUnique } from './errors.ts'
import { isId, newId } from './ids.ts'
import { printable, type PhoneNumbers } from './phone-numbers.ts'

const customerNumberForm = /^[0-9]{4,12}$/
/** Given numbers may lie where the sequence will come; each of these draws skips one. */
const drawsOfCustomerNumber = 1000
/** The sequence begins behind it (migrations/0001_hotline.sql). Where fewer digits are typed, what it has given since counts. */
const beforeFirstDrawn = 100_000

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
    const numbers: string[] = []
    for (const given of customer.numbers) {
      const number = this.#numbers.e164(given)
      if (number === null)
        return refuse(
          'invalid',
          'numbers',
          `"${printable(given).slice(0, 40)}" is no telephone number. Write it as +49…, with country and area code.`,
        )
      if (!numbers.includes(number)) numbers.push(number)
    }
    if (customer.customerNumber !== undefined && !customerNumberForm.test(customer.customerNumber)) {
      return refuse('invalid', 'customerNumber', 'A customer number has 4 to 12 digits and nothing else, because it is typed on the phone.')
    }
    if (customer.customerNumber !== undefined && customer.customerNumber.length > this.#numberLength) {
      return refuse(
        'invalid',
        'customerNumber',
        `At most ${this.#numberLength} digits of a customer number can be typed (pin.customer_number_length in pforte.yaml).`,
      )
    }
    try {
      return await this.#write(customer, numbers, at)
    } catch (error) {
      const constraint = violatedUnique(error)
      if (constraint === 'customers_customer_number_key')
        return refuse('conflict', 'customerNumber', 'Another customer has this customer number.')
      if (constraint === 'customer_phone_numbers_pkey')
        return refuse('conflict', 'numbers', 'One of these numbers belongs to another customer.')
      throw error
    }
  }

  async get(id: string): Promise<Customer | null> {
    if (!isId(id)) return null
    const row = await this.#connections.kysely
      .selectFrom('customers')
      .select(['id', 'customer_number as customerNumber', 'name', 'language', 'time_zone as timeZone', 'created_at as createdAt'])
      .where('id', '=', id)
      .executeTakeFirst()
    if (row === undefined) return null
    const numbers = await this.#connections.kysely
      .selectFrom('customer_phone_numbers')
      .select('number')
      .where('customer_id', '=', id)
      .orderBy('place')
      .execute()
    return { ...row, numbers: numbers.map(({ number }) => number) }
  }

  async createContract(contract: NewContract, at: number): Promise<Result<Contract>> {
    const noCustomer = refuse('not_found', 'customerId', 'There is no such customer.')
    if (!isId(contract.customerId)) return noCustomer
    const { validFrom, validTo } = contract
    if (validFrom !== null && validTo !== null && validFrom >= validTo) {
      return refuse('invalid', 'validTo', 'The contract would end before it begins.')
    }
    return this.#connections.kyselyTransaction<Result<Contract>>(async (transaction) => {
      const customer = await transaction
        .selectFrom('customers')
        .select('id')
        .where('id', '=', contract.customerId)
        .forKeyShare()
        .executeTakeFirst()
      if (customer === undefined) return noCustomer
      const queue = await transaction
        .selectFrom('queues')
        .select('name')
        .where('name', '=', contract.queue)
        .forKeyShare()
        .executeTakeFirst()
      if (queue === undefined)
        return refuse('invalid', 'queue', `There is no queue "${printable(contract.queue)}"; queues are defined in pforte.yaml.`)
      const id = newId()
      await transaction
        .insertInto('contracts')
        .values({
          id,
          customer_id: contract.customerId,
          service: printable(contract.service),
          queue: contract.queue,
          priority: contract.priority,
          hours: contract.hours,
          sla_minutes: contract.slaMinutes,
          created_at: new Date(at),
          valid_from: validFrom === null ? null : new Date(validFrom),
          valid_to: validTo === null ? null : new Date(validTo),
        })
        .execute()
      return { ok: true, value: { ...contract, id } }
    })
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

  #write(customer: NewCustomer, numbers: string[], at: number): Promise<Result<Customer>> {
    return this.#connections.kyselyTransaction<Result<Customer>>(async (transaction) => {
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
        const { rows } = await sql<{ drawn: string }>`SELECT nextval('customer_numbers_drawn')::text AS drawn`.execute(transaction)
        const drawn = this.#typable(Number(rows[0]!.drawn))
        if (drawn === null) return noneLeft(this.#numberLength)
        const inserted = await insert(drawn)
          .onConflict((conflict) => conflict.column('customer_number').doNothing())
          .executeTakeFirst()
        if (inserted.numInsertedOrUpdatedRows === 1n) customerNumber = drawn
      }
      if (numbers.length > 0) {
        await transaction
          .insertInto('customer_phone_numbers')
          .values(numbers.map((number, place) => ({ number, customer_id: id, place })))
          .execute()
      }
      const { name, language, timeZone } = customer
      return { ok: true, value: { id, customerNumber, name: printable(name), numbers, language, timeZone, createdAt: at } }
    })
  }

  /** What the sequence gave, in as many digits as can be typed; null if it has run past them. */
  #typable(drawn: number): string | null {
    const length = this.#numberLength
    const text = String(beforeFirstDrawn).length <= length ? String(drawn) : String(drawn - beforeFirstDrawn).padStart(length, '0')
    return text.length <= length ? text : null
  }
}

function noneLeft(length: number): { ok: false; refusal: Refusal } {
  return refuse('conflict', null, `No customer number of ${length} digits is left. Allow more (pin.customer_number_length in pforte.yaml).`)
}

export function refuse(refused: Refusal['refused'], field: string | null, message: string): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: field === null ? { refused, message } : { refused, field, message } }
}
