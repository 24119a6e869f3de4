/** A carrier's byte stream becomes PDUs, or a reason to hang up. */
import t from 'tap'
import { FrameReader } from '../../../src/wire/smpp/frames.ts'
import { encodePdu } from '../../../src/wire/smpp/pdu.ts'

const enquiry = encodePdu({ command: 'enquire_link', sequence: 7 })
const response = encodePdu({ command: 'submit_sm_resp', sequence: 8, fields: { message_id: '1A2B' } })

function withLength(frame: Buffer, commandLength: number): Buffer {
  const changed = Buffer.from(frame)
  changed.writeUInt32BE(commandLength, 0)
  return changed
}

t.test('several PDUs in one chunk come out one by one', async (t) => {
  const { frames, fault } = new FrameReader().push(Buffer.concat([enquiry, response, enquiry]))
  t.same(frames, [enquiry, response, enquiry])
  t.equal(fault, null)
})

t.test('a PDU that comes octet by octet comes out once, when it is complete', async (t) => {
  const reader = new FrameReader()
  for (const frame of [response, enquiry]) {
    for (const [i, octet] of [...frame.subarray(0, -1)].entries()) {
      t.same(reader.push(Buffer.of(octet)), { frames: [], fault: null })
      t.equal(reader.partialBytes, i + 1)
    }
    t.same(reader.push(frame.subarray(-1)).frames, [frame])
    t.equal(reader.partialBytes, 0)
  }
})

t.test('a PDU cut at any place comes out whole, with those around it', async (t) => {
  const stream = Buffer.concat([enquiry, response, enquiry])
  for (let cut = 1; cut < stream.length; cut++) {
    const reader = new FrameReader()
    const frames = [...reader.push(stream.subarray(0, cut)).frames, ...reader.push(stream.subarray(cut)).frames]
    t.same(frames, [enquiry, response, enquiry], `cut after ${cut} octets`)
  }
})

t.test('a command_length below the header is told after the PDUs before it, and nothing more is read', async (t) => {
  for (const commandLength of [0, 3, 4, 8, 15]) {
    const reader = new FrameReader()
    const { frames, fault } = reader.push(Buffer.concat([enquiry, withLength(response, commandLength), enquiry]))
    t.same(frames, [enquiry])
    t.same(fault, { fault: 'length_too_small', commandLength, header: null })
    t.same(reader.push(enquiry), { frames: [], fault: null })
    t.equal(reader.partialBytes, 0)
  }
})

t.test('a command_length beyond the limit is told with the header, so that it can be answered', async (t) => {
  for (const commandLength of [17_000, 0xffffffff]) {
    const { fault } = new FrameReader({ mostBytes: 16_384 }).push(withLength(response, commandLength))
    t.same(fault, { fault: 'length_too_large', commandLength, header: { commandId: 0x80000004, commandStatus: 0, sequence: 8 } })
  }
})

t.test('an impossible command_length is told as soon as its four octets are there', async (t) => {
  const reader = new FrameReader()
  t.equal(reader.push(Buffer.from([0xff])).fault, null)
  t.equal(reader.push(Buffer.from([0xff, 0xff])).fault, null)
  t.same(reader.push(Buffer.from([0xff])).fault, { fault: 'length_too_large', commandLength: 0xffffffff, header: null })
})

t.test('a length that is met exactly is no fault', async (t) => {
  const frame = encodePdu({ command: 'submit_sm_resp', sequence: 1, fields: { message_id: 'x'.repeat(47) } })
  t.equal(frame.length, 64)
  t.same(new FrameReader({ mostBytes: 64 }).push(frame).frames, [frame])
  t.match(new FrameReader({ mostBytes: 63 }).push(frame).fault, { fault: 'length_too_large', commandLength: 64 })
})

t.test('a line that ends inside a PDU gives none: its beginning is never taken for all of it', async (t) => {
  const message = encodePdu({
    command: 'deliver_sm',
    sequence: 3,
    fields: { source_addr: '4915112345678', destination_addr: '4962112345', data_coding: 0, short_message: Buffer.from('STOP NOT') },
  })
  const reader = new FrameReader()
  t.same(reader.push(message.subarray(0, -4)).frames, [])
  t.equal(reader.partialBytes, message.length - 4)
})

t.test('a PDU that never completes keeps no more than itself, and a mere claim of length keeps nothing', async (t) => {
  const reader = new FrameReader()
  reader.push(withLength(enquiry, 60_000))
  t.equal(reader.partialBytes, 16)
  for (let i = 0; i < 59; i++) reader.push(Buffer.alloc(1000))
  t.equal(reader.partialBytes, 59_016)
})
