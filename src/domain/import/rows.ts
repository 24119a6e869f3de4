/** One line of a file, read as a customer with a contract and a PIN, or told what is wrong with it. */
import { isLanguageTag, isTimeZone, longestName, longestSlaMinutes, mostNumbers, priorities } from '../customer/limits.ts'
import { customerNumberMistake } from '../customer/number.ts'
import { nearestName } from '../nearest-name.ts'
import type { ColumnName, Columns } from './columns.ts'
import type { Mistake } from './mistakes.ts'
import { quoted, readMoment, readNumbers, readPin, readWhole, readYesOrNo, type Read, type WantedPin, wrong } from './values.ts'

/** A contract as a line gives it; what it leaves out is as the service says. Times are epoch milliseconds. */
export type ImportedContract = {
  service: string
  queue: string
  priority: number
  hours: string
  slaMinutes: number | null
  pinBySms: boolean
  validFrom: number | null
  validTo: number | null
}

export type ImportedCustomer = {
  line: number
  name: string
  /** E.164. */
  numbers: string[]
  language: string
  timeZone: string
  /** Null: one is drawn. */
  customerNumber: string | null
  contract: ImportedContract | null
  /** Null: none. Only with a contract. */
  pin: WantedPin | null
}

/** What lines are judged by. */
export type ImportFacts = {
  language: string
  timeZone: string
  /** Of contracts that name none. */
  queue: string
  queues: readonly string[]
  /** Names beside `always`. */
  hours: readonly string[]
  pinLength: number
  customerNumberLength: number
  e164(text: string): string | null
  /** Why none of these numbers can be sent a PIN; null: one can. */
  noSms(numbers: readonly string[]): string | null
}

const ofContract: readonly ColumnName[] = ['queue', 'priority', 'hours', 'sla_minutes', 'pin_by_sms', 'valid_from', 'valid_to']
const unprintable = /[\u0000-\u001f\u007f-\u009f]/
const longestQueue = 100

/** Reads the lines of one file, one after the other. */
export class RowReader {
  readonly #columns: Columns
  readonly #facts: ImportFacts
  readonly #zones = new Map<string, boolean>()
  readonly #languages = new Map<string, boolean>()
  #line = 0
  #cells: readonly string[] = []
  #mistakes: Mistake[] = []

  constructor(columns: Columns, facts: ImportFacts) {
    this.#columns = columns
    this.#facts = facts
  }

  read(line: number, cells: readonly string[]): { customer: ImportedCustomer } | { mistakes: Mistake[] } {
    this.#line = line
    this.#cells = cells
    this.#mistakes = []
    const beyond = cells.slice(this.#columns.count).some((cell) => cell.trim() !== '')
    if (beyond || cells.length < this.#columns.count) return { mistakes: [this.#wrongWidth()] }
    const customer = this.#customer()
    return this.#mistakes.length > 0 ? { mistakes: this.#mistakes } : { customer }
  }

  #customer(): ImportedCustomer {
    const { language, timeZone } = this.#facts
    const zone = this.#read('time_zone', timeZone, (text) =>
      known(this.#zones, text, isTimeZone)
        ? { ok: true, value: text }
        : wrong(`${quoted(text)} is no time zone`, 'Write its IANA name: Europe/Berlin.'),
    )
    const numbers = this.#read('numbers', [], (text) => readNumbers(text, mostNumbers, this.#facts.e164))
    const contract = this.#contract(zone)
    return {
      line: this.#line,
      name: this.#name(),
      numbers,
      language: this.#read('language', language, (text) =>
        known(this.#languages, text, isLanguageTag)
          ? { ok: true, value: text }
          : wrong(`${quoted(text)} is no language`, 'Write its tag: de, en.'),
      ),
      timeZone: zone,
      customerNumber: this.#read<string | null>('customer_number', null, (text) => this.#customerNumber(text)),
      contract,
      pin: this.#pin(contract, numbers),
    }
  }

  #name(): string {
    const name = this.#cell('name')
    if (name === '') this.#wrong('name', 'is empty', 'Every line has the name of a customer.')
    return this.#text('name', name)
  }

  #customerNumber(text: string): Read<string> {
    const mistake = customerNumberMistake(text, this.#facts.customerNumberLength)
    if (mistake === null) return { ok: true, value: text }
    return wrong(`${quoted(text)} is no customer number`, mistake)
  }

  #contract(timeZone: string): ImportedContract | null {
    const service = this.#text('service', this.#cell('service'))
    if (service === '') {
      const lonely = ofContract.find((name) => this.#cell(name) !== '')
      if (lonely !== undefined) this.#wrong(lonely, 'is of a contract, and the line has none', 'Fill in service, or leave this empty.')
      return null
    }
    const { queue, queues, hours } = this.#facts
    const contract: ImportedContract = {
      service,
      queue: this.#read('queue', queue, (text) => oneOf(text, queues, 'queue', 'queues')),
      priority: this.#read('priority', 0, (text) => readWhole(text, priorities.least, priorities.most)),
      hours: this.#read('hours', 'always', (text) => oneOf(text, ['always', ...hours], 'hours', 'hours')),
      slaMinutes: this.#read<number | null>('sla_minutes', null, (text) => readWhole(text, 1, longestSlaMinutes)),
      pinBySms: this.#read('pin_by_sms', false, readYesOrNo),
      validFrom: this.#read<number | null>('valid_from', null, (text) => readMoment(text, timeZone, 'begins')),
      validTo: this.#read<number | null>('valid_to', null, (text) => readMoment(text, timeZone, 'is over')),
    }
    if (this.#cell('queue') === '' && !queues.includes(queue))
      this.#wrong('service', 'there is no queue for its callers', 'Define one under queues in pforte.yaml, and start Pforte once with it.')
    if (contract.validFrom !== null && contract.validTo !== null && contract.validFrom >= contract.validTo)
      this.#wrong('valid_to', 'the contract would end before it begins', 'Correct one of the two days.')
    return contract
  }

  #pin(contract: ImportedContract | null, numbers: readonly string[]): WantedPin | null {
    if (contract === null) {
      const text = this.#cell('pin')
      if (text !== '' && this.#read<WantedPin | null>('pin', null, (text) => readPin(text, this.#facts.pinLength)) !== null)
        this.#wrong('pin', 'a PIN belongs to a contract, and the line has none', 'Fill in service, or write none.')
      return null
    }
    const pin = this.#read<WantedPin | null>('pin', { is: 'draw' }, (text) => readPin(text, this.#facts.pinLength))
    if (pin?.is !== 'sms') return pin
    const refusal = this.#facts.noSms(numbers)
    if (refusal !== null) this.#wrong('pin', `it cannot be sent by SMS: ${refusal}`, 'Write draw, for a letter.')
    if (this.#cell('pin_by_sms') === '') contract.pinBySms = true
    else if (!contract.pinBySms) this.#wrong('pin', 'the contract does not allow it by SMS', 'Write yes under pin_by_sms, or draw here.')
    return pin
  }

  /** What a cell says, or `otherwise` where it is empty, missing or wrong. */
  #read<T>(name: ColumnName, otherwise: T, read: (text: string) => Read<T>): T {
    const text = this.#cell(name)
    if (text === '') return otherwise
    const result = read(text)
    if (result.ok) return result.value
    this.#wrong(name, result.what, result.mend)
    return otherwise
  }

  #text(name: ColumnName, text: string): string {
    if (text.length > longestName) this.#wrong(name, `has ${text.length} characters`, `${longestName} at most. Is a quote missing before?`)
    else if (unprintable.test(text))
      this.#wrong(name, 'holds a line break or another control character', 'Take it out; or the file has another --encoding.')
    return text
  }

  #cell(name: ColumnName): string {
    const column = this.#columns.places.get(name)
    return column === undefined ? '' : (this.#cells[column.place] ?? '').trim()
  }

  #wrong(name: ColumnName, what: string, mend: string): void {
    this.#mistakes.push({ line: this.#line, column: this.#columns.places.get(name)?.heading ?? name, what, mend })
  }

  #wrongWidth(): Mistake {
    const what = `has ${this.#cells.length} cells, the first line ${this.#columns.count}`
    const mend = 'Put quotes around a text that holds the delimiter. If it is the last line, the file may be cut off.'
    return { line: this.#line, column: null, what, mend }
  }
}

function oneOf(text: string, names: readonly string[], what: string, section: string): Read<string> {
  if (names.includes(text)) return { ok: true, value: text }
  const near = nearestName(text.slice(0, longestQueue), names)
  const list = `${near === null ? '' : `Did you mean ${near}? `}pforte.yaml has under ${section}: ${names.join(', ') || 'nothing'}.`
  return wrong(`there is no ${what} ${quoted(text)}`, list)
}

/** Thousands of lines say the same. */
function known(judged: Map<string, boolean>, text: string, judge: (text: string) => boolean): boolean {
  let result = judged.get(text)
  if (result === undefined) {
    result = judge(text)
    if (judged.size < 1000) judged.set(text, result)
  }
  return result
}
