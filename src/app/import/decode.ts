/** A file's octets as text: UTF-8, or what a German Windows writes. */
import { isUtf8 } from 'node:buffer'
import type { Mistake } from '../../domain/import/mistakes.ts'

export type Encoding = 'utf-8' | 'windows-1252'
export type Decoded = { text: string; encoding: Encoding } | { mistake: Mistake }

/** All of it is in memory while it is read. */
export const mostBytes = 128 * 1024 * 1024
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])
const lineFeed = 0x0a

const mistake = (line: number | null, what: string, mend: string): Decoded => ({ mistake: { line, column: null, what, mend } })

/** @param asked what the file is in; null: it is told by what stands in it, as hardly any text of Windows-1252 is UTF-8 by chance */
export function decode(bytes: Buffer, asked: Encoding | null): Decoded {
  if (bytes.length > mostBytes) return mistake(null, `has ${mib(bytes.length)} MiB, ${mib(mostBytes)} are taken at once`, 'Divide it.')
  const other = otherEncoding(bytes)
  if (other !== null) return other
  const isMarked = bytes.subarray(0, 3).equals(byteOrderMark)
  const body = isMarked ? bytes.subarray(3) : bytes
  if (body.length === 0) return mistake(null, 'is empty', 'Its first line names the columns: name, numbers, customer_number, …')
  if (isUtf8(body) && asked !== 'windows-1252') return { text: new TextDecoder('utf-8').decode(body), encoding: 'utf-8' }
  if (asked === 'utf-8' || isMarked) return notUtf8(body)
  // A file that is UTF-8 here and is not there was damaged or put together from two, and would come out as gibberish.
  if (asked === null && hasUtf8Letters(body)) return notUtf8(body)
  return { text: new TextDecoder('windows-1252').decode(body), encoding: 'windows-1252' }
}

function otherEncoding(bytes: Buffer): Decoded | null {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  const zero = bytes.indexOf(0)
  // Every second octet of Latin letters is one.
  if (isUtf16 || zero === 0 || zero === 1)
    return mistake(null, 'is in UTF-16 ("Unicode text")', 'Save it as "CSV UTF-8", or as CSV for Windows.')
  if (zero === -1) return null
  return mistake(lineAt(bytes, zero), 'holds a NUL octet: this is no text', 'The file is damaged, or none with comma-separated values.')
}

function notUtf8(body: Buffer): Decoded {
  const line = badLine(body)
  const mend = 'Save it as "CSV UTF-8" again. If all of it is Windows-1252, say so: --encoding windows-1252.'
  return mistake(line, 'is not UTF-8, though the file is otherwise: a letter is cut in half or of another encoding', mend)
}

/** The first that is no UTF-8. No letter of it has an octet that a line ends with. */
function badLine(body: Buffer): number {
  let line = 1
  for (let from = 0; from < body.length; line += 1) {
    const end = body.indexOf(lineFeed, from)
    const to = end === -1 ? body.length : end + 1
    if (!isUtf8(body.subarray(from, to))) return line
    from = to
  }
  return line
}

/** Whether there is a letter of two octets or more that can be nothing else. */
function hasUtf8Letters(body: Buffer): boolean {
  const text = new TextDecoder('utf-8').decode(body)
  return /[^\u0000-\u007f\ufffd]/.test(text)
}

function lineAt(bytes: Buffer, place: number): number {
  let line = 1
  for (let at = bytes.indexOf(lineFeed); at !== -1 && at < place; at = bytes.indexOf(lineFeed, at + 1)) line += 1
  return line
}

const mib = (bytes: number): number => Math.ceil(bytes / 1024 / 1024)
