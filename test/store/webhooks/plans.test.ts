/** However much waits for a receiver, what is due is found at once: no plan reads the table of deliveries from end to end. */
import t from 'tap'
import pg from 'pg'
import type { Statement } from '../../../src/store/connections.ts'
import { due, giveUp, nextDelivery, sweepRemoved, waiting } from '../../../src/store/webhooks/outbox.ts'
import { testStore } from '../../support/postgres.ts'
import { valueOf } from '../../support/stories.ts'

const WAITING = 100_000
const hour = 3_600_000

t.test(`beside ${WAITING} deliveries that wait for their next try`, { timeout: 120_000 }, async (t) => {
  const store = await testStore(t)
  const now = Date.now()
  const make = async () =>
    valueOf(await store.webhooks.create({ url: 'https://crm.example.com/', description: '', events: ['call.ended'] }, now)).id
  const [id, away] = [await make(), await make()]
  const client = new pg.Client({ connectionString: store.url })
  await client.connect()
  // Of as many objects four deliveries each: the first was tried and waits, the others are behind it.
  await client.query(
    `INSERT INTO webhook_deliveries (webhook_id, type, object, object_id, data, attempts, next_at)
      SELECT w, 'ticket.changed', 'ticket', (place / 4)::text, '{}', CASE place % 4 WHEN 0 THEN 5 ELSE 0 END, now() + interval '1 hour'
      FROM unnest($1::uuid[]) w CROSS JOIN generate_series(0, $2::integer - 1) place`,
    [[id, away], WAITING / 2],
  )
  for (const place of [1, 2, 3]) await store.query(`SELECT webhook_event('call.ended', 'call', $1, '{}')`, [`call-${place}`])
  await client.query('ANALYZE webhook_deliveries')
  const at = new Date(now + 60_000).toISOString()
  const asked: [Statement, string[]][] = [
    [due, [id, at, '64', '{}']],
    [nextDelivery, [id]],
    [waiting, []],
    [giveUp, [new Date(now - 24 * hour).toISOString(), at]],
    [sweepRemoved, [at]],
  ]
  for (const mode of ['force_custom_plan', 'force_generic_plan']) {
    await client.query(`SET plan_cache_mode = ${mode}`)
    for (const [{ name, text }, values] of asked) {
      await client.query(`DEALLOCATE ALL; PREPARE asked AS ${text}`)
      const parameters = values.length === 0 ? '' : `(${values.map((value) => `'${value}'`).join(', ')})`
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, TIMING OFF) EXECUTE asked${parameters}`)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      const most = Math.max(...[...plan.matchAll(/(?:actual rows=|Rows Removed by Filter: )([\d.]+)/g)].map(([, count]) => Number(count)))
      t.ok(most <= 100, `${name}, ${mode}: it looks at few rows, and not at ${most}:\n${plan}`)
    }
  }
  await client.end()
  t.equal((await store.deliveries.due(id, now + 60_000, 64, [])).length, 3)
})

t.test('what comes for an object that waits is put off with it, and looked at once', async (t) => {
  const store = await testStore(t)
  const now = Date.now()
  const { id } = valueOf(await store.webhooks.create({ url: 'https://crm.example.com/', description: '', events: ['*'] }, now))
  const tell = () => store.query(`SELECT webhook_event('ticket.changed', 'ticket', 'a', '{}')`)
  await tell()
  const at = Date.now() + 1
  const [first] = await store.deliveries.due(id, at, 64, [])
  const nextAt = at + hour
  await store.deliveries.record(id, first!, { is: 'failed', status: 500, error: 'it answered 500', nextAt }, at)
  for (let place = 0; place < 600; place++) await tell()
  const later = Date.now() + 1
  t.strictSame(await store.deliveries.due(id, later, 64, []), [])
  t.strictSame(await store.deliveries.due(id, later, 64, []), [])
  t.equal(await store.deliveries.nextAt(id), nextAt, 'nothing of it is due any more')
  const again = await store.deliveries.due(id, nextAt, 64, [])
  t.strictSame(
    again.map(({ seq }) => seq),
    [first!.seq],
    'then the first one is, and nothing but that',
  )
  t.strictSame(await store.deliveries.due(id, nextAt, 64, ['ticket a']), [], 'while it is under way, nothing')
})
