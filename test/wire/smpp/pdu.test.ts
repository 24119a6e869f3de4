/** PDUs to octets and back, by hand and by npm `smpp`, which did not learn SMPP from us. */
import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import defs from 'smpp/lib/defs.js'
import smpp from 'smpp/lib/pdu.js'
import t from 'tap'
import { commandIds, commandName, statuses, statusName } from '../../../src/wire/smpp/constants.ts'
import { writeGeneral } from '../../../src/wire/smpp/general.ts'
import { decodePdu, encodePdu, statusOf, type Draft, type Pdu } from '../../../src/wire/smpp/pdu.ts'
import { soundPdu } from './fuzz/frames.ts'

const text = Buffer.from('Guten Tag')
const submit = {
  command: 'submit_sm',
  sequence: 42,
  fields: {
    source_addr_ton: 5,
    source_addr: 'Pforte',
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: '4915112345678',
    validity_period: '260131200000004+',
    registered_delivery: 1,
    data_coding: 0,
    short_message: text,
  },
} satisfies Draft

function read(frame: Buffer): Pdu {
  const decoded = decodePdu(frame)
  if (!decoded.ok) throw new Error(decoded.why)
  return decoded.pdu
}

/** As long as it says, whatever was done to it. */
function relengthed(...parts: Buffer[]): Buffer {
  const frame = Buffer.concat(parts)
  frame.writeUInt32BE(frame.length, 0)
  return frame
}

t.test('a submit_sm is read as it was written, with all that was left out empty', async (t) => {
  t.same(read(encodePdu(submit)), {
    command: 'submit_sm',
    status: 0,
    sequence: 42,
    fields: {
      service_type: '',
      source_addr_npi: 0,
      esm_class: 0,
      protocol_id: 0,
      priority_flag: 0,
      schedule_delivery_time: '',
      replace_if_present_flag: 0,
      sm_default_msg_id: 0,
      ...submit.fields,
    },
    tlvs: {},
  })
})

t.test('npm smpp reads in our octets what we wrote, for every command', async () => {
  fc.assert(
    fc.property(soundPdu(), (pdu) => {
      const theirs = new Unfiltered(encodePdu(pdu))
      assert.equal(theirs['command'], pdu.command)
      assert.equal(theirs['sequence_number'], pdu.sequence)
      for (const [name, value] of Object.entries({ ...pdu.fields, ...pdu.tlvs }))
        if (!name.startsWith('0x')) assert.deepEqual(theirs[name], value, name)
    }),
    { numRuns: 2_000 },
  )
})

t.test('what is written by hand is octet for octet what the library writes', async () => {
  const hot = soundPdu(['submit_sm', 'deliver_sm', 'submit_sm_resp', 'deliver_sm_resp', 'enquire_link', 'enquire_link_resp'])
  fc.assert(
    fc.property(hot, (pdu) => {
      const bare = writeGeneral(pdu.command, 0, pdu.sequence, pdu.fields as Record<string, unknown>)
      assert.deepEqual(encodePdu({ ...pdu, tlvs: {} } as Draft), bare)
      const { '0x1401': _, ...known } = pdu.tlvs ?? {}
      const withTlvs = new Unfiltered(pdu.command, { ...pdu.fields, ...known, sequence_number: pdu.sequence }).toBuffer()
      assert.deepEqual(encodePdu({ ...pdu, tlvs: known } as Draft), withTlvs)
    }),
    { numRuns: 2_000 },
  )
})

t.test('numbers have the names that npm smpp gives them', async (t) => {
  for (const [name, id] of Object.entries(commandIds)) t.equal(defs.commands[name]?.id, id, name)
  // The library has the names of SMPP 5 for these five.
  const renamed: Record<string, string> = {
    ESME_RINVOPTPARSTREAM: 'ESME_RINVTLVSTREAM',
    ESME_ROPTPARNOTALLWD: 'ESME_RTLVNOTALLWD',
    ESME_RINVPARLEN: 'ESME_RINVTLVLEN',
    ESME_RMISSINGOPTPARAM: 'ESME_RMISSINGTLV',
    ESME_RINVOPTPARAMVAL: 'ESME_RINVTLVVAL',
  }
  for (const [name, status] of Object.entries(statuses)) t.equal(defs.errors[renamed[name] ?? name], status, name)
  t.equal(statusName(0x58), 'ESME_RTHROTTLED')
  t.equal(statusName(0x401), '0x00000401', "a carrier's own status is shown as it is")
  t.equal(commandName(0x80000004), 'submit_sm_resp')
  t.equal(commandName(0x00000111), undefined, 'broadcast_sm is not of SMPP 3.4')
})

t.test('texts stay octets whatever the data_coding says, and none is no error', async (t) => {
  for (const data_coding of [0, 1, 2, 3, 4, 8, 0xf5]) {
    for (const short_message of [Buffer.of(0, 0xff, 0x1b, 0x65), Buffer.alloc(0)]) {
      const pdu = read(
        encodePdu({ command: 'deliver_sm', sequence: 1, fields: { destination_addr: '4962112345', data_coding, short_message } }),
      )
      t.match(pdu.fields, { data_coding, short_message })
    }
  }
})

t.test('message_payload and the TLVs of receipts and long texts come with their names, others with their tag', async (t) => {
  const tlvs = {
    message_payload: Buffer.from('long'),
    receipted_message_id: '00001A2B',
    message_state: 2,
    sar_msg_ref_num: 0xbeef,
    sar_total_segments: 3,
    sar_segment_seqnum: 1,
    network_error_code: Buffer.of(3, 0, 0),
    '0x1401': Buffer.of(1),
  }
  const fields = { destination_addr: '4962112345', data_coding: 0, short_message: Buffer.alloc(0) }
  t.same(read(encodePdu({ command: 'deliver_sm', sequence: 1, fields, tlvs })).tlvs, tlvs)
})

t.test('a receipted_message_id without its NUL is read, and does not run into what follows', async (t) => {
  const frame = relengthed(
    encodePdu({ command: 'deliver_sm', sequence: 1, fields: { destination_addr: '1', data_coding: 0, short_message: text } }),
    Buffer.from([0x00, 0x1e, 0, 2, 0x41, 0x42, 0x04, 0x27, 0, 1, 2]),
  )
  t.same(read(frame).tlvs, { receipted_message_id: 'AB', message_state: 2 })
})

t.test('a TLV of a wrong length costs nobody the rest of the PDU', async (t) => {
  const frame = relengthed(
    encodePdu({ command: 'deliver_sm_resp', sequence: 1, fields: { message_id: '' } }),
    Buffer.from([0x04, 0x27, 0, 2, 0, 2]),
  )
  t.same(read(frame).tlvs, { '0x0427': Buffer.of(0, 2) })
})

t.test('a TLV that is longer than its PDU makes it a bad one, and so do octets that make no TLV', async (t) => {
  const frame = encodePdu(submit)
  for (const [tail, why] of [
    [[0x04, 0x24, 0x00, 0x09, 1, 2], 'tlv_cut_short'],
    [[0x04, 0x24, 0xff], 'octets_left_over'],
  ] as const) {
    const decoded = decodePdu(relengthed(frame, Buffer.from(tail)))
    t.same(decoded, { ok: false, why, header: { commandId: 4, commandStatus: 0, sequence: 42 } })
    t.equal(statusName(statusOf(why)), 'ESME_RINVOPTPARSTREAM')
  }
})

t.test('a message cut anywhere is a bad one: never half a text', async (t) => {
  const frame = encodePdu(submit)
  for (let length = 16; length < frame.length; length++) {
    const decoded = decodePdu(relengthed(frame.subarray(0, length)))
    t.equal(decoded.ok, false, `${length} of ${frame.length} octets`)
    if (!decoded.ok) t.match(decoded.why, /^(cut_short|text_without_end)$/)
  }
})

t.test('octets that are fewer or more than command_length are no PDU', async (t) => {
  const frame = encodePdu(submit)
  for (const octets of [frame.subarray(0, 20), Buffer.concat([frame, frame]), frame.subarray(0, 15), Buffer.alloc(0)])
    t.match(decodePdu(octets), { ok: false, why: 'not_a_frame' })
})

t.test('a submit_multi_resp whose list is longer than the PDU is a bad one', async (t) => {
  const good = encodePdu({
    command: 'submit_multi_resp',
    sequence: 5,
    fields: {
      message_id: 'A1',
      unsuccess_sme: [{ dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '49151', error_status_code: 11 }],
    },
  })
  t.match(read(good).fields, { message_id: 'A1', unsuccess_sme: [{ destination_addr: '49151', error_status_code: 11 }] })
  const bad = Buffer.from(good)
  bad[16 + 3] = 200
  t.match(decodePdu(bad), { ok: false, why: 'cut_short', header: { sequence: 5 } })
})

t.test('times that are none are left to whoever wants to know the time', async (t) => {
  for (const time of ['R', 'yesterday', '999999999999999+', '000000000000000R']) {
    const answer = encodePdu({ command: 'query_sm_resp', sequence: 1, fields: { message_id: '1', final_date: time } })
    t.match(read(answer).fields, { final_date: time })
    const pdu = read(encodePdu({ ...submit, fields: { ...submit.fields, validity_period: time } }))
    t.match(pdu.fields, { validity_period: time })
  }
})

t.test('a response may come without a body, as it does with an error; a request may not', async (t) => {
  const refusal = encodePdu({ command: 'submit_sm_resp', sequence: 9, status: statuses.ESME_RTHROTTLED, fields: { message_id: 'x' } })
  t.equal(refusal.length, 16)
  t.same(read(refusal), { command: 'submit_sm_resp', status: 0x58, sequence: 9, fields: { message_id: '' }, tlvs: {} })
  for (const [name, id] of Object.entries(commandIds)) {
    const bare = Buffer.alloc(16)
    bare.writeUInt32BE(16, 0)
    bare.writeUInt32BE(id, 4)
    const needsBody = !name.endsWith('_resp') && !/^(unbind|enquire_link|generic_nack)$/.test(name)
    t.equal(decodePdu(bare).ok, !needsBody, name)
  }
})

t.test('a command that SMPP 3.4 does not know is told with its header', async (t) => {
  const frame = encodePdu({ command: 'enquire_link', sequence: 77 })
  frame.writeUInt32BE(0x0000ffff, 4)
  const decoded = decodePdu(frame)
  t.same(decoded, { ok: false, why: 'unknown_command', header: { commandId: 0xffff, commandStatus: 0, sequence: 77 } })
  t.equal(statusName(statusOf('unknown_command')), 'ESME_RINVCMDID')
})

t.test('what would become another message on the wire is not written, and the error does not repeat it', async (t) => {
  const secret = 'secret'
  const { fields } = submit
  const bind = {
    command: 'bind_transceiver',
    sequence: 1,
    fields: { system_id: 'pforte', password: `${secret}\0`, interface_version: 0x34 },
  } as const
  for (const [what, write] of [
    ['NUL in an address', () => encodePdu({ ...submit, fields: { ...fields, destination_addr: `${secret}\u000049` } })],
    ['a sender with more than octets', () => encodePdu({ ...submit, fields: { ...fields, source_addr: `${secret}€` } })],
    ['255 octets of text', () => encodePdu({ ...submit, fields: { ...fields, short_message: Buffer.from(secret.repeat(43)) } })],
    ['no data_coding', () => encodePdu({ ...submit, fields: { ...fields, data_coding: undefined } } as never)],
    ['NUL in a password', () => encodePdu(bind)],
    ['no interface_version', () => encodePdu({ ...bind, fields: { system_id: 'pforte' } } as never)],
    ['NUL in an id', () => encodePdu({ ...submit, tlvs: { receipted_message_id: `${secret}\0` } })],
  ] as const) {
    try {
      write()
      t.fail(what)
    } catch (error) {
      t.ok(error instanceof assert.AssertionError, what)
      t.notMatch(String((error as Error).message), secret)
    }
  }
})

t.test('254 octets of text are written', async (t) => {
  const short_message = Buffer.alloc(254, 'x')
  t.match(read(encodePdu({ ...submit, fields: { ...submit.fields, short_message } })).fields, { short_message })
})

/** The library's PDU without its filters, which turn octets into texts. */
class Unfiltered extends smpp.PDU {
  override _filter(): void {}
}
