import t, { type Test } from 'tap'
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { StoreUnavailable } from '../../src/app/ports/store.ts'
import { freePort } from '../../src/local/ports.ts'
import { StoreRefused } from '../../src/store/errors.ts'
import { migrate, migrationsFolder } from '../../src/store/migrate.ts'
import { openStore, type StoreOptions } from '../../src/store/open.ts'
import { freshDatabase, ownPostgres, quiet, rules, testStore } from '../support/postgres.ts'

const options = (databaseUrl: string): StoreOptions => ({
  databaseUrl,
  secret: Buffer.alloc(32, 7),
  log: quiet,
  ...rules,
})

t.test('two processes that start at once on an empty database bring it up to date once', async (t) => {
  const url = await emptyDatabase(t)
  const results = await Promise.all([migrate(url, quiet), migrate(url, quiet), migrate(url, quiet)])
  t.equal(
    results.flatMap(({ applied }) => applied).length,
    results[0]!.applied.length + results[1]!.applied.length + results[2]!.applied.length,
  )
  t.equal(results.filter(({ applied }) => applied.length > 0).length, 1)
  t.strictSame(await migrate(url, quiet), { applied: [], at: results.find(({ applied }) => applied.length > 0)!.at })
})

t.test('a database of a newer Pforte is refused; one that lacks something too, if nothing may be changed', async (t) => {
  const url = await emptyDatabase(t)
  await refusedFor(t, migrate(url, quiet, 'check'), 'pending', /lacks 0001_hotline/)
  const newer = await mkdtemp(join(tmpdir(), 'pforte-migrations-'))
  t.teardown(() => rm(newer, { recursive: true }))
  await cp(migrationsFolder, newer, { recursive: true })
  await writeFile(join(newer, '9999_from_the_future.sql'), 'CREATE TABLE future (id integer); INSERT INTO future VALUES (1);')
  await migrate(url, quiet, 'apply', newer)
  await refusedFor(t, migrate(url, quiet), 'too_new', /newer Pforte \(it knows 9999_from_the_future\)/)
  await refusedFor(t, openStore(options(url)), 'too_new', /newer/)
})

t.test('PINs from before their length was written down have the length that was asked for', async (t) => {
  const url = await emptyDatabase(t)
  const before = await mkdtemp(join(tmpdir(), 'pforte-migrations-'))
  t.teardown(() => rm(before, { recursive: true }))
  await cp(join(migrationsFolder, '0001_hotline.sql'), join(before, '0001_hotline.sql'))
  await migrate(url, quiet, 'apply', before)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query(`
    INSERT INTO flows (hash, flow, prompts, superseded_at) VALUES
      ('old', '{"pin": {"length": 8}}', '{}', now()), ('now', '{"pin": {"length": 6}}', '{}', NULL);
    INSERT INTO queue_groups VALUES ('support');
    INSERT INTO queues VALUES ('support', 'support', 50, 0, 0);
    INSERT INTO customers (id, customer_number, name, language, time_zone, created_at)
      VALUES (gen_random_uuid(), '100001', 'Marta Weber', 'de', 'Europe/Berlin', now());
    INSERT INTO contracts (id, customer_id, service, queue, priority, hours, created_at)
      SELECT gen_random_uuid(), id, 'Premium', 'support', 0, 'always', now() FROM customers;
    INSERT INTO pins (id, contract_id, digest, key_id, created_at)
      SELECT gen_random_uuid(), id, 'digest', 'key', now() FROM contracts;`)
  await migrate(url, quiet)
  t.strictSame((await client.query('SELECT length FROM pins')).rows, [{ length: 6 }])
})

t.test('a migration that fails leaves nothing behind and can be run again', async (t) => {
  const url = await emptyDatabase(t)
  const folder = await mkdtemp(join(tmpdir(), 'pforte-migrations-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, '0001_half.sql'), 'CREATE TABLE half (id integer); SELECT 1/0;')
  await t.rejects(migrate(url, quiet, 'apply', folder), { message: /division by zero/ })
  await writeFile(join(folder, '0001_half.sql'), 'CREATE TABLE half (id integer);')
  t.strictSame((await migrate(url, quiet, 'apply', folder)).applied, ['0001_half'])
})

t.test('a process with another secret is refused before it writes a digest', async (t) => {
  const { url } = await testStore(t)
  await refusedFor(
    t,
    openStore({ ...options(url), secret: Buffer.alloc(32, 8) }),
    'other_secret',
    /made with another secret \(key \w{12}; this process has \w{12}\)$/,
  )
  await t.resolves(
    openStore(options(url)).then((store) => store.close()),
    'the right one is let in',
  )
})

t.test('a wrong password and a wrong database name are told apart from a Postgres that is not there', async (t) => {
  // Not the configured one, which may let everybody in.
  const { url } = await freshDatabase((await ownPostgres(t)).url)
  const wrongPassword = new URL(url)
  wrongPassword.password = 'guessed'
  const error = await openStore(options(wrongPassword.href)).catch((error: unknown) => error)
  t.ok(error instanceof StoreRefused && error.reason === 'access' && /password/.test(error.message))
  t.notMatch(String(error), /guessed/)
  const wrongName = new URL(url)
  wrongName.pathname = '/nowhere'
  await refusedFor(t, openStore(options(wrongName.href)), 'access', /"nowhere" does not exist/)
  await t.rejects(openStore(options(`postgres://127.0.0.1:${await freePort()}/pforte`)), StoreUnavailable)
  await t.rejects(openStore(options('postgres://no-such-host.invalid/pforte')), StoreUnavailable)
})

t.test('a role that may not make tables is told what to grant', async (t) => {
  const url = new URL(await emptyDatabase(t))
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  const role = `reader_${randomBytes(4).toString('hex')}`
  await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reads only'`)
  await client.end()
  url.username = role
  url.password = 'reads only'
  const error = await openStore(options(url.href)).catch((error: unknown) => error)
  t.match(error, { reason: 'access', mend: /GRANT CREATE ON DATABASE/ })
})

t.test('what background work needs is made up for by the next start', async (t) => {
  const { url } = await testStore(t)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  const isThere = async () => (await client.query(`SELECT to_regnamespace('graphile_worker') IS NOT NULL AS there`)).rows[0].there
  await client.query('DROP SCHEMA graphile_worker CASCADE')
  t.equal(await isThere(), false)
  await openStore(options(url)).then((store) => store.close())
  t.equal(await isThere(), true)
})

async function emptyDatabase(t: Parameters<typeof testStore>[0]): Promise<string> {
  const database = await freshDatabase()
  t.teardown(() => database.drop())
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  await client.end()
  return database.url
}

async function refusedFor(t: Test, opening: Promise<unknown>, reason: StoreRefused['reason'], message: RegExp): Promise<void> {
  const error = await opening.then(
    () => null,
    (error: unknown) => error,
  )
  t.ok(error instanceof StoreRefused && error.reason === reason, `refused: ${reason}`)
  t.match((error as StoreRefused).message, message)
  t.match((error as StoreRefused).mend, /^[A-Z].*\.$/, 'with what to do about it')
}
