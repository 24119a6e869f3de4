import t, { type Test } from 'tap'
import { Connections, type Run, type Statement } from '../../src/store/connections.ts'
import { freshDatabase, quiet } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const put: Statement = { name: 'test: put an announcement', text: 'INSERT INTO announcements (name, updated_at) VALUES ($1, now())' }
const all: Statement = { name: 'test: all announcements', text: 'SELECT name FROM announcements ORDER BY name' }
const double: Statement = { name: 'test: double', text: 'SELECT $1::bigint * 2 AS doubled, $2::timestamptz AS at' }
const numbered: Statement = { name: 'test: numbers', text: 'SELECT generate_series(1, $1::integer) AS number' }
const backend: Statement = { name: 'test: the backend', text: 'SELECT pg_backend_pid() AS pid' }
const divide: Statement = { name: 'test: divide', text: 'SELECT 1 / $1::integer AS result' }

async function store(t: Test) {
  const database = await freshDatabase()
  const connections = new Connections(database.url, quiet, { connectMs: 15_000, statementMs: 3000, idleInTransactionMs: 10_000 })
  t.teardown(async () => {
    await until('all connections to be given back', () => connections.inUse === 0)
    await connections.close()
    await database.drop()
  })
  const names = async (): Promise<string[]> => (await connections.run<{ name: string }>(all, [])).map(({ name }) => name)
  return { connections, names }
}

/** What is asked for the first time goes one by one, and as a batch from then on; nobody sees a difference. */
const TWICE = ['asked for the first time', 'as a batch'] as const

t.test('each statement of a batch is answered with its own rows', async (t) => {
  const { connections } = await store(t)
  const asked = (run: Run) =>
    Promise.all([run(double, [21, new Date(1_000)]), run(numbered, [3]), run(put, [`${Math.random()}`]), run(numbered, [0])])
  const answer = [[{ doubled: 42, at: 1_000 }], [{ number: 1 }, { number: 2 }, { number: 3 }], [], []]
  for (const how of TWICE) {
    t.strictSame(await connections.inOrder((_run, one) => one(asked)), answer, `one, ${how}`)
    t.strictSame(await connections.transaction(asked), answer, `in a transaction, ${how}`)
  }
})

t.test('all statements of one have happened, or none', async (t) => {
  const { connections, names } = await store(t)
  for (const [place, how] of TWICE.entries()) {
    const good = (run: Run) => Promise.all([run(put, [`good ${place} a`]), run(divide, [1]), run(put, [`good ${place} b`])])
    await connections.inOrder((_run, one) => one(good))
    const told: string[] = []
    const bad = (run: Run) =>
      Promise.all(
        [run(put, ['bad a']), run(divide, [0]), run(put, ['bad b'])].map((each) =>
          each.then(
            () => told.push('done'),
            () => told.push('failed'),
          ),
        ),
      )
    await connections.inOrder((_run, one) => one(bad))
    t.strictSame(told, ['failed', 'failed', 'failed'], `${how}: nobody is told that it was done`)
    t.strictSame(await names(), ['good 0 a', 'good 0 b', 'good 1 a', 'good 1 b'].slice(0, 2 * (place + 1)))
  }
})

t.test('a transaction whose batch fails is undone, and its connection is as good as before', async (t) => {
  const { connections, names } = await store(t)
  const pids = new Set<number>()
  for (const how of TWICE) {
    const failing = connections.transaction(async (run, last) => {
      await Promise.all([run(put, ['before']), run<{ pid: number }>(backend, []).then(([row]) => pids.add(row!.pid))])
      await Promise.all([run(put, ['with it']), run(divide, [0])])
      await last(put, ['never'])
    })
    await t.rejects(failing, { message: /division by zero/ }, how)
    t.strictSame(await names(), [])
  }
  t.equal(pids.size, 1)
})

t.test('work that fails before its first answer leaves no transaction open behind it', async (t) => {
  const { connections, names } = await store(t)
  const open = {
    name: 'test: open transactions',
    text: `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
  }
  for (const how of TWICE) {
    const failing = connections.transaction(async (run) => {
      run(put, ['undone']).catch(() => {})
      throw new Error('a bug')
    })
    await t.rejects(failing, { message: 'a bug' }, how)
    t.equal((await connections.run(open, [])).length, 0)
  }
  t.strictSame(await names(), [])
})

t.test('a COMMIT that leaves with a statement that fails commits nothing', async (t) => {
  const { connections, names } = await store(t)
  for (const how of TWICE) {
    await t.rejects(
      connections.transaction(async (run, last) => {
        await run(put, ['before'])
        await last(divide, [0])
      }),
      { message: /division by zero/ },
      how,
    )
    t.strictSame(await names(), [])
  }
})

t.test('two that are one each do not share what becomes of them', async (t) => {
  const { connections, names } = await store(t)
  for (const place of TWICE.keys()) {
    const [first, second] = await connections.inOrder((_run, one) =>
      Promise.allSettled([one((run) => run(put, [`kept ${place}`])), one((run) => Promise.all([run(put, ['undone']), run(divide, [0])]))]),
    )
    t.same([first.status, second.status], ['fulfilled', 'rejected'])
  }
  t.strictSame(await names(), ['kept 0', 'kept 1'])
})

t.test('who asks for more after having waited is told that this is no longer one', async (t) => {
  const { connections } = await store(t)
  const late = connections.inOrder((_run, one) =>
    one(async (run) => {
      await run(numbered, [1])
      await run(numbered, [2])
    }),
  )
  await t.rejects(late, { message: 'what is one transaction is begun at once' })
})
