/** Long texts: how parts say that they belong together (3GPP TS 23.040, section 9.2.3.24; SMPP 3.4, section 5.3.2.22–24). */
import { esmClass } from '../../wire/smpp/constants.ts'
import type { MessageFields } from '../../wire/smpp/fields.ts'
import type { Tlvs } from '../../wire/smpp/tlvs.ts'

export type Place = { reference: number; part: number; of: number }

/** `split: null` where the message is not one of several. */
export type UserData = { octets: Buffer; split: Place | null }

const concatenated8 = 0x00
const concatenated16 = 0x08

/** The text's octets without the header, and what the header or the TLVs say of the other parts. */
export function userDataOf(fields: Pick<MessageFields, 'esm_class' | 'short_message'>, tlvs: Tlvs): UserData {
  const octets = tlvs.message_payload ?? fields.short_message
  if ((fields.esm_class & esmClass.udhi) !== 0) return withHeader(octets)
  const { sar_msg_ref_num: reference, sar_segment_seqnum: part, sar_total_segments: of } = tlvs
  if (reference === undefined || part === undefined || of === undefined) return { octets, split: null }
  return { octets, split: sound({ reference, part, of }) }
}

/** What is no header is shown, as phones do: whoever sent it shall see it. */
function withHeader(octets: Buffer): UserData {
  const end = 1 + (octets[0] ?? 0)
  if (end > octets.length) return { octets, split: null }
  let split: Place | null = null
  for (let at = 1; at + 2 <= end; at += 2 + octets[at + 1]!) {
    const [element, length] = [octets[at], octets[at + 1]]
    const value = octets.subarray(at + 2, end)
    if (element === concatenated8 && length === 3 && value.length >= 3)
      split = sound({ reference: value[0]!, of: value[1]!, part: value[2]! })
    if (element === concatenated16 && length === 4 && value.length >= 4)
      split = sound({ reference: value.readUInt16BE(0), of: value[2]!, part: value[3]! })
  }
  return { octets: octets.subarray(end), split }
}

/** TS 23.040, section 9.2.3.24.1: what does not add up is as if it were not there. */
function sound(place: Place): Place | null {
  const { part, of } = place
  return of > 1 && part >= 1 && part <= of ? place : null
}

/** How a long text is put on the wire. */
export type LongForm = 'udh8' | 'udh16' | 'sar' | 'payload'

/** User data of a short message (TS 23.040, section 9.2.3.24). */
const userDataOctets = 140

export type Part = { short_message: Buffer; esm_class: number; tlvs: Tlvs }

/**
 * @param characters octets of each character
 * @param bits of an octet of these that go over the air: 7 or 8
 */
export function parts(characters: readonly Buffer[], bits: 7 | 8, form: LongForm, reference: number): Part[] {
  const whole = Buffer.concat(characters)
  if (form === 'payload') return [{ short_message: Buffer.alloc(0), esm_class: 0, tlvs: { message_payload: whole } }]
  if (whole.length * bits <= userDataOctets * 8) return [{ short_message: whole, esm_class: 0, tlvs: {} }]
  // A header of SAR TLVs becomes one of 8 or 16 bits on the air, so the room is the same.
  const headerOctets = form === 'udh8' ? 6 : 7
  const room = Math.floor(((userDataOctets - headerOctets) * 8) / bits)
  const texts = filled(characters, room)
  const of = texts.length
  return texts.map((text, index) => {
    const part = index + 1
    if (form === 'sar') {
      return { short_message: text, esm_class: 0, tlvs: { sar_msg_ref_num: reference, sar_total_segments: of, sar_segment_seqnum: part } }
    }
    const header =
      form === 'udh8'
        ? [5, concatenated8, 3, reference & 0xff, of, part]
        : [6, concatenated16, 4, (reference >> 8) & 0xff, reference & 0xff, of, part]
    return { short_message: Buffer.concat([Buffer.from(header), text]), esm_class: esmClass.udhi, tlvs: {} }
  })
}

function filled(characters: readonly Buffer[], room: number): Buffer[] {
  const texts: Buffer[] = []
  let open: Buffer[] = []
  let octets = 0
  for (const character of characters) {
    if (octets + character.length > room) {
      texts.push(Buffer.concat(open))
      open = []
      octets = 0
    }
    open.push(character)
    octets += character.length
  }
  texts.push(Buffer.concat(open))
  return texts
}
