/** Reserve, write down, submit: a window that is never exceeded, and one result for each part. */
import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import type { Log } from '../../src/app/ports/log.ts'
import type { Lane, Reservation } from '../../src/app/ports/smsc.ts'
import { Faults } from '../../src/smpp/faults.ts'
import { after, Session, type Answer } from '../../src/smpp/session.ts'
import { statuses } from '../../src/wire/smpp/constants.ts'
import { until } from '../support/until.ts'
import { Carrier } from './support/carrier.ts'
import { quick, TestLink } from './support/link.ts'

const threeParts = 'Ihr Ticket ist in Bearbeitung. '.repeat(13)
/** Keeps what was submitted for the test to answer. */
const silent = { submit: () => null }

t.test('an accepted message', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const { reservation, messageId } = await link.send('Ihr Ticket ist erledigt.')
  t.match(await link.result(), { messageId, part: 0, reservation, is: 'accepted', carrierId: 'm1', late: false })
  const submit = await (await carrier.connection()).next('submit_sm')
  t.equal(submit.sequence, reservation.sequence)
})

t.test('parts of one message go over one bind, in order, each with its own number and receipt', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, { binds: 2 })
  await until('both to be bound', () => link.smsc.lanes().length === 2)
  const { reservation } = await link.send(threeParts)
  await link.result(2)
  const used = carrier.connections.filter((connection) => connection.of('submit_sm').length > 0)
  t.equal(used.length, 1)
  const submits = used[0]!.of('submit_sm')
  t.same(
    submits.map(({ sequence }) => sequence),
    [0, 1, 2].map((part) => reservation.sequence + part),
  )
  t.same(
    submits.map(({ fields }) => fields.short_message[5]),
    [1, 2, 3],
  )
  t.ok(submits.every(({ fields }) => fields.registered_delivery === 1))
  t.match(
    link.results,
    [0, 1, 2].map((part) => ({ part, is: 'accepted', carrierId: `m${part + 1}` })),
  )
})

t.test('the parts of a message that are left are told by their places', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const lane = await link.lane()
  const reservation = lane.reserve(2)!
  lane.submit(reservation, link.message(threeParts, { only: [1, 2] }))
  await link.result(1)
  t.match(link.results, [
    { part: 1, is: 'accepted', reservation },
    { part: 2, is: 'accepted', reservation },
  ])
  t.equal(lane.room, 10)
})

t.test('the window counts what is reserved, and room is told again when there is some', async (t) => {
  const carrier = await Carrier.start(t, silent)
  const link = TestLink.open(t, carrier, { window: 4 })
  const lane = await link.lane()
  t.equal(lane.room, 4)
  const first = lane.reserve(3)!
  t.equal(lane.room, 1)
  t.equal(lane.reserve(2), null)
  const second = lane.reserve(1)!
  t.same([first.sequence + 3, lane.room], [second.sequence, 0])
  t.same(link.smsc.lanes(), [])
  const rooms = link.rooms
  lane.release(second)
  await until('to be told of room', () => link.rooms > rooms)
  t.equal(lane.room, 1)
  lane.submit(first, link.message(threeParts))
  const connection = await carrier.connection()
  await until('three on the wire', () => connection.of('submit_sm').length === 3)
  t.equal(lane.room, 1)
  for (const { sequence } of connection.of('submit_sm'))
    connection.send({ command: 'submit_sm_resp', sequence, fields: { message_id: 'm' } })
  await link.result(2)
  t.equal(lane.room, 4)
})

t.test('numbers of a released reservation are not used', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const lane = await link.lane()
  const released = lane.reserve(2)!
  lane.release(released)
  const { reservation } = await link.send('Ihr Ticket ist erledigt.')
  t.equal(reservation.sequence, released.sequence + 2)
  t.throws(() => lane.submit(released, link.message(threeParts)), 'neither is it submitted any more')
})

t.test('a message of more parts than the window goes when nothing else is under way, as far as the window goes', async (t) => {
  const carrier = await Carrier.start(t, silent)
  const link = TestLink.open(t, carrier, { window: 2 })
  const lane = await link.lane()
  const other = lane.reserve(1)!
  t.equal(lane.reserve(3), null)
  lane.release(other)
  lane.submit(lane.reserve(3)!, link.message(threeParts))
  const connection = await carrier.connection()
  const [first] = [await connection.next('submit_sm'), await connection.next('submit_sm')]
  t.equal(lane.reserve(1), null)
  connection.send({ command: 'submit_sm_resp', sequence: first.sequence, fields: { message_id: 'm' } })
  const third = await connection.next('submit_sm')
  t.equal(third.fields.short_message[5], 3)
})

t.test('one message_payload carries all parts, and its answer is that of each', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, { concatenation: 'payload', window: 3 })
  await link.send(threeParts)
  await link.result(2)
  t.match(
    link.results,
    [0, 1, 2].map((part) => ({ part, is: 'accepted', carrierId: 'm1' })),
  )
  t.equal((await link.lane()).room, 3)
})

t.test('how a carrier refuses, and what that means', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const refusals: [status: number, kind: string, name: string][] = [
    [statuses.ESME_RINVDSTADR, 'permanent', 'ESME_RINVDSTADR'],
    [statuses.ESME_RX_R_APPN, 'permanent', 'ESME_RX_R_APPN'],
    [statuses.ESME_RSYSERR, 'temporary', 'ESME_RSYSERR'],
    [statuses.ESME_RX_T_APPN, 'temporary', 'ESME_RX_T_APPN'],
    [0x0455, 'temporary', '0x00000455'],
    [statuses.ESME_RMSGQFUL, 'queue_full', 'ESME_RMSGQFUL'],
  ]
  for (const [index, [status, kind, name]] of refusals.entries()) {
    carrier.script = { submit: ({ sequence }) => ({ command: 'submit_sm_resp', sequence, status, fields: { message_id: '' } }) }
    await link.send('Ihr Ticket ist erledigt.')
    t.match(await link.result(index), { is: 'rejected', kind, status: name, late: false })
  }
  t.match(link.smsc.status, [{ slowed: true }])
})

t.test('generic_nack to a submit_sm is a refusal', async (t) => {
  const carrier = await Carrier.start(t, {
    submit: ({ sequence }) => ({ command: 'generic_nack', sequence, status: statuses.ESME_RINVCMDLEN }),
  })
  const link = TestLink.open(t, carrier)
  await link.send('Ihr Ticket ist erledigt.')
  t.match(await link.result(), { is: 'rejected', kind: 'permanent', status: 'ESME_RINVCMDLEN' })
})

t.test('ESME_RTHROTTLED slows the bind, and it takes again later by itself', async (t) => {
  const carrier = await Carrier.start(t, {
    submit: ({ sequence }) => ({ command: 'submit_sm_resp', sequence, status: statuses.ESME_RTHROTTLED, fields: { message_id: '' } }),
  })
  const link = TestLink.open(t, carrier, { ratePerSecond: 100 })
  const { lane } = await link.send('Ihr Ticket ist erledigt.')
  t.match(await link.result(), { is: 'rejected', kind: 'throttled' })
  t.equal(lane.room, 0)
  t.equal(lane.reserve(1), null)
  t.same(link.smsc.lanes(), [])
  t.match(link.smsc.status, [{ state: 'bound', slowed: true }])
  t.match(link.logged.join('\n'), /warn the carrier wants it slower.*ESME_RTHROTTLED/)
  carrier.script = {}
  const rooms = link.rooms
  await until('to be told of room', () => link.rooms > rooms)
  await link.send('Ihr Ticket ist erledigt.')
  t.match(await link.result(1), { is: 'accepted' })
})

t.test('a rate is waited for', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, { ratePerSecond: 20, window: 100 })
  const lane = await link.lane()
  let sent = 0
  const send = (): void => {
    for (let reservation = lane.reserve(1); reservation !== null && sent < 8; reservation = lane.reserve(1), sent++)
      lane.submit(reservation, link.message('x'))
  }
  link.smsc.onRoom(send)
  send()
  t.equal(sent, 2, 'a tenth of a second at once')
  await until('the rest to follow', () => sent === 8)
})

t.test('no answer in time: unanswered, its place is free; the answer counts when it comes late', async (t) => {
  const carrier = await Carrier.start(t, silent)
  const link = TestLink.open(t, carrier, { responseTimeoutMs: 100, window: 2 })
  const { lane, reservation } = await link.send('Ihr Ticket ist erledigt.')
  t.match(await link.result(), { is: 'unanswered', why: /no answer within/ })
  t.equal(lane.room, 2)
  t.match(link.smsc.status, [{ unanswered: 1 }])
  const connection = await carrier.connection()
  connection.send({ command: 'submit_sm_resp', sequence: reservation.sequence, fields: { message_id: 'late' } })
  t.match(await link.result(1), { is: 'accepted', carrierId: 'late', late: true, reservation })
  t.match(link.smsc.status, [{ unanswered: 0 }])
  connection.send({ command: 'submit_sm_resp', sequence: reservation.sequence, fields: { message_id: 'twice' } })
  await until('the second one to be counted', () => link.faults.includes('unexpected_answer'))
  t.equal(link.results.length, 2)
})

t.test('a session that ends settles all that was on the wire as unanswered, and what was only reserved as unwritten', async (t) => {
  const carrier = await Carrier.start(t, silent)
  const link = TestLink.open(t, carrier)
  const { lane } = await link.send(threeParts)
  const reserved = lane.reserve(1)!
  const connection = await carrier.connection()
  await until('three on the wire', () => connection.of('submit_sm').length === 3)
  connection.socket.destroy()
  await link.result(2)
  t.same(
    link.results.map(({ is }) => is),
    ['unanswered', 'unanswered', 'unanswered'],
  )
  t.equal(lane.room, 0)
  t.equal(lane.reserve(1), null)
  lane.submit(reserved, link.message('Ihr Ticket ist erledigt.'))
  t.equal(link.results.length, 3, 'not told before submitting is done')
  t.match(await link.result(3), { is: 'unwritten', reservation: reserved })
  lane.release(reserved)
})

t.test('a reservation of the session before is unwritten on the next one', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const old = (await link.lane()).reserve(1)!
  const connection = await carrier.connection()
  connection.socket.destroy()
  await link.saw('waiting')
  const lane = await link.lane()
  lane.submit(old, link.message('Ihr Ticket ist erledigt.'))
  t.match(await link.result(), { is: 'unwritten' })
  lane.release(old)
  t.equal(lane.room, 10)
})

t.test('given to a session that ends in the same turn, a message never left', async (t) => {
  const carrier = await Carrier.start(t)
  const socket = connect(carrier.port, '127.0.0.1')
  await once(socket, 'connect')
  const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
  const session = new Session(socket, { ...quick, faults: new Faults(log), onDelivery() {}, onEnded() {} })
  const answers: Answer[] = []
  session.request({ command: 'enquire_link' }, (answer) => answers.push(answer))
  session.end('the test is over')
  session.request({ command: 'enquire_link' }, (answer) => answers.push(answer))
  t.match(answers, [{ is: 'unwritten' }, { is: 'unwritten' }])
  const connection = await carrier.connection()
  await connection.closed()
  t.same(connection.received, [])
})

t.test('what must not be sent is refused here, and its room is free', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, { window: 1 })
  await link.send('x', { to: '017612345678' })
  t.match(await link.result(), { is: 'rejected', kind: 'permanent', status: 'ESME_RINVDSTADR' })
  await link.send('x')
  t.match(await link.result(1), { is: 'accepted' })
  t.equal((await carrier.connection()).of('submit_sm').length, 1)
})

t.test('sequence numbers go round after 0x7FFFFFFF', async (t) => {
  t.equal(after(0), 1)
  t.equal(after(0x7fffffff), 1)
  t.equal(after(0x7ffffffe, 3), 2)
})

t.test('looking for room in vain is enough to be told of it, once', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, { window: 2 })
  const lane: Lane = await link.lane()
  const reservations: Reservation[] = [lane.reserve(1)!, lane.reserve(1)!]
  t.same(link.smsc.lanes(), [])
  const rooms = link.rooms
  for (const reservation of reservations) lane.submit(reservation, link.message('x'))
  await link.result(1)
  await until('to be told of room', () => link.rooms > rooms)
  t.equal(link.rooms, rooms + 1)
  await link.send('x')
  await link.result(2)
  t.equal(link.rooms, rooms + 1, 'not while there was room all along')
})
