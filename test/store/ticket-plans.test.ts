/** Every list of tickets reads one index from its front: a page costs the same with a hundred tickets and with a million. */
import t from 'tap'
import { sql } from 'kysely'
import { newId } from '../../src/store/ids.ts'
import { Connections } from '../../src/store/connections.ts'
import { ticketPage } from '../../src/store/ticket-records.ts'
import type { TicketFilter } from '../../src/app/ports/records.ts'
import { freshDatabase, quiet } from '../support/postgres.ts'

const limit = 50
const customer = '00000000-0000-7000-8000-00000000000a'
const startsAt = 1.7e12
const minute = 60_000
const tickets = 60_000
/** When the last of them was made. */
const now = startsAt + tickets * minute

type Plan = {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  Plans?: Plan[]
}

t.test('with years of tickets', { timeout: 120_000 }, async (t) => {
  const database = await freshDatabase()
  const connections = new Connections(database.url, quiet, { connectMs: 5000, statementMs: 60_000, idleInTransactionMs: 60_000 })
  t.teardown(async () => {
    await connections.close()
    await database.drop()
  })
  const { kysely } = connections
  // One in forty is open; of these every tenth is not overdue yet, among them the newest.
  await sql`ALTER TABLE tickets DISABLE TRIGGER USER`.execute(kysely)
  await sql`INSERT INTO customers (id, customer_number, name, language, time_zone, created_at)
    VALUES (${customer}, '1', 'x', 'de', 'UTC', now())`.execute(kysely)
  await sql`
    INSERT INTO tickets (id, number, customer_id, caller, subject, status, source, version, created_at, updated_at, fault, queue,
      sla_minutes, sla_hours, sla_is, sla_spent_ms, sla_since, sla_due_at, is_overdue, clock_at, merged_into)
    SELECT gen_random_uuid(), n::text, CASE WHEN n % 1000 = 0 THEN ${customer}::uuid END, '+49621' || n % 5000, 'x',
      CASE WHEN NOT is_open THEN 'completed' WHEN n % 80 = 0 THEN 'in_progress' ELSE 'received' END, 'voicemail', 1, at, at, n % 3 = 0,
      CASE WHEN n < 5000 AND n % 2 = 0 THEN 'former' WHEN n % 2 = 0 THEN 'emergency' ELSE 'billing' END,
      480, 'always', CASE WHEN is_open THEN 'running' ELSE 'stopped' END, 0, CASE WHEN is_open THEN at END, at + interval '8 h',
      is_open AND n < ${tickets} - 4000, CASE WHEN is_open AND n >= ${tickets} - 4000 THEN at + interval '8 h' END, NULL
    FROM generate_series(1, ${tickets}) n, LATERAL (SELECT n % 40 = 0 AS is_open, to_timestamp(${startsAt / 1000} + n * 60.0) AS at) row`.execute(
    kysely,
  )
  await sql`VACUUM ANALYZE tickets`.execute(kysely)

  const filters: TicketFilter[] = [
    {},
    { status: 'received' },
    { status: 'in_progress' },
    { caller: '+4962177' },
    { caller: '+4962177', status: 'completed' },
    { customerId: customer },
    { number: '500' },
    { queue: 'emergency' },
    { queue: 'emergency', status: 'received' },
    { queue: 'nobody' },
    { queue: 'nobody', status: 'completed' },
    { queue: 'former' },
    { fault: true },
    { fault: false },
    { fault: true, status: 'in_progress' },
    { overdue: true },
    { overdue: false },
    { mergedInto: newId() },
    { from: startsAt + 500 * minute, to: startsAt + 900 * minute },
    { queue: 'emergency', from: startsAt + 500 * minute, to: startsAt + 9000 * minute },
    { status: 'received', to: startsAt + 9000 * minute },
  ]
  for (const filter of filters) {
    const queues = filter.queue === undefined ? [] : [filter.queue]
    const { rows } = await sql<{
      'QUERY PLAN': [{ Plan: Plan }]
    }>`EXPLAIN (ANALYZE, FORMAT JSON) ${ticketPage(filter, queues, { limit, cursor: null }, now)}`.execute(kysely)
    const reads = nodes(rows[0]!['QUERY PLAN'][0].Plan).filter((node) => node['Relation Name'] === 'tickets')
    t.notOk(
      reads.some((node) => node['Node Type'] === 'Seq Scan'),
      `${JSON.stringify(filter)}: no table from end to end`,
    )
    const read = reads.reduce((sum, node) => sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'], 0)
    // Three statuses, each from its front; and those that became overdue since the last look.
    t.ok(read <= 5 * (limit + 1), `${JSON.stringify(filter)}: ${read} rows read for a page of ${limit}`)
  }

  const due = await sql<{ 'QUERY PLAN': string }>`
    EXPLAIN SELECT id FROM tickets WHERE clock_at <= ${new Date(now)} ORDER BY clock_at LIMIT 50 FOR UPDATE SKIP LOCKED`.execute(kysely)
  t.match(due.rows.map((row) => row['QUERY PLAN']).join('\n'), /Index Scan using tickets_clock/)
})

function nodes(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodes)]
}
