import t from 'tap'
import { refusalOf } from '../../src/webhooks/address.ts'
import { type Running, runHttp } from './running.ts'

async function make({ ask }: Running, body: object = {}) {
  return (await ask('POST', '/v1/webhooks', { url: 'https://crm.example.com/pforte', ...body })).body
}

t.test('a webhook is made, shown, changed and taken away; its secret is shown once', async (t) => {
  const running = await runHttp(t)
  const { ask, logged } = running
  const made = await ask('POST', '/v1/webhooks', {
    url: 'https://crm.example.com/pforte',
    description: ' the CRM ',
    events: ['ticket.created', 'call.ended', 'ticket.created'],
  })
  t.equal(made.status, 201)
  t.match(made.body, {
    url: 'https://crm.example.com/pforte',
    description: 'the CRM',
    events: ['ticket.created', 'call.ended'],
    active: true,
    disabledWhy: null,
    oldSecretUntil: null,
    secret: /^whsec_/,
  })
  const path = `/v1/webhooks/${made.body.id}`
  t.equal(made.headers.get('location'), path)
  const { secret, ...shown } = made.body
  t.strictSame((await ask('GET', path)).body, shown, 'without the secret')
  t.strictSame((await ask('GET', '/v1/webhooks')).body, { items: [shown], next: null })

  t.match((await ask('PATCH', path, { active: false, events: ['*', 'call.ended'] })).body, {
    active: false,
    disabledWhy: 'api',
    events: ['*'],
  })
  t.match((await ask('PATCH', path, { active: true, url: 'https://crm.example.com/v2' })).body, {
    active: true,
    disabledWhy: null,
    url: 'https://crm.example.com/v2',
    description: 'the CRM',
  })
  t.match((await ask('PATCH', path, {})).body, { url: 'https://crm.example.com/v2' })
  t.equal((await ask('DELETE', path)).status, 204)
  t.equal((await ask('DELETE', path)).status, 404)
  t.equal((await ask('GET', path)).status, 404)
  t.notOk(logged().includes(secret.slice('whsec_'.length)))
})

t.test('all events are told where none are named', async (t) => {
  t.match(await make(await runHttp(t)), { events: ['*'], description: '' })
})

t.test('what cannot be a webhook is refused, and the field is named', async (t) => {
  const running = await runHttp(t, { webhookRefusal: (url) => refusalOf(url, false) })
  const refused: [object, string][] = [
    [{ url: 'https://10.0.0.1/' }, 'url'],
    [{ url: 5 }, 'url'],
    [{ url: '' }, 'url'],
    [{}, 'url'],
    [{ url: 'https://crm.example.com', events: [] }, 'events'],
    [{ url: 'https://crm.example.com', events: ['ticket.exploded'] }, 'events.0'],
    [{ url: 'https://crm.example.com', events: 'ticket.created' }, 'events'],
    [{ url: 'https://crm.example.com', description: 'x'.repeat(201) }, 'description'],
    [{ url: 'https://crm.example.com', secret: 'whsec_mine' }, 'secret'],
  ]
  for (const [body, field] of refused) {
    const answer = await running.ask('POST', '/v1/webhooks', body)
    t.equal(answer.status, 400, JSON.stringify(body))
    t.match(answer.body, { code: 'invalid_field', errors: [{ in: 'body', field }] })
  }
  const made = await make(running)
  t.equal((await running.ask('PATCH', `/v1/webhooks/${made.id}`, { url: 'https://10.0.0.1/' })).status, 400)
})

t.test('a test event waits to be delivered, and a secret is rotated', async (t) => {
  const running = await runHttp(t)
  const { ask } = running
  const webhook = await make(running)
  const path = `/v1/webhooks/${webhook.id}`
  const test = await ask('POST', `${path}/test`)
  t.equal(test.status, 202)
  t.match(test.body, { webhookId: webhook.id, type: 'webhook.test', state: 'pending', attempts: 0, payload: { type: 'webhook.test' } })

  const before = Date.now()
  const rotated = await ask('POST', `${path}/rotate`, {})
  t.equal(rotated.status, 200)
  t.not(rotated.body.secret, webhook.secret)
  t.ok(Date.parse(rotated.body.oldSecretUntil) - before >= 24 * 3_600_000)
  t.match((await ask('POST', `${path}/rotate`, { overlapHours: 0 })).body, { oldSecretUntil: null })
  t.match((await ask('POST', `${path}/rotate`, { overlapHours: -1 })).body, { status: 400, errors: [{ field: 'overlapHours' }] })
  t.match((await ask('POST', `${path}/rotate`, { overlapHours: 1000 })).body, { status: 400, errors: [{ field: 'overlapHours' }] })

  await ask('PATCH', path, { active: false })
  t.match((await ask('POST', `${path}/test`)).body, { status: 409, code: 'conflict', detail: /switched off/ })
})

t.test('deliveries are listed by their state, page by page, and sent again', async (t) => {
  const running = await runHttp(t)
  const { ask, query } = running
  const webhook = await make(running, { events: ['ticket.created'] })
  const other = await make(running)
  for (let place = 0; place < 5; place++) await ask('POST', '/v1/tickets', { subject: `Ticket ${place}`, caller: '+4962112345' })
  await query(
    `UPDATE webhook_deliveries SET state = 'dead', done_at = now(), attempts = 20, last_at = now(), last_status = 500, last_error = 'it answered 500'
      WHERE webhook_id = $1 AND data ->> 'subject' <> 'Ticket 4'`,
    [webhook.id],
  )
  const path = `/v1/webhooks/${webhook.id}/deliveries`
  t.equal((await ask('GET', path)).body.items.length, 5)
  const first = (await ask('GET', `${path}?state=dead&limit=3`)).body
  const second = (await ask('GET', `${path}?state=dead&limit=3&cursor=${first.next}`)).body
  t.strictSame(
    [...first.items, ...second.items].map(({ payload }) => payload.data.subject),
    ['Ticket 3', 'Ticket 2', 'Ticket 1', 'Ticket 0'],
  )
  t.match(first.items[0], { state: 'dead', attempts: 20, lastStatus: 500, lastError: 'it answered 500', nextTryAt: null, objectId: /-/ })
  t.match((await ask('GET', `${path}?state=pending`)).body.items, [{ payload: { type: 'ticket.created', data: { subject: 'Ticket 4' } } }])
  t.equal((await ask('GET', `${path}?state=lost`)).status, 400)

  const again = await ask('POST', `${path}/${first.items[0].id}/resend`)
  t.equal(again.status, 202)
  t.match(again.body, { id: first.items[0].id, state: 'pending', attempts: 0, endedAt: null })
  t.equal((await ask('POST', `/v1/webhooks/${other.id}/deliveries/${first.items[0].id}/resend`)).status, 404, 'of another webhook')
  t.equal((await ask('POST', `${path}/${webhook.id}/resend`)).status, 404)
  await ask('PATCH', `/v1/webhooks/${webhook.id}`, { active: false })
  t.equal((await ask('POST', `${path}/${first.items[0].id}/resend`)).status, 409)
})

t.test('ids of nothing are found nowhere', async (t) => {
  const { ask } = await runHttp(t)
  const nothing = '01890000-0000-7000-8000-000000000000'
  const asked: [string, string, object?][] = [
    ['GET', `/v1/webhooks/${nothing}`],
    ['PATCH', `/v1/webhooks/${nothing}`, { active: true }],
    ['DELETE', `/v1/webhooks/${nothing}`],
    ['POST', `/v1/webhooks/${nothing}/test`],
    ['POST', `/v1/webhooks/${nothing}/rotate`, {}],
    ['GET', `/v1/webhooks/${nothing}/deliveries`],
    ['POST', `/v1/webhooks/${nothing}/deliveries/${nothing}/resend`],
    ['GET', `/v1/webhooks/x'; DROP TABLE webhooks; --`],
  ]
  for (const [method, path, body] of asked) {
    const answer = await ask(method, path, body)
    t.equal(answer.status, 404, `${method} ${path}`)
    t.match(answer.body, { code: 'not_found' })
  }
})

t.test('who made and changed a webhook is written down, and no secret with it', async (t) => {
  const running = await runHttp(t)
  const { ask, query } = running
  const webhook = await make(running)
  await ask('POST', `/v1/webhooks/${webhook.id}/rotate`, {})
  await ask('DELETE', `/v1/webhooks/${webhook.id}`)
  const { rows } = await query(`SELECT action, actor, before, after FROM audit WHERE object = 'webhook' ORDER BY at, id`)
  t.match(rows, [
    { action: 'created', actor: { keyId: 'first' }, after: { url: webhook.url, secret: '•••••' } },
    { action: 'changed', after: { secret: '•••••' } },
    { action: 'deleted', before: { url: webhook.url, secret: '•••••' } },
  ])
})
