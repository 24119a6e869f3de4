/**
 * From user data to text: what customers answer, and what the simulator shows
 * of what was sent. Nothing throws: bytes that mean nothing become U+FFFD, so
 * that a reader sees that something was there.
 *
 * One part is decoded by `decodeText`, a message of one part or more is put
 * together by `joinParts`. Only the latter's text is fit to be kept and shown:
 * foreign senders do cut a pair of units in the middle, so a part by itself
 * may begin or end with half of one (`openEscape`, a lone surrogate).
 */
import { escapedCharacter, fromSeptets, openEscape, replacement } from './gsm7.ts'

/** `latin1` also reads ASCII (IA5), which is its lower half. */
export type Alphabet = 'gsm7' | 'ucs2' | 'latin1'

/** Stands where a part of a long message never came. */
export const gapMark = '[…]'

/** The text of one part's user data, without its header. */
export function decodeText(octets: Uint8Array, alphabet: Alphabet): string {
  switch (alphabet) {
    case 'gsm7':
      return fromSeptets(octets)
    case 'ucs2':
      return fromUtf16(octets)
    case 'latin1':
      return fromLatin1(octets)
  }
}

/**
 * The text of a whole message from those of its parts, in order; null where
 * one is missing. Pairs that were cut are whole again, `gapMark` stands for
 * what is missing. The result is well-formed, has LF for line ends and no
 * other control character than the tab, so any database takes it.
 */
export function joinParts(parts: readonly (string | null)[]): string {
  let text = ''
  let isAfterGap = false
  for (const part of parts) {
    if (part === null) {
      if (!isAfterGap) text = settle(text) + gapMark
      isAfterGap = true
      continue
    }
    const [first = ''] = part
    text = text.endsWith(openEscape) && first !== '' ? text.slice(0, -1) + escapedCharacter(first) + part.slice(first.length) : text + part
    isAfterGap = false
  }
  return settle(text)
}

/** No pair can be completed any more. Padding with NULs at the end, as some gateways do it, is no text. */
function settle(text: string): string {
  return text
    .replace(/\u0000+$/, '')
    .replaceAll(openEscape, ' ')
    .replace(/\r\n?|[\f\u0085]/g, '\n')
    .replace(/[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f]/g, replacement)
    .toWellFormed()
}

/** UTF-16, big-endian unless a byte order mark says otherwise: read backwards it would be U+FFFE, which is no character. */
function fromUtf16(octets: Uint8Array): string {
  const littleEndian = octets[0] === 0xff && octets[1] === 0xfe
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  let text = ''
  for (let place = 0; place + 1 < octets.length; place += 2) text += String.fromCharCode(view.getUint16(place, littleEndian))
  const halfUnit = octets.length % 2 === 1 ? replacement : ''
  return withoutEscapes(text.startsWith('\ufeff') ? text.slice(1) : text) + halfUnit
}

function fromLatin1(octets: Uint8Array): string {
  let text = ''
  for (const octet of octets) text += String.fromCharCode(octet)
  return withoutEscapes(text)
}

/** Only in GSM-7 does an escape lead anywhere. */
function withoutEscapes(text: string): string {
  return text.replaceAll(openEscape, replacement)
}
