/** Which column of a file is which: headings in English and German, in whatever case and order. */
import { nearestName } from '../nearest-name.ts'
import type { Mistake } from './mistakes.ts'

const headings = {
  name: ['name', 'customer', 'kunde', 'kundenname', 'firma'],
  numbers: ['numbers', 'number', 'phone', 'phones', 'phone_number', 'phone_numbers', 'telefon', 'telefonnummer', 'rufnummer', 'rufnummern'],
  language: ['language', 'sprache'],
  time_zone: ['time_zone', 'timezone', 'zeitzone'],
  customer_number: ['customer_number', 'kundennummer', 'kunden_nr', 'kundennr'],
  service: ['service', 'dienst', 'leistung', 'vertrag', 'tarif'],
  queue: ['queue', 'warteschlange'],
  priority: ['priority', 'prioritaet'],
  hours: ['hours', 'servicezeit', 'servicezeiten', 'zeiten'],
  sla_minutes: ['sla_minutes', 'sla_minuten', 'sla', 'entstoerzeit_minuten'],
  pin_by_sms: ['pin_by_sms', 'pin_per_sms'],
  valid_from: ['valid_from', 'gueltig_ab', 'gueltig_von'],
  valid_to: ['valid_to', 'gueltig_bis'],
  pin: ['pin'],
} as const satisfies Record<string, readonly string[]>

export type ColumnName = keyof typeof headings
export const columnNames = Object.keys(headings) as ColumnName[]

const byHeading = new Map<string, ColumnName>(
  Object.entries(headings).flatMap(([name, words]) => words.map((word) => [word, name as ColumnName] as const)),
)

/** Where each column stands, and what its heading says; those that the file lacks are not in it. */
export type Columns = { readonly places: ReadonlyMap<ColumnName, { place: number; heading: string }>; readonly count: number }

/** The column that a heading names; null: none that is known. */
export function columnOf(heading: string): ColumnName | null {
  return byHeading.get(plain(heading)) ?? null
}

/** @param line of the headings */
export function readHeadings(cells: readonly string[], line: number): { columns: Columns; mistakes: Mistake[] } {
  const places = new Map<ColumnName, { place: number; heading: string }>()
  const mistakes: Mistake[] = []
  for (const [place, cell] of cells.entries()) {
    const heading = cell.trim().slice(0, 60)
    const name = columnOf(heading)
    // A delimiter behind the last column.
    if (heading === '' && place === cells.length - 1) continue
    const twin = name === null ? undefined : places.get(name)
    if (name === null) mistakes.push({ line, column: heading, ...unknown(heading, place) })
    else if (twin !== undefined) {
      const what = `means the same as the column ${twin.heading}`
      mistakes.push({ line, column: heading, what, mend: 'Leave one of them out.' })
    } else places.set(name, { place, heading })
  }
  if (!places.has('name')) {
    const mend = `The first line names the columns, and name is one of them: ${columnNames.join(', ')}.`
    mistakes.push({ line, column: null, what: 'the column name is missing', mend })
  }
  return { columns: { places, count: cells.length }, mistakes }
}

function unknown(heading: string, place: number): { what: string; mend: string } {
  if (heading === '') return { what: `column ${place + 1} has no heading`, mend: 'Give it one, or take the column out.' }
  const near = nearestName(plain(heading), [...byHeading.keys()])
  const known = `There are: ${columnNames.join(', ')}.`
  return { what: 'is not a column that is known', mend: near === null ? known : `Did you mean ${near}? ${known}` }
}

/** `Kunden-Nr.` and `kundenNr` are one: small letters, words held together by `_`, no umlauts. */
function plain(heading: string): string {
  return heading
    .normalize('NFC')
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1_$2')
    .toLowerCase()
    .replace(/[äöüß]/g, (letter) => ({ ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss' })[letter] ?? letter)
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
}
