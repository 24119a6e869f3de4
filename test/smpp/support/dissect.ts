/** Has tshark say what it sees in PDUs: a capture of one TCP connection is written by hand, each PDU in a packet of its own. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureTshark } from '../../support/tshark.ts'

/** Wireshark's names of fields, and their values as it prints them, several where a field occurs several times. */
export type Dissected = Record<string, string[]>

const SMPP_PORT = 2775
const ESME_PORT = 40_000
/** https://www.tcpdump.org/linktypes.html: packets begin with their IP header. */
const LINKTYPE_RAW = 101

/** @param fields what is wanted of each PDU; `_ws.malformed` and expert notes come along */
export async function dissect(frames: readonly Buffer[], fields: readonly string[]): Promise<Dissected[]> {
  const tshark = await ensureTshark()
  const folder = await mkdtemp(join(tmpdir(), 'pforte-tshark-'))
  try {
    const file = join(folder, 'link.pcap')
    await writeFile(file, capture(frames))
    const wanted = [...fields, '_ws.malformed', '_ws.expert.message'].flatMap((field) => ['-e', field])
    // Carriers' default alphabet is not said in a PDU; ours is GSM-7.
    const alphabet = ['-o', 'smpp.decode_sms_over_smpp: GSM 7-bit']
    const args = [...tshark.args, '-r', file, '-d', `tcp.port==${SMPP_PORT},smpp`, ...alphabet, '-T', 'json', ...wanted]
    const child = spawn(tshark.command, args, { env: { ...process.env, ...tshark.environment } })
    const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr)])
    if (said === '') throw new Error(`tshark said nothing but: ${complained}`)
    return (JSON.parse(said) as { _source: { layers: Dissected } }[]).map(({ _source }) => _source.layers)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** https://www.ietf.org/archive/id/draft-gharris-opsawg-pcap-01.html */
function capture(frames: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(0xffff, 16)
  header.writeUInt32LE(LINKTYPE_RAW, 20)
  let sequence = 1
  const packets = frames.map((frame) => {
    const octets = packet(frame, sequence)
    sequence += frame.length
    const record = Buffer.alloc(16)
    record.writeUInt32LE(octets.length, 8)
    record.writeUInt32LE(octets.length, 12)
    return Buffer.concat([record, octets])
  })
  return Buffer.concat([header, ...packets])
}

/** IPv4 (RFC 791) and TCP (RFC 9293), without checksums, which tshark does not look at. */
function packet(frame: Buffer, sequence: number): Buffer {
  const ip = Buffer.alloc(20)
  ip[0] = 0x45
  ip.writeUInt16BE(40 + frame.length, 2)
  ip[8] = 64
  ip[9] = 6
  ip.set([127, 0, 0, 1, 127, 0, 0, 1], 12)
  const tcp = Buffer.alloc(20)
  tcp.writeUInt16BE(ESME_PORT, 0)
  tcp.writeUInt16BE(SMPP_PORT, 2)
  tcp.writeUInt32BE(sequence, 4)
  tcp[12] = 0x50
  tcp[13] = 0x18
  tcp.writeUInt16BE(0xffff, 14)
  return Buffer.concat([ip, tcp, frame])
}
