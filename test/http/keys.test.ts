/** An administrator gives each system a key of its own. */
import t from 'tap'
import { KEY_FORM } from '../../src/app/ports/api-keys.ts'
import { until } from '../support/until.ts'
import { Watcher } from '../support/watcher.ts'
import { KEY, runHttp } from './running.ts'

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

t.test('the shop gets a key that may report events, until it is revoked', async (t) => {
  const { ask, logged } = await runHttp(t)
  const made = await ask('POST', '/v1/keys', { name: ' Shop ', scopes: ['events', 'read'], expiresAt: '2999-01-01T00:00:00+01:00' })
  t.equal(made.status, 201)
  t.equal(made.headers.get('cache-control'), 'no-store')
  t.match(made.body.key, KEY_FORM)
  const { key, ...shown } = made.body
  t.equal(made.headers.get('location'), `/v1/keys/${shown.id}`)
  t.match(shown, {
    name: 'Shop',
    scopes: ['read', 'events'],
    requestsPerMinute: 6000,
    expiresAt: '2998-12-31T23:00:00.000Z',
    revokedAt: null,
    lastUsedAt: null,
  })
  t.same((await ask('GET', `/v1/keys/${shown.id}`)).body, shown)
  t.same((await ask('GET', '/v1/keys')).body, { items: [shown], next: null })

  t.equal((await ask('GET', '/v1/lines', undefined, bearer(key))).status, 200)
  t.match(await ask('POST', '/v1/customers', { name: 'Anna' }, bearer(key)), { status: 403, body: { code: 'forbidden' } })
  const used = await until('the last use', async () => {
    const { body } = await ask('GET', `/v1/keys/${shown.id}`)
    return body.lastUsedAt === null ? null : body
  })
  t.match(used, { ...shown, lastUsedAt: /Z$/ })

  t.equal((await ask('DELETE', `/v1/keys/${shown.id}`)).status, 204)
  t.match(await ask('GET', '/v1/lines', undefined, bearer(key)), { status: 401, body: { detail: /was revoked/ } })
  t.equal((await ask('DELETE', `/v1/keys/${shown.id}`)).status, 204, 'once more is no mistake')
  t.match((await ask('GET', `/v1/keys/${shown.id}`)).body, { revokedAt: /Z$/ })
  t.notMatch(logged(), key.split('_')[2])
})

t.test('a key whose administrator tries again because the answer was lost is made once', async (t) => {
  const { ask } = await runHttp(t)
  const order = () => ask('POST', '/v1/keys', { name: 'CRM', scopes: ['customers'] }, { 'idempotency-key': 'crm-1' })
  const [first, again] = [await order(), await order()]
  t.equal(again.headers.get('idempotency-replayed'), 'true')
  t.same(again.body, first.body)
  t.equal((await ask('GET', '/v1/keys')).body.items.length, 1)
})

t.test('whoever made and revoked a key is written down, the key is not', async (t) => {
  const { ask, query } = await runHttp(t)
  const { body: boss } = await ask('POST', '/v1/keys', { name: 'Boss', scopes: ['admin'] })
  const { body: shop } = await ask('POST', '/v1/keys', { name: 'Shop', scopes: ['events'] }, bearer(boss.key))
  await ask('GET', '/v1/lines', undefined, bearer(KEY))
  await ask('DELETE', `/v1/keys/${shop.id}`, undefined, bearer(boss.key))
  const { rows } = await query(`SELECT actor, action, object_id, after FROM audit WHERE object = 'api_key' ORDER BY at, id`)
  t.match(rows, [
    { actor: { keyId: 'first' }, action: 'created', object_id: boss.id, after: { name: 'Boss', scopes: ['admin'] } },
    { actor: { keyId: boss.id, name: 'Boss' }, action: 'created', object_id: shop.id },
    { actor: { keyId: boss.id }, action: 'changed', object_id: shop.id },
  ])
  t.same(Object.keys(rows[2].after), ['revoked_at'])
  for (const { after } of rows) t.notMatch(Object.keys(after).join(), /digest|last_used/)
  t.notMatch(JSON.stringify(rows), shop.key.split('_')[2])
})

t.test('whoever watches with a key is cut off when it is revoked or expires; others watch on', async (t) => {
  const { ask, url, query } = await runHttp(t)
  const watchWith = async () => {
    const { id, key } = (await ask('POST', '/v1/keys', { name: 'Wall board', scopes: ['read'] })).body
    const watcher = await Watcher.open(url, key)
    await watcher.next('ready')
    return { id, watcher }
  }
  const [expires, revoked, other] = [await watchWith(), await watchWith(), await watchWith()]
  await query('UPDATE api_keys SET expires_at = now() WHERE id = $1', [expires.id])
  await ask('DELETE', `/v1/keys/${revoked.id}`)
  t.equal(await revoked.watcher.ended, true, 'in order')
  t.equal(await expires.watcher.ended, true)
  const { id } = (await ask('POST', '/v1/tickets', { subject: 'Anschluss gestört', caller: '0621 5550123' })).body
  await other.watcher.next('ticket.changed', (ticket) => ticket.id === id)
  other.watcher.leave()
})

t.test('what is no order for a key says which field is wrong', async (t) => {
  const { ask } = await runHttp(t)
  const order = { name: 'Shop', scopes: ['events'] }
  const wrong: [unknown, string][] = [
    [{ scopes: ['events'] }, 'name'],
    [{ ...order, name: '  ' }, 'name'],
    [{ ...order, scopes: [] }, 'scopes'],
    [{ ...order, scopes: 'events' }, 'scopes'],
    [{ ...order, scopes: ['events', 'everything'] }, 'scopes.1'],
    [{ ...order, expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    [{ ...order, expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ ...order, requestsPerMinute: 0 }, 'requestsPerMinute'],
    [{ ...order, requestsPerMinute: '60' }, 'requestsPerMinute'],
    [{ ...order, key: 'pforte_mine' }, 'key'],
  ]
  for (const [body, field] of wrong)
    t.match(await ask('POST', '/v1/keys', body), { status: 400, body: { errors: [{ in: 'body', field }] } }, field)
  for (const id of ['abcdefgh', 'first', '01890000-0000-7000-8000-000000000000', "';--"]) {
    for (const method of ['GET', 'DELETE'])
      t.match(await ask(method, `/v1/keys/${encodeURIComponent(id)}`), { status: 404 }, `${method} ${id}`)
  }
  t.match(await ask('GET', '/v1/keys?cursor=nonsense'), { status: 400, body: { errors: [{ in: 'query', field: 'cursor' }] } })
})
