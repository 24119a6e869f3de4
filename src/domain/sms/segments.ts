/**
 * From a text to the parts that the carrier takes, and how many they are.
 *
 * A short message has 140 octets of user data (3GPP TS 23.040, section
 * 9.2.3.24): 160 septets, or 70 units of UCS-2. A longer text goes in parts,
 * each with a user data header that says which part of what it is (section
 * 9.2.3.24.1): 6 octets with an 8-bit reference, leaving 153 septets or 67
 * units; 7 octets with a 16-bit one (section 9.2.3.24.8), leaving 152 or 66.
 * The header itself is not made here, the route decides on its kind.
 *
 * A text is GSM-7 if it can be (with the table of transliterate.ts), otherwise
 * UCS-2 as a whole and as it was written. UCS-2 is meant as UTF-16, as every
 * phone of today reads it, so that emoji are pairs of units.
 */
import assert from 'node:assert/strict'
import { escapeSeptet, toSeptets } from './gsm7.ts'
import { type Refused, firstRefused, isBlank, tidy } from './sendable.ts'
import { transliterate } from './transliterate.ts'

export type Coding = 'gsm7' | 'ucs2'

export type EncodeOptions = {
  /** A text that takes more is refused. 1–255, as the header counts them in an octet. */
  mostParts: number
  /** Of the header that the route will put before each part. With SAR TLVs the carrier chooses, so 16 is the safe one. */
  referenceBits?: 8 | 16
}

export type EncodedText = {
  coding: Coding
  /** User data without headers: septets one an octet, or UTF-16 big-endian. */
  parts: Uint8Array[]
  /** What the phone will show: the text with line ends, composed letters and, in GSM-7, punctuation as they are sent. */
  text: string
  /** As a person counts them: an emoji of one code point is one. */
  characters: number
  /** What is counted against the limits: septets, or 16-bit units. */
  units: number
}

/** Why a text cannot be sent. `too_long`: it would take so many parts (an estimate for a text that no limit would let pass). */
export type Unsendable = { why: 'empty' } | { why: 'too_long'; parts: number; mostParts: number } | Refused

export type EncodeResult = ({ ok: true } & EncodedText) | ({ ok: false } & Unsendable)

/** The header counts parts in one octet. */
export const mostPartsEver = 255

type Measures = {
  octetsPerUnit: number
  alone: number
  inParts: Readonly<Record<8 | 16, number>>
  /** By the first octet of a unit: it must not be parted from the next one. */
  opensPair: (octet: number) => boolean
}

const measures: Readonly<Record<Coding, Measures>> = {
  gsm7: { octetsPerUnit: 1, alone: 160, inParts: { 8: 153, 16: 152 }, opensPair: (octet) => octet === escapeSeptet },
  // High surrogates are 0xD800–0xDBFF.
  ucs2: { octetsPerUnit: 2, alone: 70, inParts: { 8: 67, 16: 66 }, opensPair: (octet) => (octet & 0xfc) === 0xd8 },
}

/** No text of more UTF-16 units fits in all the parts there can be, and none is looked at. */
const mostTextUnits = mostPartsEver * measures.gsm7.inParts[8]

/** Encodes the text, or says why it cannot be sent. Never substitutes a character that the alphabet lacks. */
export function encodeText(text: string, { mostParts, referenceBits = 8 }: EncodeOptions): EncodeResult {
  assert(Number.isInteger(mostParts) && mostParts >= 1 && mostParts <= mostPartsEver, `mostParts is 1 to ${mostPartsEver}`)
  if (text.length > mostTextUnits) {
    return { ok: false, why: 'too_long', parts: Math.ceil(text.length / measures.gsm7.inParts[8]), mostParts }
  }
  const refused = firstRefused(text)
  if (refused !== null) return { ok: false, ...refused }
  const written = tidy(text)
  if (isBlank(written)) return { ok: false, why: 'empty' }

  const plain = transliterate(written)
  const septets = toSeptets(plain)
  const coding = septets === null ? 'ucs2' : 'gsm7'
  const octets = septets ?? toUtf16(written)
  const parts = cut(octets, coding, referenceBits)
  if (parts.length > mostParts) return { ok: false, why: 'too_long', parts: parts.length, mostParts }
  const shown = septets === null ? written : plain
  return { ok: true, coding, parts, text: shown, characters: [...shown].length, units: octets.length / measures[coding].octetsPerUnit }
}

/** For the trace of a message and for answers of the API: "the text takes 14 parts, 6 are allowed". Quotes nothing of it. */
export function sayUnsendable(reason: Unsendable): string {
  switch (reason.why) {
    case 'empty':
      return 'the text is empty'
    case 'too_long':
      return `the text takes ${reason.parts} parts, ${reason.mostParts} are allowed`
    case 'control_character':
      return `the text holds the control character ${reason.codePoint}`
    case 'lone_surrogate':
      return `the text holds half a character (${reason.codePoint})`
    case 'noncharacter':
      return `the text holds ${reason.codePoint}, which is no character`
  }
}

/**
 * How many parts a text of so many units takes at most, wherever its pairs
 * (escapes, surrogates) happen to stand.
 * @param hasPairs false where it is known to have none: each cut before a pair costs a unit
 */
export function partsAtMost(units: number, coding: Coding, hasPairs: boolean, referenceBits: 8 | 16 = 8): number {
  const { alone, inParts } = measures[coding]
  if (units <= alone) return 1
  const room = inParts[referenceBits]
  return hasPairs ? Math.ceil((units - 1) / (room - 1)) : Math.ceil(units / room)
}

function cut(octets: Uint8Array, coding: Coding, referenceBits: 8 | 16): Uint8Array[] {
  const { octetsPerUnit, alone, inParts, opensPair } = measures[coding]
  if (octets.length <= alone * octetsPerUnit) return [octets]
  const room = inParts[referenceBits] * octetsPerUnit
  const parts: Uint8Array[] = []
  for (let from = 0; from < octets.length; ) {
    const end = Math.min(from + room, octets.length)
    const last = end - octetsPerUnit
    const until = end < octets.length && opensPair(octets[last]!) ? last : end
    parts.push(octets.subarray(from, until))
    from = until
  }
  return parts
}

function toUtf16(text: string): Uint8Array {
  const octets = new Uint8Array(2 * text.length)
  for (let place = 0; place < text.length; place += 1) {
    const unit = text.charCodeAt(place)
    octets[2 * place] = unit >> 8
    octets[2 * place + 1] = unit & 0xff
  }
  return octets
}
