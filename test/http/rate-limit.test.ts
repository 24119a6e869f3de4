/** No system takes more than its share, and nobody finds a key by trying. */
import t, { type Test } from 'tap'
import { ownPostgres } from '../support/postgres.ts'
import { runHttp, type Answer, type Running } from './running.ts'

/** A key of the form that keys have, which nobody was given. */
const strange = (place: number) => `pforte_abcdefgh_${String(place).padStart(43, 'x')}`

async function keys(t: Test, changes: Parameters<typeof runHttp>[1] = {}, databaseUrl?: string) {
  const running = await runHttp(t, changes, databaseUrl)
  const make = async (name: string, requestsPerMinute: number | null): Promise<{ id: string; key: string }> =>
    (await running.ask('POST', '/v1/keys', { name, scopes: ['read'], requestsPerMinute })).body
  return { ...running, make, askWith: (key: string) => asking(running, key) }
}

const asking = ({ ask }: Running, key: string): Promise<Answer> => ask('GET', '/v1/lines', undefined, { authorization: `Bearer ${key}` })

t.test('a key that asks more often than it may is told when to come again; others go on', async (t) => {
  const { make, askWith, ask } = await keys(t)
  const [busy, other] = [await make('Shop', 3), await make('CRM', null)]
  for (const left of [2, 1, 0]) {
    const { status, headers } = await askWith(busy.key)
    t.equal(status, 200)
    t.equal(headers.get('ratelimit-limit'), '3')
    t.equal(headers.get('ratelimit-remaining'), String(left))
    t.ok(Number(headers.get('ratelimit-reset')) <= 60)
  }
  const refused = await askWith(busy.key)
  t.match(refused, {
    status: 429,
    body: { title: 'Too Many Requests', code: 'rate_limited', detail: /^The key "Shop" may ask 3 times a minute/ },
  })
  t.match(refused.headers.get('content-type'), 'application/problem+json')
  const seconds = Number(refused.headers.get('retry-after'))
  t.ok(seconds >= 1 && seconds <= 60)
  for (const [method, path] of [
    ['POST', '/v1/customers'],
    ['GET', '/v1/nothing'],
  ] as const)
    t.equal((await ask(method, path, undefined, { authorization: `Bearer ${busy.key}` })).status, 429, 'wherever it asks')

  const { status, headers } = await askWith(other.key)
  t.equal(status, 200)
  t.equal(headers.get('ratelimit-limit'), '6000', 'the usual')
})

t.test("the first administrator's key has no limit, and what needs no key has none either", async (t) => {
  const { ask, url } = await keys(t)
  const { status, headers } = await ask('GET', '/v1/lines')
  t.equal(status, 200)
  t.equal(headers.get('ratelimit-limit'), null)
  t.equal((await fetch(`${url}/healthz`)).headers.get('ratelimit-limit'), null)
})

t.test('who tries keys out is told to wait, and Postgres is not asked any more; good keys from there go on', async (t) => {
  const postgres = await ownPostgres(t)
  const { make, askWith, ask, url } = await keys(t, { refusalsPerMinute: 5 }, postgres.url)
  const known = await make('Shop', null)
  t.equal((await askWith(known.key)).status, 200)
  for (const key of ['nonsense', strange(1), strange(2), strange(3)]) t.equal((await askWith(key)).status, 401)
  t.equal((await fetch(`${url}/v1/lines`)).status, 401, 'without one is without one')

  const refused = await askWith(strange(4))
  t.match(refused, { status: 429, body: { code: 'rate_limited', detail: /without a good API key/ } })
  t.ok(Number(refused.headers.get('retry-after')) >= 1)
  t.equal((await askWith('nonsense')).status, 429)
  t.equal((await askWith(known.key)).status, 200)
  t.equal((await ask('GET', '/v1/lines')).status, 200)
  t.equal((await fetch(`${url}/healthz`)).status, 200)

  await postgres.stop()
  t.equal((await askWith(strange(5))).status, 429, 'and not 503')
})
