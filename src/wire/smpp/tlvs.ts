/** Optional parameters (SMPP 3.4, section 5.3): tag, length, value. */
import assert from 'node:assert/strict'

/** Those that Pforte knows by name; a carrier may send any other. */
const known = {
  receipted_message_id: { tag: 0x001e, is: 'text' },
  additional_status_info_text: { tag: 0x001d, is: 'text' },
  user_message_reference: { tag: 0x0204, is: 'int16' },
  source_port: { tag: 0x020a, is: 'int16' },
  dest_port: { tag: 0x020b, is: 'int16' },
  sar_msg_ref_num: { tag: 0x020c, is: 'int16' },
  language_indicator: { tag: 0x020d, is: 'int8' },
  sar_total_segments: { tag: 0x020e, is: 'int8' },
  sar_segment_seqnum: { tag: 0x020f, is: 'int8' },
  sc_interface_version: { tag: 0x0210, is: 'int8' },
  network_error_code: { tag: 0x0423, is: 'octets' },
  message_payload: { tag: 0x0424, is: 'octets' },
  delivery_failure_reason: { tag: 0x0425, is: 'int8' },
  more_messages_to_send: { tag: 0x0426, is: 'int8' },
  message_state: { tag: 0x0427, is: 'int8' },
} as const

type Known = typeof known
export type TlvName = keyof Known
type ValueOf = { text: string; int8: number; int16: number; octets: Buffer }

/**
 * By name, or by tag where the name is not known to us: `0x1401`. One whose
 * length does not fit its type stands under its tag too, as it came, so that
 * it costs nobody the rest of the PDU. Of several with one tag, the last.
 */
export type Tlvs = { [Name in TlvName]?: ValueOf[Known[Name]['is']] } & { [tag: `0x${string}`]: Buffer }

type Kind = keyof ValueOf
const byTag = new Map(Object.entries(known).map(([name, { tag, is }]) => [tag as number, { name: name as TlvName, is: is as Kind }]))

/** Tag and length. */
const tlvHeaderBytes = 4

/** Shared by all PDUs without any. */
export const noTlvs: Tlvs = Object.freeze({})

/** What is wrong with a PDU's optional parameters: one is longer than the PDU, or octets are left that make none. */
export type TlvFault = 'tlv_cut_short' | 'octets_left_over'

/** Reads what stands from `start` to the end of the PDU. Octets are views. */
export function readTlvs(frame: Buffer, start: number): Tlvs | TlvFault {
  if (start === frame.length) return noTlvs
  const tlvs: Record<string, string | number | Buffer> = {}
  let at = start
  while (at < frame.length) {
    if (at + tlvHeaderBytes > frame.length) return 'octets_left_over'
    const tag = frame.readUInt16BE(at)
    const length = frame.readUInt16BE(at + 2)
    at += tlvHeaderBytes
    if (at + length > frame.length) return 'tlv_cut_short'
    const tlv = byTag.get(tag)
    const value = tlv && readValue(tlv.is, frame, at, length)
    if (tlv === undefined || value === undefined) tlvs[`0x${tag.toString(16).padStart(4, '0')}`] = frame.subarray(at, at + length)
    else tlvs[tlv.name] = value
    at += length
  }
  return tlvs as Tlvs
}

function readValue(is: Kind, frame: Buffer, at: number, length: number): string | number | Buffer | undefined {
  if (is === 'octets') return frame.subarray(at, at + length)
  if (is === 'int8') return length === 1 ? frame[at] : undefined
  if (is === 'int16') return length === 2 ? frame.readUInt16BE(at) : undefined
  // A C-octet string; not every carrier ends it with its NUL.
  const end = frame.indexOf(0, at)
  return frame.toString('latin1', at, end === -1 || end > at + length ? at + length : end)
}

/** Octets that `writeTlvs` will take. */
export function tlvBytes(tlvs: Tlvs): number {
  let bytes = 0
  for (const name in tlvs) {
    const value = tlvs[name as TlvName]
    if (value !== undefined) bytes += tlvHeaderBytes + valueBytes(name, value)
  }
  return bytes
}

/** Writes them in the order of the object's keys. @returns where the next octet belongs */
export function writeTlvs(tlvs: Tlvs, into: Buffer, start: number): number {
  let at = start
  for (const name in tlvs) {
    const value = tlvs[name as TlvName]
    if (value === undefined) continue
    const length = valueBytes(name, value)
    assert(length <= 0xffff, `${name} is too long for a TLV`)
    at = into.writeUInt16BE(known[name as TlvName]?.tag ?? Number(name), at)
    at = into.writeUInt16BE(length, at)
    if (typeof value === 'string') {
      into.write(value, at, 'latin1')
      into[at + value.length] = 0
    } else if (typeof value === 'number') {
      if (length === 1) into.writeUInt8(value, at)
      else into.writeUInt16BE(value, at)
    } else into.set(value, at)
    at += length
  }
  return at
}

function valueBytes(name: string, value: string | number | Buffer): number {
  if (typeof value === 'string') {
    assert(!value.includes('\0'), `${name} contains NUL`)
    return value.length + 1
  }
  if (typeof value === 'number') return known[name as TlvName].is === 'int8' ? 1 : 2
  return value.length
}
