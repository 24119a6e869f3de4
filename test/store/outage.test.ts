import t from 'tap'
import pg from 'pg'
import { StoreUnavailable } from '../../src/app/ports/store.ts'
import { isUnavailable } from '../../src/store/errors.ts'
import { losingProxy } from '../support/losing-proxy.ts'
import { freshDatabase, ownPostgres, testStore } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { callRow, customerWithPin, monday, question, serviceWith } from '../support/stories.ts'

const waits = { connectMs: 300, statementMs: 400, idleInTransactionMs: 5000 }

t.test(
  'a Postgres that stands still: everything says "unavailable" in time, and works again afterwards',
  { timeout: 60_000 },
  async (t) => {
    const postgres = await ownPostgres(t)
    const database = await freshDatabase(postgres.url)
    const store = await testStore(t, { databaseUrl: database.url, waits })
    await serviceWith(store, ['anna'])
    await customerWithPin(store.records, '48213')

    await postgres.freeze()
    // More at once than the pool has connections.
    const asked = [
      ...Array.from({ length: 15 }, (_, place) => store.calls.checkPin(question('48213', { callId: `call-${place}` }))),
      store.calls.enterQueue({ callId: 'call-1', queue: 'emergency', priority: 0, at: monday }),
      store.calls.dispatch(null, monday),
      store.calls.saveCalls([callRow('call-1')]),
      store.calls.openCalls('pbx'),
      store.records.tickets({}, { limit: 10, cursor: null }),
      store.records.setAgentState('anna', 'paused', null, monday),
      store.ping(),
    ]
    const answers = await Promise.allSettled(asked)
    t.strictSame(
      answers.filter((answer) => answer.status === 'fulfilled'),
      [],
      'nobody is let in without a look-up',
    )
    for (const answer of answers) if (answer.status === 'rejected') t.ok(answer.reason instanceof StoreUnavailable, String(answer.reason))
    await until('the pool to give up the connections that it was opening', () => store.connectionsInUse === 0)

    await postgres.thaw()
    t.equal((await store.calls.checkPin(question('48213'))).result.is, 'right')
    t.match((await store.calls.enterQueue({ callId: 'call-2', queue: 'emergency', priority: 0, at: monday })).offers, [{ agentId: 'anna' }])
  },
)

t.test('a Postgres that crashes and one that is stopped in order are survived alike', { timeout: 60_000 }, async (t) => {
  const postgres = await ownPostgres(t)
  const database = await freshDatabase(postgres.url)
  const store = await testStore(t, { databaseUrl: database.url, waits })
  await serviceWith(store, ['anna'])
  await customerWithPin(store.records, '48213')
  for (const end of [() => postgres.kill(), () => postgres.stop()]) {
    const underWay = Promise.allSettled(Array.from({ length: 30 }, (_, place) => store.calls.saveCalls([callRow(`call-${place}`)])))
    await end()
    for (const answer of await underWay)
      t.ok(answer.status === 'fulfilled' || answer.reason instanceof StoreUnavailable, 'done or unavailable, nothing else')
    await t.rejects(store.calls.checkPin(question('48213')), StoreUnavailable)
    await t.rejects(store.records.agents(), StoreUnavailable)
    await postgres.start()
    t.equal((await store.calls.checkPin(question('48213'))).result.is, 'right', 'without being told')
  }
})

t.test('a Postgres that lets nobody in while somebody works on it is away, and no bug', async (t) => {
  const administrator = await testStore(t)
  const other = await freshDatabase()
  t.teardown(() => other.drop())
  const database = new URL(administrator.url).pathname.slice(1)
  const elsewhere = new pg.Pool({ connectionString: other.url, max: 1 })
  t.teardown(() => elsewhere.end())
  const role = `test_${database}`
  await elsewhere.query(`CREATE ROLE ${role} LOGIN PASSWORD 'quittengelee' IN ROLE CURRENT_USER`)
  t.teardown(() => administrator.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`))
  const url = new URL(administrator.url)
  Object.assign(url, { username: role, password: 'quittengelee' })
  const store = await testStore(t, { databaseUrl: url.href })
  await serviceWith(store, ['anna'])
  await customerWithPin(store.records, '48213')

  const throwOut = () => elsewhere.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database])
  for (const [what, shut, open] of [
    ['the role may not log in (28000)', `ROLE ${role} NOLOGIN`, `ROLE ${role} LOGIN`],
    [
      'the database has another name for a while (3D000)',
      `DATABASE ${database} RENAME TO ${database}_x`,
      `DATABASE ${database}_x RENAME TO ${database}`,
    ],
    [
      'the database takes no connections (55000)',
      `DATABASE ${database} ALLOW_CONNECTIONS false`,
      `DATABASE ${database} ALLOW_CONNECTIONS true`,
    ],
  ] as const) {
    // A database is renamed only while nobody is in it.
    await until('it to be shut', () => throwOut().then(() => elsewhere.query(`ALTER ${shut}`)))
    await throwOut()
    const asked: (() => Promise<unknown>)[] = [
      () => store.calls.checkPin(question('48213')),
      () => store.calls.enterQueue({ callId: 'call-1', queue: 'emergency', priority: 0, at: monday }),
      () => store.calls.saveCalls([callRow('call-1')]),
      () => store.records.agents(),
      () => store.calls.takeLease('pbx/pforte', () => {}),
    ]
    for (const ask of asked) await t.rejects(ask(), StoreUnavailable, what)
    await elsewhere.query(`ALTER ${open}`)
    t.equal((await store.calls.checkPin(question('48213'))).result.is, 'right', 'and back without being told')
  }
})

t.test('a commit whose answer is lost loses no offer', async (t) => {
  const server = await testStore(t)
  const proxy = await losingProxy(t, server.url)
  const store = await testStore(t, { databaseUrl: proxy.url, now: () => monday })
  await serviceWith(store, ['anna', 'ben'])
  await store.calls.saveCalls([callRow('call-1')])

  proxy.loseNextCommit()
  await t.rejects(store.calls.enterQueue({ callId: 'call-1', queue: 'emergency', priority: 0, at: monday }), StoreUnavailable)
  t.match((await server.records.agents())[0], { id: 'anna', state: 'reserved' }, 'it was committed all the same')
  t.strictSame((await store.calls.enterQueue({ callId: 'call-1', queue: 'emergency', priority: 0, at: monday })).offers, [
    { callId: 'call-1', agentId: 'anna', endpoint: 'sip-anna', offer: 1 },
  ])

  await store.records.setAgentState('ben', 'paused', null, monday)
  await store.calls.enterQueue({ callId: 'call-2', queue: 'emergency', priority: 0, at: monday })
  await store.records.setAgentState('ben', 'available', null, monday)
  proxy.loseNextCommit()
  await t.rejects(store.calls.dispatch('emergency', monday), StoreUnavailable)
  t.match(
    (await store.calls.dispatch('sales', monday)).offers,
    [{ callId: 'call-2', agentId: 'ben', offer: 1 }],
    'told by whoever asks next',
  )
  t.strictSame((await store.calls.dispatch(null, monday)).offers, [], 'and told once')
})

t.test('errors of Postgres that mean "not now" are told from those that mean a bug', (t) => {
  const withCode = (code: string) => Object.assign(new Error('x'), { code })
  for (const code of [
    '08006',
    '57P01',
    '57P02',
    '57P03',
    '53300',
    '53100',
    '57014',
    '25006',
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
  ])
    t.ok(isUnavailable(withCode(code)), code)
  for (const code of ['23505', '42601', '42P01', '22P02', '40001', '28P01']) t.notOk(isUnavailable(withCode(code)), code)
  t.ok(isUnavailable(new AggregateError([withCode('ECONNREFUSED')])), 'localhost by both protocols')
  t.notOk(isUnavailable(new TypeError('x is not a function')))
  t.end()
})
