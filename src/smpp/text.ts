/** Text of incoming user data, whatever `data_coding` says it is (SMPP 3.4, 5.2.19; 3GPP TS 23.038, section 4, for what some carriers pass on as it was). */
import { decodeText } from '../domain/sms/decode.ts'
import { dataCoding } from '../wire/smpp/constants.ts'
import type { SourceEncoding } from './settings.ts'

/** Alphabets of the east, by their names in the Encoding standard, which `TextDecoder` knows. */
const others = new Map([
  [5, 'shift_jis'],
  [6, 'iso-8859-5'],
  [7, 'iso-8859-8'],
  [10, 'iso-2022-jp'],
  [13, 'euc-jp'],
  [14, 'euc-kr'],
])

/** Never throws. What cannot be text comes as its octets in hexadecimal, so that a person sees that something came. */
export function readUserData(octets: Buffer, coding: number, sourceEncoding: SourceEncoding): string {
  switch (coding) {
    case dataCoding.smscDefault:
      return decodeText(octets, sourceEncoding)
    case dataCoding.ia5:
    case dataCoding.latin1:
      return decodeText(octets, 'latin1')
    case dataCoding.ucs2:
      return decodeText(octets, 'ucs2')
    case dataCoding.binary2:
    case dataCoding.binary:
      return readBinary(octets)
  }
  const other = others.get(coding)
  if (other !== undefined) return new TextDecoder(other).decode(octets)
  switch (gsmAlphabet(coding)) {
    case 'gsm7':
      return decodeText(octets, 'gsm7')
    case 'ucs2':
      return decodeText(octets, 'ucs2')
    case 'octets':
      return readBinary(octets)
  }
}

/** TS 23.038, section 4: the coding group is in the upper bits, the alphabet in bits 3–2, or in bit 2 of those with a class. */
function gsmAlphabet(coding: number): 'gsm7' | 'ucs2' | 'octets' {
  const group = coding >> 4
  if (group === 0xf) return (coding & 0x04) === 0 ? 'gsm7' : 'octets'
  if (group === 0xe) return 'ucs2'
  if (group === 0xc || group === 0xd) return 'gsm7'
  if (group > 0x7) return 'octets'
  return (['gsm7', 'octets', 'ucs2', 'octets'] as const)[(coding >> 2) & 0x03]!
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Some phones and gateways label text as 8-bit data. */
function readBinary(octets: Buffer): string {
  try {
    const text = utf8.decode(octets)
    if (isPrintable(text)) return text
  } catch {
    // Not UTF-8, then.
  }
  const text = octets.toString('latin1')
  return isPrintable(text) ? text : octets.toString('hex')
}

function isPrintable(text: string): boolean {
  return !/[\u0000-\u0008\u000b-\u000c\u000e-\u001f\u007f-\u009f]/.test(text)
}
