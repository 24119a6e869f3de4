/**
 * What a plain phone shows of the octets that reach it, and what it sends when
 * its owner types. With tables of its own: a witness that shared them with the
 * sender would not see a wrong letter.
 */
import { dataCoding } from '../../wire/smpp/constants.ts'

/** 3GPP TS 23.038, section 6.2.1, in rows of sixteen; 0x1B leads into the second table. */
const gsm = [
  ...'@£$¥èéùìòÇ\nØø\rÅå',
  ...'Δ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ',
  ...' !"#¤%&\'()*+,-./',
  ...'0123456789:;<=>?',
  ...'¡ABCDEFGHIJKLMNO',
  ...'PQRSTUVWXYZÄÖÑÜ§',
  ...'¿abcdefghijklmno',
  ...'pqrstuvwxyzäöñüà',
]

/** Section 6.2.1.1. */
const afterEscape: Record<number, string> = {
  10: '\f',
  20: '^',
  40: '{',
  41: '}',
  47: '\\',
  60: '[',
  61: '~',
  62: ']',
  64: '|',
  101: '€',
}
const escape = 0x1b

/** Shown for what is no character. */
const noCharacter = '\ufffd'

/** How a text is put into octets. */
export type Coding = 'gsm7' | 'ascii' | 'latin1' | 'ucs2' | 'binary'

/** The data_coding that goes with it (SMPP 3.4, section 5.2.19). */
export const dataCodings: Record<Coding, number> = {
  gsm7: dataCoding.smscDefault,
  ascii: dataCoding.ia5,
  latin1: dataCoding.latin1,
  ucs2: dataCoding.ucs2,
  binary: dataCoding.binary,
}

/** What an SMSC takes data_coding 0 to mean; the standard leaves it to the SMSC, and some have Latin-1. */
export type DefaultAlphabet = 'gsm7' | 'latin1'

/** What the display shows of the user data of one part. Octets that are no text are shown as themselves, in hexadecimal. */
export function show(octets: Buffer, coding: number, defaultAlphabet: DefaultAlphabet = 'gsm7'): string {
  switch (coding) {
    case dataCoding.smscDefault:
      return defaultAlphabet === 'gsm7' ? showGsm(octets) : octets.toString('latin1')
    case dataCoding.ia5:
      return [...octets].map((octet) => (octet < 0x80 ? String.fromCharCode(octet) : noCharacter)).join('')
    case dataCoding.latin1:
      return octets.toString('latin1')
    case dataCoding.ucs2:
      return new TextDecoder('utf-16be').decode(octets)
    default:
      return octets.toString('hex')
  }
}

/** Unpacked septets. An escape that the end of the part cuts off shows nothing but a gap: the next part cannot mend it. */
function showGsm(octets: Buffer): string {
  let shown = ''
  for (let at = 0; at < octets.length; at++) {
    const code = octets[at]!
    if (code !== escape) shown += gsm[code] ?? noCharacter
    else {
      const next = octets[++at]
      shown += next === undefined ? ' ' : (afterEscape[next] ?? gsm[next] ?? noCharacter)
    }
  }
  return shown
}

const septets = new Map<string, number[]>([
  ...gsm.map((character, code): [string, number[]] => [character, [code]]),
  ...Object.entries(afterEscape).map(([code, character]): [string, number[]] => [character, [escape, Number(code)]]),
])

/**
 * The octets of a text, one entry a character, so that nobody cuts one in two.
 *
 * @throws RangeError if the coding has no such character
 */
export function typed(text: string, coding: Coding): Buffer[] {
  return [...text].map((character) => {
    const octets = ofCharacter(character, coding)
    if (octets === undefined) throw new RangeError(`${coding} does not have every character of this text`)
    return octets
  })
}

function ofCharacter(character: string, coding: Coding): Buffer | undefined {
  const code = character.codePointAt(0) ?? 0
  switch (coding) {
    case 'gsm7': {
      const codes = character === '\u001b' ? undefined : septets.get(character)
      return codes && Buffer.from(codes)
    }
    case 'ascii':
      return code < 0x80 ? Buffer.of(code) : undefined
    case 'latin1':
      return code < 0x100 ? Buffer.of(code) : undefined
    case 'ucs2':
      return Buffer.from(character, 'utf16le').swap16()
    case 'binary':
      return Buffer.from(character, 'utf8')
  }
}

/** As a phone chooses: the small alphabet if it has all characters. */
export function codingFor(text: string): Coding {
  return [...text].every((character) => character !== '\u001b' && septets.has(character)) ? 'gsm7' : 'ucs2'
}
