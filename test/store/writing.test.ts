import t from 'tap'
import { StoreUnavailable } from '../../src/app/ports/store.ts'
import type { KeptAnswer, Write } from '../../src/app/ports/writing.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { losingProxy } from '../support/losing-proxy.ts'
import { quiet, rules, testStore } from '../support/postgres.ts'
import { customerWithPin, monday, serviceWith, valueOf } from '../support/stories.ts'
import { until } from '../support/until.ts'

const day = 24 * 3_600_000
const crm = { keyId: 'crm', name: 'the CRM' }
const never = new AbortController().signal

const write = (key: string, request = 'POST /v1/contracts/c/pins {}', actor = crm): Write => ({
  actor,
  requestId: null,
  idempotency: { key, request },
})

/** Draws a PIN, as the route does, and answers it. */
const issue =
  (store: Store, contractId: string, seen: string[] = []) =>
  async (): Promise<KeptAnswer> => {
    const issued = await store.records.issuePin({ contractId }, monday)
    if (!issued.ok) return { status: 409, headers: {}, body: issued.refusal.message }
    seen.push(issued.value.pin)
    return { status: 201, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ pin: issued.value.pin }) }
  }

async function hotline(t: Parameters<typeof testStore>[0], options: Parameters<typeof testStore>[1] = {}) {
  const store = await testStore(t, options)
  await serviceWith(store, ['anna'])
  const { contract } = await customerWithPin(store.records, '48213')
  const contractId = contract.id
  const pins = async (): Promise<number> => (await store.query('SELECT FROM pins')).rows.length
  return { store, contractId, pins }
}

t.test('whoever did not hear the answer asks again and gets the same PIN, which is in no row', async (t) => {
  const { store, contractId, pins } = await hotline(t)
  const first = await store.writing.once(write('key-1'), monday, issue(store, contractId))
  const again = await store.writing.once(write('key-1'), monday + day - 1, issue(store, contractId))
  t.equal(first.is, 'done')
  t.equal(again.is, 'replayed')
  t.strictSame('answer' in again && again.answer, 'answer' in first && first.answer)
  t.equal(await pins(), 2, 'the one that it began with, and one more')

  const pin: string = JSON.parse(('answer' in first && first.answer.body) || '').pin
  const { rows } = await store.query('SELECT * FROM idempotency_keys')
  t.equal(rows.length, 1)
  const { sealed_answer: sealed, digest, request_digest: request, ...others } = rows[0]
  t.notOk(Buffer.concat([sealed, digest, request]).includes(pin))
  t.notMatch(JSON.stringify(others), /key-1|pin/, 'the key itself is not kept, for it opens the answer')
  const { rows: tables } = await store.query(`SELECT string_agg(t::text, ' ') AS text FROM (SELECT to_jsonb(p) FROM pins p) t`)
  t.notMatch(tables[0].text, new RegExp(`"${pin}"`))
})

t.test('the same key with another request is refused, and does nothing', async (t) => {
  const { store, contractId, pins } = await hotline(t)
  await store.writing.once(write('key-1'), monday, issue(store, contractId))
  t.strictSame(await store.writing.once(write('key-1', 'POST /v1/customers {}'), monday, issue(store, contractId)), { is: 'reused' })
  t.equal(await pins(), 2)
  t.equal((await store.writing.once(write('key-2', 'POST /v1/customers {}'), monday, issue(store, contractId))).is, 'done')
  const shop = { keyId: 'shop', name: 'the shop' }
  t.equal(
    (await store.writing.once(write('key-1', 'other', shop), monday, issue(store, contractId))).is,
    'done',
    "another's key is another",
  )
})

t.test('of two at once one acts, whether they come to one process or to two', async (t) => {
  const { store, contractId, pins } = await hotline(t)
  const other = await testStore(t, { databaseUrl: store.url })
  const seen: string[] = []
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, place) => {
      const one = place % 2 === 0 ? store : other
      return one.writing.once(write('key-1'), monday, issue(one, contractId, seen))
    }),
  )
  t.equal(seen.length, 1)
  t.strictSame([...new Set(answers.map((answer) => 'answer' in answer && answer.answer.body))], [JSON.stringify({ pin: seen[0] })])
  t.equal(answers.filter(({ is }) => is === 'done').length, 1)
  t.equal(await pins(), 2)
})

t.test('who waits for a first one that takes too long is told so, and holds no connection meanwhile', async (t) => {
  const waits = { connectMs: 1000, statementMs: 900, idleInTransactionMs: 10_000 }
  const { store, contractId, pins } = await hotline(t, { waits })
  const other = await testStore(t, { databaseUrl: store.url, waits })
  const { promise: goOn, resolve } = Promise.withResolvers<void>()
  const first = store.writing.once(write('key-1'), monday, async () => {
    await goOn
    return issue(store, contractId)()
  })
  await until('the first to be at work', () => store.connectionsInUse === 1)
  const many = Array.from({ length: 20 }, () => store.writing.once(write('key-1'), monday, issue(store, contractId)))
  const elsewhere = other.writing.once(write('key-1'), monday, issue(other, contractId))
  t.equal(store.connectionsInUse, 1)
  for (const answer of await Promise.all([...many, elsewhere])) t.strictSame(answer, { is: 'in_progress' })
  resolve()
  t.equal((await first).is, 'done')
  t.equal((await other.writing.once(write('key-1'), monday, issue(other, contractId))).is, 'replayed')
  t.equal(await pins(), 2)
})

t.test('an answer that is no success undoes what was done, and the key may be used again', async (t) => {
  const { store, contractId, pins } = await hotline(t)
  const refused = await store.writing.once(write('key-1'), monday, async () => {
    await issue(store, contractId)()
    return { status: 409, headers: {}, body: 'no' }
  })
  t.match(refused, { is: 'done', answer: { status: 409 } })
  await t.rejects(
    store.writing.once(write('key-1'), monday, async () => {
      await issue(store, contractId)()
      throw new Error('a bug')
    }),
    { message: 'a bug' },
  )
  t.equal(await pins(), 1)
  t.strictSame((await store.query('SELECT FROM idempotency_keys')).rows, [])
  t.match(await store.writing.once(write('key-1', 'with another body'), monday, issue(store, contractId)), {
    is: 'done',
    answer: { status: 201 },
  })
})

t.test('a Pforte that dies between acting and answering has done nothing', async (t) => {
  const { store, contractId, pins } = await hotline(t)
  const dying = store.writing.once(write('key-1'), monday, async () => {
    const answer = await issue(store, contractId)()
    await store.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pforte writes'`)
    return answer
  })
  await t.rejects(dying, StoreUnavailable)
  t.equal(await pins(), 1)
  t.equal((await store.writing.once(write('key-1'), monday, issue(store, contractId))).is, 'done')
  t.equal(await pins(), 2)
})

t.test('a commit whose answer was lost is found by whoever asks again', async (t) => {
  const { store: server, contractId, pins } = await hotline(t)
  const proxy = await losingProxy(t, server.url)
  const store = await testStore(t, { databaseUrl: proxy.url })
  const seen: string[] = []
  proxy.loseNextCommit()
  await t.rejects(store.writing.once(write('key-1'), monday, issue(store, contractId, seen)), StoreUnavailable)
  t.equal(await pins(), 2, 'it was committed all the same')
  const again = await store.writing.once(write('key-1'), monday, issue(store, contractId, seen))
  t.equal(again.is, 'replayed')
  t.equal('answer' in again && again.answer.body, JSON.stringify({ pin: seen[0] }))
  t.equal(seen.length, 1)
})

t.test('answers count for 24 hours, then they are forgotten', async (t) => {
  const { store, contractId, pins } = await hotline(t)
  await store.writing.once(write('old'), monday, issue(store, contractId))
  await store.writing.once(write('new'), monday + 1, issue(store, contractId))
  t.equal((await store.writing.once(write('old'), monday + day, issue(store, contractId))).is, 'done', 'as if it were new')
  t.equal((await store.writing.once(write('new'), monday + day, issue(store, contractId))).is, 'replayed')
  t.equal(await pins(), 4)
  t.equal(await store.writing.forgetAnswers(monday + day + 1, never), 1)
  t.equal(await store.writing.forgetAnswers(monday + day + 1, never), 0)
  t.equal((await store.query('SELECT FROM idempotency_keys')).rows.length, 1)
  await store.query(`INSERT INTO idempotency_keys SELECT 'crm', int4send(n), '', '', to_timestamp(0) FROM generate_series(1, 2500) n`)
  t.equal(await store.writing.forgetAnswers(monday + day + 1, never), 2500, 'however many there are')
})

t.test('another secret opens no answer', async (t) => {
  const { store, contractId } = await hotline(t)
  await store.writing.once(write('key-1'), monday, issue(store, contractId))
  await store.query('DELETE FROM service_secret')
  const other = await openStore({ databaseUrl: store.url, secret: Buffer.alloc(32, 8), log: quiet, ...rules })
  t.teardown(() => other.close())
  t.equal((await other.writing.once(write('key-1'), monday, issue(other, contractId))).is, 'done', 'nor knows its key')
})

t.test('what joins another write is one with it', async (t) => {
  const { store, contractId, pins } = await hotline(t)
  const told: string[] = []
  await t.rejects(
    store.writing.asOne({ cli: 'root' }, async () => {
      valueOf(await store.records.issuePin({ contractId }, monday))
      void store.writing.whenCommitted(() => void told.push('issued'))
      throw new Error('the file has a mistake')
    }),
    { message: 'the file has a mistake' },
  )
  t.equal(await pins(), 1)
  t.strictSame(told, [])
})
