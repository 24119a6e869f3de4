/**
 * What carriers and their gateways do wrong, and what npm `smpp` alone would
 * do about it: stall, go deaf with the socket open, end the process. Each row
 * of the notes' table, from our side.
 */
import t, { type Test } from 'tap'
import { statuses } from '../../src/wire/smpp/constants.ts'
import { encodePdu } from '../../src/wire/smpp/pdu.ts'
import { until } from '../support/until.ts'
import { Carrier, type Connection } from './support/carrier.ts'
import { keptBytes } from './support/kept-bytes.ts'
import { TestLink, password } from './support/link.ts'

/** It still takes messages and still hears: on the same session, or on the one that came after it. */
async function isAlive(t: Test, link: TestLink, carrier: Carrier): Promise<void> {
  const before = link.results.length
  await link.send('Ihr Ticket ist erledigt.')
  const result = await link.result(before)
  t.equal(result.is, 'accepted')
  const heard = link.incoming.length
  const connection = carrier.connections.at(-1)!
  connection.send(reply('Danke'))
  await until('a reply', () => link.incoming.length > heard)
}

function reply(text: string, sequence = 77) {
  return {
    command: 'deliver_sm',
    sequence,
    fields: {
      source_addr_ton: 1,
      source_addr: '4917612345678',
      destination_addr: '4915155555',
      data_coding: 0,
      short_message: Buffer.from(text),
    },
  } as const
}

async function bound(t: Test, settings = {}): Promise<{ carrier: Carrier; link: TestLink; connection: Connection }> {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, settings)
  const connection = await carrier.connection()
  await link.lane()
  return { carrier, link, connection }
}

function header(length: number, sequence = 9): Buffer {
  const frame = Buffer.alloc(16)
  frame.writeUInt32BE(length, 0)
  frame.writeUInt32BE(5, 4)
  frame.writeUInt32BE(sequence, 12)
  return frame
}

for (const length of [0, 3, 4, 8, 15, 70_000, 0xffffffff]) {
  t.test(`command_length ${length}: counted, answered, and bound anew`, async (t) => {
    const { carrier, link, connection } = await bound(t)
    connection.write(header(length))
    const nack = await connection.next('generic_nack')
    t.equal(nack.status, statuses.ESME_RINVCMDLEN)
    // A PDU that claims to end within its own header has no sequence number to be believed.
    t.equal(nack.sequence, length < 16 ? 0 : 9)
    await connection.closed()
    t.same(link.faults, ['frame_length'])
    await carrier.connection()
    await isAlive(t, link, carrier)
  })
}

t.test('17,000 octets are a PDU like any other', async (t) => {
  const { carrier, link, connection } = await bound(t)
  const { fields } = reply('')
  connection.send({ command: 'deliver_sm', sequence: 3, fields, tlvs: { message_payload: Buffer.alloc(17_000, 'a') } })
  await connection.next('deliver_sm_resp')
  t.match(link.incoming, [{ kind: 'reply', text: 'a'.repeat(17_000) }])
  await isAlive(t, link, carrier)
  t.equal(carrier.connections.length, 1)
})

t.test('a TLV that is cut short, a submit_multi_resp and a time that make no sense: each costs itself only', async (t) => {
  const { carrier, link, connection } = await bound(t)
  const cut = encodePdu({ ...reply('Hallo', 21), tlvs: { message_payload: Buffer.from('Hallo') } }).subarray(0, -2)
  cut.writeUInt32BE(cut.length, 0)
  connection.write(Buffer.from(cut))
  const answer = await connection.next('deliver_sm_resp')
  t.equal(answer.status, statuses.ESME_RINVOPTPARSTREAM)
  t.equal(answer.sequence, 21)

  const multi = Buffer.concat([header(16 + 3, 22), Buffer.from('m\0\xff', 'latin1')])
  multi.writeUInt32BE(0x80000021, 4)
  connection.write(multi)
  const withTime = { ...reply('Guten Tag', 23).fields, validity_period: 'morgen' }
  connection.send({ command: 'deliver_sm', sequence: 23, fields: withTime })
  t.equal((await connection.next('deliver_sm_resp')).status, statuses.ESME_ROK)
  t.same(link.faults, ['undecodable', 'undecodable'])
  await isAlive(t, link, carrier)
  t.equal(carrier.connections.length, 1, 'on the same session')
  t.notMatch(link.logged.join('\n'), /Hallo|Guten Tag|176/, 'and without its content in the log')
})

t.test('a command that SMPP 3.4 does not know is refused by generic_nack', async (t) => {
  const { carrier, link, connection } = await bound(t)
  const strange = header(16, 31)
  strange.writeUInt32BE(0x00000999, 4)
  connection.write(strange)
  const nack = await connection.next('generic_nack')
  t.equal(nack.status, statuses.ESME_RINVCMDID)
  t.equal(nack.sequence, 31)
  connection.send({ command: 'query_sm', sequence: 32, fields: { message_id: 'x' } })
  t.equal((await connection.next('generic_nack')).sequence, 32)
  t.same(link.faults, ['unknown_command', 'unexpected_request'])
  await isAlive(t, link, carrier)
})

t.test('a PDU that never completes is given up, however slowly it goes on', async (t) => {
  const { carrier, link, connection } = await bound(t, { partialPduMs: 200 })
  const slow = encodePdu(reply('x'.repeat(200)))
  let sent = 0
  const drip = setInterval(() => connection.write(slow.subarray(sent, ++sent)), 10)
  await connection.closed()
  clearInterval(drip)
  t.ok(sent < slow.length)
  t.same(link.faults, ['partial_pdu'])
  await carrier.connection()
  await isAlive(t, link, carrier)
})

t.test('one that arrives octet by octet, but arrives, is taken', async (t) => {
  const { link, connection } = await bound(t)
  for (const octet of encodePdu(reply('Guten Morgen'))) connection.write(Buffer.of(octet))
  await connection.next('deliver_sm_resp')
  t.match(link.incoming, [{ text: 'Guten Morgen' }])
})

t.test('a connection that ends inside a PDU delivers no half text', async (t) => {
  const { carrier, link, connection } = await bound(t)
  connection.socket.end(encodePdu(reply('Ich möchte NICHT kündigen')).subarray(0, -10))
  await connection.closed()
  await carrier.connection()
  await link.lane()
  t.same(link.incoming, [])
  t.same(link.faults, ['partial_pdu'])
  await isAlive(t, link, carrier)
})

t.test('a connection that ends after a PDU loses nothing', async (t) => {
  const { link, connection } = await bound(t)
  connection.socket.end(encodePdu(reply('Danke')))
  await until('the reply', () => link.incoming.length === 1)
  await link.saw('waiting', /closed/)
})

t.test('a handler that throws costs one PDU, which the carrier is asked to send again', async (t) => {
  const { carrier, link, connection } = await bound(t)
  link.take = () => {
    throw new Error('of the text "Kündigung"')
  }
  connection.send(reply('Kündigung', 41))
  t.equal((await connection.next('deliver_sm_resp')).status, statuses.ESME_RX_T_APPN)
  link.take = async () => {}
  connection.send(reply('Kündigung', 42))
  t.equal((await connection.next('deliver_sm_resp')).status, statuses.ESME_ROK)
  t.same(link.faults, ['handler_failed'])
  t.notMatch(link.logged.join('\n'), /Kündigung/)
  await isAlive(t, link, carrier)
})

t.test('whoever listens for results may fail: the next result is told all the same', async (t) => {
  const { link } = await bound(t)
  let told = 0
  link.smsc.onResult(() => {
    told++
    throw new Error('of "Stadtwerke"')
  })
  await link.send('eins')
  await link.send('zwei')
  await link.result(1)
  t.equal(told, 2)
  t.notMatch(link.logged.join('\n'), /Stadtwerke/)
})

t.test('a peer that goes mute is noticed, and what it was asked is settled', async (t) => {
  const { carrier, link, connection } = await bound(t, { enquireLinkMs: 100, enquireLinkTimeoutMs: 200 })
  carrier.script = { enquireLink: 'mute', submit: () => null }
  await link.send('Ihr Ticket ist erledigt.')
  await connection.closed()
  t.match(await link.result(), { is: 'unanswered', why: /mute/ })
  carrier.script = {}
  await carrier.connection()
  await isAlive(t, link, carrier)
})

t.test('one that talks all the time and answers nothing is mute, too; its own enquire_links are answered all along', async (t) => {
  const { carrier, link, connection } = await bound(t, { enquireLinkMs: 100, enquireLinkTimeoutMs: 300 })
  carrier.script = { enquireLink: 'mute' }
  let asked = 0
  const talk = setInterval(() => connection.send({ command: 'enquire_link', sequence: ++asked }), 5)
  await connection.closed()
  clearInterval(talk)
  t.ok(connection.of('enquire_link_resp').length > 0)
  await link.saw('waiting', /mute/)
})

t.test('one that answers enquire_links but no submit_sm is sent no more after three, and left', async (t) => {
  const { carrier, link, connection } = await bound(t, { responseTimeoutMs: 300, enquireLinkMs: 50 })
  carrier.script = { submit: () => null }
  for (let i = 0; i < 3; i++) await link.send('Ihr Ticket ist erledigt.')
  await link.result(2)
  t.ok(link.results.every(({ is }) => is === 'unanswered'))
  t.same(link.smsc.lanes(), [])
  await connection.closed()
  await link.saw('waiting', /answers no submit_sm/)
  carrier.script = {}
  await isAlive(t, link, carrier)
})

t.test('one that was silent and answers late is sent to again', async (t) => {
  const { carrier, link, connection } = await bound(t, { responseTimeoutMs: 1000 })
  carrier.script = { submit: () => null }
  for (let i = 0; i < 3; i++) await link.send('Ihr Ticket ist erledigt.')
  const lane = await link.lane()
  await link.result(2)
  t.equal(lane.reserve(1), null)
  const rooms = link.rooms
  carrier.script = {}
  const { sequence } = await connection.next('submit_sm')
  connection.send({ command: 'submit_sm_resp', sequence, fields: { message_id: 'late' } })
  t.match(await link.result(3), { is: 'accepted', late: true })
  await until('to be told of room', () => link.rooms > rooms)
  await isAlive(t, link, carrier)
  t.equal(carrier.connections.length, 1, 'on the same session')
})

t.test('an answer that cannot be read is no answer, and never sent again for it', async (t) => {
  const { carrier, link, connection } = await bound(t)
  carrier.script = { submit: () => null }
  const { reservation } = await link.send('Ihr Ticket ist erledigt.')
  await connection.next('submit_sm')
  const bad = Buffer.concat([header(16 + 4, reservation.sequence), Buffer.from('id-x')])
  bad.writeUInt32BE(0x80000004, 4)
  connection.write(bad)
  t.match(await link.result(), { is: 'unanswered', why: /read/ })
  t.same(link.faults, ['undecodable'])
  t.same(connection.of('generic_nack'), [], 'nobody answers an answer')
  carrier.script = {}
  await isAlive(t, link, carrier)
})

t.test('answers to what was never asked are counted and change nothing', async (t) => {
  const { carrier, link, connection } = await bound(t)
  connection.send({ command: 'submit_sm_resp', sequence: 4711, fields: { message_id: 'm' } })
  connection.send({ command: 'generic_nack', sequence: 0, status: statuses.ESME_RINVCMDLEN })
  connection.send({ command: 'bind_transceiver_resp', sequence: 1, fields: { system_id: '' } })
  await isAlive(t, link, carrier)
  t.same(link.faults, ['unexpected_answer', 'unexpected_answer', 'unexpected_answer'])
})

t.test('the answer of another command to a submit_sm is none', async (t) => {
  const { carrier, link, connection } = await bound(t)
  carrier.script = { submit: () => null }
  const { reservation } = await link.send('Ihr Ticket ist erledigt.')
  await connection.next('submit_sm')
  connection.send({ command: 'enquire_link_resp', sequence: reservation.sequence })
  connection.send({ command: 'submit_sm_resp', sequence: reservation.sequence, fields: { message_id: 'right' } })
  t.match(await link.result(), { is: 'accepted', carrierId: 'right' })
})

t.test('before it is bound, a carrier has nothing to deliver', async (t) => {
  const carrier = await Carrier.start(t, { bind: null })
  const link = TestLink.open(t, carrier)
  const connection = await carrier.connection()
  const bind = await connection.next('bind_transceiver')
  connection.send(reply('zu früh'))
  t.equal((await connection.next('deliver_sm_resp')).status, statuses.ESME_RINVBNDSTS)
  connection.send({ command: 'bind_transceiver_resp', sequence: bind.sequence, fields: { system_id: '' } })
  await link.lane()
  t.same(link.incoming, [])
})

t.test('a peer that asks for ever and reads no answer is not read from either, and then left', async (t) => {
  const { carrier, link, connection } = await bound(t, { enquireLinkMs: 500, enquireLinkTimeoutMs: 500 })
  const { socket } = connection
  socket.pause()
  const flood = Buffer.concat(Array.from({ length: 4000 }, (_, i) => encodePdu({ command: 'enquire_link', sequence: i })))
  const before = await keptBytes()
  let requests = 0
  let wakeUp = (): void => {}
  socket.on('drain', () => wakeUp())
  socket.on('close', () => wakeUp())
  while (!connection.isClosed && requests < 10_000_000) {
    requests += 4000
    const { promise, resolve } = Promise.withResolvers<void>()
    wakeUp = resolve
    if (!socket.write(flood)) await promise
  }
  t.ok(requests < 10_000_000, 'it was stopped by not being read')
  t.ok((await keptBytes()) - before < 4 * 1024 * 1024, 'and memory stayed')
  await link.saw('waiting')
  await carrier.connection()
  await isAlive(t, link, carrier)
})

t.test('a peer that stops reading gets a window of messages and no more; what never left is safe to send again', async (t) => {
  // More than the buffers of both kernels take.
  const window = 100_000
  const { link, connection } = await bound(t, { window, enquireLinkMs: 500, enquireLinkTimeoutMs: 500 })
  connection.socket.pause()
  const lane = await link.lane()
  const message = link.message('x'.repeat(160))
  let submitted = 0
  for (let reservation = lane.reserve(1); reservation !== null; reservation = lane.reserve(1), submitted++)
    lane.submit(reservation, message)
  t.equal(submitted, window)
  t.equal(lane.room, 0)
  await until('all to be settled', () => link.results.length === window)
  const firstUnwritten = link.results.findIndex(({ is }) => is === 'unwritten')
  t.ok(firstUnwritten > 0, 'some had left, and some had not')
  t.ok(link.results.slice(0, firstUnwritten).every(({ is }) => is === 'unanswered'))
  t.ok(link.results.slice(firstUnwritten).every(({ is }) => is === 'unwritten'))
})

t.test('the password is in no log, no status and no reason', async (t) => {
  const { link, connection } = await bound(t)
  connection.socket.destroy()
  await link.saw('waiting', /lost|closed|reset/)
  await link.lane()
  t.notMatch(link.logged.join('\n') + JSON.stringify(link.statuses), password)
})
