/** What stands in one cell. Whatever a spreadsheet does to a value on its way is named, as nobody sees it there. */

export type Read<T> = { ok: true; value: T } | { ok: false; what: string; mend: string }

const earliestAt = Temporal.Instant.from('1900-01-01T00:00Z').epochMilliseconds
const latestAt = Temporal.Instant.from('9999-12-31T23:59:59Z').epochMilliseconds

const as = <T>(value: T): Read<T> => ({ ok: true, value })
export const wrong = (what: string, mend: string): { ok: false; what: string; mend: string } => ({ ok: false, what, mend })

/** What is in the cell and can be said again, short and printable. */
export function quoted(text: string): string {
  const shown = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  return `"${shown.length > 40 ? `${shown.slice(0, 40)}…` : shown}"`
}

/**
 * A moment: a day (`2026-07-01`, `01.07.2026`) on the customer's calendar, or ISO 8601 with its zone. Epoch milliseconds.
 * @param edge of a day: where it begins, or where it is over
 */
export function readMoment(text: string, timeZone: string, edge: 'begins' | 'is over'): Read<number> {
  const mend = 'Write a day as 2026-07-01 or 01.07.2026, or a time as 2026-07-01T08:00:00+02:00.'
  const german = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text)
  const [day, month, year] = german?.slice(1) ?? []
  const date = german === null ? text : `${year}-${month?.padStart(2, '0')}-${day?.padStart(2, '0')}`
  const at = /^\d{4}-\d{2}-\d{2}$/.test(date) ? dayAt(date, timeZone, edge) : instantAt(text)
  if (at === null) return wrong(`${quoted(text)} is no day that there is`, mend)
  return at >= earliestAt && at <= latestAt ? as(at) : wrong(`${quoted(text)} is too far away`, mend)
}

function dayAt(date: string, timeZone: string, edge: 'begins' | 'is over'): number | null {
  try {
    const day = Temporal.PlainDate.from(date, { overflow: 'reject' })
    return (edge === 'begins' ? day : day.add({ days: 1 })).toZonedDateTime({ timeZone }).epochMilliseconds
  } catch {
    return null // A RangeError is Temporal's only way to say that there is no such day.
  }
}

function instantAt(text: string): number | null {
  try {
    return Temporal.Instant.from(text).epochMilliseconds
  } catch {
    return null
  }
}

export function readWhole(text: string, least: number, most: number): Read<number> {
  const mend = `Write a whole number from ${least} to ${most}.`
  if (!/^[+-]?\d{1,9}$/.test(text)) return wrong(`${quoted(text)} is no whole number`, mend)
  const value = Number(text)
  return value >= least && value <= most ? as(value) : wrong(`${value} is out of bounds`, mend)
}

const yes = new Set(['yes', 'y', 'true', '1', 'ja', 'j', 'x'])
const no = new Set(['no', 'n', 'false', '0', 'nein'])

export function readYesOrNo(text: string): Read<boolean> {
  const word = text.toLowerCase()
  if (yes.has(word)) return as(true)
  return no.has(word) ? as(false) : wrong(`${quoted(text)} is neither yes nor no`, 'Write yes or no (ja, nein).')
}

/**
 * The numbers of a customer, however they are written, apart by `|`, `,`, `;` or a new line; each once.
 * @param e164 a number as people write it, in E.164; null if it can be none
 */
export function readNumbers(text: string, most: number, e164: (text: string) => string | null): Read<string[]> {
  // German ones write it with the comma that is between numbers otherwise.
  if (/^\d+([.,]\d+)?e\+?\d+$/i.test(text))
    return wrong(`${quoted(text)} is a number that a spreadsheet has rounded`, 'Format the column as text there, and enter it again.')
  const numbers: string[] = []
  for (const part of text.split(/[|,;\n\r]/)) {
    const given = part.trim()
    if (given === '') continue
    const number = /^[+0-9 ()\u00a0/.\-–]+$/.test(given) ? e164(given) : null
    if (number === null) return wrong(`${quoted(given)} is no telephone number`, 'Write it as +49…, with country and area code.')
    if (!numbers.includes(number)) numbers.push(number)
  }
  return numbers.length <= most ? as(numbers) : wrong(`there are ${numbers.length} numbers`, `A customer can have ${most}.`)
}

/** What becomes of a customer's PIN: drawn, sent, none, or given (digits). */
export type WantedPin = { is: 'draw' } | { is: 'sms' } | { is: 'given'; pin: string }

const draws = new Set(['', 'draw', 'new', 'neu', 'ziehen'])
const nones = new Set(['none', 'no', '-', 'keine', 'nein'])

/** The message never repeats what was given: it may be a PIN. */
export function readPin(text: string, length: number): Read<WantedPin | null> {
  const word = text.toLowerCase()
  if (draws.has(word)) return as({ is: 'draw' })
  if (nones.has(word)) return as(null)
  if (word === 'sms') return as({ is: 'sms' })
  if (!/^[0-9]+$/.test(text)) return wrong('is no PIN', 'Write its digits, or draw, sms or none.')
  if (text.length === length) return as({ is: 'given', pin: text })
  const lost = text.length < length ? ' A spreadsheet drops zeros in front: format the column as text there.' : ''
  return wrong(`the PIN has ${text.length} digits`, `A PIN has ${length} (pin.length in pforte.yaml).${lost}`)
}
