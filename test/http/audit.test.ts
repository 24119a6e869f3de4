import t from 'tap'
import { SCOPES } from '../../src/app/ports/api-keys.ts'
import { valueOf } from '../support/stories.ts'
import { runHttp, type Running } from './running.ts'

/** Writes that are no transaction under the name of a key: others' events by the thousand, and the demo's agent. */
const OWN_WAYS = ['POST /v1/events', 'PUT /v1/demo-agent', 'DELETE /v1/demo-agent']
/** Writes that change nothing that people own. */
const NO_NEWS = ['POST /v1/webhooks/:id/test', 'POST /v1/webhooks/:id/deliveries/:deliveryId/resend']

type Made = Record<'customer' | 'contract' | 'pin' | 'ticket' | 'other' | 'key' | 'webhook', string>
type Example = (made: Made) => [path: string, body?: unknown]

/** One request for every route that writes, which does change something. */
const EXAMPLES: Record<string, Example> = {
  'POST /v1/customers': () => ['/v1/customers', { name: 'Ida Braun', numbers: ['+491709999999'] }],
  'PATCH /v1/customers/:id': ({ customer }) => [`/v1/customers/${customer}`, { name: 'Marta Wagner' }],
  'POST /v1/customers/:id/contracts': ({ customer }) => [`/v1/customers/${customer}/contracts`, { service: 'Rückruf' }],
  'PATCH /v1/contracts/:id': ({ contract }) => [`/v1/contracts/${contract}`, { priority: 7 }],
  'POST /v1/contracts/:id/pins': ({ contract }) => [`/v1/contracts/${contract}/pins`, { pin: '73912' }],
  'DELETE /v1/pins/:id': ({ pin }) => [`/v1/pins/${pin}`],
  'POST /v1/tickets': () => ['/v1/tickets', { subject: 'Kein Bild', caller: '+491701234567' }],
  'PATCH /v1/tickets/:id': ({ ticket }) => [`/v1/tickets/${ticket}`, { status: 'in_progress' }],
  'POST /v1/tickets/:id/comments': ({ ticket }) => [`/v1/tickets/${ticket}/comments`, { text: 'Der Techniker ist unterwegs.' }],
  'POST /v1/tickets/:id/merge': ({ ticket, other }) => [`/v1/tickets/${ticket}/merge`, { into: other }],
  'PUT /v1/agents/:id/state': () => ['/v1/agents/anna/state', { state: 'paused', reason: 'lunch' }],
  'PUT /v1/announcements/:name': () => ['/v1/announcements/outage', { on: true, text: 'Störung in Speyer' }],
  'PUT /v1/consents/:number': () => ['/v1/consents/+491701234567', { is: 'out' }],
  'POST /v1/keys': () => ['/v1/keys', { name: 'the shop', scopes: ['events'] }],
  'DELETE /v1/keys/:id': ({ key }) => [`/v1/keys/${key}`],
  'POST /v1/webhooks': () => ['/v1/webhooks', { url: 'https://93.184.216.34/hook', events: ['ticket.created'] }],
  'PATCH /v1/webhooks/:id': ({ webhook }) => [`/v1/webhooks/${webhook}`, { events: ['ticket.changed'] }],
  'POST /v1/webhooks/:id/rotate': ({ webhook }) => [`/v1/webhooks/${webhook}/rotate`, {}],
  'DELETE /v1/webhooks/:id': ({ webhook }) => [`/v1/webhooks/${webhook}`],
  // Last, for it takes the customer away.
  'DELETE /v1/customers/:id': ({ customer }) => [`/v1/customers/${customer}`],
}

async function made({ ask, store }: Running): Promise<Made> {
  const idOf = async (path: string, body: unknown): Promise<string> => (await ask('POST', path, body)).body.id
  const customer = await idOf('/v1/customers', { name: 'Marta Weber', numbers: ['+491701234567'] })
  const contract = await idOf(`/v1/customers/${customer}/contracts`, { service: 'Entstörung 8 h' })
  const key = valueOf(
    await store.apiKeys.create({ name: 'the CRM', scopes: ['read'], expiresAt: null, requestsPerMinute: null }, Date.now()),
  )
  return {
    customer,
    contract,
    pin: await idOf(`/v1/contracts/${contract}/pins`, { pin: '48213' }),
    ticket: await idOf('/v1/tickets', { subject: 'Kein Internet', caller: '+491701234567' }),
    other: await idOf('/v1/tickets', { subject: 'Immer noch kein Internet', caller: '+491701234567' }),
    key: key.id,
    webhook: await idOf('/v1/webhooks', { url: 'https://93.184.216.34/hook', events: ['ticket.created'] }),
  }
}

t.test('every route that writes leaves a trace of who it was, and does it once', async (t) => {
  const http = await runHttp(t)
  const { ask, routes } = http
  const writes = routes
    .filter(({ method, url }) => url.startsWith('/v1/') && ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method))
    .map(({ method, url }) => `${method} ${url}`)
    .filter((route) => ![...OWN_WAYS, ...NO_NEWS].includes(route))
  t.strictSame(
    writes.filter((route) => EXAMPLES[route] === undefined),
    [],
    'each has an example here, or is named among those that need none',
  )
  const things = await made(http)
  const last = Object.keys(EXAMPLES)
  for (const route of writes.sort((a, b) => last.indexOf(a) - last.indexOf(b))) {
    const [path, body] = EXAMPLES[route]!(things)
    const method = route.split(' ')[0]!
    const { items: before } = (await ask('GET', '/v1/audit?limit=1')).body
    const headers = { 'idempotency-key': route }
    const first = await ask(method, path, body, headers)
    t.ok(first.status < 300, `${route}: ${first.status} ${JSON.stringify(first.body)}`)
    const rows: any[] = (await ask('GET', '/v1/audit?limit=200&actor=first')).body.items
    const news = rows.filter((row) => Number(row.id) > Number(before[0].id))
    t.ok(news.length > 0, `${route} is in the audit log`)
    t.equal(new Set(news.map((row) => row.requestId)).size, 1, `${route}, as one request`)
    t.match(news[0], { actor: { keyId: 'first', name: 'first administrator' }, requestId: /./ })
    const again = await ask(method, path, body, headers)
    t.equal(again.headers.get('idempotency-replayed'), 'true', `${route} is repeated`)
    t.equal(again.status, first.status)
    t.strictSame(again.body, first.body)
    t.strictSame((await ask('GET', '/v1/audit?limit=200&actor=first')).body.items, rows, `${route} does nothing again`)
  }
  const { rows } = await http.query('SELECT audit::text AS text FROM audit')
  const log = rows.map(({ text }) => text).join('\n')
  t.notMatch(log, /\b(48213|73912)\b/, 'no PIN')
  t.notMatch(log, /pforte_[a-z0-9]{8}_|whsec_/, 'no key, no secret of a webhook')
})

t.test('whoever is answerable reads who changed what, from what to what', async (t) => {
  const http = await runHttp(t)
  const { ask } = http
  const { ticket, customer } = await made(http)
  await ask('PATCH', `/v1/tickets/${ticket}`, { status: 'in_progress' })
  await ask('PATCH', `/v1/tickets/${ticket}`, { subject: 'Kein Internet, kein Telefon' })
  const { status, body } = await ask('GET', `/v1/audit?object=ticket&objectId=${ticket}&limit=2`)
  t.equal(status, 200)
  t.match(body.items, [
    {
      ...{ action: 'changed', object: 'ticket', objectId: ticket, customerId: customer },
      ...{ before: { subject: 'Kein Internet', version: 2 }, after: { subject: 'Kein Internet, kein Telefon', version: 3 } },
    },
    { before: { status: 'received' }, after: { status: 'in_progress' } },
  ])
  t.strictSame(Object.keys(body.items[1].after).sort(), ['status', 'version'])
  t.match(body.items[0].at, /^\d{4}-.*Z$/)
  const next = (await ask('GET', `/v1/audit?object=ticket&objectId=${ticket}&limit=2&cursor=${body.next}`)).body
  t.match(next.items, [{ action: 'created', before: null }])
  t.equal(next.next, null)

  const counted = async (query: string): Promise<number> => (await ask('GET', `/v1/audit?${query}`)).body.items.length
  t.equal(await counted(`customerId=${customer}&object=phone_number`), 1)
  t.ok((await counted('actor=first')) > 5)
  t.equal(await counted('actor=somebody'), 0)
  t.equal(await counted(`from=${new Date(Date.now() + 60_000).toISOString()}`), 0)
  t.ok((await counted(`to=${new Date(Date.now() + 60_000).toISOString()}`)) > 5)
  for (const query of ['objectId=', 'customerId=7', 'from=yesterday', 'cursor=x', 'who=me'])
    t.equal((await ask('GET', `/v1/audit?${query}`)).status, 400, query)
})

t.test('the audit log is for administrators', async (t) => {
  const { ask, store } = await runHttp(t)
  const scopes = SCOPES.filter((scope) => scope !== 'admin')
  const { key } = valueOf(await store.apiKeys.create({ name: 'all but', scopes, expiresAt: null, requestsPerMinute: null }, Date.now()))
  t.equal((await ask('GET', '/v1/audit', undefined, { authorization: `Bearer ${key}` })).status, 403)
})

t.test("a key's own name is in the log", async (t) => {
  const { ask, store } = await runHttp(t)
  const made = { name: 'the CRM', scopes: ['customers'] as const, expiresAt: null, requestsPerMinute: null }
  const { id, key } = valueOf(await store.apiKeys.create(made, Date.now()))
  await ask('POST', '/v1/customers', { name: 'Marta Weber' }, { authorization: `Bearer ${key}` })
  t.match((await ask('GET', `/v1/audit?actor=${id}`)).body.items, [{ object: 'customer', actor: { keyId: id, name: 'the CRM' } }])
})
