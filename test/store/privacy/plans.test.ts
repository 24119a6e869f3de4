/** However much is kept, each look of the job at night reads a page of an index: old things and young ones in the tables are many. */
import t from 'tap'
import pg from 'pg'
import type { Statement } from '../../../src/store/connections.ts'
import { sweeps, type Sweep } from '../../../src/store/privacy/sweeps.ts'
import { testStore } from '../../support/postgres.ts'
import { valueOf } from '../../support/stories.ts'
import { until } from '../../support/until.ts'

const ROWS = 40_000
/** A row a minute. */
const start = Date.UTC(2026, 0, 1)
const middle = new Date(start + (ROWS / 2) * 60_000).toISOString()

t.setTimeout(120_000)

const store = await testStore(t)
await store.query(`
  CREATE TEMP TABLE years AS
    SELECT n, gen_random_uuid() AS id, timestamptz '${new Date(start).toISOString()}' + n * interval '1 minute' AS at FROM generate_series(1, ${ROWS}) n;
  INSERT INTO calls (id, asterisk, leg, line, dialled, caller, language, flow_hash, started_at, ended_at, outcome, path)
    SELECT 'call-' || n, 'pbx', 'leg', 'hotline', 'x', '+49621' || n % 5000, 'de', 'flow-1', at, at, 'abandoned', '[]' FROM years;
  INSERT INTO tickets (id, number, caller, subject, status, source, version, created_at, updated_at)
    SELECT id, 'x' || n, '+49621' || n % 5000, 'x', CASE WHEN n % 200 = 0 THEN 'in_progress' ELSE 'completed' END, 'voicemail', 1, at, at FROM years;
  INSERT INTO ticket_comments (id, ticket_id, author, text, created_at) SELECT gen_random_uuid(), id, 'Anna', 'x', at FROM years;
  INSERT INTO recordings (id, name, ticket_id, language, size_bytes, duration_ms, created_at)
    SELECT gen_random_uuid(), CASE WHEN n % 50 = 0 THEN 'pforte-fallback-' ELSE 'pforte-call-' END || n, id, 'de', 1, 1, at FROM years;
  INSERT INTO recording_chunks (recording_id, piece, data) SELECT id, 0, 'x' FROM recordings;
  INSERT INTO messages (id, direction, recipient, sender, body, state, due_at, happened_at, created_at)
    SELECT id, CASE WHEN n % 4 = 0 THEN 'in' ELSE 'out' END, 'x', 'x', 'x',
      CASE WHEN n % 4 = 0 THEN 'received' WHEN n % 500 = 1 THEN 'uncertain' WHEN n % 100 = 2 THEN 'held' WHEN n % 3 = 0 THEN 'submitted' ELSE 'delivered' END,
      CASE WHEN n % 500 = 1 THEN NULL ELSE at END, at, at FROM years;
  INSERT INTO events (id, type, request_digest, message_ids, created_at) SELECT id, 'x', '', '{}', at FROM years;
  INSERT INTO webhook_deliveries (webhook_id, type, object, object_id, data, state, done_at)
    SELECT id, 'ticket.created', 'ticket', 'x', '{}', CASE WHEN n % 5 = 0 THEN 'pending' ELSE 'delivered' END, CASE WHEN n % 5 > 0 THEN at END FROM years;
  INSERT INTO audit (at, actor, action, object, object_id) SELECT at, '{}', 'changed', 'ticket', 'x' FROM years;
  DROP TABLE years;
  ANALYZE`)

/** A prepared statement is planned for its values at first, and for any values later on. */
const bothWays = ['force_custom_plan', 'force_generic_plan']

const client = new pg.Client({ connectionString: store.url })
await client.connect()
t.teardown(() => client.end())

for (const [kind, ofKind] of Object.entries(sweeps)) {
  for (const sweep of ofKind) {
    t.test(`${kind}: ${sweep.find.name}`, async (t) => {
      for (const state of sweep.states ?? [null]) {
        const values = [middle, '1900-01-01T00:00:00Z', sweep.firstId, ...(state === null ? [] : [state])]
        await looksAtFew(t, sweep.find, values, sweep.pageRows, ['force_custom_plan'])
        const page = await found(sweep, values)
        const last = page.at(-1)
        if (last !== undefined)
          await looksAtFew(t, sweep.find, values.with(1, last.at).with(2, last.id), sweep.pageRows, ['force_custom_plan'])
        // What was tried before, and undone, is still in the index.
        if (page.length > 0) await looksAtFew(t, sweep.take, given(sweep, page), 4 * sweep.pageRows)
      }
      if (sweep.progress !== null) await looksAtFew(t, sweep.progress.waiting, [], 200)
    })
  }
}

t.test('erasing a customer reads no table from end to end either', async (t) => {
  const records = (await testStore(t, { databaseUrl: store.url })).records
  const numbers = ['+4962112345', '+4962123456']
  const { id } = valueOf(await records.createCustomer({ name: 'Marta', numbers, language: 'de', timeZone: 'Europe/Berlin' }, start))
  await client.query(`UPDATE calls SET caller = '${numbers[0]}' WHERE caller = '+496212345'`)
  await client.query(`UPDATE tickets SET caller = '${numbers[0]}' WHERE caller = '+496212345'`)
  await client.query(
    `UPDATE messages SET recipient = '${numbers[1]}' WHERE direction = 'out' AND body = 'x' AND extract(minute FROM created_at) = 7`,
  )
  await client.query('VACUUM ANALYZE')
  const reading = await testStore(t, { databaseUrl: store.url })
  const before = await scanned()
  t.ok((await reading.records.exportCustomer(id, start)) !== null)
  valueOf(await reading.records.eraseCustomer(id, start))
  await reading.close()
  await until('its connections to be gone, which brings their counts', async () => {
    const { rowCount } = await client.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NULL AND state = 'idle' AND query LIKE '%audit%'`,
    )
    return rowCount === 0
  })
  for (const [table, rows] of await scanned()) {
    t.ok(rows - (before.get(table) ?? 0) < 1000, `${table}: ${rows - (before.get(table) ?? 0)} rows read by scanning`)
  }
  t.same((await client.query(`SELECT FROM tickets WHERE caller = '${numbers[0]}'`)).rows, [])

  async function scanned(): Promise<Map<string, number>> {
    const { rows } = await client.query<{ table: string; read: string }>(
      'SELECT relname AS table, seq_tup_read AS read FROM pg_stat_user_tables',
    )
    return new Map(rows.map(({ table, read }) => [table, Number(read)]))
  }
})

async function found(sweep: Sweep, values: string[]): Promise<{ id: string; at: string; goes: boolean }[]> {
  return (await client.query(sweep.find.text, values)).rows
}

function given(sweep: Sweep, page: readonly { id: string; at: string; goes: boolean }[]): string[] {
  const by = { at: start, erasedName: (name: string) => `erased-${name}` }
  return sweep.given(page, by).map((value) => (Array.isArray(value) ? `{${value.join()}}` : (value as Date).toISOString()))
}

async function looksAtFew(t: Tap, { name, text }: Statement, values: string[], rows: number, ways = bothWays): Promise<void> {
  for (const mode of ways) {
    await client.query('BEGIN')
    await client.query(`SET LOCAL plan_cache_mode = ${mode}`)
    await client.query(`DEALLOCATE ALL; PREPARE asked AS ${text}`)
    const parameters = values.length === 0 ? '' : `(${values.map((value) => `'${value}'`).join(', ')})`
    const { rows: lines } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, TIMING OFF) EXECUTE asked${parameters}`)
    await client.query('ROLLBACK')
    const plan = lines.map((line) => line['QUERY PLAN']).join('\n')
    t.notMatch(plan, /Seq Scan on (?!waiting)/, `${name}, ${mode}:\n${plan}`)
    const most = Math.max(...[...plan.matchAll(/(?:actual rows=|Rows Removed by Filter: )([\d.]+)/g)].map(([, count]) => Number(count)))
    t.ok(most <= rows, `${name}, ${mode}: it looks at few rows, and not at ${most}:\n${plan}`)
  }
}

type Tap = Pick<typeof t, 'ok' | 'notMatch'>
