/** From an encoded message to submit_sm. Pure. What must not go on the wire is refused here, by the status the carrier would have for it. */
import assert from 'node:assert/strict'
import type { EncodedMessage } from '../app/ports/smsc.ts'
import { decodeText } from '../domain/sms/decode.ts'
import { dataCoding, esmClass, mostShortMessageBytes, registeredDelivery } from '../wire/smpp/constants.ts'
import { encodePdu, type Draft } from '../wire/smpp/pdu.ts'
import type { Tlvs } from '../wire/smpp/tlvs.ts'
import { destinationAddress, sourceAddress } from './addresses.ts'
import type { LinkSettings } from './settings.ts'
import { absoluteTime, relativeTime } from './smpp-time.ts'
import { header16, header8 } from './user-data-header.ts'

/** A PDU, and which parts of the message it carries: one, or all of them in a message_payload. */
export type SubmitFrame = { sequence: number; frame: Buffer; parts: readonly number[] }

/** `status` as the carrier would have said it: it is no mobile number, the name is too long, … */
export type Submittable = { ok: true; frames: SubmitFrame[] } | { ok: false; status: string }

type Writing = Pick<LinkSettings, 'serviceType' | 'concatenation' | 'validity' | 'sourceEncoding'>
type Fields = Draft<'submit_sm'>['fields']
type Body = Pick<Fields, 'short_message'> & { esm_class?: number; tlvs?: Tlvs }

/** User data of a short message (3GPP TS 23.040, section 9.2.3.24), in bits. */
const USER_DATA_BITS = 140 * 8

/**
 * @param sequences of each part, in order
 * @param now epoch ms
 */
export function submitFrames(message: EncodedMessage, sequences: readonly number[], settings: Writing, now: number): Submittable {
  const { parts, coding, validUntil } = message
  assert(parts.length > 0 && parts.length <= 255, 'a message has 1 to 255 parts')
  const to = destinationAddress(message.to)
  if (to === null) return { ok: false, status: 'ESME_RINVDSTADR' }
  const from = sourceAddress(message.from)
  if (from === null) return { ok: false, status: 'ESME_RINVSRCADR' }
  if (validUntil !== null && validUntil - now < 1000) return { ok: false, status: 'ESME_RINVEXPIRY' }
  const bodies = makeBodies(message, settings)
  if (typeof bodies === 'string') return { ok: false, status: bodies }

  const common: Omit<Fields, 'short_message'> = {
    service_type: settings.serviceType,
    source_addr_ton: from.ton,
    source_addr_npi: from.npi,
    source_addr: from.address,
    dest_addr_ton: to.ton,
    dest_addr_npi: to.npi,
    destination_addr: to.address,
    validity_period:
      validUntil === null ? '' : settings.validity === 'absolute' ? absoluteTime(validUntil) : relativeTime(validUntil - now),
    registered_delivery: registeredDelivery.receipt,
    data_coding: coding === 'ucs2' ? dataCoding.ucs2 : dataCoding.smscDefault,
  }
  const isJoined = bodies.length < parts.length
  const frames = bodies.map(({ tlvs, ...body }, index) => ({
    sequence: sequences[index]!,
    frame: encodePdu({
      command: 'submit_sm',
      sequence: sequences[index]!,
      fields: { ...common, ...body },
      ...(tlvs !== undefined && { tlvs }),
    }),
    parts: isJoined ? [...parts.keys()] : [index],
  }))
  return { ok: true, frames }
}

/** @returns the status for what cannot be carried */
function makeBodies(message: EncodedMessage, { concatenation, sourceEncoding }: Writing): Body[] | string {
  const { coding, reference } = message
  const parts = sourceEncoding === 'latin1' && coding === 'gsm7' ? message.parts.map(asLatin1) : message.parts.map(asBuffer)
  if (!parts.every((part) => part !== null)) return 'ESME_RINVDCS'
  const of = parts.length
  const headerBits = of === 1 || concatenation === 'payload' || concatenation === 'sar' ? 0 : concatenation === 'udh8' ? 48 : 56
  // The carrier would cut what is longer, or refuse it; cut for another kind of header, a text may be.
  if (message.parts.some((part) => headerBits + part.length * (coding === 'ucs2' ? 8 : 7) > USER_DATA_BITS)) return 'ESME_RINVMSGLEN'
  if (of === 1) return [{ short_message: parts[0]! }]
  switch (concatenation) {
    case 'payload':
      return [{ short_message: Buffer.alloc(0), tlvs: { message_payload: Buffer.concat(parts) } }]
    case 'sar':
      return parts.map((part, index) => ({
        short_message: part,
        tlvs: { sar_msg_ref_num: reference, sar_total_segments: of, sar_segment_seqnum: index + 1 },
      }))
    case 'udh8':
    case 'udh16': {
      const header = concatenation === 'udh8' ? header8 : header16
      const bodies = parts.map((part, index) => ({
        esm_class: esmClass.udhi,
        short_message: Buffer.concat([header({ reference, part: index + 1, of }), part]),
      }))
      assert(bodies.every(({ short_message }) => short_message.length <= mostShortMessageBytes))
      return bodies
    }
  }
}

function asBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
}

/** Null where a letter is not in Latin-1. */
function asLatin1(septets: Uint8Array): Buffer | null {
  const text = decodeText(septets, 'gsm7')
  return /^[\u0000-\u00ff]*$/.test(text) ? Buffer.from(text, 'latin1') : null
}
