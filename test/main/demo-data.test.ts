import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Records } from '../../src/app/ports/records.ts'
import type { Service } from '../../src/config.ts'
import { seedDemo } from '../../src/main/demo-data.ts'
import { testStore } from '../support/postgres.ts'
import { customerWithPin, monday, question, serviceWith, valueOf } from '../support/stories.ts'

const service = { lines: [{ language: 'de' }], queues: [{ name: 'emergency' }], timeZone: 'Europe/Berlin' } as unknown as Service

async function trial(t: Test) {
  const store = await testStore(t)
  await serviceWith(store, [])
  const home = await mkdtemp(join(tmpdir(), 'pforte-demo-'))
  t.teardown(() => rm(home, { recursive: true }))
  const seed = (records: Records = store.records) => seedDemo(records, service, home, monday)
  const opens = async () => {
    const pin = (await readFile(join(home, 'demo-pin'), 'utf8')).trim()
    return (await store.calls.checkPin(question(pin))).result.is === 'right'
  }
  const count = async (table: string, where = 'true') => (await store.query(`SELECT FROM ${table} WHERE ${where}`)).rowCount
  return { ...store, store, home, seed, opens, count }
}

t.test('an empty database gets a demo customer whose PIN lies in a file that nobody else can read', async (t) => {
  const { seed, home, opens, count } = await trial(t)
  t.equal(await seed(), join(home, 'demo-pin'))
  t.ok(await opens())
  t.equal((await stat(join(home, 'demo-pin'))).mode & 0o777, 0o600)
  t.equal(await count('customers', 'demo'), 1)

  const before = await readFile(join(home, 'demo-pin'), 'utf8')
  await seed()
  t.equal(await readFile(join(home, 'demo-pin'), 'utf8'), before, 'once; the next start finds it')
})

for (const [where, cut] of [
  ['after the customer', 'createContract'],
  ['after the contract', 'issuePin'],
] as const) {
  t.test(`a start that is cut short ${where} is made whole by the next one`, async (t) => {
    const { seed, opens, count, store } = await trial(t)
    const { records } = store
    const dying = {
      ...records,
      [cut]: async () => {
        throw new Error('killed')
      },
    }
    await t.rejects(seed(dying), { message: 'killed' })
    await seed()
    t.ok(await opens())
    t.same([await count('customers'), await count('contracts'), await count('pins')], [1, 1, 1])
  })
}

t.test('a PIN whose file was never written, or is gone, is replaced: nobody knows it', async (t) => {
  const { seed, home, opens, count } = await trial(t)
  await seed()
  await rm(join(home, 'demo-pin'))
  await seed()
  t.ok(await opens())
  t.equal(await count('pins', 'revoked_at IS NULL'), 1)
})

t.test('the file of another database is no PIN of this one', async (t) => {
  const { seed, opens, store } = await trial(t)
  await seed()
  await store.query('DELETE FROM customers')
  await seed()
  t.ok(await opens())
})

t.test('with customers of its own a hotline is no demo: nothing is added', async (t) => {
  const { seed, count, store } = await trial(t)
  await customerWithPin(store.records, '48213')
  t.equal(await seed(), null)
  t.equal(await count('customers'), 1)
  valueOf(await store.records.createCustomer({ name: 'A', numbers: [], language: 'de', timeZone: 'Europe/Berlin', demo: true }, monday))
  t.equal(await seed(), null, 'nor where a demo was begun')
})
