/** Postgres, or a sender's place in it, goes away in the middle: nothing is lost, nothing is sent twice, and nobody writes who may not. */
import t, { type Test } from 'tap'
import pg from 'pg'
import { startSimulator, type SimulatorOptions } from '../../../src/local/smsc/simulator.ts'
import { losingProxy } from '../../support/losing-proxy.ts'
import { freshDatabase, ownPostgres, testStore } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { displays, SendingSide, shownTwice } from './sending-side.ts'

const marta = '+491701234567'

async function carrier(t: Test, options: SimulatorOptions = {}) {
  const smsc = await startSimulator({ deliverAgainMs: 50, keep: { pdus: 20_000 }, ...options })
  t.teardown(() => smsc.close())
  return { smsc, shown: displays(smsc) }
}

t.test('a claim was committed, but its answer was lost: nothing of it was written, and it goes out once', async (t) => {
  const { smsc, shown } = await carrier(t)
  const crm = await testStore(t)
  const proxy = await losingProxy(t, crm.url)
  const side = await SendingSide.start(t, smsc, { store: { databaseUrl: proxy.url } })
  proxy.loseNextCommit('write what becomes of the due')
  // Made beside the sender, which finds it when it looks.
  await insertDue(crm, 3)
  side.sender.kick()
  await side.allBecome(({ delivered }) => delivered === 3)
  t.same(shownTwice(shown), [])
  const { rows } = await crm.query(`SELECT DISTINCT trace -> 1 ->> 'why' AS why, attempt FROM messages`)
  t.same(rows, [{ why: 'not written: its claim was not confirmed', attempt: 2 }])
})

t.test('the sender loses its lease: it writes nothing until it has one again, and then goes on', async (t) => {
  const { smsc, shown } = await carrier(t)
  const side = await SendingSide.start(t, smsc)
  const database = await administrator(t, side.store.url)
  smsc.faults({ kind: 'delay', what: 'response', ms: 200, next: 10 })
  await side.pile(10)
  await until('all to be on the wire', () => smsc.counts.submitted === 10)
  // Who is in may stay, but nobody new gets in: there is no other lease to be had.
  await database.shut()
  await side.store.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pforte lease sms %' AND datname = current_database()`,
  )
  await until('the loss to be noticed', () => side.logged.some((line) => line.includes('no SMS leave')))
  // The connections that are there may all be busy with answers of the carrier.
  const id = await until('one of them to be free', () => side.tells(marta))
  side.sender.kick()
  await side.allBecome(({ delivered }) => delivered === 10)
  t.match(await side.message(id), { state: 'queued' })
  t.equal(smsc.counts.submitted, 10)
  await database.open()
  await side.becomes(id, 'delivered')
  t.same(shownTwice(shown), [])
})

t.test('a sender that has its next lease before the answers came: what was on the wire is not sent again', async (t) => {
  const { smsc, shown } = await carrier(t)
  const side = await SendingSide.start(t, smsc, { link: { responseTimeoutMs: 5_000, enquireLinkTimeoutMs: 5_000 } })
  smsc.faults({ kind: 'delay', what: 'response', ms: 700, next: 10 })
  await side.pile(30, { longEvery: 3 })
  await until('the window to be full', () => smsc.counts.submitted >= 8)
  await side.store.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pforte lease sms %' AND datname = current_database()`,
  )
  await side.allBecome(({ uncertain = 0 }) => uncertain > 0)
  await side.allBecome(({ delivered }) => delivered === 30)
  t.same(shownTwice(shown), [])
  t.equal(shown.size, 30)
  t.equal(smsc.counts.submitted, 50, 'no part of it twice')
})

t.test('orderly closing in the middle leaves nothing uncertain, and the next process goes on with the rest', async (t) => {
  const { smsc, shown } = await carrier(t, { responseDelayMs: 5 })
  const side = await SendingSide.start(t, smsc)
  await side.pile(300)
  await smsc.phone('+4915112100050').next()
  await side.close()
  const { queued = 0, submitting = 0, uncertain = 0 } = await side.states()
  t.same({ submitting, uncertain }, { submitting: 0, uncertain: 0 })
  t.ok(queued > 0, 'it was in the middle')
  const next = await SendingSide.start(t, smsc, { store: { databaseUrl: side.store.url } })
  await next.allBecome(({ submitted = 0, delivered = 0 }) => submitted + delivered === 300)
  t.same(shownTwice(shown), [])
  t.equal(shown.size, 300)
})

t.test('Postgres is away for a while: what the carrier said is written down afterwards', { timeout: 60_000 }, async (t) => {
  const postgres = await ownPostgres(t)
  const { url } = await freshDatabase(postgres.url)
  const { smsc, shown } = await carrier(t, { responseDelayMs: 20 })
  const waits = { connectMs: 500, statementMs: 600, idleInTransactionMs: 5_000 }
  const side = await SendingSide.start(t, smsc, { store: { databaseUrl: url, waits } })
  let piled = 0
  for (const [goes, comes] of [
    [() => postgres.stop(), () => postgres.start()],
    [() => postgres.kill(), () => postgres.start()],
    [() => postgres.freeze(), () => postgres.thaw()],
  ] as const) {
    shown.clear()
    await side.store.query('DELETE FROM messages')
    await side.pile(200, { longEvery: 10 })
    await until('some to have arrived', () => shown.size >= 50)
    await goes()
    const before = smsc.counts.submitted
    await until('the sender to be without its lease', () => side.logged.filter((line) => line.includes('no SMS leave')).length > piled)
    const more = smsc.counts.submitted - before
    t.ok(more <= 10, 'no more than one window, which was written down before', { more, logged: side.logged })
    await comes()
    piled++
    await side.allBecome(({ submitted = 0, delivered = 0 }) => submitted + delivered === 200)
    // Receipts that were stored, and not matched before Postgres went.
    await side.housekeeping.round()
    await side.allBecome(({ delivered }) => delivered === 200)
    t.same(shownTwice(shown), [])
    t.equal(shown.size, 200)
  }
})

t.test(
  'two senders work off one outbox: 2,000 phones get one message each, and long ones come over one bind, in order',
  { timeout: 60_000 },
  async (t) => {
    const { smsc, shown } = await carrier(t)
    const first = await SendingSide.start(t, smsc)
    const second = await SendingSide.start(t, smsc, { store: { databaseUrl: first.store.url }, link: { binds: 2 } })
    await first.pile(2_000, { longEvery: 20 })
    second.sender.kick()
    await first.allBecome(({ delivered }) => delivered === 2_000)
    t.same(shownTwice(shown), [])
    t.equal(shown.size, 2_000)
    const submits = Map.groupBy(
      smsc.pdus().filter(({ command, direction }) => command === 'submit_sm' && direction === 'in'),
      (pdu) => ('fields' in pdu ? pdu.fields['destination_addr'] : ''),
    )
    const binds = new Set<string>()
    for (const [to, pdus] of submits) {
      for (const { bind } of pdus) binds.add(bind)
      if (pdus.length === 1) continue
      t.equal(pdus.length, 3, `${to}: each part once`)
      t.equal(new Set(pdus.map(({ bind }) => bind)).size, 1, 'over one bind')
      const places = pdus.map((pdu) => ('fields' in pdu ? Buffer.from(String(pdu.fields['short_message']), 'hex')[5] : 0))
      t.same(places, [1, 2, 3], 'in order')
    }
    t.equal(binds.size, 3, 'all of them had something to do')
  },
)

async function insertDue({ query }: Pick<Awaited<ReturnType<typeof testStore>>, 'query'>, count: number): Promise<void> {
  await query(
    `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, time_zone, due_at, created_at, trace)
     SELECT gen_random_uuid(), 'out', '+4915112' || 100000 + n, '+49621555100', 'Ihr Anliegen ist in Arbeit.', 'queued', 'ticket.received', now(),
       'Europe/Berlin', now(), now(), '[]' FROM generate_series(1, $1::bigint) n`,
    [count],
  )
}

/** From another database, so that this one can be shut. */
async function administrator(t: Test, url: string) {
  const elsewhere = await freshDatabase()
  const client = new pg.Client({ connectionString: elsewhere.url })
  await client.connect()
  const name = new URL(url).pathname.slice(1)
  const allow = (is: boolean) => client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${is}`)
  t.teardown(async () => {
    await allow(true)
    await client.end()
    await elsewhere.drop()
  })
  return { shut: () => allow(false), open: () => allow(true) }
}
