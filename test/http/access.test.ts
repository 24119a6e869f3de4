import t from 'tap'
import { startSimulator } from '../../src/local/smsc/simulator.ts'
import { showSimulator } from '../../src/main/simulated-carrier.ts'
import { KEY, runHttp } from './running.ts'

/** All that may be had without the key; the page is not in the OpenAPI document. */
const PUBLIC = ['/healthz', '/readyz', '/metrics', '/prompts/{hash}.wav']

t.test('no route of the OpenAPI document answers without the key, but the few that are named', async (t) => {
  const smsc = await startSimulator()
  t.teardown(() => smsc.close())
  const { url, ask } = await runHttp(t, {
    simulator: showSimulator(smsc),
    demoAgent: { keep: async () => ({ username: 'u', password: 'p', server: 's' }), dismiss: async () => {} },
  })
  const document = (await ask('GET', '/openapi.json')).body
  t.equal(document.openapi, '3.1.0')
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods as object).map(([method, operation]) => ({ path, method, operation })),
  )
  t.ok(operations.length >= 35)
  for (const { path, method, operation } of operations) {
    const isPublic = PUBLIC.includes(path)
    t.same(operation.security, isPublic ? [] : undefined, `${method} ${path} says so in the document`)
    if (isPublic) continue
    for (const authorization of [undefined, 'Bearer', 'Bearer ', `Basic ${KEY}`, `Bearer ${KEY}x`, `Bearer ${KEY.slice(1)}`, KEY]) {
      const response = await fetch(url + path.replace(/\{\w+\}/g, '01890000-0000-7000-8000-000000000000'), {
        method: method.toUpperCase(),
        headers: authorization === undefined ? {} : { authorization },
      })
      t.equal(response.status, 401, `${method} ${path} with ${authorization ?? 'nothing'}`)
      t.equal(response.headers.get('www-authenticate'), 'Bearer realm="Pforte"')
      if (method !== 'head') t.match(await response.json(), { status: 401, code: 'unauthorized' })
    }
  }
  t.strictSame([...new Set(operations.map(({ path }) => path))].filter((path) => PUBLIC.includes(path)).sort(), [...PUBLIC].sort())
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
