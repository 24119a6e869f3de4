/** What is kept for how long: stories of what is still there after a night, and of what is not. */
import t, { type Test } from 'tap'
import { Registry } from 'prom-client'
import { Retention, RetentionMetrics } from '../../src/app/retention.ts'
import { retentionKinds, type RetentionRules } from '../../src/app/ports/retention.ts'
import { quiet, testStore } from '../support/postgres.ts'
import { callRow, monday, serviceWith, valueOf } from '../support/stories.ts'
import { definition, marta, ours } from '../store/sms/status-line.ts'

const day = 86_400_000
const forever = Object.fromEntries(retentionKinds.map((kind) => [kind, null])) as RetentionRules

/** A service of which somebody has kept things; `night` is when the job runs next. */
async function years(t: Test, rules: Partial<RetentionRules>) {
  let at = monday
  const store = await testStore(t, { now: () => at })
  await serviceWith(store, ['anna'])
  await store.outbox.useSms(definition(), monday)
  const logged: object[] = []
  const registry = new Registry()
  let inForce: RetentionRules = { ...forever, ...rules }
  const retention = new Retention({
    store: store.retention,
    rules: () => inForce,
    log: { ...quiet, info: (fields) => void logged.push(fields), warn: (fields) => void logged.push(fields) },
    now: () => at,
    metrics: new RetentionMetrics(registry),
  })
  const rows = async <Row extends object = Record<string, any>>(text: string, values: unknown[] = []): Promise<Row[]> =>
    (await store.query(text, values)).rows as Row[]
  return {
    store,
    records: store.records,
    retention,
    registry,
    logged,
    rows,
    useRules: (other: Partial<RetentionRules>) => (inForce = { ...forever, ...other }),
    on: (time: number) => (at = time),
    async night(time: number) {
      at = time
      const done = await retention.run()
      return Object.fromEntries(done.map(({ kind, purged }) => [kind, purged]))
    },
    voicemail: (recording: string, left: number, caller: string | null = marta) =>
      store.calls.keepVoicemail({
        recording,
        callId: null,
        line: 'hotline',
        caller,
        at: left,
        wav: Buffer.alloc(300_000, 1),
        durationMs: 4000,
        language: 'de',
      }),
  }
}

t.test('the sound of a voicemail goes 90 days after it was left, its ticket stays', async (t) => {
  const { records, night, voicemail, rows, store } = await years(t, { recordings: 90 * day })
  const { ticketId } = await voicemail('r-1', monday)
  const open = await voicemail('r-2', monday)
  const young = await voicemail('r-3', monday + 10 * day)
  for (const id of [ticketId, young.ticketId]) {
    for (const status of ['in_progress', 'completed'] as const) valueOf(await records.changeTicket(id, { status }, monday + 11 * day))
  }
  t.same(await night(monday + 90 * day), { recordings: 0 }, 'not before its time')
  t.same(await night(monday + 90 * day + 1), { recordings: 1 })
  t.equal(await records.voicemail(ticketId), null, 'nobody can hear it any more')
  t.match(await records.ticket(ticketId), { voicemail: null, caller: marta, status: 'completed' })
  t.equal((await rows('SELECT FROM recording_chunks')).length, 6, 'of the two others all pieces are there')
  t.match(await records.ticket(young.ticketId), { voicemail: { durationMs: 4000 } })
  t.match(await records.ticket(open.ticketId), { voicemail: { durationMs: 4000 } }, 'nobody has seen to it yet')

  for (const status of ['in_progress', 'completed'] as const) {
    valueOf(await records.changeTicket(open.ticketId, { status }, monday + 91 * day))
  }
  t.same(await night(monday + 91 * day), { recordings: 1 }, 'it goes once its ticket is completed')
  t.match(await voicemail('r-1', monday), { ticketId, already: true }, 'a recording that the PBX kept does not come in again')
  t.equal(store.connectionsInUse, 0)
})

t.test('what an SMS said goes; that there was one, and what became of it, stays', async (t) => {
  const { records, night, rows, store } = await years(t, { message_texts: 30 * day, numbers: 180 * day })
  const ticket = valueOf(await records.createTicket({ subject: 'Störung', caller: marta, customerId: null, status: 'received' }, monday))
  const sent = { to: marta, from: ours, template: 'ticket.received' }
  await rows(`UPDATE messages SET state = 'delivered', sent_at = created_at, due_at = NULL, attempt = 1`)
  await store.outbox.takeIncoming(
    [{ kind: 'reply', route: 'r', from: marta, to: ours, text: 'Wann kommt jemand?', concatenation: null }],
    monday + day,
  )
  t.same(await night(monday + 31 * day), { message_texts: 1, numbers: 0 })
  const page = { limit: 10, cursor: null }
  const both = await records.messages({}, page)
  t.match(both.items, [
    { direction: 'in', text: 'Wann kommt jemand?' },
    { ...sent, direction: 'out', text: '', state: 'delivered' },
  ])
  t.same(await night(monday + 31 * day), { message_texts: 0, numbers: 0 }, 'what was done is not done again')
  t.same(await night(monday + 32 * day), { message_texts: 1, numbers: 0 })
  t.same(await night(monday + 182 * day), { message_texts: 0, numbers: 2 })
  t.match(await records.messages({}, page), {
    items: [
      { direction: 'in', from: '', to: ours, text: '', ticketId: ticket.id },
      { direction: 'out', from: ours, to: '', text: '', ticketId: ticket.id, trace: [{ what: 'queued' }] },
    ],
  })
  t.same(await rows(`SELECT FROM messages WHERE dedupe_key LIKE '%49170%'`), [])
  t.match(await records.comments(ticket.id, page), { items: [{ text: 'Wann kommt jemand?' }] }, 'a comment is kept with its ticket')
})

t.test('a message that may still leave keeps what it says, and goes when it has settled', async (t) => {
  const { records, night, rows } = await years(t, { message_texts: day, numbers: 32 * day })
  for (const subject of ['one', 'two', 'three']) {
    valueOf(await records.createTicket({ subject, caller: marta, customerId: null, status: 'received' }, monday))
  }
  const [held, uncertain, delivered] = await rows<{ id: string }>('SELECT id FROM messages ORDER BY id')
  await rows(`UPDATE messages SET state = 'held' WHERE id = $1`, [held!.id])
  await rows(`UPDATE messages SET state = 'uncertain', uncertain_at = due_at WHERE id = $1`, [uncertain!.id])
  await rows(`UPDATE messages SET state = 'delivered', due_at = NULL WHERE id = $1`, [delivered!.id])
  t.same(await night(monday + 40 * day), { message_texts: 1, numbers: 1 })
  const left = await rows(`SELECT id, recipient FROM messages WHERE body <> '' ORDER BY id`)
  t.same(left, [
    { id: held!.id, recipient: marta },
    { id: uncertain!.id, recipient: marta },
  ])
  await rows(`UPDATE messages SET state = 'superseded', due_at = NULL WHERE id = $1`, [held!.id])
  await rows(`UPDATE messages SET due_at = NULL WHERE id = $1`, [uncertain!.id])
  t.same(await night(monday + 41 * day), { message_texts: 2, numbers: 2 })
})

t.test('who called is forgotten; the call is counted as before', async (t) => {
  const { store, records, night, rows, voicemail } = await years(t, { numbers: 180 * day })
  await store.calls.saveCalls([
    callRow('old', { endedAt: monday + 60_000, outcome: 'abandoned' }),
    callRow('young', { startedAt: monday + 10 * day, endedAt: monday + 10 * day, outcome: 'abandoned' }),
    callRow('running', { startedAt: monday + 5 * day }),
  ])
  const name = 'pforte-fallback-1772438400-17-p491701234567-hotline'
  const kept = await voicemail(name, monday)
  await rows(`UPDATE messages SET state = 'delivered', due_at = NULL`)
  t.same(await night(monday + 186 * day), { numbers: 3 }, 'of a call, of the name of a recording, of an SMS')
  t.match(await records.call('old'), { caller: null, line: 'hotline', outcome: 'abandoned' })
  t.match(await records.call('young'), { caller: '+4962112345' })
  t.match(await records.call('running'), { caller: '+4962112345' }, 'it may be a mistake in a row, but it may be a call')
  t.same(await rows(`SELECT FROM recordings WHERE name LIKE '%170%'`), [])
  t.match(await voicemail(name, monday), { ticketId: kept.ticketId, already: true })
  await store.calls.saveCalls([callRow('running', { startedAt: monday + 5 * day, endedAt: monday + 6 * day, outcome: 'connected' })])
  t.same(await night(monday + 187 * day), { numbers: 1 })
  t.match(await records.call('running'), { caller: null, outcome: 'connected' })
})

t.test('three years after its end a ticket says nothing any more', async (t) => {
  const { records, night, rows } = await years(t, { tickets: 1095 * day })
  const customer = valueOf(await records.createCustomer({ name: 'Marta', numbers: [marta], language: 'de', timeZone: 'UTC' }, monday))
  const request = { subject: 'Router der Frau Weber defekt', caller: marta, customerId: customer.id, status: 'received' as const }
  const ticket = valueOf(await records.createTicket(request, monday))
  const open = valueOf(await records.createTicket(request, monday))
  for (const { id } of [ticket, open]) valueOf(await records.comment(id, { author: 'Anna', text: 'Frau Weber, 2. Stock' }, monday))
  for (const status of ['in_progress', 'completed'] as const) valueOf(await records.changeTicket(ticket.id, { status }, monday + day))
  t.same(await night(monday + 1096 * day), { tickets: 0 })
  t.same(await night(monday + 1096 * day + 1), { tickets: 1 })
  t.match(await records.ticket(ticket.id), {
    number: ticket.number,
    subject: 'erased',
    caller: null,
    customerId: null,
    status: 'completed',
  })
  const page = { limit: 10, cursor: null }
  t.match(await records.comments(ticket.id, page), { items: [{ author: 'erased', text: '' }] })
  t.match(await records.ticket(open.id), { subject: request.subject, customerId: customer.id }, 'an open one is still to be done')
  t.match(await records.comments(open.id, page), { items: [{ author: 'Anna' }] })
  valueOf(await records.comment(ticket.id, { author: 'Anna', text: 'Frau Weber rief noch einmal an' }, monday + 1097 * day))
  t.same(await night(monday + 2193 * day), { tickets: 1 }, 'what was written later goes later')
  t.same(await rows(`SELECT FROM ticket_comments WHERE text LIKE '%rief%'`), [])
})

t.test('events of other systems go', async (t) => {
  const { records, night, rows } = await years(t, { events: 30 * day })
  const event = { type: 'payment.received', to: marta, customerId: null, data: { amount: '1', invoice: '2' }, idempotencyKey: null }
  valueOf(await records.postEvent(event as never, monday))
  valueOf(await records.postEvent(event as never, monday + 10 * day))
  t.same(await night(monday + 31 * day), { events: 1 })
  t.equal((await rows('SELECT FROM events')).length, 1)
  t.equal((await rows('SELECT FROM messages')).length, 2)
})

t.test('what webhooks were told and who changed what go in their time, too', async (t) => {
  const { night, rows, records } = await years(t, { webhooks: 30 * day, audit: 365 * day, tickets: 365 * day })
  await rows(`INSERT INTO webhook_deliveries (webhook_id, type, object, object_id, data, state, done_at)
    SELECT gen_random_uuid(), 'ticket.created', 'ticket', 'x', '{}', state, CASE WHEN state <> 'pending' THEN to_timestamp(${monday / 1000}) END
    FROM unnest(ARRAY['pending', 'delivered', 'dead']) state`)
  await rows(`DELETE FROM audit`)
  const request = { subject: 'Frau Weber', caller: marta, customerId: null, status: 'completed' as const }
  const { id } = valueOf(await records.createTicket(request, monday))
  await rows(`UPDATE audit SET at = to_timestamp(${monday / 1000})`)
  t.same(await night(monday + 31 * day), { webhooks: 2, audit: 0, tickets: 0 })
  t.match(await rows('SELECT state FROM webhook_deliveries'), [{ state: 'pending' }])
  t.same(await night(monday + 366 * day), { webhooks: 0, tickets: 1, audit: 1 })
  const told = await rows(`SELECT actor, object_id, before FROM audit`)
  t.match(told, [{ actor: { pforte: 'jobs' }, object_id: id, before: { subject: null, caller: null } }], 'what went is not told once more')
})

t.test('more than one page of each', async (t) => {
  const { night, rows } = await years(t, { message_texts: 30 * day, numbers: 60 * day, events: 30 * day })
  await rows(`INSERT INTO messages (id, direction, recipient, sender, body, state, happened_at, created_at)
    SELECT gen_random_uuid(), 'out', '+4917' || n, '${ours}', 'x', (ARRAY['delivered', 'failed', 'submitted'])[1 + n % 3], t, t
    FROM generate_series(1, 2600) n, LATERAL (SELECT to_timestamp(${monday / 1000} + n / 100) AS t) at`)
  await rows(`INSERT INTO calls (id, asterisk, leg, line, dialled, caller, language, flow_hash, started_at, ended_at, path)
    SELECT 'call-' || n, 'pbx', 'leg', 'hotline', 'x', '+4962', 'de', 'flow-1', t, t, '[]'
    FROM generate_series(1, 1200) n, LATERAL (SELECT to_timestamp(${monday / 1000} + n / 100) AS t) at`)
  await rows(`INSERT INTO events (id, type, request_digest, message_ids, created_at)
    SELECT gen_random_uuid(), 'x', '', '{}', to_timestamp(${monday / 1000}) FROM generate_series(1, 2000) n`)
  t.same(await night(monday + 61 * day), { message_texts: 2600, numbers: 3800, events: 2000 })
  t.same(await rows(`SELECT FROM messages WHERE body <> '' OR recipient <> ''`), [])
})

t.test('a look ahead says how much would go, and changes nothing', async (t) => {
  const { records, retention, on, rows, night } = await years(t, { message_texts: 30 * day, numbers: 60 * day, tickets: 365 * day })
  const ticket = valueOf(await records.createTicket({ subject: 'x', caller: marta, customerId: null, status: 'completed' }, monday))
  await rows(`UPDATE messages SET state = 'delivered', due_at = NULL`)
  on(monday + 400 * day)
  const ahead = [
    { kind: 'message_texts', before: monday + 370 * day, old: 1 },
    { kind: 'numbers', before: monday + 340 * day, old: 1 },
    { kind: 'tickets', before: monday + 35 * day, old: 1 },
  ]
  t.same(await retention.lookAhead(), ahead)
  t.same(await retention.lookAhead(), ahead)
  t.match(await records.ticket(ticket.id), { subject: 'x', caller: marta })
  t.same(await rows('SELECT FROM retention_runs'), [])
  t.same(await night(monday + 400 * day), { message_texts: 1, numbers: 1, tickets: 1 })
})

t.test('a run tells what it did: in its row, in the log, in the metrics', async (t) => {
  const { records, night, rows, logged, registry, useRules } = await years(t, { message_texts: 30 * day })
  valueOf(await records.createTicket({ subject: 'x', caller: marta, customerId: null, status: 'completed' }, monday))
  await rows(`UPDATE messages SET state = 'delivered', due_at = NULL`)
  await night(monday + 31 * day)
  useRules({})
  await night(monday + 32 * day)
  const kinds = [{ kind: 'message_texts', before: monday + day, purged: 1, tookMs: 0, isWhole: true }]
  t.match((await records.retentionRuns({ limit: 10, cursor: null })).items, [
    { id: '2', startedAt: monday + 32 * day, endedAt: monday + 32 * day, kinds: [] },
    { id: '1', startedAt: monday + 31 * day, endedAt: monday + 31 * day, kinds },
  ])
  const { items, next } = await records.retentionRuns({ limit: 1, cursor: null })
  t.match(items, [{ id: '2' }])
  t.match(await records.retentionRuns({ limit: 1, cursor: next }), { items: [{ id: '1' }], next: null })
  t.match(logged[0], { run: '1', message_texts: 1, tookMs: 0 })
  const metrics = await registry.metrics()
  t.match(metrics, 'pforte_retention_purged_total{kind="message_texts"} 1\n')
  t.match(metrics, `pforte_retention_last_success_timestamp_seconds ${(monday + 32 * day) / 1000}\n`)
})

t.test('a run that is cut short is gone on with by the next', async (t) => {
  const { retention, rows, on, night, records } = await years(t, { message_texts: 30 * day, events: 30 * day })
  await rows(`INSERT INTO messages (id, direction, recipient, sender, body, state, happened_at, created_at)
    SELECT gen_random_uuid(), 'out', 'x', 'x', 'x', 'delivered', t, t FROM generate_series(1, 1200) n, LATERAL (SELECT to_timestamp(${monday / 1000} + n) AS t) at`)
  on(monday + 40 * day)
  let looks = 0
  // At the start of the kind, after what is uncertain and what was submitted (nothing), and after the first page of the delivered.
  const stop = {
    get aborted() {
      return ++looks > 3
    },
  } as AbortSignal
  t.match(await retention.run(stop), [{ kind: 'message_texts', purged: 500, isWhole: false }])
  t.match(await records.retentionRuns({ limit: 1, cursor: null }), { items: [{ endedAt: null, kinds: [{ purged: 500, isWhole: false }] }] })
  t.same(await night(monday + 40 * day), { message_texts: 700, events: 0 })
})

t.test('what goes wrong with one kind keeps no other from its turn, and is tried again', async (t) => {
  const { retention, logged, on, records, rows, night } = await years(t, { message_texts: 30 * day, events: 30 * day })
  on(monday + 40 * day)
  await rows('ALTER TABLE messages RENAME TO messages_elsewhere')
  await t.rejects(retention.run(), { code: '42P01' }, 'so that the job comes again')
  t.match(logged, [{ events: 0 }])
  t.match(await records.retentionRuns({ limit: 1, cursor: null }), { items: [{ endedAt: null, kinds: [{ kind: 'events' }] }] })
  await rows('ALTER TABLE messages_elsewhere RENAME TO messages')
  t.same(await night(monday + 40 * day), { message_texts: 0, events: 0 })
})
