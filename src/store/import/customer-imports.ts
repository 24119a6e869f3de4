/** The port `CustomerImports`: checks against what is there, and writes all customers of a file in one transaction. */
import assert from 'node:assert/strict'
import type { CustomerImports, ImportOrder, ImportResult, ImportSurroundings } from '../../app/ports/imports.ts'
import { letterLine } from '../../domain/import/letters.ts'
import type { Mistake } from '../../domain/import/mistakes.ts'
import type { ImportedCustomer } from '../../domain/import/rows.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import type { Connections, Statement } from '../connections.ts'
import { violatedUnique } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Keys } from '../keys.ts'
import type { PhoneNumbers } from '../phone-numbers.ts'
import { insertMessages, pinNumber, planPinMessage, type PinMessage } from '../sms/pin-messages.ts'
import { drawCustomerNumbers, drawPin, roomForNumbers, roomForPins } from './drawing.ts'
import type { LongWriting, Write } from './long-writing.ts'
import * as sql from './statements.ts'
import { takenAmong, unwantedAmong } from './taken.ts'

const queueNames: Statement = { name: 'names of queues', text: 'SELECT name FROM queues ORDER BY name' }
/** Customers in one statement. */
const batchOf = 1_000
/** With nine of ten PINs in use, the last of a batch is drawn within far fewer. */
const mostDraws = 1_000

/** A customer with what is drawn for them. */
type Entry = { customer: ImportedCustomer; id: string; customerNumber: string; contractId: string }
/** Of PINs that are drawn, and of customer numbers that can be typed. */
export type Lengths = { pin: number; customerNumber: number }
/** `message`: of one that goes by SMS. */
type PinRow = { id: string; entry: Entry; pin: string; message: PinMessage | null }

/** Undoes the transaction; its words are for whoever imports. */
class Refused extends Error {
  readonly mend: string

  constructor(what: string, mend: string) {
    super(what)
    this.mend = mend
  }
}

export class PostgresImports implements CustomerImports {
  readonly #connections: Connections
  readonly #writing: LongWriting
  readonly #keys: Keys
  readonly #numbers: PhoneNumbers
  readonly #pinsChanged: () => void
  #lengths: Lengths

  constructor(
    connections: Connections,
    writing: LongWriting,
    keys: Keys,
    numbers: PhoneNumbers,
    lengths: Lengths,
    pinsChanged: () => void,
  ) {
    this.#connections = connections
    this.#writing = writing
    this.#keys = keys
    this.#numbers = numbers
    this.#lengths = lengths
    this.#pinsChanged = pinsChanged
  }

  /** For who is imported from now on. */
  useLengths(lengths: Lengths): void {
    this.#lengths = lengths
  }

  async surroundings(definition: SmsDefinition | null): Promise<ImportSurroundings> {
    const rows = await this.#connections.run<{ name: string }>(queueNames, [])
    return {
      queues: rows.map(({ name }) => name),
      e164: (text) => this.#numbers.e164(text),
      noSms: (numbers) => {
        const number = pinNumber(definition, numbers)
        return 'refusal' in number ? number.refusal : null
      },
    }
  }

  async taken(customers: readonly ImportedCustomer[], definition: SmsDefinition | null, at: number): Promise<Mistake[]> {
    const { run } = this.#connections
    const taken = await takenAmong(run, this.#keys, customers, at)
    return definition === null ? taken : [...taken, ...(await unwantedAmong(run, this.#keys, definition, customers))]
  }

  async room(customers: readonly ImportedCustomer[], at: number): Promise<{ what: string; mend: string } | null> {
    const { pin, customerNumber } = this.#lengths
    const pins = customers.filter((customer) => customer.pin !== null).length
    const numbers = customers.filter((customer) => customer.customerNumber === null).length
    const { run } = this.#connections
    return (await roomForPins(run, pins, pin, at)) ?? (await roomForNumbers(run, numbers, customerNumber))
  }

  async write(order: ImportOrder): Promise<ImportResult> {
    const entries = await this.#entries(order.customers)
    if (!Array.isArray(entries)) return { is: 'refused', ...entries }
    const first = entries[0]
    assert(first !== undefined, 'there is somebody to import')
    try {
      const result = await this.#writing.transaction(
        (write) => this.#writeAll(write, entries, order),
        async (write) => {
          await write('take turn', sql.takeTurn, [])
          return (await write('is a customer there', sql.isCustomerThere, [first.id])).length === 1
        },
        // Plans for a table that was empty a moment ago would be bad ones until Postgres looks by itself.
        async (write) => void (await write('learn sizes', sql.learnSizes, [])),
      )
      this.#pinsChanged()
      return { is: result === 'unknown' ? 'unknown' : 'written' }
    } catch (error) {
      if (error instanceof Refused) return { is: 'refused', what: error.message, mend: error.mend }
      if (violatedUnique(error) !== null) return { is: 'refused', ...overtaken }
      throw error
    }
  }

  async #entries(customers: readonly ImportedCustomer[]): Promise<Entry[] | { what: string; mend: string }> {
    const given = new Set(customers.flatMap(({ customerNumber }) => customerNumber ?? []))
    const wanted = customers.length - given.size
    const drawn = await drawCustomerNumbers(this.#connections.run, wanted, this.#lengths.customerNumber, given)
    if (!Array.isArray(drawn)) return drawn
    let next = 0
    return customers.map((customer) => ({
      customer,
      id: newId(),
      customerNumber: customer.customerNumber ?? drawn[next++]!,
      contractId: newId(),
    }))
  }

  async #writeAll(write: Write, entries: readonly Entry[], order: ImportOrder): Promise<void> {
    await write('take turn', sql.takeTurn, [])
    await write('say who', sql.sayWho, [JSON.stringify({ cli: order.by })])
    await write('retire expired pins', sql.retireExpired, [new Date(order.at)])
    for (let from = 0; from < entries.length; from += batchOf) {
      order.stop.throwIfAborted()
      const batch = entries.slice(from, from + batchOf)
      await this.#writeBatch(write, batch, order)
      order.onProgress(from + batch.length)
    }
    // Before the commit, because PINs that are committed and stand nowhere are lost.
    await order.letters?.flush()
    order.stop.throwIfAborted()
  }

  async #writeBatch(write: Write, batch: readonly Entry[], order: ImportOrder): Promise<void> {
    const at = new Date(order.at)
    await write('import customers', sql.insertCustomers, [
      ...columnsOf(batch, ({ id, customerNumber, customer: { name, language, timeZone } }) => [
        id,
        customerNumber,
        name,
        language,
        timeZone,
      ]),
      at,
    ])
    const numbers = batch.flatMap(({ id, customer }) => customer.numbers.map((number, place) => ({ number, id, place })))
    if (numbers.length > 0)
      await write(
        'import phone numbers',
        sql.insertNumbers,
        columnsOf(numbers, ({ number, id, place }) => [number, id, place]),
      )
    const withContract = batch.filter(({ customer }) => customer.contract !== null)
    if (withContract.length === 0) return
    await write('import contracts', sql.insertContracts, [
      ...columnsOf(withContract, ({ id, contractId, customer }) => {
        const { service, queue, priority, hours, slaMinutes, pinBySms, validFrom, validTo } = customer.contract!
        return [contractId, id, service, queue, priority, hours, slaMinutes, pinBySms, timeOf(validFrom), timeOf(validTo)]
      }),
      at,
    ])
    const pins = await this.#issue(write, batch, order)
    const messages = pins.flatMap(({ message, pin }) => message?.rowWith(pin) ?? [])
    if (messages.length > 0) await write('import messages', insertMessages.text, [JSON.stringify(messages)])
    const byLetter = pins.filter(({ message }) => message === null)
    await order.letters?.append(byLetter.map((pin) => letterOf(pin, order.delimiter)).join(''))
  }

  /** Given PINs as they are; drawn ones until each is free. */
  async #issue(write: Write, batch: readonly Entry[], order: ImportOrder): Promise<PinRow[]> {
    const { pin: length } = this.#lengths
    let open = batch.flatMap((entry): PinRow[] => {
      const { pin } = entry.customer
      if (pin === null) return []
      const id = newId()
      const message = pin.is === 'sms' ? this.#message(entry, id, order) : null
      return [{ id, entry, pin: pin.is === 'given' ? pin.pin : drawPin(length), message }]
    })
    const issued = new Map(open.map((row) => [row.id, row]))
    for (let draws = 0; open.length > 0; draws += 1) {
      assert(draws < mostDraws, 'a PIN is drawn long before')
      const rows = await write<{ id: string }>('import pins', sql.insertPins, [
        ...columnsOf(open, ({ id, entry, pin, message }) => [
          id,
          entry.contractId,
          this.#keys.pinDigest(pin),
          pin.length,
          message?.id ?? null,
        ]),
        this.#keys.id,
        new Date(order.at),
      ])
      const free = new Set(rows.map(({ id }) => id))
      open = open.filter(({ id }) => !free.has(id))
      for (const row of open) {
        const { customer } = row.entry
        if (customer.pin?.is === 'given') throw new Refused(`line ${customer.line}: ${overtaken.what}`, overtaken.mend)
        row.pin = drawPin(length)
      }
    }
    return [...issued.values()]
  }

  /** What others went to these numbers counts when it is claimed. */
  #message({ customer: { line, numbers, language, timeZone }, id: customerId }: Entry, pinId: string, order: ImportOrder): PinMessage {
    const number = pinNumber(order.sms, numbers)
    assert('to' in number && order.sms !== null, 'it was asked whether a PIN can be sent')
    const customer = { customerId, numbers, language, timeZone }
    const about = { id: newId(), pinId, to: number.to, customer }
    const planned = planPinMessage(order.sms, this.#keys, about, { consent: [], sent: [] }, order.at)
    if ('refusal' in planned) throw new Refused(`line ${line}: no PIN can be sent by SMS: ${planned.refusal}`, 'Write draw, for a letter.')
    return planned
  }
}

const overtaken = {
  what: 'a phone number, customer number or PIN of the file was given to somebody else a moment ago',
  mend: 'Import it again: the line is named then.',
}

function letterOf({ entry, pin }: PinRow, delimiter: string): string {
  const { customer, customerNumber } = entry
  const { service, validFrom, validTo } = customer.contract!
  return letterLine({ line: customer.line, customerNumber, name: customer.name, service, pin, validFrom, validTo }, delimiter)
}

/** Rows as the arrays of their columns. */
function columnsOf<T>(rows: readonly T[], valuesOf: (row: T) => unknown[]): unknown[][] {
  const columns: unknown[][] = []
  for (const row of rows) for (const [place, value] of valuesOf(row).entries()) (columns[place] ??= []).push(value)
  return columns
}

function timeOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
