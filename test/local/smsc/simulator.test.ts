/** An SMSC as an ESME meets it, over a client that is nothing but the wire. */
import t, { type Test } from 'tap'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../src/local/smsc/simulator.ts'
import { statusName } from '../../../src/wire/smpp/constants.ts'
import { encodePdu, type Pdu } from '../../../src/wire/smpp/pdu.ts'
import { RawEsme } from './raw-esme.ts'

const anna = '+4915112345678'
const account = { user: 'pforte', password: 'geheim' }

async function simulator(t: Test, options: SimulatorOptions = {}): Promise<Simulator> {
  const started = await startSimulator({ accounts: [account], ...options })
  t.teardown(() => started.close())
  return started
}

/** With an ESME that is bound to it. */
async function bound(t: Test, options: SimulatorOptions = {}): Promise<{ smsc: Simulator; esme: RawEsme }> {
  const smsc = await simulator(t, options)
  const esme = await RawEsme.bound(smsc.url)
  t.teardown(() => esme.end())
  return { smsc, esme }
}

function textOf(pdu: Pdu<'deliver_sm'>): string {
  return pdu.fields.short_message.toString('latin1')
}

t.test('user and password open each kind of bind; what is wrong is named, and the line is closed', async (t) => {
  const smsc = await simulator(t)
  t.match(smsc.url, /^smpp:\/\/pforte:geheim@127\.0\.0\.1:\d+$/)
  for (const command of ['bind_transmitter', 'bind_receiver', 'bind_transceiver'] as const) {
    const esme = await RawEsme.connect(smsc.url)
    t.match(await esme.bind(smsc.url, command), { status: 0, fields: { system_id: 'simulator' }, tlvs: { sc_interface_version: 0x34 } })
    esme.end()
  }
  for (const [url, status] of [
    [smsc.url.replace('geheim', 'falsch'), 'ESME_RINVPASWD'],
    [smsc.url.replace('pforte', 'fremd'), 'ESME_RINVSYSID'],
  ] as const) {
    const esme = await RawEsme.connect(url)
    t.equal(statusName((await esme.bind(url)).status), status)
    await esme.closed
    t.notOk(esme.wasReset)
  }
})

t.test('nothing is taken before a bind, on a bind that only receives, or bound twice', async (t) => {
  const smsc = await simulator(t)
  const stranger = await RawEsme.connect(smsc.url)
  stranger.submit(anna, 'Hallo')
  t.equal(statusName((await stranger.next('submit_sm_resp')).status), 'ESME_RINVBNDSTS')
  const receiver = await RawEsme.bound(smsc.url, 'bind_receiver')
  receiver.submit(anna, 'Hallo')
  t.equal(statusName((await receiver.next('submit_sm_resp')).status), 'ESME_RINVBNDSTS')
  t.equal(statusName((await receiver.bind(smsc.url, 'bind_receiver')).status), 'ESME_RALYBND')
  stranger.end()
  receiver.end()
  t.same(smsc.inbox(anna), [])
})

t.test('a message shows on the phone, and its receipt says so in text and in TLVs', async (t) => {
  const { smsc, esme } = await bound(t)
  const phone = smsc.phone(anna)
  const sequence = esme.submit(anna, 'Guten Tag')
  const response = await esme.next('submit_sm_resp')
  t.match(response, { sequence, status: 0, fields: { message_id: /^[2-9A-F][0-9A-F]{7}$/ } })
  t.match(await phone.next(), { from: 'Pforte', to: anna, text: 'Guten Tag', parts: 1, messageIds: [response.fields.message_id] })
  const receipt = await esme.next('deliver_sm')
  t.match(receipt, {
    fields: { esm_class: 0x04, source_addr: anna.slice(1), source_addr_ton: 1, destination_addr: 'Pforte', data_coding: 0 },
    tlvs: { receipted_message_id: response.fields.message_id, message_state: 2 },
  })
  const said = /^id:(\S+) sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD err:000 text:Guten Tag$/.exec(textOf(receipt))
  t.equal(said?.[1], response.fields.message_id)
})

t.test('what did not ask for a receipt gets none', async (t) => {
  const { smsc, esme } = await bound(t)
  esme.submit(anna, 'one', { registered_delivery: 0 })
  esme.submit(anna, 'two', { registered_delivery: 2 })
  esme.submit(anna, 'three')
  for (let i = 0; i < 3; i++) await esme.next('submit_sm_resp')
  t.match(textOf(await esme.next('deliver_sm')), /text:three$/)
  t.equal(smsc.counts.receipts, 1)
})

t.test('ids are hexadecimal, decimal or opaque, and carriers may write them otherwise in receipts', async (t) => {
  for (const [messageIds, messageIdsInReceipts, inResponse] of [
    ['decimal', 'decimal', /^\d{10}$/],
    ['opaque', 'opaque', /^m-[a-z0-9]+-Zz$/],
    ['hex', 'decimal', /^[0-9A-F]{8}$/],
  ] as const) {
    const { esme } = await bound(t, { messageIds, messageIdsInReceipts })
    esme.submit(anna, 'Hallo')
    const { message_id } = (await esme.next('submit_sm_resp')).fields
    t.match(message_id, inResponse)
    const { receipted_message_id = '' } = (await esme.next('deliver_sm')).tlvs
    if (messageIds === messageIdsInReceipts) t.equal(receipted_message_id, message_id)
    else t.equal(Number(receipted_message_id), Number.parseInt(message_id, 16))
  }
})

t.test('receipts can be text only or TLVs only', async (t) => {
  const { esme: texter } = await bound(t, { receiptForm: 'text' })
  texter.submit(anna, 'Hallo')
  await texter.next('submit_sm_resp')
  const text = await texter.next('deliver_sm')
  t.same(text.tlvs, {})
  t.match(textOf(text), /stat:DELIVRD/)
  const { esme: tagger } = await bound(t, { receiptForm: 'tlvs' })
  tagger.submit(anna, 'Hallo')
  await tagger.next('submit_sm_resp')
  const tags = await tagger.next('deliver_sm')
  t.match(tags.tlvs, { message_state: 2 })
  t.equal(textOf(tags), '')
})

t.test('long texts show whole however they are put together, in whatever order the parts come', async (t) => {
  const { smsc, esme } = await bound(t)
  const phone = smsc.phone(anna)
  esme.submit(anna, '\x05\x00\x03\x07\x02\x02Welt', { esm_class: 0x40 })
  esme.submit(anna, '\x05\x00\x03\x07\x02\x01Hallo ', { esm_class: 0x40 })
  t.match(await phone.next(), { text: 'Hallo Welt', parts: 2 })
  esme.submit(anna, '\x06\x08\x04\x01\x07\x02\x01Hallo ', { esm_class: 0x40 })
  esme.submit(anna, '\x06\x08\x04\x01\x07\x02\x02Mond', { esm_class: 0x40 })
  t.match(await phone.next(), { text: 'Hallo Mond', parts: 2 })
  for (const [index, text] of ['Hallo ', 'Sonne'].entries())
    esme.submit(anna, text, {}, { sar_msg_ref_num: 9, sar_total_segments: 2, sar_segment_seqnum: index + 1 })
  t.match(await phone.next(), { text: 'Hallo Sonne', parts: 2 })
  esme.submit(anna, '', {}, { message_payload: Buffer.from('Hallo Mars '.repeat(30)) })
  t.match(await phone.next(), { text: 'Hallo Mars '.repeat(30), parts: 1 })
})

t.test('parts of two messages, or to two phones, are not mixed up', async (t) => {
  const { smsc, esme } = await bound(t)
  const other = '+4917099999999'
  const phones = [smsc.phone(anna), smsc.phone(other)]
  for (const part of [1, 2])
    for (const [to, reference] of [
      [anna, 1],
      [other, 1],
      [anna, 2],
    ] as const)
      esme.submit(to, `\x05\x00\x03${String.fromCharCode(reference)}\x02${String.fromCharCode(part)}${to.slice(-1)}${reference}${part} `, {
        esm_class: 0x40,
      })
  t.match(await phones[0]!.next(), { text: '811 812 ' })
  t.match(await phones[1]!.next(), { text: '911 912 ' })
  t.match(await phones[0]!.next(), { text: '821 822 ' })
})

t.test('what no short message can carry, or goes to no number, is refused', async (t) => {
  const { smsc, esme } = await bound(t)
  for (const [fields, text, status] of [
    [{}, 'x'.repeat(160), 'ESME_ROK'],
    [{}, 'x'.repeat(161), 'ESME_RINVMSGLEN'],
    [{ data_coding: 8 }, 'x'.repeat(140), 'ESME_ROK'],
    [{ data_coding: 8 }, 'x'.repeat(142), 'ESME_RINVMSGLEN'],
    [{ esm_class: 0x40 }, `\x05\x00\x03\x07\x02\x01${'x'.repeat(153)}`, 'ESME_ROK'],
    [{ esm_class: 0x40 }, `\x05\x00\x03\x07\x02\x01${'x'.repeat(154)}`, 'ESME_RINVMSGLEN'],
    [{ destination_addr: 'nobody' }, 'x', 'ESME_RINVDSTADR'],
    [{ destination_addr: '' }, 'x', 'ESME_RINVDSTADR'],
    [{ source_addr: '' }, 'x', 'ESME_RINVSRCADR'],
  ] as const) {
    esme.submit(anna, text, { registered_delivery: 0, ...fields })
    t.equal(statusName((await esme.next('submit_sm_resp')).status), status, `${text.length} octets, ${JSON.stringify(fields)}`)
  }
  t.match(smsc.counts, { submitted: 9, accepted: 3, rejected: 6, shown: 2 })
})

t.test('a phone answers, and the promise tells that the ESME has it', async (t) => {
  const { smsc, esme } = await bound(t)
  t.same(await smsc.reply({ from: anna, to: '+4962112345', text: 'Danke, ich hab´s' }), [
    { acknowledged: true, status: 'ESME_ROK', tries: 1 },
  ])
  t.match(await esme.next('deliver_sm'), {
    fields: {
      esm_class: 0,
      source_addr: anna.slice(1),
      source_addr_ton: 1,
      destination_addr: '4962112345',
      dest_addr_ton: 1,
      data_coding: 8,
    },
  })
  await smsc.reply({ from: anna, to: '81000', text: 'STOP' })
  t.match(await esme.next('deliver_sm'), { fields: { destination_addr: '81000', dest_addr_ton: 0, data_coding: 0 } })
})

t.test('a long answer comes in parts, in any coding and form, in any order', async (t) => {
  const { smsc, esme } = await bound(t)
  const text = 'Größe in €: '.repeat(20)
  const twice = { from: anna, to: '81000', text, reference: 7 }
  void smsc.reply(twice)
  const [first, second] = [await esme.next('deliver_sm'), await esme.next('deliver_sm')]
  t.match(first.fields, { esm_class: 0x40, data_coding: 0 })
  t.same([...first.fields.short_message.subarray(0, 6)], [5, 0, 3, 7, 2, 1])
  t.same([...second.fields.short_message.subarray(0, 6)], [5, 0, 3, 7, 2, 2])
  // 240 characters, 20 of them of two septets: 153 in the first part, and no pair cut in two.
  t.equal(first.fields.short_message.length + second.fields.short_message.length, 12 + 260)
  t.ok(first.fields.short_message.length <= 6 + 153)
  t.not(first.fields.short_message.at(-1), 0x1b)
  void smsc.reply({ ...twice, coding: 'ucs2', longForm: 'udh16' })
  for (let part = 1; part <= 4; part++)
    t.same([...(await esme.next('deliver_sm')).fields.short_message.subarray(0, 7)], [6, 8, 4, 0, 7, 4, part])
  void smsc.reply({ ...twice, longForm: 'sar', order: [1, 0, 0] })
  for (const part of [2, 1, 1])
    t.match((await esme.next('deliver_sm')).tlvs, { sar_msg_ref_num: 7, sar_total_segments: 2, sar_segment_seqnum: part })
  void smsc.reply({ ...twice, longForm: 'payload' })
  t.match(await esme.next('deliver_sm'), { fields: { short_message: Buffer.alloc(0) }, tlvs: { message_payload: Buffer } })
  void smsc.reply({ from: anna, to: '81000', text: '', octets: { octets: Buffer.of(1, 2, 0xff), dataCoding: 4 } })
  t.match((await esme.next('deliver_sm')).fields, { data_coding: 4, short_message: Buffer.of(1, 2, 0xff) })
})

t.test('an answer waits for a bind that receives, and comes again while the ESME cannot take it', async (t) => {
  const smsc = await simulator(t, { deliverAgainMs: 5 })
  const replied = smsc.reply({ from: anna, to: '81000', text: 'STATUS' })
  const transmitter = await RawEsme.bound(smsc.url, 'bind_transmitter')
  t.match(smsc.counts, { waiting: 1 })
  const esme = await RawEsme.connect(smsc.url)
  esme.acknowledges = false
  await esme.bind(smsc.url, 'bind_receiver')
  const { sequence } = await esme.next('deliver_sm')
  const later = encodePdu({ command: 'deliver_sm_resp', sequence, status: 0x64, fields: { message_id: '' } })
  esme.socket.write(later)
  esme.acknowledges = true
  t.match((await esme.next('deliver_sm')).fields, { short_message: Buffer.from('STATUS') })
  t.same(await replied, [{ acknowledged: true, status: 'ESME_ROK', tries: 2 }])
  esme.end()
  transmitter.end()
})

t.test('an answer that was on a lost bind comes on the next one; one that is refused for good does not', async (t) => {
  const smsc = await simulator(t)
  const lost = await RawEsme.connect(smsc.url)
  lost.acknowledges = false
  await lost.bind(smsc.url)
  const replied = smsc.reply({ from: anna, to: '81000', text: 'STATUS' })
  await lost.next('deliver_sm')
  lost.socket.destroy()
  const esme = await RawEsme.connect(smsc.url)
  esme.acknowledges = false
  await esme.bind(smsc.url)
  const { sequence } = await esme.next('deliver_sm')
  esme.socket.write(encodePdu({ command: 'deliver_sm_resp', sequence, status: 0x65, fields: { message_id: '' } }))
  t.same(await replied, [{ acknowledged: false, status: 'ESME_RX_P_APPN', tries: 2 }])
  esme.end()
})

t.test('an answer that is not acknowledged in time comes again', async (t) => {
  const { smsc, esme } = await bound(t, { acknowledgeWithinMs: 20 })
  esme.acknowledges = false
  void smsc.reply({ from: anna, to: '81000', text: 'STATUS' })
  const first = await esme.next('deliver_sm')
  const second = await esme.next('deliver_sm')
  t.same(second.fields, first.fields)
  t.not(second.sequence, first.sequence)
})

t.test('enquiries are answered from both sides, and unbind ends the line', async (t) => {
  const { smsc, esme } = await bound(t)
  esme.send({ command: 'enquire_link' })
  await esme.next('enquire_link_resp')
  const enquired = smsc.enquire()
  const { sequence } = await esme.next('enquire_link')
  esme.socket.write(encodePdu({ command: 'enquire_link_resp', sequence }))
  await enquired
  t.match(smsc.binds, [{ account: 'pforte', type: 'transceiver' }])
  esme.send({ command: 'unbind' })
  await esme.next('unbind_resp')
  await esme.closed
  t.notOk(esme.wasReset)
})

t.test('what it does not do is refused by name, what it cannot read with a generic_nack', async (t) => {
  const { smsc, esme } = await bound(t)
  esme.send({ command: 'query_sm', fields: { message_id: '1' } })
  t.equal(statusName((await esme.next('query_sm_resp')).status), 'ESME_RINVCMDID')
  const unknown = encodePdu({ command: 'enquire_link', sequence: 99 })
  unknown.writeUInt32BE(0x0fff, 4)
  esme.socket.write(unknown)
  t.match(await esme.next('generic_nack'), { sequence: 99, status: 0x03 })
  const huge = encodePdu({ command: 'enquire_link', sequence: 100 })
  huge.writeUInt32BE(0xffffffff, 0)
  esme.socket.write(huge)
  t.match(await esme.next('generic_nack'), { sequence: 100, status: 0x02 })
  await esme.closed
  t.notOk(esme.wasReset)
  t.equal(smsc.counts.bad, 2)
})

t.test('what was on the wire can be looked at, without passwords, and awaited', async (t) => {
  const { smsc, esme } = await bound(t, { keep: { pdus: 4 } })
  t.match(
    smsc.pdus().map(({ direction, command }) => `${direction} ${command}`),
    ['in bind_transceiver', 'out bind_transceiver_resp'],
  )
  t.notMatch(JSON.stringify(smsc.pdus()), 'geheim')
  const submitted = smsc.untilPdu(({ command }) => command === 'submit_sm')
  esme.submit(anna, 'Grüße'.replace('ü', '\x7e').replace('ß', '\x1e'))
  t.match(await submitted, {
    direction: 'in',
    bind: '1 pforte transceiver',
    status: 'ESME_ROK',
    text: 'Grüße',
    fields: { destination_addr: anna.slice(1), data_coding: 0 },
  })
  await esme.next('submit_sm_resp')
  await esme.next('deliver_sm')
  t.equal(smsc.pdus().length, 4, 'no more than is to be kept')
  t.match(await smsc.untilPdu(({ command }) => command === 'deliver_sm_resp'), { direction: 'in' })
})

t.test('no more is remembered than was asked for', async (t) => {
  const { smsc, esme } = await bound(t, { keep: { pdus: 0, messages: 3 } })
  const seen: string[] = []
  const stop = smsc.onDelivered(({ to, text }) => seen.push(`${to} ${text}`))
  for (let i = 1; i <= 5; i++) esme.submit(`+49151000000${i % 2}`, String(i), { registered_delivery: 0 })
  for (let i = 1; i <= 5; i++) await esme.next('submit_sm_resp')
  t.same(
    ['+491510000001', '+491510000000'].map((number) => smsc.inbox(number).map(({ text }) => text)),
    [['3', '5'], ['4']],
  )
  t.equal(seen.length, 5)
  t.same(smsc.pdus(), [])
  stop()
})

t.test('a message that does not come is told in time, without any of its words', async (t) => {
  const smsc = await simulator(t)
  await t.rejects(smsc.phone(anna).next(5), { name: 'NothingCame', message: `a message at ${anna} did not come within 5 ms` })
  await t.rejects(smsc.untilBound(1, 5), { name: 'NothingCame' })
  await t.rejects(
    smsc.untilPdu(() => true, 5),
    { name: 'NothingCame' },
  )
})
