/** What happens is told to those who subscribe to it, in the transaction in which it happens. */
import t, { type Test } from 'tap'
import { takeReplies } from '../../../src/store/sms/replies.ts'
import { testStore } from '../../support/postgres.ts'
import { callRow, customerWithPin, monday, serviceWith, valueOf } from '../../support/stories.ts'
import { marta, ours, route, statusLine } from '../sms/status-line.ts'

type Told = { type: string; object: string; object_id: string; data: any; webhook_id: string }

async function open(t: Test, events: string[] = ['*']) {
  const store = await testStore(t)
  await serviceWith(store, ['anna'])
  const webhook = valueOf(await store.webhooks.create({ url: 'https://crm.example.com/', description: '', events }, monday))
  const told = async (): Promise<Told[]> => (await store.query<Told>('SELECT * FROM webhook_deliveries ORDER BY seq')).rows
  return { store, webhook, told }
}

t.test('a ticket is told as the API shows it, each version once and in order', async (t) => {
  const { store, told } = await open(t)
  const { customer } = await customerWithPin(store.records, '48213', { number: '+4962112345' })
  const ticket = valueOf(
    await store.records.createTicket({ subject: 'Kein Internet', caller: '+4962112345', customerId: null, status: 'received' }, monday),
  )
  await store.records.changeTicket(ticket.id, { status: 'in_progress' }, monday + 60_000)
  await store.records.changeTicket(ticket.id, { status: 'in_progress' }, monday + 90_000)
  await store.records.changeTicket(ticket.id, { status: 'completed', subject: 'Internet' }, monday + 120_000)
  const all = await told()
  t.strictSame(
    all.map(({ type, data }) => `${type} ${data.version} ${data.status}`),
    ['ticket.created 1 received', 'ticket.changed 2 in_progress', 'ticket.changed 3 completed'],
    'a change that changes nothing is told to nobody',
  )
  t.ok(all.every(({ object, object_id }) => object === 'ticket' && object_id === ticket.id))
  t.match(all[2]!.data, {
    id: ticket.id,
    number: ticket.number,
    customerId: customer.id,
    caller: '+4962112345',
    subject: 'Internet',
    status: 'completed',
    source: 'api',
    version: 3,
    createdAt: '2026-03-02T08:00:00.000Z',
    updatedAt: '2026-03-02T08:02:00.000Z',
    voicemail: null,
  })
})

t.test('the ticket of a voicemail is told with its recording, which is written after it', async (t) => {
  const { store, told } = await open(t)
  const voicemail = { recording: 'r-1', callId: null, line: 'hotline', caller: '+4962112345', at: monday, language: 'de' }
  await store.calls.keepVoicemail({ ...voicemail, wav: Buffer.alloc(1000), durationMs: 18_750 })
  t.match(await told(), [{ type: 'ticket.created', data: { source: 'voicemail', voicemail: { durationMs: 18_750 } } }])
})

t.test('a call is told when it comes and when it has ended, and not in between', async (t) => {
  const { store, told } = await open(t)
  const call = callRow('call-1', { queuedAt: monday + 10_000 })
  await store.calls.saveCalls([call])
  await store.calls.saveCalls([{ ...call, connectedAt: monday + 40_000, agentId: 'anna' }])
  const path = [{ step: 'welcome', enteredAt: monday, outcome: 'done' }]
  const ended = { ...call, connectedAt: monday + 40_000, agentId: 'anna', endedAt: monday + 100_500, outcome: 'connected' as const, path }
  await store.calls.saveCalls([ended])
  await store.calls.saveCalls([ended])
  const [started, end, ...others] = await told()
  t.strictSame(others, [])
  t.match(started, { type: 'call.started', object: 'call', object_id: 'call-1', data: { endedAt: null, outcome: null, talkMs: null } })
  t.match(end, {
    type: 'call.ended',
    data: {
      id: 'call-1',
      line: 'hotline',
      caller: '+4962112345',
      startedAt: '2026-03-02T08:00:00.000Z',
      endedAt: '2026-03-02T08:01:40.500Z',
      outcome: 'connected',
      agentId: 'anna',
      waitMs: 30_000,
      talkMs: 60_500,
      ticketId: null,
      path: [{ step: 'welcome', enteredAt: '2026-03-02T08:00:00.000Z', outcome: 'done' }],
    },
  })
  const record = (await store.records.call('call-1'))!
  t.match(end!.data, { waitMs: record.waitMs, talkMs: record.talkMs }, 'as the API shows it')
})

t.test('a call that is over before it was written down is told as both', async (t) => {
  const { store, told } = await open(t)
  await store.calls.saveCalls([callRow('call-1', { endedAt: monday + 1000, outcome: 'abandoned' })])
  t.strictSame(
    (await told()).map(({ type }) => type),
    ['call.started', 'call.ended'],
  )
})

t.test('an SMS is told with each state, and a reply as what it is; what they say is told by neither', async (t) => {
  const line = await statusLine(t)
  await line.rows(
    `INSERT INTO webhooks (id, url, events, secret, created_at) VALUES (gen_random_uuid(), 'https://crm.example.com', '{message.changed,reply.received}', '', now())`,
  )
  const customerId = await line.customer([marta])
  const ticket = await line.ticket({ customerId, caller: marta })
  await line.sent(ticket.id, monday)
  await takeReplies(
    line.connections,
    line.sms,
    [{ kind: 'reply', route, from: marta, to: ours, text: 'Der Techniker war da.', concatenation: null } as never],
    monday + 60_000,
  )
  const all = await line.rows<Told>('SELECT * FROM webhook_deliveries ORDER BY seq')
  t.strictSame(
    all.map(({ type, data }) => `${type} ${data.state}`),
    ['message.changed queued', 'message.changed submitted', 'reply.received received'],
  )
  t.match(all[1]!.data, { direction: 'out', to: marta, from: ours, template: 'ticket.received', ticketId: ticket.id, customerId })
  t.match(all[2]!.data, { direction: 'in', to: ours, from: marta, template: null, ticketId: ticket.id, customerId })
  t.notMatch(JSON.stringify(all), /Techniker|Anliegen/)
})

t.test('nobody is told what they did not ask for, and nothing is written where nobody asks', async (t) => {
  const { store, told, webhook } = await open(t, ['call.ended'])
  const other = valueOf(await store.webhooks.create({ url: 'https://b.example.com/', description: '', events: ['ticket.created'] }, monday))
  await store.records.createTicket({ subject: 'a', caller: null, customerId: null, status: 'received' }, monday)
  await store.calls.saveCalls([callRow('call-1')])
  t.match(await told(), [{ type: 'ticket.created', webhook_id: other.id }])
  await store.webhooks.change(other.id, { active: false }, monday)
  await store.records.createTicket({ subject: 'b', caller: null, customerId: null, status: 'received' }, monday)
  t.equal((await told()).length, 1, 'switched off')
  await store.calls.saveCalls([callRow('call-1', { endedAt: monday, outcome: 'abandoned' })])
  t.match((await told()).at(-1), { type: 'call.ended', webhook_id: webhook.id })
})

t.test('other parts tell of what they alone know, in the transaction of it', async (t) => {
  const { store, told } = await open(t)
  await t.rejects(
    store.query(`DO $$ BEGIN PERFORM webhook_event('ticket.overdue', 'ticket', 'x', '{"id": "x"}'); RAISE EXCEPTION 'undone'; END $$`),
  )
  t.strictSame(await told(), [], 'what did not happen is told to nobody')
  await store.query(`SELECT webhook_event('ticket.overdue', 'ticket', 'x', '{"id": "x"}')`)
  t.match(await told(), [{ type: 'ticket.overdue', object_id: 'x', data: { id: 'x' } }])
})

t.test('secrets stand in no row', async (t) => {
  const { store, webhook } = await open(t)
  const rotated = valueOf(await store.webhooks.rotate(webhook.id, 3_600_000, monday))
  t.not(webhook.secret, rotated.secret)
  t.match(webhook.secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
  const { rows: tables } = await store.query<{ name: string }>(
    `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
      WHERE table_schema IN ('public', 'graphile_worker') AND table_type = 'BASE TABLE'`,
  )
  for (const { name } of tables) {
    const { rows } = await store.query<{ all: string | null }>(
      `SELECT string_agg(t::text || coalesce(encode(t::text::bytea, 'base64'), ''), ' ') AS all FROM ${name} t`,
    )
    for (const { secret } of [webhook, rotated]) {
      const key = secret.slice('whsec_'.length)
      t.notOk(rows[0]!.all?.includes(key), name)
      t.notOk(rows[0]!.all?.includes(Buffer.from(key, 'base64').toString('hex')), name)
    }
  }
  t.strictSame((await store.deliveries.target(webhook.id, monday))!.secrets, [rotated.secret, webhook.secret])
  t.strictSame((await store.deliveries.target(webhook.id, monday + 3_600_000))!.secrets, [rotated.secret])
})

t.test('there is an end to how many there may be', async (t) => {
  const store = await testStore(t)
  const make = (place: number) => store.webhooks.create({ url: `https://${place}.example.com/`, description: '', events: ['*'] }, monday)
  const all = await Promise.all(Array.from({ length: 55 }, (_, place) => make(place)))
  t.equal(all.filter(({ ok }) => ok).length, 50)
  t.match(
    all.find(({ ok }) => !ok),
    { refusal: { refused: 'conflict', message: /50 webhooks already/ } },
  )
})
