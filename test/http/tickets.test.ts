import { randomUUID } from 'node:crypto'
import t from 'tap'
import { type Running, runHttp } from './running.ts'

/** Longer than one piece of a stored recording, so that ranges cross pieces. */
const WAV = Buffer.concat([Buffer.from('RIFF'), Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251))])

async function leaveVoicemail({ store }: Running, caller: string | null, at = Date.now()): Promise<string> {
  const kept = await store.calls.keepVoicemail({
    recording: randomUUID(),
    callId: null,
    line: 'hotline',
    caller,
    at,
    wav: WAV,
    durationMs: 18_750,
    language: 'de',
  })
  return kept.ticketId
}

t.test('a voicemail is a ticket that can be listed, opened and heard', async (t) => {
  const running = await runHttp(t)
  const { ask } = running
  const customer = (await ask('POST', '/v1/customers', { name: 'Anna', numbers: ['+496215550123'] })).body
  const id = await leaveVoicemail(running, '+496215550123')

  const list = await ask('GET', '/v1/tickets')
  t.equal(list.status, 200)
  t.match(list.body, {
    items: [
      {
        id,
        customerId: customer.id,
        caller: '+496215550123',
        status: 'received',
        source: 'voicemail',
        version: 1,
        voicemail: { durationMs: 18_750 },
      },
    ],
    next: null,
  })
  t.match(list.body.items[0].createdAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  t.same((await ask('GET', `/v1/tickets/${id}`)).body, list.body.items[0])

  const heard = await ask('GET', `/v1/tickets/${id}/voicemail`)
  t.equal(heard.status, 200)
  t.equal(heard.headers.get('content-type'), 'audio/wav')
  t.equal(heard.headers.get('content-length'), String(WAV.length))
  t.equal(heard.headers.get('cache-control'), 'no-store')
  t.ok(WAV.equals(heard.body))
})

t.test('a player jumps in a recording', async (t) => {
  const running = await runHttp(t)
  const path = `/v1/tickets/${await leaveVoicemail(running, null)}/voicemail`
  const size = WAV.length
  const stories: [range: string, status: number, from: number, to: number][] = [
    ['bytes=0-3', 206, 0, 4],
    ['bytes=131000-262200', 206, 131_000, 262_201],
    ['bytes=300000-', 206, 300_000, size],
    ['bytes=-100', 206, size - 100, size],
    [`bytes=-${size + 5}`, 206, 0, size],
    ['bytes=10-99999999', 206, 10, size],
    ['bytes=5-2', 200, 0, size],
    ['bytes=0-3,8-9', 200, 0, size],
    ['seconds=1-2', 200, 0, size],
  ]
  for (const [range, status, from, to] of stories) {
    const part = await running.ask('GET', path, undefined, { range })
    t.equal(part.status, status, range)
    t.equal(part.headers.get('content-range'), status === 206 ? `bytes ${from}-${to - 1}/${size}` : null, range)
    t.ok(WAV.subarray(from, to).equals(part.body), `${range}: the right bytes`)
  }
  for (const range of [`bytes=${size}-`, 'bytes=-0']) {
    const beyond = await running.ask('GET', path, undefined, { range })
    t.equal(beyond.status, 416, range)
    t.equal(beyond.headers.get('content-range'), `bytes */${size}`)
  }
  const head = await running.ask('HEAD', path)
  t.equal(head.status, 200)
  t.equal(head.headers.get('content-length'), String(size))
  t.equal(head.headers.get('accept-ranges'), 'bytes')
  t.equal(head.body.length, 0)
})

t.test('a listener who leaves in the middle leaves nothing behind', async (t) => {
  const running = await runHttp(t)
  const { ask, store, logged, url } = running
  const id = await leaveVoicemail(running, null)
  const gone = new AbortController()
  const response = await fetch(`${url}/v1/tickets/${id}/voicemail`, {
    headers: { authorization: `Bearer a-key-for-the-tests` },
    signal: gone.signal,
  })
  await response.body?.getReader().read()
  gone.abort()
  t.equal((await ask('GET', `/v1/tickets/${id}`)).status, 200)
  t.equal(store.connectionsInUse, 0)
  t.notMatch(logged(), /"level":50/)
})

t.test('pages go on where the last one ended, whatever comes in meanwhile', async (t) => {
  const running = await runHttp(t)
  const { ask } = running
  const base = Date.now() - 1_000_000
  const ids: string[] = []
  // Pairs of the same millisecond: time alone would lose one at a page's end.
  for (let index = 0; index < 10; index += 1)
    ids.unshift(await leaveVoicemail(running, `+49621555012${index}`, base + Math.floor(index / 2) * 1000))
  const seen: string[] = []
  let next: string | null = null
  do {
    const page: any = (await ask('GET', `/v1/tickets?limit=3${next === null ? '' : `&cursor=${next}`}`)).body
    seen.push(...page.items.map((ticket: { id: string }) => ticket.id))
    next = page.next
    if (seen.length === 3) await leaveVoicemail(running, '+4962155599')
  } while (next !== null)
  t.same(seen, ids)
})

t.test('tickets of a caller, of a status, of a time', async (t) => {
  const running = await runHttp(t)
  const { ask } = running
  const mine = await leaveVoicemail(running, '+496215550123', Date.parse('2026-03-01T12:00:00Z'))
  await leaveVoicemail(running, '+496215550999', Date.parse('2026-03-02T12:00:00Z'))
  const found = async (query: string) => (await ask('GET', `/v1/tickets?${query}`)).body.items.map((ticket: { id: string }) => ticket.id)
  t.same(await found('caller=%2B496215550123'), [mine])
  t.same(await found('caller=+496215550123'), [mine], 'a plus that nobody escaped')
  t.same(await found('caller=0621-5550123'), [mine])
  t.same(await found('from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z'), [mine])
  t.same(await found('status=completed'), [])
  t.equal((await found('status=received')).length, 2)
})

t.test('no ticket, no voicemail', async (t) => {
  const { ask } = await runHttp(t)
  for (const path of [
    '/v1/tickets/01890000-0000-7000-8000-000000000000',
    '/v1/tickets/01890000-0000-7000-8000-000000000000/voicemail',
    '/v1/tickets/10471/voicemail',
  ]) {
    t.match(await ask('GET', path), { status: 404, body: { code: 'not_found' } })
  }
})
