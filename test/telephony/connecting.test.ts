import t, { type Test } from 'tap'
import type { Telephony } from '../../src/app/ports/telephony.ts'
import { freePort } from '../../src/local/ports.ts'
import { openTelephony, type TelephonyOptions } from '../../src/telephony/open.ts'
import { strangeAsterisk } from './support/strange-asterisk.ts'
import { keptLog, Witness, type Line } from './support/witness.ts'

function open(t: Test, url: string, options: Partial<TelephonyOptions> = {}): { telephony: Telephony; seen: Witness; lines: Line[] } {
  const { log, lines } = keptLog()
  const telephony = openTelephony({
    url,
    user: 'pforte',
    password: 'quittengelee',
    app: 'pforte',
    promptUrl: 'http://127.0.0.1/prompts',
    log,
    limitMs: 500,
    ...options,
  })
  t.teardown(() => telephony.close())
  return { telephony, seen: new Witness(telephony), lines }
}

const caller = (leg: string): string =>
  JSON.stringify({
    type: 'StasisStart',
    args: ['line', 'hotline', 'trunk'],
    channel: { id: leg, state: 'Ring', caller: { number: '+496215550100' } },
  })

t.test('an Asterisk that is too old is refused with the mend', async (t) => {
  const { url } = await strangeAsterisk(t, { version: '16.28.0~dfsg-0+deb11u4' })
  const { telephony } = open(t, url)
  await t.rejects(telephony.connect(), { name: 'ConnectFailure', message: /16\.28\.0 is too old.*18 or later/ })
})

t.test('one that cannot do what was asked for is refused with the mend', async (t) => {
  const { url } = await strangeAsterisk(t, { version: '20.6.0~dfsg+~cs6' })
  await t.rejects(open(t, url, { transport: 'websocket' }).telephony.connect(), { name: 'ConnectFailure', message: /ARI_TRANSPORT/ })
  await t.rejects(open(t, `${url}/prefix`, { transport: 'ari-client' }).telephony.connect(), { name: 'ConnectFailure', message: /prefix/ })
})

t.test('an Asterisk without its security fixes is used, with a warning that says why', async (t) => {
  const { url } = await strangeAsterisk(t, { version: '22.5.2' })
  const { telephony, lines } = open(t, url)
  await telephony.connect()
  t.match(telephony.status, { is: 'connected', version: '22.5.2', transport: 'websocket' })
  t.match(
    lines.find(({ level }) => level === 'warn'),
    { message: /GHSA-wcvv-g26m-wx5c.*22\.10\.1/ },
  )
})

t.test('a user who may only read is refused with the mend', async (t) => {
  const { url } = await strangeAsterisk(t, { filter: 403 })
  await t.rejects(open(t, url).telephony.connect(), { name: 'ConnectFailure', message: /read_only = no/ })
})

t.test('what is no address is refused', async (t) => {
  t.throws(() => open(t, 'sip:asterisk'), { name: 'ConnectFailure' })
})

t.test('Asterisk is not there yet: trying goes on until it is', async (t) => {
  const port = await freePort()
  const { telephony, seen } = open(t, `http://127.0.0.1:${port}/ari/`)
  const connecting = telephony.connect()
  t.match(await seen.status('disconnected'), { why: /ECONNREFUSED/ })
  t.match(await telephony.send({ do: 'hangUp', leg: 'nobody' }), { ok: false, why: 'unreachable' })
  await strangeAsterisk(t, { port })
  await connecting
  t.equal(telephony.status.is, 'connected')
})

t.test('Asterisk is starting, then answers nothing at all, then works', async (t) => {
  const asterisk = await strangeAsterisk(t, { info: 503 })
  const { telephony, seen } = open(t, asterisk.url)
  const connecting = telephony.connect()
  t.match(await seen.status('disconnected'), { why: /starting/ })
  asterisk.manners.info = null
  t.match(await seen.status('disconnected'), { why: /does not answer/ })
  asterisk.manners.info = 200
  await connecting
})

t.test('the password is changed while we are connected: it is said, and tried on', async (t) => {
  const asterisk = await strangeAsterisk(t)
  const { telephony, seen, lines } = open(t, asterisk.url)
  await telephony.connect()
  asterisk.manners.info = 401
  ;(await asterisk.socket()).terminate()
  await seen.status('connected')
  await seen.status('disconnected')
  t.match(await seen.status('disconnected'), { why: /refuses the user pforte/ })
  t.match(
    lines.find(({ level }) => level === 'error'),
    { fields: { mend: /ARI_PASSWORD/ } },
  )
  asterisk.manners.info = 200
  await seen.status('connected')
  t.notMatch(JSON.stringify(lines), /quittengelee/)
})

t.test('events that come with the handshake are told after the connect, not before, and not lost', async (t) => {
  const asterisk = await strangeAsterisk(t)
  asterisk.greeting.push(caller('first'), caller('second'))
  const { telephony } = open(t, asterisk.url)
  const told: string[] = []
  telephony.onStatus(({ is }) => told.push(is))
  telephony.onEvent((event) => told.push(event.type === 'callerArrived' ? event.leg : event.type))
  await telephony.connect()
  t.same(told, ['connected', 'first', 'second'])
})

t.test('events of types that nobody knows, broken ones and noise do no harm, and no log quotes them', async (t) => {
  const asterisk = await strangeAsterisk(t)
  const { telephony, seen, lines } = open(t, asterisk.url)
  await telephony.connect()
  const socket = await asterisk.socket()
  for (const text of [
    '{"type":"ChannelTeleported","channel":{"id":"x"}}',
    '{"type":"ChannelDtmfReceived","digit":"73517"',
    '{"type":"StasisStart"}',
    '{"type":"PlaybackFinished"}',
    '{"type":"RESTResponse"}',
    'null',
    '[]',
    '',
  ])
    socket.send(text)
  socket.send(Buffer.from([0, 1, 2]))
  socket.send(caller('after'))
  t.match(await seen.event('callerArrived'), { leg: 'after' })
  t.equal(seen.events.length, 1)
  t.notMatch(
    JSON.stringify(lines, (_, value: unknown) => (value instanceof Error ? value.message : value)),
    /73517/,
  )
})

t.test('closing while it is tried ends it, and says so to whoever waits', async (t) => {
  const { telephony } = open(t, `http://127.0.0.1:${await freePort()}`)
  const connecting = telephony.connect()
  await telephony.close()
  await t.rejects(connecting, { name: 'ConnectFailure' })
})
