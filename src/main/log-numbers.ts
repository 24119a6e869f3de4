/**
 * Telephone numbers in the log, as `logs.numbers` of pforte.yaml wants them.
 * Done once, on the finished line, so that no place that logs can forget it:
 * fields, sentences, and what an error of Postgres or Asterisk quotes.
 */
import type { LoggerOptions } from 'pino'

export type NumbersInLog = 'full' | 'masked' | 'none'

/** Assigned country codes of one and of two digits; all others have three (ITU-T E.164, list of assigned codes). */
const countryCode = /^(?:[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})/

/**
 * What is no number though it looks like one comes first, so that it is passed over whole: UUIDs.
 * Then E.164, however it is grouped; the caller in the name of a recording that the fallback dialplan made, where `p` is `+`;
 * and what a telephone at home would dial.
 */
const numbers = new RegExp(
  [
    '(?<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})',
    '\\+[1-9](?:[ ()/.-]{0,2}[0-9]){5,14}',
    '(?<=pforte-fallback-[0-9]{1,12}-[0-9]{0,20}-)p?[0-9]{5,15}',
    '(?<![\\w.+-])00?[1-9][0-9]{5,13}(?!\\w)',
  ].join('|'),
  'gi',
)
/** Fields that hold a number in whatever form: carriers and trunks leave the + away. */
const fields = /"(?:caller|callers|dialled|number|numbers|recipient|sender|to|from)":(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])/g
const digits = /(?<![0-9…])[0-9]{5,15}(?![0-9])/g

/** @param line JSON as pino wrote it, which it stays */
export function hideNumbers(line: string, how: NumbersInLog): string {
  if (how === 'full') return line
  const hidden = (number: string): string => (how === 'none' ? '<number>' : masked(number))
  return line
    .replace(numbers, (found, ...rest) => ((rest.at(-1) as { uuid?: string }).uuid === undefined ? hidden(found) : found))
    .replace(fields, (field) => field.replace(digits, hidden))
}

/** For pino. @param how asked at each line, because pforte.yaml can be read again */
export function hidingNumbers(how: () => NumbersInLog): NonNullable<LoggerOptions['hooks']> {
  return { streamWrite: (line) => hideNumbers(line, how()) }
}

/** Country and last two digits: `+49…67`. Of one without a country its last two: `…67`. */
function masked(number: string): string {
  const [plus = ''] = /^(?:\+|p|00)/i.exec(number) ?? []
  const all = number.slice(plus.length).replace(/\D/g, '')
  const [country = ''] = plus === '' ? [] : (countryCode.exec(all) ?? [])
  return `${plus}${country}…${all.slice(-2)}`
}
