/** However much is held for later, what is due is found at once: no plan reads the table of messages from end to end. */
import t from 'tap'
import pg from 'pg'
import { StoreUnavailable } from '../../../src/app/ports/store.ts'
import type { SmsDefinition } from '../../../src/domain/sms/definition.ts'
import type { Connections, Statement } from '../../../src/store/connections.ts'
import { Leases } from '../../../src/store/lease.ts'
import { PhoneNumbers } from '../../../src/store/phone-numbers.ts'
import { claimDue, nextDue } from '../../../src/store/sms/claims.ts'
import { PostgresOutbox } from '../../../src/store/sms/outbox.ts'
import { lookingForUncertain } from '../../../src/store/sms/uncertain.ts'
import { quiet } from '../../support/postgres.ts'
import { monday } from '../../support/stories.ts'
import { Hand } from './sending.ts'
import { definition, keys, marta, ours, statusLine } from './status-line.ts'

const hour = 3_600_000
const HELD = 200_000
const heldUntil = monday + 24 * hour

t.setTimeout(120_000)

const line = await statusLine(t)

t.test(`beside ${HELD} held messages the due ones are claimed without a look at the others`, async (t) => {
  await hold(HELD)
  for (let place = 0; place < 3; place++) await line.ticket({ caller: marta }, monday + place)
  const client = new pg.Client({ connectionString: line.url })
  await client.connect()
  const at = new Date(monday + hour).toISOString()
  const since = new Date(monday - 24 * hour).toISOString()
  const asked: [Statement, string[]][] = [
    [claimDue, [at, '100', since, '20']],
    [nextDue, []],
    ...lookingForUncertain.map((statement): [Statement, string[]] => {
      if (!statement.text.includes('$1')) return [statement, []]
      return [statement, [statement.text.includes('sending_by') ? 'a sender' : at]]
    }),
  ]
  // A prepared statement is planned for its values at first, and for any values later on.
  for (const mode of ['force_custom_plan', 'force_generic_plan']) {
    await client.query(`SET plan_cache_mode = ${mode}`)
    for (const [{ name, text }, values] of asked) {
      await client.query(`DEALLOCATE ALL; PREPARE asked AS ${text}`)
      const parameters = values.length === 0 ? '' : `(${values.map((value) => `'${value}'`).join(', ')})`
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, TIMING OFF) EXECUTE asked${parameters}`)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      t.notMatch(plan, /Seq Scan on messages/, `${name}, ${mode}:\n${plan}`)
      const most = Math.max(...[...plan.matchAll(/(?:actual rows=|Rows Removed by Filter: )([\d.]+)/g)].map(([, count]) => Number(count)))
      t.ok(most <= 100, `${name}, ${mode}: it looks at few rows, and not at ${most}`)
    }
  }
  await client.end()
  t.match(await new Hand(line).claim(monday + hour), { submitting: { length: 3 }, isMore: false, nextDueAt: heldUntil + 1 })
})

t.test('another window: all that is held is looked at again, and what is due meanwhile does not wait behind it', async (t) => {
  await outboxOf().useSms(definition(), monday)
  await hold(10_000)
  const outbox = outboxOf()
  await outbox.useSms(definition(), monday + hour)
  t.equal(await heldAndDueBy(heldUntil), 0, 'the same rules as before: nothing is to be looked at')
  await outbox.useSms(longer(), monday + hour)
  t.equal(await heldAndDueBy(monday + hour + 20_000), 10_000)
  t.equal(await heldAndDueBy(monday + hour + 10_000), 5_000, 'one after the other')
})

t.test('the rules were changed while Pforte was down: its start looks again, however long Postgres is away', async (t) => {
  await outboxOf().useSms(definition(), monday)
  await hold(1_000)
  let tries = 0
  const away = async (...asked: Parameters<typeof line.connections.run>) => {
    if (++tries <= 3) throw new StoreUnavailable('away')
    return line.connections.run(...asked)
  }
  await outboxOf({ run: away } as unknown as Connections).useSms(longer(), monday + hour)
  t.equal(await heldAndDueBy(monday + hour + 20_000), 1_000)
  await hold(1_000)
  await outboxOf().useSms(longer(), monday + hour)
  t.equal(await heldAndDueBy(heldUntil), 0, 'the next start has the same rules')
})

t.test('rules that are replaced before Postgres is back are not waited for', async (t) => {
  const down = { run: () => Promise.reject(new StoreUnavailable('away')) } as unknown as Connections
  const outbox = outboxOf(down)
  const looking = outbox.useSms(definition(), monday)
  await outbox.useSms(null, monday)
  await t.resolves(looking)
})

/** Of a process of its own. */
function outboxOf(connections: Connections = line.connections): PostgresOutbox {
  return new PostgresOutbox(connections, keys, new Leases(line.url, quiet), line.sms, { onDue: [], onAlarm: [] }, new PhoneNumbers('DE'))
}

function longer(): SmsDefinition {
  return definition((sms) => (sms['window'] = '06:00-22:00'))
}

async function heldAndDueBy(at: number): Promise<number> {
  const [found] = await line.rows<{ count: string }>(`SELECT count(*) FROM messages WHERE state = 'held' AND due_at <= $1`, [new Date(at)])
  return Number(found?.count)
}

/** Nothing but so many messages that are held for tomorrow. */
async function hold(count: number): Promise<void> {
  await line.rows('TRUNCATE messages')
  await line.rows(
    `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, time_zone, dedupe_key, due_at, created_at)
     SELECT gen_random_uuid(), 'out', '+4915' || 200000000 + n % 50000, $1, 'Ihre Zahlung ist da.', 'held', 'payment.received', $2,
       'Europe/Berlin', 'seed ' || n, $3::timestamptz + n * interval '1 ms', $2 FROM generate_series(1, ${count}) n`,
    [ours, new Date(monday), new Date(heldUntil)],
  )
  await line.rows('VACUUM (ANALYZE) messages')
}
