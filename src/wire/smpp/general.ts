/**
 * Bodies of all PDUs by npm `smpp`'s tables and codec, one parameter at a time
 * and never beyond the end of the PDU. It is exact and not fast; `hot.ts` reads
 * and writes the few PDUs that come by the thousand, and a test holds both to
 * the same octets.
 *
 * The library's filters, which turn texts and times into what it believes them
 * to be (and throw, and pick encodings), are left out.
 */
import assert from 'node:assert/strict'
import defs from 'smpp/lib/defs.js'
import smpp from 'smpp/lib/pdu.js'
import { headerBytes, isResponse, mostShortMessageBytes, type CommandName } from './constants.ts'

export type BodyFault = 'cut_short' | 'text_without_end'

/** @returns the fields and where the optional parameters begin */
export function readBody(command: CommandName, frame: Buffer): { fields: Record<string, unknown>; end: number } | BodyFault {
  const params = defs.commands[command]?.params ?? {}
  const fields: Record<string, unknown> = {}
  // A response may come without its body, and often does with an error.
  const isBare = frame.length === headerBytes && isResponse(frame.readUInt32BE(4))
  let at = headerBytes
  for (const name in params) {
    const { type } = params[name]!
    if (isBare) {
      fields[name] = type.default
      continue
    }
    if (at >= frame.length) return 'cut_short'
    if (type === defs.types.cstring) {
      const end = frame.indexOf(0, at)
      if (end === -1) return 'text_without_end'
      fields[name] = frame.toString('latin1', at, end)
      at = end + 1
      continue
    }
    try {
      fields[name] = type.read(frame, at)
    } catch (error) {
      if (error instanceof RangeError) return 'cut_short'
      throw error
    }
    at += type === defs.types.buffer ? 1 + frame[at]! : type.size(fields[name])
    if (at > frame.length) return 'cut_short'
    // In lists the library strips the high bit off each octet, so that 0x80 becomes the NUL that would have ended the text.
    if (Array.isArray(fields[name]) && hasNul(fields[name])) return 'text_without_end'
  }
  return { fields, end: at }
}

/** npm `smpp`'s PDU with its filters off: octets stay octets. */
class RawPdu extends smpp.PDU {
  override _filter(): void {}
}

/** A whole PDU, with its command_length; without optional parameters. */
export function writeGeneral(command: CommandName, status: number, sequence: number, fields: Record<string, unknown>): Buffer {
  const params = defs.commands[command]?.params ?? {}
  for (const name in params) {
    const value = fields[name]
    if (typeof value === 'string') assertText(name, value)
    assert(!Array.isArray(value) || !hasNul(value), `${name} contains NUL`)
    assert(!Buffer.isBuffer(value) || value.length <= mostShortMessageBytes, `${name} is longer than 254 octets`)
    // The library has defaults of its own for these two: SMPP 5, and a coding picked by looking at the text.
    if (name === 'interface_version' || name === 'data_coding') assert(value !== undefined, `${name} is missing`)
  }
  return new RawPdu(command, { ...fields, command_status: status, sequence_number: sequence }).toBuffer()
}

/** @param list addresses of submit_multi or its response */
function hasNul(list: unknown[]): boolean {
  return list.some((entry) => Object.values(entry as object).some((value) => typeof value === 'string' && value.includes('\0')))
}

/** A NUL would shift all fields that follow, and what is no octet would become another letter. */
function assertText(name: string, text: string): void {
  // The text itself stays out of the message: it may be a password.
  assert(/^[\x01-\xff]*$/.test(text), `${name} contains NUL or a character that is no octet`)
}
