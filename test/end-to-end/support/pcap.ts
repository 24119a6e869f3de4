/** Sound as sipp takes it: a capture of its RTP (pcap-savefile(5)), as if it had once passed over an Ethernet. */
import { encode } from '../../../src/local/phone/rtp/codec.ts'
import { formatRtp } from '../../../src/local/phone/rtp/packet.ts'

const PCMA = 8
const FRAME = 160
const FRAME_US = 20_000
const ETHERNET = 14
const IPV4 = 20
const UDP = 8
const SOURCE = 0x50666f72

/** @param samples at 8 kHz */
export function captureOf(samples: Int16Array): Buffer {
  const file = Buffer.alloc(24)
  file.writeUInt32LE(0xa1b2c3d4, 0)
  file.writeUInt16LE(2, 4)
  file.writeUInt16LE(4, 6)
  file.writeUInt32LE(65_535, 16)
  file.writeUInt32LE(1, 20)
  const packets: Buffer[] = [file]
  for (let frame = 0; (frame + 1) * FRAME <= samples.length; frame++) {
    const rtp = formatRtp({
      marker: frame === 0,
      payloadType: PCMA,
      sequence: frame + 1,
      timestamp: frame * FRAME,
      source: SOURCE,
      payload: encode('alaw', samples.subarray(frame * FRAME, (frame + 1) * FRAME)),
    })
    packets.push(packet(frame * FRAME_US, rtp))
  }
  return Buffer.concat(packets)
}

/** Addresses and ports are left at zero: whoever plays it puts in its own. */
function packet(atUs: number, payload: Buffer): Buffer {
  const record = Buffer.alloc(16)
  const head = Buffer.alloc(ETHERNET + IPV4 + UDP)
  const length = head.length + payload.length
  record.writeUInt32LE(Math.floor(atUs / 1_000_000), 0)
  record.writeUInt32LE(atUs % 1_000_000, 4)
  record.writeUInt32LE(length, 8)
  record.writeUInt32LE(length, 12)
  head.writeUInt16BE(0x0800, ETHERNET - 2)
  head[ETHERNET] = 0x45
  head.writeUInt16BE(length - ETHERNET, ETHERNET + 2)
  head[ETHERNET + 8] = 64
  head[ETHERNET + 9] = 17
  head.writeUInt16BE(UDP + payload.length, ETHERNET + IPV4 + 4)
  return Buffer.concat([record, head, payload])
}
