import Fastify from 'fastify'
import t from 'tap'
import { type DrawnApiKey, SCOPES, type Scope } from '../../src/app/ports/api-keys.ts'
import { startSimulator } from '../../src/local/smsc/simulator.ts'
import { showSimulator } from '../../src/main/simulated-carrier.ts'
import type { Problem } from '../../src/http/problem.ts'
import { keepRouteTable } from '../../src/http/route-table.ts'
import type { Store } from '../../src/store/open.ts'
import { monday, valueOf } from '../support/stories.ts'
import { KEY, runHttp, type Running } from './running.ts'

/** All that may be had without the key, beside the files of the page and of /docs. */
const PUBLIC = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/prompts/:hash(^[A-Za-z0-9_-]+).wav']

/** Everything that there can be: a carrier that is simulated and an agent for demos. */
async function whole(test: Parameters<typeof runHttp>[0]): Promise<Running> {
  const smsc = await startSimulator()
  test.teardown(() => smsc.close())
  return runHttp(test, {
    simulator: showSimulator(smsc),
    demoAgent: { keep: async () => ({ username: 'u', password: 'p', server: 's' }), dismiss: async () => {} },
  })
}

/** A path of this route, with ids that nothing has. */
const pathOf = (url: string) => url.replace(/:\w+(\([^)]*\))?/g, '01890000-0000-7000-8000-000000000000')

/** As drawn, or as it is sent. */
async function keyOf(store: Store, scopes: readonly Scope[], expiresAt: number | null = null, at = Date.now()): Promise<DrawnApiKey> {
  return valueOf(await store.apiKeys.create({ name: scopes.join(' and '), scopes, expiresAt, requestsPerMinute: null }, at))
}

t.test('no route answers without a key that is good, but the few that are named', async (t) => {
  const { url, routes, store } = await whole(t)
  const open = routes.filter(({ scopes }) => scopes === null).map((route) => route.url)
  t.same([...new Set(open)].filter((path) => path !== '/' && !/^\/(console\/|docs)/.test(path)).sort(), PUBLIC.toSorted())
  const closed = routes.filter(({ scopes }) => scopes !== null)
  t.ok(closed.length >= 40)

  const { key } = await keyOf(store, SCOPES)
  const { key: expired } = await keyOf(store, SCOPES, monday + 1, monday)
  const { id, key: revoked } = await keyOf(store, SCOPES)
  valueOf(await store.apiKeys.revoke(id, Date.now()))
  const broken = [...[undefined, 'Bearer', 'Bearer '], ...[`Basic ${KEY}`, `Bearer ${KEY}x`, `Bearer ${KEY.slice(1)}`, KEY]]
  const wrong = [...[key, expired, revoked].map((one) => `Bearer ${one}`), `Bearer ${key}x`, `Bearer ${key.slice(0, -1)}`, `Basic ${key}`]
  const [good, ...none] = [...wrong, `Bearer ${key.replace(/.{20}$/, 'x'.repeat(20))}`]
  for (const { method, url: path } of closed) {
    for (const authorization of [...broken, ...none]) {
      const response = await fetch(url + pathOf(path), { method, headers: authorization === undefined ? {} : { authorization } })
      t.equal(response.status, 401, `${method} ${path} with ${authorization ?? 'nothing'}`)
      t.equal(response.headers.get('www-authenticate'), 'Bearer realm="Pforte"')
      if (method !== 'HEAD') t.match(await response.json(), { status: 401, code: 'unauthorized' })
    }
  }
  t.equal((await fetch(`${url}/v1/lines`, { headers: { authorization: good! } })).status, 200)
  const whyNot = async (one: string) =>
    ((await (await fetch(`${url}/v1/lines`, { headers: { authorization: `Bearer ${one}` } })).json()) as Problem).detail
  t.match(await whyNot(expired), /has expired.*npx pforte key create/)
  t.match(await whyNot(revoked), /was revoked/)
})

t.test('a route opens to the scopes that it names and to admin, and to no other', async (t) => {
  const { url, routes, store } = await whole(t)
  const keys = await Promise.all(SCOPES.map(async (scope) => ({ scope, ...(await keyOf(store, [scope])) })))
  for (const { method, url: path, scopes } of routes) {
    for (const { scope, key, name } of keys) {
      const leave = new AbortController()
      const response = await fetch(url + pathOf(path), { method, headers: { authorization: `Bearer ${key}` }, signal: leave.signal })
      const what = `${method} ${path} with ${scope}`
      if (scopes === null || scope === 'admin' || scopes.includes(scope)) {
        t.notOk([401, 403].includes(response.status), what)
        // A live stream would go on for ever.
        leave.abort()
        continue
      }
      t.equal(response.status, 403, what)
      t.match(response.headers.get('www-authenticate'), `error="insufficient_scope", scope="${scopes.join(' ')}"`)
      if (method === 'HEAD') continue
      const { detail, ...problem } = (await response.json()) as Record<string, string>
      t.match(problem, { status: 403, code: 'forbidden' })
      for (const wanted of [`"${name}"`, ...scopes]) t.match(detail, wanted, `and says so`)
    }
  }
})

t.test('a key of any scope sees which addresses there are', async (t) => {
  const { url, store } = await runHttp(t)
  const { key } = await keyOf(store, ['events'])
  const headers = { authorization: `Bearer ${key}` }
  t.equal((await fetch(`${url}/v1/nothing`, { headers })).status, 404)
  t.equal((await fetch(`${url}/v1/lines`, { method: 'PATCH', headers })).status, 405)
})

t.test('the OpenAPI document has every route, and says which scope opens it', async (t) => {
  const { ask, routes } = await whole(t)
  const document = (await ask('GET', '/openapi.json')).body
  t.equal(document.openapi, '3.1.0')
  t.ok(document.components.securitySchemes.key)
  for (const { method, url, scopes } of routes) {
    const path = url.replace(/:(\w+)(\([^)]*\))?/g, '{$1}')
    const operation = document.paths[path]?.[method.toLowerCase()]
    // The page and the document itself are nobody's interface, and what HEAD does is known from GET.
    if (operation === undefined) t.ok(method === 'HEAD' || scopes === null, `${method} ${path} is in the document`)
    else
      t.same(
        operation.security,
        (scopes ?? []).map((scope) => ({ key: [scope] })),
        `${method} ${path}`,
      )
  }
})

t.test('a route that is neither public nor names its scope is a mistake at the start', async (t) => {
  const app = Fastify()
  keepRouteTable(app, ['/'])
  app.get('/', async () => '')
  app.get('/healthz', async () => '')
  app.get('/v1/open', { config: { scope: 'read' } }, async () => '')
  for (const url of ['/v1/secrets', '/simulator/faults', '/elsewhere']) {
    t.throws(() => app.post(url, async () => ''), {
      message: `POST ${url} names no scope: give it one in its config, or a place among the public routes`,
    })
  }
  t.throws(() => app.post('/v1/none', { config: { scope: [] } }, async () => ''), /names no scope/)
  await app.close()
})

t.test('without the key, unknown addresses and methods under /v1 look like all others', async (t) => {
  const { url } = await runHttp(t)
  for (const [method, path] of [
    ['GET', '/v1/nothing'],
    ['GET', '/v1'],
    ['PATCH', '/v1/lines'],
    ['OPTIONS', '/v1/calls'],
    ['GET', '/v1/../v1/calls'],
    ['HEAD', '/v1/calls'],
  ]) {
    t.equal((await fetch(url + path, { method: method! })).status, 401, `${method} ${path}`)
  }
})

t.test('the right key opens, whatever the case of the scheme', async (t) => {
  const { url } = await runHttp(t)
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    t.equal((await fetch(`${url}/v1/lines`, { headers: { authorization: `${scheme} ${KEY}` } })).status, 200)
  }
})
