/**
 * What is asked during a call, and what people page through, must not read whole
 * tables. Measured where it happens: Postgres counts the rows that it read by
 * scanning, in functions and foreign keys too.
 */
import t from 'tap'
import { testStore } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { callRow, customerWithPin, monday, question, serviceWith, valueOf } from '../support/stories.ts'

t.test('with years of data, no question of a call and no list reads a table from end to end', { timeout: 60_000 }, async (t) => {
  const reader = await testStore(t)
  const seeding = await testStore(t, { databaseUrl: reader.url })
  await serviceWith(seeding, ['anna', 'ben'])
  const { customer, contract, pin } = await customerWithPin(seeding.records, '48213', { number: '+4962112345' })
  await Promise.all([seeding.close(), reader.close()])
  await reader.query(`
    INSERT INTO calls (id, asterisk, leg, line, dialled, caller, customer_id, trunk, language, flow_hash, started_at, ended_at, outcome, path)
      SELECT 'old-' || n, 'pbx', 'leg', 'hotline', 'x', '+49621' || n % 5000, CASE WHEN n % 40 = 0 THEN '${customer.id}'::uuid END, 'carrier', 'de', 'flow-1', to_timestamp(1.7e9 + n), to_timestamp(1.7e9 + n + 60), 'abandoned', '[]' FROM generate_series(1, 20000) n;
    INSERT INTO tickets (id, number, customer_id, caller, subject, status, source, version, call_id, created_at, updated_at)
      SELECT gen_random_uuid(), 'x' || n, CASE WHEN n % 400 = 0 THEN '${customer.id}'::uuid END, '+49621' || n % 5000, 'x', CASE WHEN n % 200 = 0 THEN 'in_progress' ELSE 'completed' END, 'voicemail', 1, 'old-' || n, to_timestamp(1.7e9 + n), to_timestamp(1.7e9 + n) FROM generate_series(1, 20000) n;
    INSERT INTO queue_entries (call_id, queue, priority, entered_at, sort_at, state, left_at)
      SELECT 'old-' || n, 'emergency', 0, to_timestamp(1.7e9 + n), to_timestamp(1.7e9 + n), CASE WHEN n < 500 THEN 'waiting' ELSE 'left' END, to_timestamp(1.7e9 + n) FROM generate_series(1, 20000) n;
    INSERT INTO pins (id, contract_id, digest, key_id, length, created_at) SELECT gen_random_uuid(), '${contract.id}', decode(md5(n::text), 'hex'), 'other', 5, now() FROM generate_series(1, 20000) n;
    INSERT INTO messages (id, direction, recipient, sender, body, state, template, ticket_id, customer_id, happened_at, created_at)
      SELECT gen_random_uuid(), 'out', '+49170' || n % 5000, '+49621555100', 'x', CASE WHEN n % 500 = 0 THEN 'failed' WHEN n % 3 = 0 THEN 'held' ELSE 'delivered' END, 'ticket.received', CASE WHEN n % 400 = 0 THEN (SELECT id FROM tickets LIMIT 1) END, CASE WHEN n % 40 = 0 THEN '${customer.id}'::uuid END, to_timestamp(1.7e9 + n), to_timestamp(1.7e9 + n) FROM generate_series(1, 20000) n;
    INSERT INTO messages (id, direction, recipient, sender, body, state, happened_at, created_at)
      SELECT gen_random_uuid(), 'in', '+49621555100', '+49170' || n % 500, 'x', 'received', to_timestamp(1.7e9 + n), to_timestamp(1.7e9 + n) FROM generate_series(1, 5000) n;
    INSERT INTO message_parts (message_id, attempt, part, state, route, carrier_id, submitted_at)
      SELECT id, 1, 0, 'delivered', 'r', id::text, created_at FROM messages WHERE state = 'delivered';
    INSERT INTO pin_attempts (line, trunk, caller, call_id, attempted_at) SELECT 'hotline', 'carrier', '+4930' || n, 'x', to_timestamp(1.7e9 + n) FROM generate_series(1, 20000) n;
    ANALYZE;`)

  const store = await testStore(t, { databaseUrl: reader.url, now: () => monday })
  await store.ping()
  const before = await scanned()
  const { calls, records } = store
  t.equal((await calls.checkPin(question('48213'))).result.is, 'right')
  for (const wrong of ['48214', '48215', '48216']) t.equal((await calls.checkPin(question(wrong))).result.is, 'wrong')
  const { offers } = await calls.enterQueue({ callId: 'new', queue: 'emergency', priority: 5, at: monday })
  t.equal(offers.length, 2)
  await calls.acceptOffer(offers[0]!, null, monday)
  await calls.releaseAgent({ ...offers[0]!, next: { state: 'available' }, backToQueue: false, queue: null, at: monday })
  await calls.dispatch('emergency', monday)
  await calls.leaveQueue(offers[1]!.callId, monday)
  await calls.saveCalls([callRow('new', { rings: { ...offers[1]!, at: monday } }), callRow('new-2')])
  await calls.openCalls('pbx')
  const { ticketId } = await calls.keepVoicemail({
    recording: 'r',
    callId: 'new',
    line: 'hotline',
    caller: '+4962112345',
    at: monday,
    wav: Buffer.alloc(200_000),
    durationMs: 1000,
    language: 'de',
  })
  await records.ticket(ticketId)
  await records.call('new')
  await records.queues(monday)
  valueOf(await records.issuePin({ contractId: contract.id }, monday))
  await records.revokePin(pin.id, monday)
  const page = { limit: 50, cursor: null }
  for (const filter of [{}, { status: 'in_progress' as const }, { caller: '+4962177' }, { customerId: customer.id }, { from: monday }]) {
    const { next } = await records.tickets(filter, page)
    if (next !== null) await records.tickets(filter, { limit: 50, cursor: next })
  }
  for (const filter of [
    {},
    { line: 'hotline' },
    { caller: '+4962177' },
    { customerId: customer.id },
    { customerId: customer.id, outcome: 'voicemail' as const },
    { ticketId },
    { outcome: 'voicemail' as const },
    { to: 1_700_001_000_000 },
  ]) {
    const { next } = await records.calls(filter, page)
    if (next !== null) await records.calls(filter, { limit: 50, cursor: next })
  }
  const told = await records.messages({}, page)
  await records.message(told.items[0]!.id)
  for (const filter of [
    { ticketId },
    { customerId: customer.id },
    { customerId: customer.id, direction: 'in' as const },
    { to: '+4917077' },
    { to: '+49621555100' },
    { from: '+4917077' },
    { from: '+49621555100' },
    { from: 'nobody' },
    { direction: 'in' as const },
    { direction: 'out' as const },
    { state: 'failed' as const },
    { state: 'uncertain' as const },
    { template: 'ticket.received' },
    { template: 'nothing' },
    { since: 1_700_001_000_000, until: 1_700_002_000_000 },
  ]) {
    const { next } = await records.messages(filter, page)
    if (next !== null) await records.messages(filter, { limit: 50, cursor: next })
  }
  await store.close()
  await until(
    'its connections to be gone, which brings their counts',
    async () =>
      (
        await reader.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'pforte pool'`,
        )
      ).rowCount === 0,
  )
  const after = await scanned()
  for (const [table, rows] of after)
    t.ok(rows - before.get(table)! < allowed(table), `${table}: ${rows - before.get(table)!} rows read by scanning`)

  // The valid PINs are counted when the store opens and, beside the calls, after PINs have changed.
  function allowed(table: string): number {
    return table === 'pins' ? 3 * 20_100 : 1000
  }

  async function scanned(): Promise<Map<string, number>> {
    const { rows } = await reader.query<{ relname: string; read: string }>(
      `SELECT relname, seq_tup_read AS read FROM pg_stat_user_tables WHERE relname IN ('calls', 'tickets', 'queue_entries', 'pins', 'pin_attempts', 'messages', 'message_parts')`,
    )
    return new Map(rows.map(({ relname, read }) => [relname, Number(read)]))
  }
})
