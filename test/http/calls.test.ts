import t from 'tap'
import type { CallRow } from '../../src/app/ports/store.ts'
import { callRow as aCallRow } from '../support/stories.ts'
import { runHttp } from './running.ts'

const STARTED_AT = Date.parse('2026-05-04T10:00:00.000Z')

function callRow({ id = 'call-1', ...changes }: Partial<CallRow>): CallRow {
  return aCallRow(id, {
    asterisk: 'test',
    leg: 'call-1',
    dialled: 'hotline',
    caller: '+496215550123',
    flowHash: 'flow',
    startedAt: STARTED_AT,
    answeredAt: STARTED_AT + 100,
    path: [{ step: 'ask_pin', enteredAt: STARTED_AT + 100, outcome: null }],
    ...changes,
  })
}

t.test('a call can be followed while it lasts and read when it is over', async (t) => {
  const { ask, store } = await runHttp(t)
  await store.calls.saveCalls([callRow({})])
  t.same((await ask('GET', '/v1/calls/call-1')).body, {
    id: 'call-1',
    line: 'hotline',
    caller: '+496215550123',
    customerId: null,
    contractId: null,
    startedAt: '2026-05-04T10:00:00.000Z',
    answeredAt: '2026-05-04T10:00:00.100Z',
    endedAt: null,
    outcome: null,
    agentId: null,
    waitMs: null,
    talkMs: null,
    ticketId: null,
    path: [{ step: 'ask_pin', enteredAt: '2026-05-04T10:00:00.100Z', outcome: null }],
  })

  const path = [
    { step: 'ask_pin', enteredAt: STARTED_AT + 100, outcome: 'right' },
    { step: 'waiting', enteredAt: STARTED_AT + 5_000, outcome: null },
  ]
  const over = {
    queuedAt: STARTED_AT + 5_000,
    connectedAt: STARTED_AT + 9_000,
    endedAt: STARTED_AT + 69_000,
    outcome: 'connected' as const,
    agentId: 'anna',
    path,
  }
  await store.calls.saveCalls([callRow(over)])
  t.match((await ask('GET', '/v1/calls/call-1')).body, {
    outcome: 'connected',
    agentId: 'anna',
    waitMs: 4_000,
    talkMs: 60_000,
    endedAt: '2026-05-04T10:01:09.000Z',
  })
})

t.test('calls are found by caller, customer, ticket, line, outcome and time', async (t) => {
  const { ask, store } = await runHttp(t)
  const { body: customer } = await ask('POST', '/v1/customers', { name: 'Anna', numbers: ['+496215550123'] })
  await store.calls.saveCalls([
    callRow({ id: 'first', customerId: customer.id }),
    callRow({ id: 'second', leg: 'second', caller: null, startedAt: STARTED_AT + 1_000 }),
    callRow({
      id: 'third',
      leg: 'third',
      line: 'hotline-en',
      caller: 'sipp',
      startedAt: STARTED_AT + 2_000,
      endedAt: STARTED_AT + 3_000,
      outcome: 'abandoned',
    }),
  ])
  const found = async (query: string) => (await ask('GET', `/v1/calls?${query}`)).body.items.map((call: { id: string }) => call.id)
  t.same(await found(''), ['third', 'second', 'first'], 'newest first')
  t.same(await found('caller=%2B49%20621%205550123'), ['first'])
  const voicemail = { recording: 'r', callId: 'second', line: 'hotline', caller: null, at: STARTED_AT, wav: Buffer.alloc(9), durationMs: 1 }
  const { ticketId } = await store.calls.keepVoicemail({ ...voicemail, language: 'de' })
  t.same(await found(`customerId=${customer.id}`), ['first'])
  t.same(await found(`customerId=${customer.id}&outcome=abandoned`), [])
  t.same(await found(`customerId=${ticketId}`), [])
  t.same(await found(`ticketId=${ticketId}`), ['second'])
  t.same(await found(`ticketId=${customer.id}`), [])
  t.match(await ask('GET', '/v1/calls?customerId=10471'), { status: 400, body: { errors: [{ field: 'customerId' }] } })
  t.same(await found('caller=sipp'), ['third'], 'a caller that is no number')
  t.same(await found('line=hotline-en'), ['third'])
  t.same(await found('outcome=abandoned'), ['third'])
  t.same(await found(`from=2026-05-04T12:00:01%2B02:00`), ['third', 'second'])
  t.equal((await ask('GET', '/v1/calls?outcome=lost')).status, 400)
  t.match(await ask('GET', '/v1/calls/nobody'), { status: 404, body: { code: 'not_found' } })
})

t.test('lines, queues and agents as they stand; an agent takes a break', async (t) => {
  let told = 0
  const { ask } = await runHttp(t, {
    onAgentChanged: () => {
      told += 1
    },
  })
  t.same((await ask('GET', '/v1/lines')).body, {
    items: [{ name: 'hotline', numbers: ['+49621555100'], flow: 'hotline', language: 'de' }],
    next: null,
  })
  t.match((await ask('GET', '/v1/queues')).body, {
    items: [{ name: 'service', waiting: [], agents: [{ id: 'anna', state: 'available' }, { id: 'ben' }] }],
    next: null,
  })

  const paused = await ask('PUT', '/v1/agents/anna/state', { state: 'paused', reason: 'lunch' })
  t.match(paused, {
    status: 200,
    body: { id: 'anna', name: 'Anna', state: 'paused', reason: 'lunch', queues: ['service'], skills: ['fibre'], callId: null },
  })
  t.match((await ask('GET', '/v1/agents')).body.items[0], paused.body)
  t.match((await ask('PUT', '/v1/agents/anna/state', { state: 'available' })).body, { state: 'available', reason: null })
  t.equal(told, 2, 'dispatch was told each time')

  t.match(await ask('PUT', '/v1/agents/anna/state', { state: 'talking' }), { status: 400, body: { errors: [{ field: 'state' }] } })
  t.match(await ask('PUT', '/v1/agents/zoe/state', { state: 'paused' }), { status: 404 })
})

t.test('a special announcement is switched on and off', async (t) => {
  const { ask } = await runHttp(t)
  const on = await ask('PUT', '/v1/announcements/outage', {
    on: true,
    text: { de: 'In Mannheim fehlt das Netz.', en: 'Mannheim is offline.' },
    endsAt: '2026-05-04T18:00:00+02:00',
  })
  t.same(on.body, {
    name: 'outage',
    on: true,
    text: { de: 'In Mannheim fehlt das Netz.', en: 'Mannheim is offline.' },
    endsAt: '2026-05-04T16:00:00.000Z',
  })
  t.match((await ask('PUT', '/v1/announcements/outage', { on: true, text: 'Eine Störung.' })).body, {
    text: { de: 'Eine Störung.' },
    endsAt: null,
  })
  t.match((await ask('PUT', '/v1/announcements/outage', { on: false })).body, { on: false })
  t.match(await ask('PUT', '/v1/announcements/party', { on: true }), { status: 404 })
  t.match(await ask('PUT', '/v1/announcements/outage', { text: 'Hallo' }), { status: 400, body: { errors: [{ field: 'on' }] } })
  t.match(await ask('PUT', '/v1/announcements/outage', { on: true, text: { 'not a language': 'Hallo' } }), {
    status: 400,
    body: { errors: [{ field: /^text/ }] },
  })
})
