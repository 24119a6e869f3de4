import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { StoreUnavailable } from '../../src/app/ports/store.ts'
import { freshDatabase, ownPostgres, testStore } from '../support/postgres.ts'

t.test('one process holds the lease; the next stands by, says so once, and takes over when it is given back', async (t) => {
  const first = await testStore(t)
  const second = await testStore(t, { databaseUrl: first.url })
  const lease = await first.calls.takeLease('pbx/pforte', () => t.fail('nobody else is there'))
  await (await second.calls.takeLease('other-pbx/pforte', () => t.fail('another Asterisk has another lease'))).release()
  const standBy = Promise.withResolvers<void>()
  let said = 0
  const taken = second.calls.takeLease('pbx/pforte', () => {
    said += 1
    standBy.resolve()
  })
  await standBy.promise
  await lease.release()
  await lease.release()
  const second2 = await taken
  t.equal(said, 1)
  await second2.release()
  t.equal(await Promise.race([lease.lost, second2.lost, Promise.resolve('neither')]), 'neither', 'what was given back is not lost')
})

t.test('a holder that dies by kill -9 is followed at once', async (t) => {
  const store = await testStore(t)
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module-typescript',
      '--eval',
      `
    import { openStore } from ${JSON.stringify(new URL('../../src/store/open.ts', import.meta.url).href)}
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
    const store = await openStore({ databaseUrl: process.env.URL, secret: Buffer.alloc(32, 7), log, pinLimits: {}, pinLength: 5, customerNumberLength: 6, country: 'DE' })
    await store.calls.takeLease('pbx/pforte', () => {})
    console.log('held')
    setInterval(() => {}, 1e6)
  `,
    ],
    { env: { ...process.env, URL: store.url }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  t.teardown(() => holder.kill('SIGKILL'))
  await once(createInterface({ input: holder.stdout }), 'line')
  const standBy = Promise.withResolvers<void>()
  const taken = store.calls.takeLease('pbx/pforte', standBy.resolve)
  await standBy.promise
  holder.kill('SIGKILL')
  await (await taken).release()
  t.pass()
})

t.test('a lease goes with its connection, and the holder is told', async (t) => {
  const store = await testStore(t)
  const lease = await store.calls.takeLease('pbx/pforte', () => {})
  await store.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pforte lease pbx/pforte' AND datname = current_database()`,
  )
  t.match(await lease.lost, /connection to Postgres/)
  const again = await store.calls.takeLease('pbx/pforte', () => {})
  await again.release()
})

t.test(
  'a Postgres that has frozen is noticed by holder and stand-by, and the lease is there again when it is back',
  { timeout: 60_000 },
  async (t) => {
    const postgres = await ownPostgres(t)
    const database = await freshDatabase(postgres.url)
    const store = await testStore(t, { databaseUrl: database.url })
    const lease = await store.calls.takeLease('pbx/pforte', () => {})
    await postgres.freeze()
    t.match(await lease.lost, /does not answer/)
    await t.rejects(
      store.calls.takeLease('pbx/pforte', () => {}),
      StoreUnavailable,
    )
    await postgres.thaw()
    await (await store.calls.takeLease('pbx/pforte', () => {})).release()
  },
)

t.test('a stand-by outlives a restart of Postgres', { timeout: 60_000 }, async (t) => {
  const postgres = await ownPostgres(t)
  const database = await freshDatabase(postgres.url)
  const holder = await testStore(t, { databaseUrl: database.url })
  const other = await testStore(t, { databaseUrl: database.url })
  const lease = await holder.calls.takeLease('pbx/pforte', () => {})
  const standBy = Promise.withResolvers<void>()
  const taken = other.calls.takeLease('pbx/pforte', standBy.resolve)
  await standBy.promise
  await postgres.kill()
  await lease.lost
  await postgres.start()
  await (await taken).release()
  t.pass()
})

t.test('closing the store ends the wait for a lease', async (t) => {
  const first = await testStore(t)
  const second = await testStore(t, { databaseUrl: first.url })
  const lease = await first.calls.takeLease('pbx/pforte', () => {})
  const standBy = Promise.withResolvers<void>()
  const taken = second.calls.takeLease('pbx/pforte', standBy.resolve)
  const ended = t.rejects(taken, StoreUnavailable)
  await standBy.promise
  await second.close()
  await ended
  await lease.release()
})
