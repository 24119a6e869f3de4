/**
 * PDUs of SMPP 3.4 to octets and back. Reading never throws, whatever comes: a
 * bad PDU is told by what is wrong with it and by its header, so that it can be
 * answered. Writing asserts: what we send is ours to get right.
 */
import assert from 'node:assert/strict'
import { commandIds, commandName, headerBytes, statuses, type CommandName } from './constants.ts'
import type { Draft, MessageFields, Pdu } from './fields.ts'
import { readHeader, type PduHeader } from './frames.ts'
import { readBody, writeGeneral, type BodyFault } from './general.ts'
import { beginPdu, messageBytes, readMessage, readMessageId, writeMessage, writeText } from './hot.ts'
import { noTlvs, readTlvs, tlvBytes, writeTlvs, type TlvFault } from './tlvs.ts'

export type { Draft, Pdu } from './fields.ts'

/** What is wrong with a PDU. `not_a_frame`: its octets are not as many as its command_length says. */
export type PduFault = 'not_a_frame' | 'unknown_command' | BodyFault | TlvFault

export type DecodedPdu = { ok: true; pdu: Pdu } | { ok: false; why: PduFault; header: PduHeader }

/** @param frame exactly one PDU. Octets in the result are views of it: what is kept longer must be copied */
export function decodePdu(frame: Buffer): DecodedPdu {
  if (frame.length < headerBytes) return { ok: false, why: 'not_a_frame', header: { commandId: 0, commandStatus: 0, sequence: 0 } }
  const header = readHeader(frame)
  if (frame.readUInt32BE(0) !== frame.length) return { ok: false, why: 'not_a_frame', header }
  const command = commandName(header.commandId)
  if (command === undefined) return { ok: false, why: 'unknown_command', header }
  const body = readFields(command, frame)
  if (typeof body === 'string') return { ok: false, why: body, header }
  const tlvs = readTlvs(frame, body.end)
  if (typeof tlvs === 'string') return { ok: false, why: tlvs, header }
  const pdu = { command, status: header.commandStatus, sequence: header.sequence, fields: body.fields, tlvs }
  return { ok: true, pdu: pdu as Pdu }
}

function readFields(command: CommandName, frame: Buffer): { fields: object; end: number } | BodyFault {
  switch (command) {
    case 'submit_sm':
    case 'deliver_sm':
      return readMessage(frame)
    case 'submit_sm_resp':
    case 'deliver_sm_resp':
      return readMessageId(frame)
    case 'enquire_link':
    case 'enquire_link_resp':
      return { fields: {}, end: headerBytes }
    default:
      return readBody(command, frame)
  }
}

/**
 * The octets of a PDU.
 *
 * @throws AssertionError for what cannot be written: a NUL in a text, a short_message over 254 octets
 */
export function encodePdu(pdu: Draft): Buffer {
  const { command, sequence, status = statuses.ESME_ROK, tlvs = noTlvs } = pdu
  const id = commandIds[command]
  if (status !== statuses.ESME_ROK) return beginPdu(id, status, sequence, headerBytes)
  const extraBytes = tlvs === noTlvs ? 0 : tlvBytes(tlvs)
  switch (pdu.command) {
    case 'submit_sm':
    case 'deliver_sm': {
      const fields: Partial<MessageFields> = pdu.fields
      const frame = beginPdu(id, status, sequence, headerBytes + messageBytes(fields) + extraBytes)
      const end = writeMessage(frame, fields)
      if (extraBytes > 0) writeTlvs(tlvs, frame, end)
      return frame
    }
    case 'submit_sm_resp':
    case 'deliver_sm_resp': {
      const { message_id } = pdu.fields
      const frame = beginPdu(id, status, sequence, headerBytes + message_id.length + 1 + extraBytes)
      const end = writeText(frame, headerBytes, message_id)
      if (extraBytes > 0) writeTlvs(tlvs, frame, end)
      return frame
    }
    case 'enquire_link':
    case 'enquire_link_resp':
      if (extraBytes === 0) return beginPdu(id, status, sequence, headerBytes)
  }
  const bare = writeGeneral(command, status, sequence, (pdu.fields ?? {}) as Record<string, unknown>)
  if (extraBytes === 0) return bare
  const frame = Buffer.concat([bare, Buffer.alloc(extraBytes)])
  frame.writeUInt32BE(frame.length, 0)
  const end = writeTlvs(tlvs, frame, bare.length)
  assert(end === frame.length)
  return frame
}

/** With which status a bad PDU is answered: in its own response, or in a generic_nack where there is none. */
export function statusOf(why: PduFault): number {
  switch (why) {
    case 'unknown_command':
      return statuses.ESME_RINVCMDID
    case 'tlv_cut_short':
    case 'octets_left_over':
      return statuses.ESME_RINVOPTPARSTREAM
    case 'not_a_frame':
    case 'cut_short':
    case 'text_without_end':
      return statuses.ESME_RINVCMDLEN
  }
}
