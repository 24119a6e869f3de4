/** What must hold whatever a peer sends. `npm test` tries it 20,000 times, `npm run fuzz` 2,000,000 times. */
import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { FrameReader } from '../../../../src/wire/smpp/frames.ts'
import { readBody } from '../../../../src/wire/smpp/general.ts'
import { readMessage, readMessageId } from '../../../../src/wire/smpp/hot.ts'
import { decodePdu, encodePdu, type PduFault } from '../../../../src/wire/smpp/pdu.ts'
import { anyFrame, anyStream } from './frames.ts'

/** How often what came of a frame; chance that never comes by a fault would prove nothing about it. */
export type Seen = Map<PduFault | 'sound' | 'length_too_small' | 'length_too_large', number>

const mostBytes = 4096

/**
 * Frames one by one: reading never throws, what is read can be written and read again, and both codecs agree.
 *
 * @throws Error of fast-check with a seed and the smallest frame that breaks it
 */
export function readAnyFrames(numRuns: number, seen: Seen = new Map()): Seen {
  fc.assert(
    fc.property(anyFrame, (frame) => {
      const decoded = decodePdu(frame)
      count(seen, decoded.ok ? 'sound' : decoded.why)
      bothCodecsAgree(frame)
      if (!decoded.ok) return
      const { pdu } = decoded
      if ('short_message' in pdu.fields && pdu.fields.short_message.length > 254) return
      const again = decodePdu(encodePdu({ ...pdu, status: 0 }))
      assert.ok(again.ok)
      assert.deepEqual(again.pdu, { ...pdu, status: 0 })
    }),
    { numRuns },
  )
  return seen
}

/** Streams in pieces: frames come out whole whatever the pieces, and no more is kept than one PDU. */
export function readAnyStreams(numRuns: number, seen: Seen = new Map()): Seen {
  fc.assert(
    fc.property(anyStream, (pieces) => {
      const inPieces = new FrameReader({ mostBytes })
      const frames: Buffer[] = []
      let fault: string | undefined
      for (const piece of pieces) {
        const came = inPieces.push(piece)
        for (const frame of came.frames) frames.push(Buffer.from(frame))
        if (came.fault !== null) {
          assert.equal(fault, undefined)
          fault = came.fault.fault
          count(seen, came.fault.fault)
        }
        assert.ok(inPieces.partialBytes < mostBytes)
      }
      const atOnce = new FrameReader({ mostBytes }).push(Buffer.concat(pieces))
      assert.deepEqual(atOnce.frames, frames)
      assert.equal(atOnce.fault?.fault, fault)
      for (const frame of frames) {
        assert.equal(frame.readUInt32BE(0), frame.length)
        const decoded = decodePdu(frame)
        count(seen, decoded.ok ? 'sound' : decoded.why)
      }
    }),
    { numRuns },
  )
  return seen
}

/** The body read by hand and by the library: the same fields, or the same fault. */
function bothCodecsAgree(frame: Buffer): void {
  if (frame.length < 16) return
  const id = frame.readUInt32BE(4)
  if (id === 0x00000004) assert.deepEqual(readMessage(frame), readBody('submit_sm', frame))
  if (id === 0x00000005) assert.deepEqual(readMessage(frame), readBody('deliver_sm', frame))
  if (id === 0x80000004) assert.deepEqual(readMessageId(frame), readBody('submit_sm_resp', frame))
  if (id === 0x80000005) assert.deepEqual(readMessageId(frame), readBody('deliver_sm_resp', frame))
}

function count(seen: Seen, what: Parameters<Seen['set']>[0]): void {
  seen.set(what, (seen.get(what) ?? 0) + 1)
}
