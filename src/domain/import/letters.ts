/** What the letter shop gets: one line for each new PIN that goes by letter. It is the only place where they stand. */
import { csvLine, type Cell } from '../csv.ts'

export type Letter = {
  /** Of the file that was imported, so that the address can be looked up there. */
  line: number
  customerNumber: string
  name: string
  service: string
  pin: string
  /** Epoch milliseconds. */
  validFrom: number | null
  validTo: number | null
}

/** Spreadsheets read UTF-8 only behind it. */
export const byteOrderMark = '\ufeff'

const headings = ['line', 'customer_number', 'name', 'service', 'pin', 'valid_from', 'valid_to']

export function letterHeadings(delimiter: string): string {
  return byteOrderMark + csvLine(headings, delimiter)
}

/** No text in it begins like a formula, which a spreadsheet would run. */
export function letterLine({ line, customerNumber, name, service, pin, validFrom, validTo }: Letter, delimiter: string): string {
  const time = (at: number | null): Cell => (at === null ? null : new Date(at).toISOString())
  return csvLine([line, customerNumber, name, service, pin, time(validFrom), time(validTo)], delimiter)
}
