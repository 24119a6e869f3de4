/** Somebody asks what is kept about them, wants it gone, and wants no more messages; told through real requests. */
import t, { type Test } from 'tap'
import { definition, marta, ours } from '../store/sms/status-line.ts'
import { callRow, monday } from '../support/stories.ts'
import { runHttp, type Running } from './running.ts'

const hour = 3_600_000

async function office(test: Test) {
  const running = await runHttp(test, { now: () => monday })
  const { ask, store } = running
  await store.outbox.useSms(definition(), monday)
  const customer = (await ask('POST', '/v1/customers', { name: 'Marta Weber', numbers: [marta] })).body
  const contract = (await ask('POST', `/v1/customers/${customer.id}/contracts`, { service: 'Premium', slaMinutes: 480 })).body
  const pin = (await ask('POST', `/v1/contracts/${contract.id}/pins`)).body
  const ticket = (await ask('POST', '/v1/tickets', { subject: 'Kein Netz bei Weber', customerId: customer.id })).body
  await ask('POST', `/v1/tickets/${ticket.id}/comments`, { author: 'Anna', text: 'Frau Weber ist ab 17 Uhr da' })
  await store.calls.saveCalls([callRow('call-1', { caller: marta, endedAt: monday + hour, outcome: 'connected' })])
  await store.calls.keepVoicemail({
    recording: 'r-1',
    callId: null,
    line: 'hotline',
    caller: marta,
    at: monday,
    wav: Buffer.alloc(16_000),
    durationMs: 1000,
    language: 'de',
  })
  await store.outbox.takeIncoming(
    [{ kind: 'reply', route: 'r', from: marta, to: ours, text: 'Danke schön', concatenation: null }],
    monday + hour,
  )
  return { ...running, customer, contract, pin, ticket }
}

t.test('all that is held about a customer, as one document', async (t) => {
  const { ask, customer, contract, pin, ticket, logged, url } = await office(t)
  const answer = await ask('GET', `/v1/customers/${customer.id}/export`)
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-type'), 'application/json')
  t.equal(answer.headers.get('content-disposition'), `attachment; filename="customer-${customer.id}.json"`)
  const { body } = answer
  t.match(body, {
    exportedAt: '2026-03-02T08:00:00.000Z',
    customer: {
      id: customer.id,
      name: 'Marta Weber',
      numbers: [marta],
      customerNumber: customer.customerNumber,
      createdAt: '2026-03-02T08:00:00.000Z',
    },
    contracts: [{ id: contract.id, service: 'Premium', slaMinutes: 480, validTo: null }],
    pins: [{ id: pin.id, length: 5, revokedAt: null }],
    calls: [{ id: 'call-1', caller: marta, outcome: 'connected', path: [{ step: 'welcome' }] }],
    tickets: [{ id: ticket.id, subject: 'Kein Netz bei Weber' }, { voicemail: { durationMs: 1000 } }],
    consents: [],
    wrongPins: [],
  })
  t.match(body.messages.map(({ text }: { text: string }) => text).join('\n'), /Danke schön/)
  t.match(JSON.stringify(body.tickets), /Frau Weber ist ab 17 Uhr da/)
  t.match(JSON.stringify(body.changes), /"created"/)
  t.notMatch(JSON.stringify(body), pin.pin, 'of a PIN nobody knows the digits')
  const { url: recording } = body.tickets[1].voicemail
  t.equal((await ask('GET', recording)).status, 200, 'a voicemail is a link')
  t.match(logged(), /"msg":"all that is held about a customer is read"/)
  t.notMatch(logged(), /Weber|170123/)
  t.equal((await ask('GET', '/v1/customers/0190a3f2-0000-7000-8000-000000000000/export')).status, 404)
  t.equal((await ask('GET', '/v1/customers/nobody/export')).status, 404)
  t.ok(url)
})

t.test('a long history comes piece by piece', async (t) => {
  const { ask, customer, query } = await office(t)
  await query(`INSERT INTO calls (id, asterisk, leg, line, dialled, caller, language, flow_hash, started_at, ended_at, path)
    SELECT 'old-' || n, 'pbx', 'leg', 'hotline', 'x', '${marta}', 'de', 'flow-1', now(), now(), '[]' FROM generate_series(1, 1001) n`)
  const { body } = await ask('GET', `/v1/customers/${customer.id}/export`)
  t.equal(body.calls.length, 1002)
  t.equal(new Set(body.calls.map(({ id }: { id: string }) => id)).size, 1002)
})

t.test('a customer who wants to be forgotten is; whoever asks once more finds nobody', async (t) => {
  const { ask, customer, contract, ticket } = await office(t)
  t.equal((await ask('DELETE', `/v1/customers/${customer.id}`)).status, 204)
  for (const [method, path] of [
    ['GET', `/v1/customers/${customer.id}`],
    ['GET', `/v1/customers/${customer.id}/export`],
    ['DELETE', `/v1/customers/${customer.id}`],
    ['GET', `/v1/customers/${customer.id}/contracts`],
    ['GET', `/v1/contracts/${contract.id}`],
  ] as const) {
    const { status, body } = await ask(method, path)
    t.match({ status, body }, { status: 404, body: { code: 'not_found' } }, `${method} ${path}`)
  }
  t.match((await ask('POST', `/v1/contracts/${contract.id}/pins`)).status, 404)
  t.match(await ask('POST', '/v1/tickets', { subject: 'x', customerId: customer.id }), { status: 404 })
  t.match(await ask('GET', `/v1/tickets/${ticket.id}`), { status: 200, body: { subject: 'erased', caller: null } })
  t.match(await ask('GET', `/v1/customers?number=${encodeURIComponent(marta)}`), { body: { items: [] } })
  t.same((await ask('GET', '/v1/customers')).body.items, [], 'what remains is in no list')
  t.match(await ask('POST', '/v1/customers', { name: 'Marta Weber', numbers: [marta], customerNumber: customer.customerNumber }), {
    status: 201,
  })
})

/** Each table's rows, as a text, in which this is found. */
async function found({ query }: Pick<Running, 'query'>, needles: readonly string[]): Promise<string[]> {
  const { rows: tables } = await query<{ name: string }>(`SELECT format('%I', table_name) AS name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema = current_schema()`)
  const all: string[] = []
  for (const { name } of tables) {
    const { rows } = await query<{ row: string }>(`SELECT to_jsonb(t)::text AS row FROM ${name} t`)
    all.push(...rows.filter(({ row }) => needles.some((needle) => row.includes(needle))).map(({ row }) => `${name}: ${row}`))
  }
  return all
}

t.test('what they wrote is forgotten wherever it stands: on a neighbour’s ticket after a merge, too', async (t) => {
  const { ask, store, ...rest } = await runHttp(t, { now: () => monday })
  await store.outbox.useSms(definition(), monday)
  const number = '+491709990001'
  const reply = (text: string, at: number) =>
    store.outbox.takeIncoming([{ kind: 'reply', route: 'r', from: number, to: ours, text, concatenation: null }], at)
  const customer = (await ask('POST', '/v1/customers', { name: 'Zuzanna Quittenbaum', numbers: [number] })).body
  const neighbour = (await ask('POST', '/v1/customers', { name: 'Marta Weber', numbers: [marta] })).body
  const ticket = (await ask('POST', '/v1/tickets', { subject: 'Störung', customerId: customer.id, caller: number })).body
  await reply('Bin bei meiner Schwester Klingel Nowak', monday + hour)
  const goesOn = (await ask('POST', '/v1/tickets', { subject: 'Haus ohne Netz', customerId: neighbour.id })).body
  await ask('POST', `/v1/tickets/${goesOn.id}/comments`, { author: 'Anna', text: 'Techniker kommt um 9' })
  t.equal((await ask('POST', `/v1/tickets/${ticket.id}/merge`, { into: goesOn.id })).status, 200)
  await reply('Wann kommt jemand zu Nowak', monday + 2 * hour)
  const comments = async () => (await ask('GET', `/v1/tickets/${goesOn.id}/comments`)).body.items
  t.equal((await comments()).filter(({ author }: { author: string }) => author === number).length, 2)

  const { body } = await ask('GET', `/v1/customers/${customer.id}/export`)
  t.match(body.commentsOnTicketsOfOthers, [
    { ticketId: goesOn.id, author: number, text: 'Bin bei meiner Schwester Klingel Nowak', createdAt: '2026-03-02T09:00:00.000Z' },
    { text: 'Wann kommt jemand zu Nowak' },
  ])
  t.notMatch(JSON.stringify(body), /Techniker/, 'what others wrote there is not theirs')
  t.not((await found(rest, ['Nowak'])).length, 0)

  t.equal((await ask('DELETE', `/v1/customers/${customer.id}`)).status, 204)
  t.same(await found(rest, ['Nowak', 'Quittenbaum', number.slice(1)]), [])
  const left = (await comments()).map(({ author, text }: { author: string; text: string }) => `${author}: ${text}`)
  t.same(left.sort(), ['Anna: Techniker kommt um 9', 'erased: ', 'erased: '])
})

t.test('a number that they had before is forgotten with them; whoever has it today keeps it', async (t) => {
  const { ask, query } = await runHttp(t, { now: () => monday })
  const [former, passedOn, today] = ['+491709990001', '+491709990002', '+491709990003'] as const
  const consents = (number: string): string => `/v1/consents/${encodeURIComponent(number)}`
  const customer = (await ask('POST', '/v1/customers', { name: 'Zuzanna Quittenbaum', numbers: [former, passedOn] })).body
  await ask('PUT', consents(former), { is: 'out', evidence: 'Brief der Frau Quittenbaum' })
  t.equal((await ask('PATCH', `/v1/customers/${customer.id}`, { numbers: [today] })).status, 200)
  const next = (await ask('POST', '/v1/customers', { name: 'Marta Weber', numbers: [passedOn] })).body
  await ask('PUT', consents(passedOn), { is: 'out', evidence: 'told Anna' })

  const { changes } = (await ask('GET', `/v1/customers/${customer.id}/export`)).body
  t.match(
    changes.filter(({ objectId }: { objectId: string }) => objectId === passedOn),
    [{ action: 'created' }, { action: 'deleted' }],
    'that they had it is theirs, who has it now is not',
  )
  t.notMatch(JSON.stringify(changes), next.id)

  t.equal((await ask('DELETE', `/v1/customers/${customer.id}`)).status, 204)
  t.same(await found({ query }, ['Quittenbaum', former.slice(1), today.slice(1)]), [])
  const { rows } = await query(`SELECT DISTINCT customer_id FROM audit WHERE object_id = $1 AND customer_id IS NOT NULL`, [passedOn])
  t.same(rows, [{ customer_id: next.id }], 'nothing tells that they had it before her')
  t.match((await ask('GET', consents(passedOn))).body, { said: [{ is: 'out', evidence: 'told Anna' }] })
  t.match(
    (await ask('GET', consents(former))).body,
    { purposes: [{ mayReceive: false }], said: [{ evidence: null }] },
    'an opt-out counts for the number, whoever has it',
  )
  const { rows: told } = await query(`SELECT object, action FROM audit WHERE at = (
    SELECT max(at) FROM audit WHERE object = 'customer' AND action = 'deleted')`)
  t.same(told, [{ object: 'customer', action: 'deleted' }], 'no change of that moment tells whose pseudonym is whose')
})

t.test('what is left of an old ticket leads to nobody: neither by its contract nor by its call', async (t) => {
  const { ask, store, query, customer, contract } = await office(t)
  const call = callRow('call-2', { caller: marta, customerId: customer.id, contractId: contract.id, endedAt: monday, outcome: 'voicemail' })
  await store.calls.saveCalls([call])
  const left = { recording: 'r-2', callId: 'call-2', line: 'hotline', caller: marta, at: monday, language: 'de' }
  const { ticketId } = await store.calls.keepVoicemail({ ...left, wav: Buffer.alloc(100), durationMs: 1000 })
  await query('UPDATE tickets SET contract_id = $1 WHERE id = $2', [contract.id, ticketId])
  t.match((await ask('GET', '/v1/calls/call-2')).body, { ticketId })
  for (const status of ['in_progress', 'completed']) await ask('PATCH', `/v1/tickets/${ticketId}`, { status })

  const years = monday + 1100 * 24 * hour
  t.match(await store.retention.purge('tickets', years, years), { purged: 1 })
  t.match((await ask('GET', `/v1/tickets/${ticketId}`)).body, { subject: 'erased', customerId: null, contractId: null, caller: null })
  t.match((await ask('GET', '/v1/calls/call-2')).body, { ticketId: null, customerId: customer.id })
  t.same((await query(`SELECT FROM tickets WHERE id = $1 AND (call_id IS NOT NULL OR contract_id IS NOT NULL)`, [ticketId])).rows, [])
  t.same((await query(`SELECT FROM recordings WHERE ticket_id = $1 AND call_id IS NOT NULL`, [ticketId])).rows, [])
})

t.test('on the phone somebody says that they want no reminders any more', async (t) => {
  const { ask, store } = await office(t)
  const path = `/v1/consents/${encodeURIComponent(marta)}`
  t.match(await ask('GET', path), {
    status: 200,
    body: {
      number: marta,
      purposes: [
        { purpose: 'all', mayReceive: true },
        { purpose: 'appointment', mayReceive: true },
      ],
      said: [],
    },
  })
  const order = { purpose: 'appointment', is: 'out', evidence: 'told Anna on the phone' }
  const told = await ask('PUT', path, order)
  const said = { ...order, at: '2026-03-02T08:00:00.000Z', over: 'api', word: null, messageId: null }
  t.match(told, {
    status: 200,
    body: {
      purposes: [{ purpose: 'all', mayReceive: true }, { purpose: 'appointment', mayReceive: false }, { purpose: 'payment' }],
      said: [said],
    },
  })
  t.match(await ask('PUT', path, order), { body: { said: { length: 1 } } }, 'saying it twice is saying it once')
  const reminder = { type: 'appointment.reminder', to: marta, data: { date: '3.3.', time: '9' } }
  const { messageIds } = (await ask('POST', '/v1/events', reminder)).body
  t.match(await ask('GET', `/v1/messages/${messageIds[0]}`), { body: { state: 'suppressed' } })

  await store.outbox.takeIncoming([{ kind: 'reply', route: 'r', from: marta, to: ours, text: 'STOP', concatenation: null }], monday + hour)
  const all = await ask('GET', '/v1/consents/0170%201234567')
  t.match(all.body, {
    number: marta,
    purposes: [{ purpose: 'all', mayReceive: false }],
    said: [{ purpose: 'all', is: 'out', word: 'STOP', over: `r ${ours}` }, said],
  })
  t.ok(all.body.said[0].messageId)
  t.match(await ask('PUT', path, { is: 'in' }), { body: { said: { length: 3 }, purposes: [{ mayReceive: true }, { mayReceive: true }] } })
})

t.test('what cannot be is refused by name', async (t) => {
  const { ask } = await office(t)
  const path = `/v1/consents/${encodeURIComponent(marta)}`
  for (const [method, at, body, status, field] of [
    ['GET', '/v1/consents/nobody', undefined, 400, 'number'],
    ['PUT', '/v1/consents/12', { is: 'out' }, 400, 'number'],
    ['PUT', path, {}, 400, 'is'],
    ['PUT', path, { is: 'perhaps' }, 400, 'is'],
    ['PUT', path, { is: 'out', purpose: 'Reminders' }, 400, 'purpose'],
    ['PUT', path, { is: 'out', purpose: 'weather' }, 422, 'purpose'],
    ['PUT', path, { is: 'out', evidence: '' }, 400, 'evidence'],
    ['PUT', path, { is: 'out', at: 'now' }, 400, 'at'],
    ['GET', '/v1/retention?limit=0', undefined, 400, 'limit'],
    ['GET', '/v1/retention?cursor=x', undefined, 400, 'cursor'],
  ] as const) {
    const answer = await ask(method, at, body)
    t.match(answer, { status, body: { errors: [{ field }] } }, `${method} ${at} ${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`)
  }
})

t.test('what went, night by night', async (t) => {
  const { ask, store } = await office(t)
  const { retention } = store
  const id = await retention.beginRun(monday)
  await retention.noteRun(id, [{ kind: 'message_texts', before: monday - hour, purged: 7, tookMs: 12, isWhole: true }], monday + 1000)
  t.match(await ask('GET', '/v1/retention'), {
    status: 200,
    body: {
      items: [
        {
          id: '1',
          startedAt: '2026-03-02T08:00:00.000Z',
          endedAt: '2026-03-02T08:00:01.000Z',
          kinds: [{ kind: 'message_texts', before: '2026-03-02T07:00:00.000Z', purged: 7, tookMs: 12, isWhole: true }],
        },
      ],
      next: null,
    },
  })
})
