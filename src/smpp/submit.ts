/** From an encoded message to submit_sm. Pure. What must not go on the wire is refused here, by the status the carrier would have for it. */
import assert from 'node:assert/strict'
import type { EncodedMessage } from '../app/ports/smsc.ts'
import { decodeText } from '../domain/sms/decode.ts'
import { dataCoding, esmClass, registeredDelivery } from '../wire/smpp/constants.ts'
import { encodePdu, type Draft } from '../wire/smpp/pdu.ts'
import type { Tlvs } from '../wire/smpp/tlvs.ts'
import { destinationAddress, sourceAddress } from './addresses.ts'
import type { LinkSettings } from './settings.ts'
import { absoluteTime, relativeTime } from './smpp-time.ts'
import { header16, header8, type Concatenated } from './user-data-header.ts'

/** A PDU, and which parts of the message it carries: one, or all of them in a message_payload. */
export type SubmitFrame = { sequence: number; frame: Buffer; parts: readonly number[] }

/** `status` as the carrier would have said it: it is no mobile number, the name is too long, … */
export type Submittable = { ok: true; frames: SubmitFrame[] } | { ok: false; status: string }

type Writing = Pick<LinkSettings, 'serviceType' | 'concatenation' | 'validity' | 'sourceEncoding'>
type Fields = Draft<'submit_sm'>['fields']
type CarriedParts = { parts: readonly number[]; body: Pick<Fields, 'short_message'> & { esm_class?: number; tlvs?: Tlvs } }

/** User data of a short message (3GPP TS 23.040, section 9.2.3.24), in bits. */
const USER_DATA_BITS = 140 * 8

/** The places of the parts that are to be sent. */
export function partsToSend({ parts, only }: EncodedMessage): readonly number[] {
  return only ?? [...parts.keys()]
}

/**
 * @param sequences of each part that is to be sent, in order
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
  const frames = bodies.map(({ parts, body: { tlvs, ...body } }, index) => {
    const sequence = sequences[index]!
    const frame = encodePdu({ command: 'submit_sm', sequence, fields: { ...common, ...body }, ...(tlvs !== undefined && { tlvs }) })
    return { sequence, frame, parts }
  })
  return { ok: true, frames }
}

/** What carries the parts that are to be sent. @returns the status for what cannot be carried */
function makeBodies(message: EncodedMessage, settings: Writing): CarriedParts[] | string {
  const { coding, reference } = message
  const parts = settings.sourceEncoding === 'latin1' && coding === 'gsm7' ? message.parts.map(asLatin1) : message.parts.map(asBuffer)
  if (!parts.every((part) => part !== null)) return 'ESME_RINVDCS'
  const of = parts.length
  const toSend = partsToSend(message)
  // A part by itself fits into no message_payload with the others.
  const concatenation = of === 1 ? 'none' : settings.concatenation === 'payload' && toSend.length < of ? 'udh8' : settings.concatenation
  const headerBits = concatenation === 'udh8' ? 48 : concatenation === 'udh16' ? 56 : 0
  // The carrier would cut what is longer, or refuse it; cut for another kind of header, a text may be.
  if (message.parts.some((part) => headerBits + part.length * (coding === 'ucs2' ? 8 : 7) > USER_DATA_BITS)) return 'ESME_RINVMSGLEN'
  if (concatenation === 'payload') {
    return [{ parts: toSend, body: { short_message: Buffer.alloc(0), tlvs: { message_payload: Buffer.concat(parts) } } }]
  }
  return toSend.map((index) => ({
    parts: [index],
    body: bodyOf(parts[index]!, { reference, part: index + 1, of }, concatenation),
  }))
}

function bodyOf(part: Buffer, place: Concatenated, concatenation: 'none' | 'udh8' | 'udh16' | 'sar'): CarriedParts['body'] {
  switch (concatenation) {
    case 'none':
      return { short_message: part }
    case 'udh8':
      return { esm_class: esmClass.udhi, short_message: Buffer.concat([header8(place), part]) }
    case 'udh16':
      return { esm_class: esmClass.udhi, short_message: Buffer.concat([header16(place), part]) }
    case 'sar': {
      const { reference, part: number, of } = place
      return { short_message: part, tlvs: { sar_msg_ref_num: reference, sar_total_segments: of, sar_segment_seqnum: number } }
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
