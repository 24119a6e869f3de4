/**
 * submit_sm and deliver_sm, their responses and enquire_link by hand: one pass,
 * no tables. These are all but a handful of what is ever on the wire.
 */
import assert from 'node:assert/strict'
import { headerBytes, mostShortMessageBytes } from './constants.ts'
import type { MessageFields } from './fields.ts'
import type { BodyFault } from './general.ts'

/** Single octets of a message's body, and the NULs of its five texts and the length of its short_message. */
const fixedMessageBytes = 11 + 5 + 1

const noOctets = Buffer.alloc(0)

/**
 * A body of submit_sm or deliver_sm (SMPP 3.4, sections 4.4.1 and 4.6.1).
 *
 * @returns the fields and where the optional parameters begin; short_message is a view
 */
export function readMessage(frame: Buffer): { fields: MessageFields; end: number } | BodyFault {
  const length = frame.length
  const serviceEnd = endOfText(frame, headerBytes)
  if (serviceEnd === -1) return missingNul(frame, headerBytes)
  const source = serviceEnd + 3
  const sourceEnd = endOfText(frame, source)
  if (sourceEnd === -1) return missingNul(frame, source)
  const destination = sourceEnd + 3
  const destinationEnd = endOfText(frame, destination)
  if (destinationEnd === -1) return missingNul(frame, destination)
  const schedule = destinationEnd + 4
  const scheduleEnd = endOfText(frame, schedule)
  if (scheduleEnd === -1) return missingNul(frame, schedule)
  const validity = scheduleEnd + 1
  const validityEnd = endOfText(frame, validity)
  if (validityEnd === -1) return missingNul(frame, validity)
  const flags = validityEnd + 1
  // Four flags and sm_length.
  if (flags + 5 > length) return 'cut_short'
  const text = flags + 5
  const end = text + frame[flags + 4]!
  if (end > length) return 'cut_short'
  const fields: MessageFields = {
    service_type: textBetween(frame, headerBytes, serviceEnd),
    source_addr_ton: frame[source - 2]!,
    source_addr_npi: frame[source - 1]!,
    source_addr: textBetween(frame, source, sourceEnd),
    dest_addr_ton: frame[destination - 2]!,
    dest_addr_npi: frame[destination - 1]!,
    destination_addr: textBetween(frame, destination, destinationEnd),
    esm_class: frame[schedule - 3]!,
    protocol_id: frame[schedule - 2]!,
    priority_flag: frame[schedule - 1]!,
    schedule_delivery_time: textBetween(frame, schedule, scheduleEnd),
    validity_period: textBetween(frame, validity, validityEnd),
    registered_delivery: frame[flags]!,
    replace_if_present_flag: frame[flags + 1]!,
    data_coding: frame[flags + 2]!,
    sm_default_msg_id: frame[flags + 3]!,
    short_message: end === text ? noOctets : frame.subarray(text, end),
  }
  return { fields, end }
}

/** A body of submit_sm_resp or deliver_sm_resp; may be missing altogether. */
export function readMessageId(frame: Buffer): { fields: { message_id: string }; end: number } | BodyFault {
  if (frame.length === headerBytes) return { fields: { message_id: '' }, end: headerBytes }
  const end = endOfText(frame, headerBytes)
  if (end === -1) return 'text_without_end'
  return { fields: { message_id: textBetween(frame, headerBytes, end) }, end: end + 1 }
}

/** Addresses and times are a dozen octets: looking at them one by one is quicker than a call. */
function endOfText(frame: Buffer, start: number): number {
  for (let at = start; at < frame.length; at++) if (frame[at] === 0) return at
  return -1
}

function textBetween(frame: Buffer, start: number, end: number): string {
  return start === end ? '' : frame.toString('latin1', start, end)
}

function missingNul(frame: Buffer, start: number): BodyFault {
  return start >= frame.length ? 'cut_short' : 'text_without_end'
}

/** A buffer of the right size with the header written; `extraBytes` are for optional parameters. */
export function beginPdu(commandId: number, status: number, sequence: number, length: number): Buffer {
  const frame = Buffer.allocUnsafe(length)
  writeUInt32(frame, length, 0)
  writeUInt32(frame, commandId, 4)
  writeUInt32(frame, status, 8)
  writeUInt32(frame, sequence, 12)
  return frame
}

export function messageBytes(fields: Partial<MessageFields>): number {
  const { service_type = '', source_addr = '', destination_addr = '', schedule_delivery_time = '', validity_period = '' } = fields
  const texts = service_type.length + source_addr.length + destination_addr.length + schedule_delivery_time.length + validity_period.length
  return fixedMessageBytes + texts + (fields.short_message?.length ?? 0)
}

/** @returns where the optional parameters belong */
export function writeMessage(frame: Buffer, fields: Partial<MessageFields>): number {
  const text = fields.short_message ?? noOctets
  assert(text.length <= mostShortMessageBytes, 'short_message is longer than 254 octets')
  assert(fields.data_coding !== undefined, 'data_coding is missing')
  let at = writeText(frame, headerBytes, fields.service_type)
  frame[at++] = fields.source_addr_ton ?? 0
  frame[at++] = fields.source_addr_npi ?? 0
  at = writeText(frame, at, fields.source_addr)
  frame[at++] = fields.dest_addr_ton ?? 0
  frame[at++] = fields.dest_addr_npi ?? 0
  at = writeText(frame, at, fields.destination_addr)
  frame[at++] = fields.esm_class ?? 0
  frame[at++] = fields.protocol_id ?? 0
  frame[at++] = fields.priority_flag ?? 0
  at = writeText(frame, at, fields.schedule_delivery_time)
  at = writeText(frame, at, fields.validity_period)
  frame[at++] = fields.registered_delivery ?? 0
  frame[at++] = fields.replace_if_present_flag ?? 0
  frame[at++] = fields.data_coding
  frame[at++] = fields.sm_default_msg_id ?? 0
  frame[at++] = text.length
  frame.set(text, at)
  return at + text.length
}

/** @returns where the next octet belongs */
export function writeText(frame: Buffer, start: number, text = ''): number {
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i)
    // A NUL would shift all fields that follow. The text itself stays out of the message.
    if (octet === 0 || octet > 0xff) assert.fail('a text contains NUL or a character that is no octet')
    frame[start + i] = octet
  }
  frame[start + text.length] = 0
  return start + text.length + 1
}

function writeUInt32(frame: Buffer, value: number, at: number): void {
  frame[at] = value >>> 24
  frame[at + 1] = value >>> 16
  frame[at + 2] = value >>> 8
  frame[at + 3] = value
}
