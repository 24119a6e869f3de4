/** The doctor looks and touches nothing. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { freePort } from '../../src/local/ports.ts'
import { startSimulator } from '../../src/local/smsc/simulator.ts'
import { certificate } from '../support/certificate.ts'
import { freshDatabase, rules, testStore } from '../support/postgres.ts'
import { customerWithPin, monday, serviceWith, valueOf } from '../support/stories.ts'
import { strangeAsterisk } from '../telephony/support/strange-asterisk.ts'
import { tlsProxyTo } from '../telephony/support/tls-proxy.ts'

const ROOT = join(import.meta.dirname, '../..')

t.test('on an empty database it says that the start makes it, and leaves it empty; no secret is made', async (t) => {
  const { url, query } = await databaseOf(t)
  await query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  const { lines, home, exitCode } = await doctor(t, { DATABASE_URL: url })
  t.match(lines, /! postgres +the database lacks 0001_hotline/)
  t.match(lines, /npx pforte migrate now/)
  t.same((await query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)).rows, [])
  t.notOk((await readdir(home)).includes('secret'))
  t.equal(exitCode, 0, 'nothing of it is wrong')
})

t.test('a database of an older Pforte stays as it is', async (t) => {
  const { url, query } = await databaseOf(t)
  await query(`DELETE FROM pforte_migration WHERE name <> '0001_hotline'; ALTER TABLE pins DROP COLUMN length`)
  const { rows: before } = await query('SELECT name FROM pforte_migration')
  t.match((await doctor(t, { DATABASE_URL: url })).lines, /! postgres +the database lacks 0002_pin_length/)
  t.same((await query('SELECT name FROM pforte_migration')).rows, before)
})

t.test('a database that no start has seen gets no secret from the doctor; one that has one is held to it', async (t) => {
  const { url, query } = await databaseOf(t)
  t.match((await doctor(t, { DATABASE_URL: url })).lines, /✓ postgres/)
  t.same((await query('SELECT * FROM service_secret')).rows, [])

  const store = await testStore(t, { databaseUrl: url })
  await serviceWith(store, [])
  const other = await doctor(t, { DATABASE_URL: url, PFORTE_SECRET: 'not-the-one-it-was-made-with' })
  t.match(other.lines, /✗ postgres +this database was made with another secret/)
  t.equal(other.exitCode, 1)
})

t.test('it names who cannot type their PIN or customer number any more, and an Asterisk that lacks fixes', async (t) => {
  const secret = 'the-secret-of-this-test'
  const store = await testStore(t, { secret: Buffer.from(secret), pinLength: 6, customerNumberLength: 8 })
  await serviceWith(store, [])
  const { contract } = await customerWithPin(store.records, '482130')
  store.useRules({ ...rules, customerNumberLength: 8 })
  valueOf(await store.records.issuePin({ contractId: contract.id }, monday))
  const customer = { name: 'Lena Alt', numbers: [], language: 'de', timeZone: 'Europe/Berlin', customerNumber: '20260302' }
  valueOf(await store.records.createCustomer(customer, monday))
  const { url } = await strangeAsterisk(t, { version: '20.6.0~dfsg' })

  const { lines, exitCode } = await doctor(t, {
    DATABASE_URL: store.url,
    PFORTE_SECRET: secret,
    ARI_URL: url,
    ARI_USER: 'pforte',
    ARI_PASSWORD: 'quittengelee',
  })
  t.match(lines, /! asterisk +Asterisk 20\.6\.0 answers at .*\n.*lacks security fixes.*22\.10\.1/)
  t.match(lines, /✓ PINs +1 valid of 100000 possible/)
  t.match(lines, /! PINs +1 valid PIN is longer than pin\.length \(5\)/)
  t.match(lines, /! PINs +1 customer number is longer than pin\.customer_number_length \(6\).*set it to 8/)
  t.equal(exitCode, 0, 'warnings are no failure')
})

t.test('an Asterisk behind TLS with an authority of its own: one line says how to trust it, and that works', async (t) => {
  const { url: database } = await databaseOf(t)
  const { url } = await strangeAsterisk(t)
  const authority = certificate()
  const environment = {
    DATABASE_URL: database,
    ARI_URL: await tlsProxyTo(t, url, certificate({ by: authority })),
    ARI_USER: 'pforte',
    ARI_PASSWORD: 'quittengelee',
  }
  const strange = await doctor(t, environment)
  t.match(strange.lines, /✗ asterisk +the Asterisk at https:.* shows a certificate of an authority .*\n.*NODE_EXTRA_CA_CERTS/)
  t.equal(strange.exitCode, 1)

  const folder = await mkdtemp(join(tmpdir(), 'pforte-doctor-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'authority.pem'), authority.cert)
  const trusting = await doctor(t, { ...environment, NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem') })
  t.match(trusting.lines, /✓ asterisk +Asterisk 22\.10\.1 answers/)
})

async function databaseOf(t: Test) {
  const { url, drop } = await freshDatabase()
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  // A connection that is still saying goodbye ends with the database.
  pool.on('error', () => {})
  t.teardown(async () => {
    await pool.end()
    await drop()
  })
  return { url, query: pool.query.bind(pool) as pg.Pool['query'] }
}

/** With a home of its own, in which there is nothing yet. */
async function doctor(t: Test, environment: Record<string, string>): Promise<{ lines: string; home: string; exitCode: number }> {
  const home = await mkdtemp(join(tmpdir(), 'pforte-doctor-'))
  t.teardown(() => rm(home, { recursive: true, force: true }))
  const child = spawn(process.execPath, ['src/cli.ts', 'doctor'], {
    cwd: ROOT,
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      PFORTE_HOME: home,
      HTTP_PORT: String(await freePort()),
      SIP_PORT: String(await freePort()),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let lines = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (lines += data.toString()))
  const exitCode = await new Promise<number>((resolve) => child.on('close', resolve))
  return { lines, home, exitCode }
}

t.test('it says whether the carrier can be reached, without binding there', async (t) => {
  const carrier = await startSimulator()
  t.teardown(() => carrier.close())
  const { url } = await databaseOf(t)
  const reached = await doctor(t, { DATABASE_URL: url, SMPP_URL: carrier.url })
  t.match(reached.lines, /✓ smsc +pforte@127\.0\.0\.1:\d+ can be reached/)
  t.same(carrier.pdus(), [])
  const nowhere = `smpp://pforte:a-password@127.0.0.1:${await freePort()}`
  const one = await doctor(t, { DATABASE_URL: url, SMPP_URL: `${carrier.url},${nowhere}` })
  t.match(one.lines, /! smsc +pforte@127\.0\.0\.1:\d+: connect ECONNREFUSED/)
  const none = await doctor(t, { DATABASE_URL: url, SMPP_URL: nowhere })
  t.match(none.lines, /✗ smsc/)
  t.equal(none.exitCode, 1)
  t.notMatch(none.lines, 'a-password')
})
