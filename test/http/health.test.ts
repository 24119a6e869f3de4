import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import type { Parts } from '../../src/http/options.ts'
import { ownPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { KEY, READY, runHttp } from './running.ts'

t.test('ready is when every part is', async (t) => {
  let parts: Parts = READY
  const { url } = await runHttp(t, { parts: async () => parts })
  const ready = async () => {
    const response = await fetch(`${url}/readyz`)
    return { status: response.status, body: await response.json() }
  }
  t.same(await ready(), { status: 200, body: { ready: true, parts: READY } })
  parts = { ...READY, asterisk: { ok: false, detail: 'the ARI password is wrong' } }
  t.same(await ready(), { status: 503, body: { ready: false, parts } })
  t.same(await (await fetch(`${url}/healthz`)).json(), { alive: true }, 'alive it is all the while')
})

t.test('a part that cannot be asked is not ready', async (t) => {
  const { url, logged } = await runHttp(t, { parts: () => Promise.reject(new Error('broken')) })
  const response = await fetch(`${url}/readyz`)
  t.equal(response.status, 503)
  t.match(await response.json(), { ready: false, parts: { postgres: { ok: false }, asterisk: { ok: false }, smsc: { ok: false } } })
  t.match(logged(), /could not be read/)
})

t.test('while Postgres is away, requests say so and when to come again, and then go on', async (t) => {
  const postgres = await ownPostgres(t)
  const { ask, logged } = await runHttp(t, {}, postgres.url)
  await postgres.stop()
  for (const [method, path, body] of [
    ['GET', '/v1/calls'],
    ['POST', '/v1/customers', { name: 'Anna' }],
    ['GET', '/v1/tickets/01890000-0000-7000-8000-000000000000/voicemail'],
  ] as const) {
    const answer = await ask(method, path, body)
    t.match(answer, { status: 503, body: { code: 'store_unavailable' } }, path)
    t.equal(answer.headers.get('retry-after'), '2')
  }
  t.notMatch(logged(), /"level":50/, 'that is no mistake of ours')
  await postgres.start()
  t.equal(
    (
      await until('the store to be back', async () => {
        const answer = await ask('GET', '/v1/calls')
        return answer.status === 200 ? answer : null
      })
    ).status,
    200,
  )
})

t.test('a mistake of ours is a 500 that tells nothing but where to look', async (t) => {
  const { ask, logged } = await runHttp(t, {
    announce: () => Promise.reject(Object.assign(new Error('column "x"'), { detail: 'Failing row contains (+4962155501)' })),
  })
  const answer = await ask('PUT', '/v1/announcements/outage', { on: true, text: 'geheim' })
  t.equal(answer.status, 500)
  t.match(answer.body, { code: 'internal', detail: /reqId/ })
  t.notMatch(JSON.stringify(answer.body), /column/)
  t.match(logged(), /request failed/)
  t.notMatch(logged(), /4962155501|geheim/, "and the log has no caller's data")
})

t.test('metrics are for Prometheus, and count requests by route', async (t) => {
  const { url, ask } = await runHttp(t)
  await ask('GET', '/v1/customers/01890000-0000-7000-8000-000000000000')
  const response = await fetch(`${url}/metrics`)
  t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  t.match(await response.text(), 'pforte_http_request_seconds_count{method="GET",route="/v1/customers/:id",status="404"} 1')
})

t.test('when Pforte stops, who has asked is still answered', async (t) => {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<Parts>()
  const { url, close } = await runHttp(t, {
    parts: () => {
      asked.resolve()
      return answer.promise
    },
  })
  const underWay = fetch(`${url}/readyz`)
  await asked.promise
  const closed = close()
  answer.resolve(READY)
  const response = await underWay
  t.equal(response.status, 200)
  t.same(await response.json(), { ready: true, parts: READY })
  await closed
  await t.rejects(fetch(`${url}/healthz`), 'and nobody else')
})

t.test('an idle connection does not hold up the end', async (t) => {
  const { url, close } = await runHttp(t)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`GET /v1/lines HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n\r\n`)
  await once(socket, 'data')
  const ended = once(socket, 'close')
  socket.resume()
  await close()
  await ended
  t.pass('closed')
})
