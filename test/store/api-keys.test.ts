/** API keys as administrators make them, and as requests bring them along. */
import { hash } from 'node:crypto'
import t, { type Test } from 'tap'
import { KEY_FORM, type NewApiKey } from '../../src/app/ports/api-keys.ts'
import { StoreUnavailable } from '../../src/app/ports/store.ts'
import type { Store } from '../../src/store/open.ts'
import { ownPostgres, testStore } from '../support/postgres.ts'
import { monday, valueOf } from '../support/stories.ts'
import { until } from '../support/until.ts'

const shop: NewApiKey = { name: 'Shop', scopes: ['events', 'read'], expiresAt: null, requestsPerMinute: null }
const second = 1_000
const minute = 60 * second
const digestOf = (key: string): Buffer => hash('sha256', key, 'buffer')

async function drawn(store: Store, changes: Partial<NewApiKey> = {}) {
  const made = valueOf(await store.apiKeys.create({ ...shop, ...changes }, monday))
  return { ...made, digest: digestOf(made.key) }
}

/** Another process on the same database. */
const elsewhere = (t: Test, store: { url: string }) => testStore(t, { databaseUrl: store.url })

t.test('a key is drawn with what it may do, shown once, and kept as a digest', async (t) => {
  const store = await testStore(t)
  const { digest, key, ...made } = await drawn(store)
  t.match(key, KEY_FORM)
  t.equal(key.split('_')[1], made.id, 'whoever finds one can tell which it is')
  t.strictSame(made, {
    id: made.id,
    name: 'Shop',
    scopes: ['read', 'events'],
    requestsPerMinute: 6_000,
    createdAt: monday,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
  })
  t.strictSame(await store.apiKeys.get(made.id), made)
  t.strictSame(await store.apiKeys.list({ limit: 10, cursor: null }), { items: [made], next: null })
  t.strictSame(await store.apiKeys.judge(digest, monday), {
    is: 'valid',
    holder: { keyId: made.id, name: 'Shop', scopes: ['read', 'events'], requestsPerMinute: 6_000 },
  })
  const { rows } = await store.query('SELECT row_to_json(api_keys)::text AS row, digest FROM api_keys')
  t.notMatch(rows[0].row, key.split('_')[2]!)
  t.same(rows[0].digest, digest)
  t.strictSame(await store.apiKeys.judge(digestOf(`${key}x`), monday), { is: 'unknown' })
  t.equal(await store.apiKeys.get('nonsense'), null)
})

t.test('keys are listed page by page, newest first', async (t) => {
  const { apiKeys } = await testStore(t)
  for (const [place, name] of ['Shop', 'CRM', 'Warehouse'].entries()) valueOf(await apiKeys.create({ ...shop, name }, monday + place))
  const first = await apiKeys.list({ limit: 2, cursor: null })
  t.same(
    first.items.map(({ name }) => name),
    ['Warehouse', 'CRM'],
  )
  const next = await apiKeys.list({ limit: 2, cursor: first.next })
  t.same([next.items.map(({ name }) => name), next.next], [['Shop'], null])
})

t.test('a key that would be good for nothing is not made', async (t) => {
  const { apiKeys } = await testStore(t)
  const wrong: [Partial<NewApiKey>, string][] = [
    [{ name: ' \u0000' }, 'name'],
    [{ scopes: [] }, 'scopes'],
    [{ expiresAt: monday }, 'expiresAt'],
    [{ requestsPerMinute: 0 }, 'requestsPerMinute'],
    [{ requestsPerMinute: 1.5 }, 'requestsPerMinute'],
    [{ requestsPerMinute: 1_000_001 }, 'requestsPerMinute'],
  ]
  for (const [changes, field] of wrong)
    t.match(await apiKeys.create({ ...shop, ...changes }, monday), { ok: false, refusal: { refused: 'invalid', field } })
  t.strictSame((await apiKeys.list({ limit: 10, cursor: null })).items, [])
})

t.test('a key that is revoked here is none from that moment on; elsewhere it is good for five seconds more', async (t) => {
  const here = await testStore(t)
  const there = await elsewhere(t, here)
  const { id, digest } = await drawn(here)
  for (const { apiKeys } of [here, there]) t.match(await apiKeys.judge(digest, monday), { is: 'valid' })

  valueOf(await here.apiKeys.revoke(id, monday + second))
  t.strictSame(await here.apiKeys.judge(digest, monday + second), { is: 'revoked' })
  t.match(await there.apiKeys.judge(digest, monday + 5 * second - 1), { is: 'valid' })
  t.strictSame(await there.apiKeys.judge(digest, monday + 5 * second), { is: 'revoked' })

  valueOf(await here.apiKeys.revoke(id, monday + minute))
  t.equal((await here.apiKeys.get(id))!.revokedAt, monday + second, 'revoking twice is revoking once')
  for (const nothing of ['abcdefgh', 'first', "'; DROP TABLE api_keys; --"])
    t.match(await here.apiKeys.revoke(nothing, monday), { ok: false, refusal: { refused: 'not_found' } })
})

t.test('a key is good until the moment at which it expires', async (t) => {
  const store = await testStore(t)
  const { digest } = await drawn(store, { expiresAt: monday + 2 * second })
  t.match(await store.apiKeys.judge(digest, monday + 2 * second - 1), { is: 'valid' })
  t.strictSame(await store.apiKeys.judge(digest, monday + 2 * second), { is: 'expired' }, 'though it was known just now')
})

t.test('a busy key asks Postgres once in five seconds', async (t) => {
  const postgres = await ownPostgres(t)
  const store = await testStore(t, { databaseUrl: postgres.url })
  const { id, digest } = await drawn(store)
  t.match(await store.apiKeys.judge(digest, monday), { is: 'valid' })
  t.equal(store.apiKeys.isKnown(digest), true)
  await until('the last use to be written', async () => (await store.apiKeys.get(id))!.lastUsedAt)
  await postgres.stop()
  for (let at = monday; at < monday + 5 * second; at += 10) t.match(store.apiKeys.judge(digest, at), { is: 'valid' }, 'at once')
  await t.rejects(async () => store.apiKeys.judge(digest, monday + 5 * second), StoreUnavailable)
  await postgres.start()
  await until('Postgres to be back', () =>
    store.ping().then(
      () => true,
      () => false,
    ),
  )
  t.match(await store.apiKeys.judge(digest, monday + 6 * second), { is: 'valid' })
})

t.test('when a key was used last is written once a minute', async (t) => {
  const store = await testStore(t)
  const { id, digest } = await drawn(store)
  const lastUse = async () => (await store.apiKeys.get(id))!.lastUsedAt
  const written = (at: number) => until('the last use to be written', async () => (await lastUse()) === at)
  await store.apiKeys.judge(digest, monday)
  await written(monday)
  for (let at = monday; at < monday + minute; at += 7 * second) await store.apiKeys.judge(digest, at)
  await until('what would be written', () => store.connectionsInUse === 0)
  t.equal(await lastUse(), monday)
  await store.apiKeys.judge(digest, monday + minute)
  await written(monday + minute)
})

t.test('who keeps a connection open for long is told when the key ends, wherever and however that is', async (t) => {
  const here = await testStore(t)
  const there = await elsewhere(t, here)
  const ended: string[] = []
  const keys = {
    'revoked here': await drawn(here),
    'revoked elsewhere': await drawn(here),
    expired: await drawn(here, { expiresAt: Date.now() + second }),
    good: await drawn(here),
    'left before': await drawn(here),
  }
  const leave = Object.entries(keys).map(([how, { id }]) => here.apiKeys.onEnd(id, () => ended.push(how)))
  here.apiKeys.onEnd('first', () => ended.push('first'))
  leave[4]!()

  valueOf(await there.apiKeys.revoke(keys['revoked elsewhere'].id, Date.now()))
  valueOf(await here.apiKeys.revoke(keys['left before'].id, Date.now()))
  valueOf(await here.apiKeys.revoke(keys['revoked here'].id, Date.now()))
  t.ok(ended.includes('revoked here'), 'at once')
  await until('the others to be told', () => ended.length === 3, 15_000)
  t.same(ended.toSorted(), ['expired', 'revoked elsewhere', 'revoked here'])
})

t.test('a key that ended between the request and the watch is told of as well', async (t) => {
  const store = await testStore(t)
  const { id } = await drawn(store)
  valueOf(await store.apiKeys.revoke(id, monday))
  const told = Promise.withResolvers<void>()
  store.apiKeys.onEnd(id, told.resolve)
  await told.promise
})
