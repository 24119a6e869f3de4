import t, { type Test } from 'tap'
import pg from 'pg'
import { until } from '../support/until.ts'
import { runHttp, type Running } from './running.ts'

async function contract({ ask }: Running): Promise<{ customerId: string; contractId: string; pins: string }> {
  const customer = await ask('POST', '/v1/customers', { name: 'Marta Weber', numbers: ['+491701234567'] })
  const given = await ask('POST', `/v1/customers/${customer.body.id}/contracts`, { service: 'Entstörung 8 h' })
  return { customerId: customer.body.id, contractId: given.body.id, pins: `/v1/contracts/${given.body.id}/pins` }
}

const withKey = (key: string) => ({ 'idempotency-key': key })

t.test('a CRM that did not hear the answer asks again, and gets the same PIN once more', async (t) => {
  const http = await runHttp(t)
  const { pins } = await contract(http)
  const first = await http.ask('POST', pins, {}, withKey('letter-4711'))
  t.equal(first.status, 201)
  t.equal(first.headers.get('idempotency-replayed'), null)
  const again = await http.ask('POST', pins, {}, withKey('letter-4711'))
  t.equal(again.status, 201)
  t.strictSame(again.body, first.body)
  t.equal(again.headers.get('idempotency-replayed'), 'true')
  t.equal(again.headers.get('content-type'), first.headers.get('content-type'))

  t.equal((await http.query('SELECT FROM pins')).rows.length, 1)
  for (const table of ['pins', 'idempotency_keys', 'audit']) {
    const { rows } = await http.query(`SELECT t::text AS text FROM ${table} t`)
    t.ok(rows.length > 0)
    // As text and as the bytes of a column.
    for (const { text } of rows) {
      t.notMatch(text, new RegExp(`\\b${first.body.pin}\\b`), `${table} does not hold the PIN`)
      t.notOk(text.includes(Buffer.from(first.body.pin).toString('hex')), `${table} does not hold it in bytes either`)
    }
  }
  t.notMatch(http.logged(), new RegExp(`\\b${first.body.pin}\\b`))
  t.notMatch(http.logged(), /letter-4711/, 'the key opens the answer, so it is nobody’s to read')
})

t.test('the same key with another body, another address or another method is refused', async (t) => {
  const http = await runHttp(t)
  const { customerId, pins } = await contract(http)
  t.equal((await http.ask('POST', pins, { pin: '48213' }, withKey('k'))).status, 201)
  for (const [method, path, body] of [
    ['POST', pins, { pin: '48214' }],
    ['POST', pins, {}],
    ['POST', `${pins}?x=1`, { pin: '48213' }],
    ['POST', `/v1/customers/${customerId}/contracts`, { service: 'x' }],
    ['PATCH', `/v1/customers/${customerId}`, { name: 'Marta Wagner' }],
  ] as const) {
    const refused = await http.ask(method, path, body, withKey('k'))
    t.equal(refused.status, 422, `${method} ${path} ${JSON.stringify(body)}`)
    t.match(refused.body, { code: 'idempotency_key_reused', errors: [{ in: 'header', field: 'Idempotency-Key' }] })
  }
  t.equal((await http.query('SELECT FROM pins')).rows.length, 1)
  const validity = { validFrom: '2026-01-01T00:00:00Z', validTo: '2027-01-01T00:00:00Z' }
  const { validFrom, validTo } = validity
  t.equal((await http.ask('POST', pins, { validFrom, validTo }, withKey('order'))).status, 201)
  const turned = await http.ask('POST', pins, { validTo, validFrom }, withKey('order'))
  t.equal(turned.headers.get('idempotency-replayed'), 'true', 'the order of fields makes no other request')
})

t.test('of many at once one acts, and all hear the same', async (t) => {
  const http = await runHttp(t)
  const { pins } = await contract(http)
  const answers = await Promise.all(Array.from({ length: 25 }, () => http.ask('POST', pins, {}, withKey('k'))))
  t.strictSame([...new Set(answers.map(({ status }) => status))], [201])
  t.equal(new Set(answers.map(({ body }) => body.pin)).size, 1)
  t.equal(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null).length, 1)
  t.equal((await http.query('SELECT FROM pins')).rows.length, 1)
})

t.test('whoever comes while the first one is still at work is told to ask again', async (t) => {
  const http = await runHttp(t)
  const { contractId, pins } = await contract(http)
  const release = await holding(t, http, contractId)
  const first = http.ask('POST', pins, {}, withKey('k'))
  await until('the first to wait for the contract', () => http.store.connectionsInUse === 1)
  const second = await http.ask('POST', pins, {}, withKey('k'))
  t.equal(second.status, 409)
  t.equal(second.body.code, 'in_progress')
  t.match(second.headers.get('retry-after'), /^\d+$/)
  await release()
  const done = await first
  t.equal(done.status, 201)
  t.strictSame((await http.ask('POST', pins, {}, withKey('k'))).body, done.body)
})

t.test('a Pforte whose connection dies before the commit has done nothing, and the key may be used again', async (t) => {
  const http = await runHttp(t)
  const { contractId, pins } = await contract(http)
  const release = await holding(t, http, contractId)
  const dying = http.ask('POST', pins, {}, withKey('k'))
  await until('it to wait for the contract', () => http.store.connectionsInUse === 1)
  await http.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pforte writes'
    AND datname = current_database()`)
  const lost = await dying
  t.equal(lost.status, 503)
  t.equal(lost.body.code, 'store_unavailable')
  await release()
  const again = await http.ask('POST', pins, {}, withKey('k'))
  t.equal(again.status, 201)
  t.equal(again.headers.get('idempotency-replayed'), null)
  t.equal((await http.query('SELECT FROM pins')).rows.length, 1)
})

t.test('an error is not kept: once it is mended, the same key may be used', async (t) => {
  const http = await runHttp(t)
  const { customerId, pins } = await contract(http)
  const other = await http.ask('POST', pins, { pin: '48213' })
  const taken = await http.ask('POST', pins, { pin: '48213' }, withKey('k'))
  t.equal(taken.status, 409)
  t.equal((await http.ask('POST', pins, { pin: '4' }, withKey('k'))).status, 400)
  t.equal((await http.ask('DELETE', `/v1/pins/${other.body.id}`)).status, 204)
  const then = await http.ask('POST', pins, { pin: '48213' }, withKey('k'))
  t.equal(then.status, 201)
  t.equal(then.headers.get('idempotency-replayed'), null)
  // What a route did before it refused is undone with it.
  const twice = await http.ask('POST', '/v1/customers', { name: 'Ida Braun', numbers: ['+491701234567'] })
  t.equal(twice.status, 409)
  t.strictSame((await http.query('SELECT id FROM customers')).rows, [{ id: customerId }])
})

t.test('answers without a body and answers that point somewhere are repeated whole', async (t) => {
  const http = await runHttp(t)
  const { pins } = await contract(http)
  const pin = (await http.ask('POST', pins, {})).body
  for (const replayed of [null, 'true']) {
    const revoked = await http.ask('DELETE', `/v1/pins/${pin.id}`, undefined, withKey('revoke'))
    t.equal(revoked.status, 204)
    t.equal(revoked.body.length, 0)
    t.equal(revoked.headers.get('idempotency-replayed'), replayed)
    const ticket = await http.ask('POST', '/v1/tickets', { subject: 'Störung', caller: '+491701234567' }, withKey('ticket'))
    t.equal(ticket.status, 201)
    t.equal(ticket.headers.get('location'), `/v1/tickets/${ticket.body.id}`)
    t.equal(ticket.headers.get('etag'), '"1"')
    t.equal(ticket.headers.get('idempotency-replayed'), replayed)
  }
  t.equal((await http.query('SELECT FROM tickets')).rows.length, 1)
})

t.test('a key that is none is refused, and named', async (t) => {
  const http = await runHttp(t)
  const { pins } = await contract(http)
  for (const key of ['', 'x'.repeat(201), 'umlaut ä']) {
    const refused = await http.ask('POST', pins, {}, withKey(key))
    t.equal(refused.status, 400, key)
    t.match(refused.body, { code: 'invalid_field', errors: [{ in: 'header', field: 'idempotency-key' }] })
  }
  t.strictSame((await http.query('SELECT FROM pins')).rows, [])
})

t.test('whoever was made available gets their caller after the commit', async (t) => {
  let seen = ''
  const http: Running = await runHttp(t, {
    onAgentChanged: async () => {
      seen = (await http.query(`SELECT state FROM agents WHERE id = 'anna'`)).rows[0].state
    },
  })
  t.equal((await http.ask('PUT', '/v1/agents/anna/state', { state: 'paused', reason: 'lunch' })).status, 200)
  t.equal(seen, 'paused')
})

/** Holds the contract as a long transaction of somebody else would. */
async function holding(t: Test, { store }: Running, contractId: string): Promise<() => Promise<void>> {
  const other = new pg.Client({ connectionString: (store as unknown as { url: string }).url })
  await other.connect()
  t.teardown(() => other.end())
  await other.query('BEGIN')
  await other.query('SELECT FROM contracts WHERE id = $1 FOR UPDATE', [contractId])
  return async () => void (await other.query('ROLLBACK'))
}
