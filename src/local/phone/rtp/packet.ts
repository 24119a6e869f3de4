/** RTP (RFC 3550) and telephone events (RFC 4733) on the wire. Pure. */

export interface RtpPacket {
  readonly marker: boolean
  readonly payloadType: number
  readonly sequence: number
  readonly timestamp: number
  readonly source: number
  readonly payload: Uint8Array
}

const headerBytes = 12

export function formatRtp(packet: RtpPacket): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes + packet.payload.length)
  bytes[0] = 0x80
  bytes[1] = (packet.marker ? 0x80 : 0) | packet.payloadType
  bytes.writeUInt16BE(packet.sequence & 0xffff, 2)
  bytes.writeUInt32BE(packet.timestamp >>> 0, 4)
  bytes.writeUInt32BE(packet.source >>> 0, 8)
  bytes.set(packet.payload, headerBytes)
  return bytes
}

/** Undefined for what is no RTP. Contributing sources, extensions and padding are left out. */
export function parseRtp(bytes: Buffer): RtpPacket | undefined {
  const first = bytes[0] ?? 0
  const second = bytes[1] ?? 0
  if (bytes.length < headerBytes || first >> 6 !== 2) return undefined
  let start = headerBytes + (first & 0x0f) * 4
  if ((first & 0x10) !== 0) {
    if (start + 4 > bytes.length) return undefined
    start += 4 + bytes.readUInt16BE(start + 2) * 4
  }
  const end = (first & 0x20) === 0 ? bytes.length : bytes.length - (bytes.at(-1) ?? 0)
  if (start > end) return undefined
  return {
    marker: (second & 0x80) !== 0,
    payloadType: second & 0x7f,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    source: bytes.readUInt32BE(8),
    payload: bytes.subarray(start, end),
  }
}

/** RFC 4733, table 3: events 0 to 15. */
export const digits = '0123456789*#ABCD'

export interface TelephoneEvent {
  readonly digit: string
  readonly end: boolean
  /** In samples since the event's timestamp. */
  readonly duration: number
}

/** Loud enough for every detector: -10 dBm0. */
const volume = 10

export function formatTelephoneEvent({ digit, end, duration }: TelephoneEvent): Buffer {
  const bytes = Buffer.alloc(4)
  bytes[0] = digits.indexOf(digit)
  bytes[1] = (end ? 0x80 : 0) | volume
  bytes.writeUInt16BE(Math.min(duration, 0xffff), 2)
  return bytes
}

/** Undefined for events that are no keys (flash and the like). */
export function parseTelephoneEvent(payload: Uint8Array): TelephoneEvent | undefined {
  const digit = digits[payload[0] ?? 255]
  if (digit === undefined || payload.length < 4) return undefined
  return { digit, end: ((payload[1] ?? 0) & 0x80) !== 0, duration: ((payload[2] ?? 0) << 8) | (payload[3] ?? 0) }
}
