/**
 * A list costs what its page costs, whatever is asked for and however much there
 * is of what does not fit: rare senders, templates and states, and those that
 * there are none of. Counted in blocks of the table and its indexes, since an
 * index can be read from end to end, too.
 */
import t from 'tap'
import type { CustomerFilter, MessageFilter, PageRequest } from '../../src/app/ports/records.ts'
import type { Store } from '../../src/store/open.ts'
import { testStore } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const ROWS = 60_000
const page: PageRequest = { limit: 50, cursor: null }
/** A page of 50 rows, each looked up by itself, and some ways down through indexes. */
const MOST_BLOCKS = 200

t.test(`beside ${ROWS} messages and customers, no list reads more than its page`, { timeout: 120_000 }, async (t) => {
  const reader = await testStore(t)
  await reader.close()
  await reader.query(`
    SET session_replication_role = replica;
    INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, created_at)
      SELECT gen_random_uuid(), CASE WHEN n % 20 = 0 THEN 'in' ELSE 'out' END, '+49170' || n, CASE WHEN n % 20 = 0 THEN '+49171' || n ELSE '+49621555100' END,
        'x', CASE WHEN n % 20 = 0 THEN 'received' WHEN n % 5001 = 0 THEN 'failed' ELSE 'delivered' END,
        CASE WHEN n % 20 = 0 THEN NULL WHEN n % 100 = 1 THEN 'payment.received' WHEN n = 7 THEN 'once.only' ELSE 'ticket.received' END,
        to_timestamp(1.7e9 + n), to_timestamp(1.7e9 + n) FROM generate_series(1, ${ROWS}) n;
    INSERT INTO customers (id, customer_number, name, language, time_zone, created_at)
      SELECT gen_random_uuid(), (100000 + n)::text, CASE WHEN n = 7 THEN 'Zimmerei' ELSE 'Weber ' || n END, 'de', 'Europe/Berlin', to_timestamp(1.7e9 + n)
      FROM generate_series(1, ${ROWS}) n;
    INSERT INTO customer_phone_numbers (number, customer_id, place) SELECT '+49170' || row_number() OVER (), id, 0 FROM customers;
    ${['messages', 'customers', 'customer_phone_numbers'].map((table) => `ALTER TABLE ${table} SET (autovacuum_enabled = off);`).join('\n')}
    ANALYZE;`)

  const messages: MessageFilter[] = [
    {},
    { from: '+4917120' },
    { from: 'nobody' },
    { from: '+49621555100' },
    { from: '+49621555100', direction: 'in' },
    { from: '+4917120', direction: 'out' },
    { from: '+4917120', direction: 'in' },
    { from: 'nobody', state: 'delivered' },
    { from: '+49621555100', state: 'failed' },
    { from: '+49621555100', template: 'once.only' },
    { from: '+4917120', template: 'ticket.received' },
    { template: 'ticket.received' },
    { template: 'payment.received' },
    { template: 'once.only' },
    { template: 'none.such' },
    { template: 'none.such', direction: 'out' },
    { template: 'ticket.received', direction: 'in' },
    { template: 'none.such', state: 'delivered' },
    { template: 'payment.received', state: 'failed' },
    { state: 'failed' },
    { state: 'held' },
    { state: 'received', direction: 'out' },
    { to: '+49170100' },
    { to: '+49170100', template: 'none.such' },
    { template: 'payment.received', since: 1_700_010_000_000, until: 1_700_020_000_000 },
  ]
  for (const filter of messages) await cheap('messages', filter, (store) => store.records.messages(filter, page))
  const { rows: steps } = await reader.query<{ name: string }>(
    `SELECT (histogram_bounds::text::text[])[50] AS name FROM pg_stats WHERE tablename = 'customers_by_name' AND attname = 'lower'`,
  )
  const customers: CustomerFilter[] = [
    // Whose name is a step of the planner's histogram is taken for a hundredth of all.
    { name: steps[0]!.name },
    {},
    { name: 'zimm' },
    { name: 'weber 777' },
    { name: 'w' },
    { name: 'nobody' },
    { number: '+49170100' },
    { number: '+491' },
    { customerNumber: '100100' },
    { name: 'zimm', from: 1_700_030_000_000 },
  ]
  for (const filter of customers) await cheap('customers', filter, (store) => store.records.customers(filter, page))

  async function cheap(table: string, filter: object, list: (store: Store) => Promise<unknown>): Promise<void> {
    const before = await blocks(table)
    const store = await testStore(t, { databaseUrl: reader.url })
    await list(store)
    await store.close()
    await until('its connections to be gone, which brings their counts', async () => {
      const { rowCount } = await reader.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'pforte%'`,
      )
      return rowCount === 0
    })
    const read = (await blocks(table)) - before
    t.ok(read <= MOST_BLOCKS, `${table} by ${JSON.stringify(filter)}: ${read} blocks`)
  }

  async function blocks(table: string): Promise<number> {
    const { rows } = await reader.query<{ blocks: string }>(
      `SELECT coalesce(heap_blks_read + heap_blks_hit, 0) + coalesce(idx_blks_read + idx_blks_hit, 0) AS blocks FROM pg_statio_user_tables WHERE relname = $1`,
      [table],
    )
    return Number(rows[0]!.blocks)
  }
})
