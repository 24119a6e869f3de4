/**
 * A carrier that lets us bind and then puts anything on the wire, connection
 * after connection, while messages are being sent. What must hold: the process
 * lives, every bad PDU is counted, every message has settled once, and an
 * honest carrier that comes after it is served as if nothing had been.
 */
import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import fc from 'fast-check'
import type { PartResult } from '../../../src/app/ports/smsc.ts'
import type { FaultKind } from '../../../src/smpp/faults.ts'
import { defaultLinkSettings } from '../../../src/smpp/settings.ts'
import { SmscLink } from '../../../src/smpp/smsc-link.ts'
import { FrameReader } from '../../../src/wire/smpp/frames.ts'
import { decodePdu, encodePdu } from '../../../src/wire/smpp/pdu.ts'
import { until } from '../../support/until.ts'
import { anyFrame, soundFrame } from '../../wire/smpp/fuzz/frames.ts'

export type Fuzzed = { frames: number; connections: number; results: number; faults: Partial<Record<FaultKind, number>>; mostRssMb: number }

/** Of bad PDUs; the others depend on what was under way. */
const BAD = ['undecodable', 'unknown_command', 'frame_length', 'partial_pdu'] as const satisfies FaultKind[]

/** Mostly of a length that is possible, so that a connection sees many before it is over. */
const hostileFrame: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 1, arbitrary: soundFrame },
  { weight: 1, arbitrary: anyFrame },
  {
    weight: 20,
    arbitrary: anyFrame.map((frame) => {
      const whole = frame.length < 16 ? Buffer.concat([frame, Buffer.alloc(16 - frame.length)]) : Buffer.from(frame)
      whole.writeUInt32BE(whole.length, 0)
      return whole
    }),
  },
)
/** Made in portions: a million at once would be the test's own memory. */
const FRAMES_A_PORTION = 2_000
const MOST_FRAMES_A_CONNECTION = 200
const settleWithinMs = 60_000

/** @throws AssertionError, with the seed, where something does not hold */
export async function fuzzLink(frames: number, seed = Math.floor(Math.random() * 0x7fffffff)): Promise<Fuzzed> {
  const attack = new Attack(frames, seed)
  const server = createServer((socket) => attack.meet(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
  const account = { route: 'carrier', host: '127.0.0.1', port, tls: false, systemId: 'pforte', password: 'x' }
  const settings = { ...defaultLinkSettings, firstPauseMs: 1, longestPauseMs: 2 }
  const smsc = new SmscLink({ carriers: [{ account, settings }], log })
  const settled = new Map<string, number>()
  let replies = 0
  smsc.onIncoming(async () => void replies++)
  const results: PartResult[] = []
  smsc.onResult((result) => {
    if (!('late' in result) || !result.late) settled.set(result.messageId, (settled.get(result.messageId) ?? 0) + 1)
    results[0] = result
  })
  let sent = 0
  const send = (): void => {
    for (const lane of smsc.lanes())
      for (let reservation = lane.reserve(1); reservation !== null; reservation = lane.reserve(1)) {
        const part = Buffer.from('Ihr Ticket ist erledigt.')
        lane.submit(reservation, {
          messageId: `m${++sent}`,
          to: '+4917612345678',
          from: 'Stadtwerke',
          coding: 'gsm7',
          parts: [part],
          reference: 0,
          validUntil: null,
        })
      }
  }
  smsc.onRoom(send)
  const context = `seed ${seed}`
  let mostRss = 0
  const watch = setInterval(() => {
    mostRss = Math.max(mostRss, process.memoryUsage().rss)
  }, 100)
  try {
    smsc.open()
    await until('all frames to be sent', () => attack.isOver, frames * 5 + settleWithinMs)
    const [heard, answered] = [replies, settled.size]
    await until('the honest carrier to be served', () => replies > heard && settled.size > answered + 100, settleWithinMs)
    await smsc.close()
    const faults = Object.fromEntries(smsc.faults.map(({ kind, count }) => [kind, count])) as Fuzzed['faults']
    const counted = BAD.reduce((sum, kind) => sum + (faults[kind] ?? 0), 0)
    assert.equal(counted, attack.bad, `${counted} bad PDUs were counted of ${attack.bad}; ${context}`)
    assert.equal(settled.size, sent, `${sent} messages, ${settled.size} settled; ${context}`)
    assert.ok(
      [...settled.values()].every((times) => times === 1),
      `settled twice; ${context}`,
    )
    return { frames: attack.sent, connections: attack.connections, results: sent, faults, mostRssMb: Math.round(mostRss / 1e6) }
  } finally {
    clearInterval(watch)
    await smsc.close()
    server.close()
  }
}

class Attack {
  sent = 0
  connections = 0
  /** Bad PDUs that our side got to see. */
  bad = 0
  isOver = false
  readonly #frames: number
  #seed: number
  #portion: Buffer[] = []

  constructor(frames: number, seed: number) {
    this.#frames = frames
    this.#seed = seed
  }

  /** Lets it bind, and then says anything; once all has been said, it is an honest carrier. */
  meet(socket: Socket): void {
    this.connections++
    socket.on('error', () => {})
    const reader = new FrameReader()
    let isBound = false
    socket.on('data', (chunk: Buffer) => {
      const { frames, fault } = reader.push(chunk)
      assert.equal(fault, null)
      for (const frame of frames) {
        const decoded = decodePdu(frame)
        assert.ok(decoded.ok)
        const { command, sequence } = decoded.pdu
        if (command === 'bind_transceiver') {
          socket.write(encodePdu({ command: 'bind_transceiver_resp', sequence, fields: { system_id: '' } }))
          isBound = true
        } else if (this.sent >= this.#frames) this.#honestly(socket, command, sequence)
      }
      if (!isBound || this.sent >= this.#frames) return
      isBound = false
      socket.end(this.#stream())
    })
  }

  #honestly(socket: Socket, command: string, sequence: number): void {
    this.isOver = true
    if (command === 'submit_sm') socket.write(encodePdu({ command: 'submit_sm_resp', sequence, fields: { message_id: 'm' } }))
    if (command === 'enquire_link') socket.write(encodePdu({ command: 'enquire_link_resp', sequence }))
    if (command === 'unbind') socket.end(encodePdu({ command: 'unbind_resp', sequence }))
    if (command === 'submit_sm')
      socket.write(
        encodePdu({
          command: 'deliver_sm',
          sequence,
          fields: { destination_addr: '', data_coding: 0, short_message: Buffer.from('Danke') },
        }),
      )
  }

  /** One connection's worth: up to the first length that cannot be, and now and then cut before its end. */
  #stream(): Buffer {
    const reader = new FrameReader()
    const frames: Buffer[] = []
    for (let count = 0; count < MOST_FRAMES_A_CONNECTION && this.sent < this.#frames; count++) {
      const next = this.#next()
      this.sent++
      frames.push(next)
      if (reader.push(next).fault !== null) break
    }
    const whole = Buffer.concat(frames)
    const octets = this.connections % 3 === 0 ? whole.subarray(0, whole.length - 1 - (whole.length % 15)) : whole
    this.bad += badIn(octets)
    return octets
  }

  #next(): Buffer {
    if (this.#portion.length === 0) this.#portion = fc.sample(hostileFrame, { numRuns: FRAMES_A_PORTION, seed: this.#seed++ })
    const frame = this.#portion.pop()!
    // After an unbind we would be gone before the rest of the stream, and nobody could say what was seen of it.
    if (frame.length >= 16 && frame.readUInt32BE(4) === 0x00000006) frame.writeUInt32BE(0x00000015, 4)
    return frame
  }
}

/** As the codec sees it: bad PDUs, a length that cannot be, one that is not whole at the end. */
function badIn(octets: Buffer): number {
  const reader = new FrameReader()
  const { frames, fault } = reader.push(octets)
  return frames.filter((frame) => !decodePdu(frame).ok).length + (fault === null ? 0 : 1) + (reader.partialBytes > 0 ? 1 : 0)
}
