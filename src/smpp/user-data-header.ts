/** The header in user data (3GPP TS 23.040, 9.2.3.24): here only what makes several messages one text. */

export type Concatenated = { reference: number; part: number; of: number }

const CONCATENATED_8_BIT = 0x00
const CONCATENATED_16_BIT = 0x08

/** Of a part whose reference has 8 bits. */
export function header8({ reference, part, of }: Concatenated): Uint8Array {
  return Uint8Array.of(5, CONCATENATED_8_BIT, 3, reference & 0xff, of, part)
}

/** Of a part whose reference has 16 bits. */
export function header16({ reference, part, of }: Concatenated): Uint8Array {
  return Uint8Array.of(6, CONCATENATED_16_BIT, 4, (reference >> 8) & 0xff, reference & 0xff, of, part)
}

/** What cannot be read as a header is told by null: then all of it is text, for all we know. */
export function readHeader(userData: Buffer): { concatenation: Concatenated | null; text: Buffer } | null {
  const end = 1 + (userData[0] ?? 0)
  if (userData.length === 0 || end > userData.length) return null
  let concatenation: Concatenated | null = null
  let at = 1
  while (at < end) {
    const value = at + 2
    const length = userData[at + 1] ?? 0
    if (value > end || value + length > end) return null
    const kind = userData[at]
    if (kind === CONCATENATED_8_BIT && length === 3) concatenation = sensible(userData[value]!, userData[value + 2]!, userData[value + 1]!)
    else if (kind === CONCATENATED_16_BIT && length === 4)
      concatenation = sensible(userData.readUInt16BE(value), userData[value + 3]!, userData[value + 2]!)
    at = value + length
  }
  return { concatenation, text: userData.subarray(end) }
}

/** As 9.2.3.24.1 says: a part 0, or one beyond the last, is as if there were no concatenation. */
export function sensible(reference: number, part: number, of: number): Concatenated | null {
  return of > 1 && part >= 1 && part <= of ? { reference, part, of } : null
}
