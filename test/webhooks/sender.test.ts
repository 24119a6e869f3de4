/** One signed POST, and whatever a receiver does to it. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { guardedLookup, NotPublic, type Resolve } from '../../src/webhooks/resolve.ts'
import { HttpSender, mostAnswerBytes, type SenderOptions } from '../../src/webhooks/sender.ts'
import { receiver } from './receiver.ts'

const secret = `whsec_${randomBytes(32).toString('base64')}`
const body = JSON.stringify({ type: 'ticket.created', timestamp: '2026-03-02T08:00:00.000Z', data: { subject: 'Störung – 😀' } })

function open(t: Test, options: Partial<SenderOptions> = {}) {
  const sender = new HttpSender({ allowPrivate: () => true, timeoutMs: 2_000, ...options })
  t.teardown(() => sender.close())
  const never = new AbortController().signal
  return {
    sender,
    send: (url: string, secrets = [secret], signal = never) => sender.send({ url, id: 'msg-1', at: Date.now(), body, secrets }, signal),
  }
}

t.test('a delivery is signed as the Standard Webhooks library expects it', async (t) => {
  const crm = await receiver(t)
  const { send } = open(t)
  t.strictSame(await send(crm.url), { is: 'answered', status: 204, retryAfterMs: null })
  const [one] = crm.received
  crm.verify(one!, secret)
  t.equal(one!.body, body)
  t.match(one!.headers, { 'webhook-id': 'msg-1', 'content-type': 'application/json', 'user-agent': /^Pforte-Webhooks/ })
  t.throws(() => crm.verify(one!, `whsec_${randomBytes(32).toString('base64')}`), 'by no other secret')
  t.throws(() => crm.verify({ ...one!, body: body.replace('Störung', 'Alles gut') }, secret), 'and for no other body')
})

t.test('while a secret takes the place of another, either verifies it', async (t) => {
  const crm = await receiver(t)
  const { send } = open(t)
  const newer = `whsec_${randomBytes(32).toString('base64')}`
  await send(crm.url, [newer, secret])
  crm.verify(crm.received[0]!, secret)
  crm.verify(crm.received[0]!, newer)
})

t.test('one connection serves several deliveries', async (t) => {
  const crm = await receiver(t, (_one, response) => void response.end('thank you'))
  const { send } = open(t)
  const ports = new Set<number>()
  crm.answer((_one, response) => {
    ports.add(response.socket!.remotePort!)
    response.end('thank you')
  })
  for (let place = 0; place < 5; place++) await send(crm.url)
  t.equal(ports.size, 1)
})

t.test('redirects are answers like others, and lead nowhere', async (t) => {
  const inner = await receiver(t)
  const crm = await receiver(t, (_one, response) => void response.writeHead(307, { location: inner.url }).end())
  const { send } = open(t)
  t.match(await send(crm.url), { is: 'answered', status: 307 })
  t.strictSame(inner.received, [])
})

t.test('a receiver may ask for patience', async (t) => {
  const crm = await receiver(t, (_one, response) => void response.writeHead(429, { 'retry-after': '120' }).end())
  const { send } = open(t)
  t.strictSame(await send(crm.url), { is: 'answered', status: 429, retryAfterMs: 120_000 })
  crm.answer((_one, response) => void response.writeHead(503, { 'retry-after': new Date(Date.now() + 90_000).toUTCString() }).end())
  const sent = await send(crm.url)
  t.ok(sent.is === 'answered' && sent.retryAfterMs! > 80_000 && sent.retryAfterMs! <= 90_000)
  crm.answer((_one, response) => void response.writeHead(503, { 'retry-after': 'tomorrow' }).end())
  t.match(await send(crm.url), { status: 503, retryAfterMs: null })
})

t.test('an answer that does not end is left unread', async (t) => {
  let written = 0
  const gone = Promise.withResolvers<void>()
  const crm = await receiver(t, async (_one, response) => {
    response.on('close', gone.resolve)
    response.writeHead(200)
    const piece = Buffer.alloc(16 * 1024)
    while (!response.destroyed) {
      written += piece.length
      if (!response.write(piece)) await Promise.race([once(response, 'drain'), gone.promise])
    }
  })
  const { send } = open(t)
  t.match(await send(crm.url), { is: 'answered', status: 200 })
  await gone.promise
  // What was on its way in the sockets of this machine, and not more.
  t.ok(written < mostAnswerBytes + 8 * 1024 * 1024, `${written} bytes`)
})

t.test('a receiver that drips holds nobody up', async (t) => {
  const crm = await receiver(t, (_one, response) => {
    response.writeHead(200)
    response.write('…')
  })
  const { send } = open(t)
  t.match(await send(crm.url), { is: 'answered', status: 200 }, 'its status was enough')
})

t.test('a receiver that never answers is waited for so long and no longer', async (t) => {
  const crm = await receiver(t, () => {})
  const { send } = open(t, { timeoutMs: 100 })
  t.strictSame(await send(crm.url), { is: 'failed', error: 'no answer within ten seconds' })
})

t.test('what Pforte ends itself is no failure of the receiver', async (t) => {
  const crm = await receiver(t, () => {})
  const { send } = open(t)
  const ending = new AbortController()
  const sending = send(crm.url, [secret], ending.signal)
  await crm.count(1)
  ending.abort()
  t.strictSame(await sending, { is: 'failed', error: 'cut short because Pforte ended' })
})

t.test('whatever else there is instead of a receiver is told in words, and nothing that it says', async (t) => {
  const talker = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end('the PIN is 48213\r\n\r\n'))
  }).listen(0, '127.0.0.1')
  await once(talker, 'listening')
  const cutter = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.resetAndDestroy())
  }).listen(0, '127.0.0.1')
  await once(cutter, 'listening')
  t.teardown(() => {
    talker.close()
    cutter.close()
  })
  const portOf = (server: typeof talker): number => (server.address() as { port: number }).port
  const { send } = open(t)
  const nobody = await receiver(t)
  nobody.close()
  t.strictSame(await send(`http://127.0.0.1:${portOf(talker)}/`), { is: 'failed', error: 'what it answered is no HTTP' })
  t.strictSame(await send(`http://127.0.0.1:${portOf(cutter)}/`), {
    is: 'failed',
    error: 'the connection was cut off before an answer came',
  })
  t.strictSame(await send(nobody.url), { is: 'failed', error: 'nobody listens there' })
  t.match(await send(`https://127.0.0.1:${portOf(talker)}/`), { is: 'failed', error: /^it could not be sent \([A-Z0-9_]+\)$/ })
})

t.test('a name that leads to an address that is not public is refused when it is connected to', async (t) => {
  const crm = await receiver(t)
  const { port } = new URL(crm.url)
  for (const addresses of [['127.0.0.1'], ['::ffff:127.0.0.1'], ['93.184.216.34', '10.0.0.1'], ['169.254.169.254'], ['::1']]) {
    const { send } = open(t, { allowPrivate: () => false, resolve: async () => addresses })
    t.strictSame(
      await send(`https://crm.example.com:${port}/`),
      { is: 'failed', error: 'its name leads to an address that is not public' },
      addresses.join(' and '),
    )
  }
  t.strictSame(crm.received, [])
})

t.test('a name that changes its mind between check and connect leads nowhere', async (t) => {
  const crm = await receiver(t)
  const { port } = new URL(crm.url)
  let asked = 0
  const turning = (first: string, then: string): Resolve => {
    asked = 0
    return async () => [asked++ === 0 ? first : then]
  }
  const { send } = open(t, { resolve: turning('127.0.0.1', '127.0.0.9') })
  t.match(await send(`http://crm.example.com:${port}/`), { status: 204 }, 'the socket gets what was looked up')
  t.equal(asked, 1, 'and nobody asks again between check and connect')

  const lookup = guardedLookup(turning('93.184.216.34', '127.0.0.1'), false)
  const look = (): Promise<unknown> =>
    new Promise((resolve) => lookup('rebind.example.com', { all: true }, (error, addresses) => resolve(error ?? addresses)))
  t.strictSame(await look(), [{ address: '93.184.216.34', family: 4 }])
  t.ok((await look()) instanceof NotPublic, 'each connection has a check of its own')
})

t.test('what was allowed and is not any more is refused at the delivery, too', async (t) => {
  const crm = await receiver(t)
  let allowed = true
  const { send } = open(t, { allowPrivate: () => allowed })
  t.match(await send(crm.url), { status: 204 })
  allowed = false
  t.match(await send(crm.url), { is: 'failed', error: /may not be used/ })
  t.match(await send(crm.url.replace('http:', 'https:')), { is: 'failed', error: /may not be used/ })
  t.match(await send('https://localhost/'), { is: 'failed', error: /may not be used/ })
  t.equal(crm.received.length, 1)
})
