import t, { type Test } from 'tap'
import pg from 'pg'
import { StoreUnavailable } from '../../src/app/ports/store.ts'
import { Connections, type Run, type Statement } from '../../src/store/connections.ts'
import { freshDatabase, quiet } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const anna = { keyId: 'first', name: 'first administrator' }

const put: Statement = { name: 'test: put an announcement', text: 'INSERT INTO announcements (name, updated_at) VALUES ($1, now())' }
const all: Statement = { name: 'test: all announcements', text: 'SELECT name FROM announcements ORDER BY name' }
const lock: Statement = { name: 'test: lock an announcement', text: 'SELECT name FROM announcements WHERE name = $1 FOR UPDATE' }
const actor: Statement = {
  name: 'test: the actor',
  text: `SELECT current_setting('pforte.actor', true) AS actor, current_setting('pforte.request', true) AS request`,
}

async function store(t: Test) {
  const database = await freshDatabase()
  const connections = new Connections(database.url, quiet, { connectMs: 2000, statementMs: 3000, idleInTransactionMs: 10_000 })
  const others = new pg.Pool({ connectionString: database.url, max: 2 })
  others.on('error', () => {})
  t.teardown(async () => {
    await until('all connections to be given back', () => connections.inUse === 0)
    await connections.close()
    await others.end()
    await database.drop()
  })
  const committed = async (): Promise<string[]> =>
    (await others.query<{ name: string }>('SELECT name FROM announcements ORDER BY name')).rows.map(({ name }) => name)
  return { connections, committed, others }
}

t.test('whatever one request asks of the store is one transaction, by whichever way it asks', async (t) => {
  const { connections, committed } = await store(t)
  const answer = await connections.asOne(anna, async () => {
    await connections.run(put, ['by run'])
    await connections.inOrder((run) => Promise.all([run(put, ['in order 1']), run(put, ['in order 2'])]))
    await connections.transaction(async (run, last) => {
      await run(put, ['in a transaction'])
      await last(put, ['last in a transaction'])
    })
    await connections.kyselyTransaction((transaction) =>
      transaction.insertInto('announcements').values({ name: 'kysely transaction', updated_at: new Date() }).execute(),
    )
    const { kysely } = connections
    const inserted = await kysely.insertInto('announcements').values({ name: 'kysely', updated_at: new Date() }).executeTakeFirst()
    t.equal(inserted.numInsertedOrUpdatedRows, 1n)
    t.strictSame(await committed(), [], 'others see nothing of it yet')
    return [
      (await connections.run<{ name: string }>(all, [])).map(({ name }) => name),
      (await kysely.selectFrom('announcements').select('name').orderBy('name').execute()).map(({ name }) => name),
    ]
  })
  const names = ['by run', 'in a transaction', 'in order 1', 'in order 2', 'kysely', 'kysely transaction', 'last in a transaction']
  t.strictSame(answer, [names, names], 'it sees itself all that it did')
  t.strictSame(await committed(), names)
})

t.test('what a request throws undoes all of it', async (t) => {
  const { connections, committed } = await store(t)
  const work = async (): Promise<void> => {
    await connections.run(put, ['outage'])
    await connections.kyselyTransaction((transaction) =>
      transaction.insertInto('announcements').values({ name: 'works', updated_at: new Date() }).execute(),
    )
    throw new Error('no such customer')
  }
  await t.rejects(connections.asOne(anna, work), { message: 'no such customer' })
  t.strictSame(await committed(), [])
})

t.test('a part that is refused undoes itself, and the request goes on', async (t) => {
  const { connections, committed } = await store(t)
  await connections.run(put, ['taken'])
  const told: string[] = []
  await connections.asOne(anna, async () => {
    await connections.run(put, ['before'])
    await t.rejects(connections.run(put, ['taken']), { code: '23505' })
    const twice = connections.transaction(async (run) => {
      await run(put, ['half'])
      void connections.whenCommitted(() => void told.push('half'))
      await run(put, ['taken'])
    })
    await t.rejects(twice, { code: '23505' })
    await t.rejects(
      connections.kyselyTransaction(async (transaction) => {
        connections.afterCommit(transaction, () => void told.push('kysely'))
        await transaction.insertInto('announcements').values({ name: 'taken', updated_at: new Date() }).execute()
      }),
      { code: '23505' },
    )
    const outer = connections.transaction(async (run) => {
      await run(put, ['outer'])
      // What is asked for inside a part is a part of that.
      await t.rejects(connections.run(put, ['taken']), { code: '23505' })
      await connections.run(put, ['inner'])
    })
    await outer
    await connections.run(put, ['after'])
  })
  t.strictSame(await committed(), ['after', 'before', 'inner', 'outer', 'taken'])
  t.strictSame(told, [], 'nobody is told of what was undone')
})

t.test('parts that are begun side by side take turns, so that one which fails takes no other with it', async (t) => {
  const { connections, committed } = await store(t)
  await connections.run(put, ['taken'])
  await connections.asOne(anna, async () => {
    const names = ['a', 'taken', 'b', 'taken', 'c']
    const parts = names.map((name) =>
      connections.transaction(async (run) => {
        await run(put, [name])
        await run(put, [`${name}, again`])
      }),
    )
    t.strictSame(
      (await Promise.allSettled(parts)).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
    )
  })
  t.strictSame(await committed(), ['a', 'a, again', 'b', 'b, again', 'c', 'c, again', 'taken'])
})

t.test('hooks run after the commit of the whole, in their order, outside of it; and not if it is undone', async (t) => {
  const { connections, committed } = await store(t)
  const told: string[] = []
  await connections.asOne(anna, async () => {
    await connections.kyselyTransaction(async (transaction) => {
      connections.afterCommit(transaction, () => void told.push('after the inner commit'))
      await transaction.insertInto('announcements').values({ name: 'outage', updated_at: new Date() }).execute()
    })
    void connections.whenCommitted(async () => {
      told.push(`seen by others: ${await committed()}`)
      // Nothing is left to join.
      await connections.run(put, ['by a hook'])
    })
    t.strictSame(told, [])
  })
  t.strictSame(told, ['after the inner commit', 'seen by others: outage'])
  t.strictSame(await committed(), ['by a hook', 'outage'])

  const failing = connections.asOne(anna, async () => {
    await connections.run(put, ['undone'])
    void connections.whenCommitted(() => void told.push('undone'))
    throw new Error('refused')
  })
  await t.rejects(failing, { message: 'refused' })
  await t.rejects(
    connections.asOne(anna, () => connections.asOne(anna, async () => Promise.reject(new Error('inner')))),
    { message: 'inner' },
  )
  t.equal(told.length, 2)

  void connections.whenCommitted(() => void told.push('at once'))
  t.equal(told.at(-1), 'at once', 'where nothing is being written')
})

t.test('work that nobody waited for is done before the commit; what comes later runs by itself', async (t) => {
  const { connections, committed } = await store(t)
  const { promise: later, resolve: goOn } = Promise.withResolvers<void>()
  const stragglers: Promise<unknown>[] = []
  await connections.asOne(anna, async () => {
    const slow = async (): Promise<void> => {
      await connections.run({ name: 'test: sleep', text: 'SELECT pg_sleep(0.05)' }, [])
      await connections.run(put, ['in the same breath'])
    }
    stragglers.push(connections.transaction(slow))
    stragglers.push(later.then(() => connections.run<{ actor: string | null }>(actor, [])))
  })
  t.strictSame(await committed(), ['in the same breath'])
  goOn()
  const [, [row]] = (await Promise.all(stragglers)) as [unknown, [{ actor: string | null }]]
  t.notOk(row.actor, 'it is nobody of those who wrote')
})

t.test('the database knows who writes, for as long as they do', async (t) => {
  const { connections } = await store(t)
  const ask = async () => (await connections.run<{ actor: string; request: string }>(actor, []))[0]!
  const asked = await connections.asOne(anna, ask, 'req-7')
  t.strictSame([JSON.parse(asked.actor), asked.request], [anna, 'req-7'])
  const inner = await connections.asOne({ cli: 'root' }, () => connections.asOne(anna, ask))
  t.strictSame([JSON.parse(inner.actor), inner.request], [{ cli: 'root' }, ''], 'whoever began it')
  t.notOk((await ask()).actor)
  await connections.asOne(anna, async () => {
    await Promise.all(['a', 'b', 'c'].map((name) => connections.run(put, [name])))
  })
  t.equal(connections.inUse, 0)
})

t.test('a request that asks nothing of the store costs Postgres nothing', async (t) => {
  const { connections } = await store(t)
  await connections.asOne(anna, async () => t.equal(connections.inUse, 0))
  await t.rejects(
    connections.asOne(anna, async () => Promise.reject(new Error('a field is wrong'))),
    { message: 'a field is wrong' },
  )
  t.equal(connections.inUse, 0)
})

t.test('two requests in the way of each other both come through: the part that collided is tried again', async (t) => {
  const { connections, committed } = await store(t)
  await connections.run(put, ['a'])
  await connections.run(put, ['b'])
  let locked = 0
  const { promise: bothHaveOne, resolve: have } = Promise.withResolvers<void>()
  const lockBoth = (mine: string, other: string) => async (run: Run) => {
    await run(lock, [mine])
    locked += 1
    if (locked === 2) have()
    await bothHaveOne
    await run(lock, [other])
    await run(put, [`${mine} before ${other}`])
  }
  await Promise.all([
    connections.asOne(anna, () => connections.transaction(lockBoth('a', 'b'))),
    connections.asOne(anna, () => connections.transaction(lockBoth('b', 'a'))),
  ])
  t.ok(locked > 2)
  t.strictSame(await committed(), ['a', 'a before b', 'b', 'b before a'])
})

t.test('a connection that dies in the middle leaves nothing behind, and is not used again', async (t) => {
  const { connections, committed, others } = await store(t)
  const kill = () => others.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pforte writes'`)
  const between = connections.asOne(anna, async () => {
    await connections.run(put, ['before'])
    await kill()
    await connections.run(put, ['after'])
  })
  await t.rejects(between, StoreUnavailable)
  const beforeCommit = connections.asOne(anna, async () => {
    await connections.run(put, ['before'])
    await kill()
    void connections.whenCommitted(() => void t.fail('it was not committed'))
  })
  await t.rejects(beforeCommit, StoreUnavailable)
  t.strictSame(await committed(), [])
  await connections.asOne(anna, () => connections.run(put, ['again']))
  t.strictSame(await committed(), ['again'])
})

t.test('a failure that somebody swallowed is not taken for a success', async (t) => {
  const { connections, committed } = await store(t)
  await connections.run(put, ['taken'])
  const careless = connections.asOne(anna, () =>
    connections.transaction(async (run) => {
      await run(put, ['half'])
      await run(put, ['taken']).catch(() => {})
    }),
  )
  await t.rejects(careless, { code: '25P02' })
  t.strictSame(await committed(), ['taken'])
})

t.test('however many write, whoever serves a call has a connection', async (t) => {
  const { connections } = await store(t)
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  const writes = Array.from({ length: 20 }, (_, place) =>
    connections.asOne(anna, async () => {
      await connections.run(put, [`write ${place}`])
      await enough
    }),
  )
  await until('all writers to be at work', () => connections.inUse === 5)
  t.strictSame(await connections.run(all, []), [])
  t.equal(connections.inUse, 5, 'the others wait for a connection among themselves')
  resolve()
  await Promise.all(writes)
  t.equal((await connections.run(all, [])).length, 20)
})
