/** The life of a bind: it comes back by itself, and never hammers. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { statuses } from '../../src/wire/smpp/constants.ts'
import { certificate } from '../support/certificate.ts'
import { until } from '../support/until.ts'
import { Carrier } from './support/carrier.ts'
import { TestLink, accountOf, password, quick } from './support/link.ts'

t.test('it binds as SMPP 3.4 wants it', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, { systemType: 'SMS' })
  const bind = await (await carrier.connection()).next('bind_transceiver')
  t.match(bind, {
    sequence: 1,
    fields: { system_id: 'pforte', password, system_type: 'SMS', interface_version: 0x34, addr_ton: 0, addr_npi: 0, address_range: '' },
  })
  await link.lane()
  t.same(
    link.statuses.map(({ state }) => state),
    ['connecting', 'binding', 'bound'],
  )
  t.match(link.smsc.status, [{ bind: `pforte@127.0.0.1:${carrier.port}/1`, state: 'bound', unanswered: 0, slowed: false }])
})

t.test('another interface_version, where it is configured', async (t) => {
  const carrier = await Carrier.start(t)
  TestLink.open(t, carrier, { interfaceVersion: 0x33 })
  t.match(await (await carrier.connection()).next('bind_transceiver'), { fields: { interface_version: 0x33 } })
})

t.test('a carrier that is not there yet is tried without end, and one line tells it', async (t) => {
  const carrier = await Carrier.start(t)
  const { port } = carrier
  carrier.stop()
  const link = TestLink.open(t, [{ account: accountOf({ port } as Carrier), settings: quick }])
  await until('several tries', () => link.statuses.filter(({ state }) => state === 'waiting').length > 4)
  t.match(await link.saw('waiting'), { why: /ECONNREFUSED.*next try in/ })
  t.equal(link.logged.filter((line) => line.startsWith('warn')).length, 1)
  t.same(link.smsc.lanes(), [])
})

t.test('each loss is mended with a session of its own', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const epochs = new Set<number>()
  for (let i = 0; i < 3; i++) {
    const { reservation } = await link.send('Ihr Ticket ist erledigt.')
    await link.result(i)
    epochs.add(reservation.epoch)
    const connection = await carrier.connection()
    connection.socket.destroy()
    await connection.closed()
    await until('the loss to be noticed', () => link.statuses.filter(({ state }) => state === 'waiting').length > i)
  }
  t.equal(epochs.size, 3)
  t.ok(link.results.every(({ is }) => is === 'accepted'))
})

t.test('the carrier unbinds: it is answered, and comes back', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const connection = await carrier.connection()
  await link.lane()
  connection.send({ command: 'unbind', sequence: 5 })
  t.match(await connection.next('unbind_resp'), { sequence: 5 })
  await connection.closed()
  await link.saw('waiting', /carrier unbound/)
  await (await carrier.connection()).next('bind_transceiver')
  await link.lane()
})

for (const [status, why] of [
  [statuses.ESME_RINVPASWD, /wrong password/],
  [statuses.ESME_RINVSYSID, /does not know this user/],
] as const) {
  t.test(`one ${why.source}: one try for all binds, an alarm, and silence`, async (t) => {
    const carrier = await Carrier.start(t, { bind: status })
    const link = TestLink.open(t, carrier, { binds: 3, bindMode: 'pair' })
    await until('all to be refused', () => link.smsc.status.every(({ state }) => state === 'refused'))
    t.match(link.smsc.status, Array(6).fill({ why }))
    t.match(link.smsc.status[0], { why: /SMPP_URL.*tried again only every 10 minutes/ })
    const alarms = link.logged.filter((line) => line.startsWith('error'))
    t.equal(alarms.length, 1)
    t.match(alarms[0], why)
    t.equal(carrier.connections.length, 1)
    t.same(link.smsc.lanes(), [])

    carrier.script = {}
    link.smsc.knock()
    await until('all to be bound, as after a reload', () => link.smsc.status.every(({ state }) => state === 'bound'))
    t.equal(carrier.connections.length, 7)
  })
}

t.test('a wrong password is tried again after its long pause', async (t) => {
  const carrier = await Carrier.start(t, { bind: statuses.ESME_RINVPASWD })
  const link = TestLink.open(t, carrier, { refusedPauseMs: 50 })
  await carrier.connection()
  await link.saw('refused')
  carrier.script = {}
  await link.lane()
})

t.test('a carrier that knows no transceiver is told so once, with the mend', async (t) => {
  const carrier = await Carrier.start(t, { bind: statuses.ESME_RINVCMDID })
  const link = TestLink.open(t, carrier)
  t.match(await link.saw('refused'), { why: /no bind_transceiver.*other bind mode/ })
})

t.test('any other refusal may pass, and is tried again', async (t) => {
  const carrier = await Carrier.start(t, { bind: statuses.ESME_RALYBND })
  const link = TestLink.open(t, carrier)
  t.match(await link.saw('waiting'), { why: /ESME_RALYBND/ })
  carrier.script = { bind: statuses.ESME_RTHROTTLED }
  await link.saw('waiting', /ESME_RTHROTTLED/)
  carrier.script = {}
  await link.lane()
})

t.test('no answer to the bind is noticed', async (t) => {
  const carrier = await Carrier.start(t, { bind: null })
  const link = TestLink.open(t, carrier, { responseTimeoutMs: 100 })
  t.match(await link.saw('waiting'), { why: /bind_transceiver: no answer/ })
  carrier.script = {}
  await link.lane()
})

t.test('a transmitter and a receiver: what is sent leaves by the one, what comes is taken from the other', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, { bindMode: 'pair' })
  await until('both to be bound', () => link.smsc.status.every(({ state }) => state === 'bound'))
  const [transmitter, receiver] = [await carrier.connection(), await carrier.connection()]
  await transmitter.next('bind_transmitter')
  await receiver.next('bind_receiver')
  t.equal(link.smsc.lanes().length, 1)
  await link.send('Ihr Ticket ist erledigt.')
  await transmitter.next('submit_sm')
  receiver.send({
    command: 'deliver_sm',
    sequence: 1,
    fields: { destination_addr: '72345', data_coding: 0, short_message: Buffer.from('Danke') },
  })
  await receiver.next('deliver_sm_resp')
  t.match(link.incoming, [{ text: 'Danke' }])
})

t.test('several binds at once: only one knocks first, then all send', async (t) => {
  const carrier = await Carrier.start(t, { bind: null })
  const link = TestLink.open(t, carrier, { binds: 4, window: 1 })
  const first = await carrier.connection()
  const bind = await first.next('bind_transceiver')
  t.equal(carrier.connections.length, 1)
  carrier.script = { submit: () => null }
  first.send({ command: 'bind_transceiver_resp', sequence: bind.sequence, fields: { system_id: '' } })
  await until('all to be bound', () => link.smsc.lanes().length === 4)
  for (let i = 0; i < 4; i++) await link.send('Ihr Ticket ist erledigt.')
  await until('one on each', () => carrier.connections.every((connection) => connection.of('submit_sm').length === 1))
  t.same(link.smsc.lanes(), [])
})

t.test('two carriers: the preferred one sends, both listen; the other takes over and gives back', async (t) => {
  const [first, second] = [await Carrier.start(t), await Carrier.start(t)]
  const link = TestLink.open(
    t,
    [first, second].map((carrier) => ({ account: accountOf(carrier), settings: { ...quick, window: 2 } })),
  )
  await until('both to be bound', () => link.smsc.status.every(({ state }) => state === 'bound'))
  const connection = await first.connection()
  first.script = { submit: () => null }
  for (let i = 0; i < 2; i++) await link.send('Ihr Ticket ist erledigt.')
  await until('both on the first', () => connection.of('submit_sm').length === 2)
  t.same(link.smsc.lanes(), [], 'a full window is waited for')

  first.script = { bind: null }
  connection.socket.destroy()
  await until('the first to be lost', () => link.results.length === 2)
  const { lane } = await link.send('Ihr Ticket ist erledigt.')
  t.equal(lane.route, accountOf(second).route)
  t.match(await link.result(2), { is: 'accepted', reservation: { route: accountOf(second).route } })

  first.script = {}
  link.smsc.knock()
  for (const { socket } of first.connections) socket.destroy()
  await until('the first to be back', () => link.smsc.lanes()[0]?.route === accountOf(first).route)
  const receiver = second.connections[0]!
  receiver.send({
    command: 'deliver_sm',
    sequence: 1,
    fields: { esm_class: 4, destination_addr: '', data_coding: 0, short_message: Buffer.from('id:m1 stat:DELIVRD') },
  })
  await receiver.next('deliver_sm_resp')
  t.match(link.incoming, [{ kind: 'receipt', route: accountOf(second).route, carrierIds: ['m1'] }])
})

t.test('with TLS, the certificate is verified', async (t) => {
  const authority = certificate()
  const sound = certificate({ names: ['localhost'], by: authority })
  const carrier = await Carrier.start(t, { tls: { cert: sound.cert, key: sound.key } })
  const account = accountOf(carrier, { tls: true, host: 'localhost' })

  const trusting = TestLink.open(t, [{ account, settings: { ...quick, ca: authority.cert } }])
  await trusting.send('Ihr Ticket ist erledigt.')
  t.match(await trusting.result(), { is: 'accepted' })

  const unknowing = TestLink.open(t, [{ account, settings: quick }])
  t.match(await unknowing.saw('waiting'), { why: /authority that this machine does not know.*NODE_EXTRA_CA_CERTS/ })

  const other = certificate({ names: ['other.example'], by: authority })
  const impostor = await Carrier.start(t, { tls: { cert: other.cert, key: other.key } })
  const impostorAccount = accountOf(impostor, { tls: true, host: 'localhost' })
  const deceived = TestLink.open(t, [{ account: impostorAccount, settings: { ...quick, ca: authority.cert } }])
  t.match(await deceived.saw('waiting'), { why: /certificate for another name.*SMPP_URL/ })
  t.same(
    impostor.connections.flatMap(({ received }) => received),
    [],
    'and no password was told',
  )
})

t.test('a carrier that never says hello to TLS is given up', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => {}))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const account = accountOf({ port } as Carrier, { tls: true })
  const link = TestLink.open(t, [{ account, settings: { ...quick, connectTimeoutMs: 100 } }])
  t.match(await link.saw('waiting'), { why: /no connection within 100 ms/ })
})

t.test('closing lets what is on the wire be answered, unbinds, and takes nothing more', async (t) => {
  const carrier = await Carrier.start(t, { submit: () => null })
  const link = TestLink.open(t, carrier)
  const connection = await carrier.connection()
  const { lane, reservation } = await link.send('Ihr Ticket ist erledigt.')
  await connection.next('submit_sm')
  const closing = link.smsc.close()
  t.same(link.smsc.lanes(), [])
  t.equal(lane.room, 0)
  t.equal(lane.reserve(1), null)
  connection.send({ command: 'submit_sm_resp', sequence: reservation.sequence, fields: { message_id: 'm1' } })
  await connection.next('unbind')
  await closing
  t.match(link.results, [{ is: 'accepted', carrierId: 'm1' }])
  t.match(link.smsc.status, [{ state: 'closed' }])
  await connection.closed()
  t.equal(carrier.connections.length, 1)
})

t.test('a carrier that does not answer our unbind is left, however long it may take over other answers', async (t) => {
  const carrier = await Carrier.start(t, { unbind: 'mute' })
  const link = TestLink.open(t, carrier, { responseTimeoutMs: 3_600_000 })
  const connection = await carrier.connection()
  await link.lane()
  const closing = link.smsc.close()
  await connection.next('unbind')
  await closing
  await connection.closed()
  t.match(link.smsc.status, [{ state: 'closed' }])
})

t.test('closing waits for a moment only; what has no answer by then is unanswered', async (t) => {
  const carrier = await Carrier.start(t, { submit: () => null })
  const link = TestLink.open(t, carrier, { drainMs: 50 })
  await link.send('Ihr Ticket ist erledigt.')
  await (await carrier.connection()).next('submit_sm')
  await link.smsc.close()
  t.match(link.results, [{ is: 'unanswered', why: 'closed by us' }])
})

t.test('closing ends a link in any state', async (t) => {
  const silent = await Carrier.start(t, { bind: null })
  const refusing = await Carrier.start(t, { bind: statuses.ESME_RINVPASWD })
  const gone = await Carrier.start(t)
  const accounts = [accountOf(silent), accountOf(refusing), accountOf(gone)]
  gone.stop()
  const link = TestLink.open(
    t,
    accounts.map((account) => ({ account, settings: { ...quick, binds: 2 } })),
  )
  await link.saw('binding')
  await link.saw('refused')
  await link.saw('waiting', /ECONNREFUSED/)
  await link.smsc.close()
  t.ok(link.smsc.status.every(({ state }) => state === 'closed'))
  const unopened = new TestLink(t, silent)
  await unopened.smsc.close()
})
