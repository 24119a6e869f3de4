import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import t from 'tap'
import { partsFolder } from '../../src/local/home.ts'
import { ensurePostgres, stopPostgres } from '../../src/local/postgres.ts'
import { endedWithin, livingPart } from '../../src/local/detached.ts'
import { silent as progress } from '../../src/local/progress.ts'
import { temporaryHome } from './support/homes.ts'

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function kill(home: string): Promise<void> {
  const living = await livingPart(home, 'postgres')
  if (living === undefined) throw new Error('no Postgres to kill')
  process.kill(living.pid, 'SIGKILL')
  await endedWithin(living, 5_000)
}

t.test('a new home gets a Postgres, and the next start adopts it', async (t) => {
  const home = await temporaryHome(t)
  const first = await ensurePostgres({ home, progress })
  t.equal(first.adopted, false)
  t.match(await query(first.databaseUrl, 'show fsync'), [{ fsync: 'on' }])
  t.match(await query(first.databaseUrl, 'select current_database() as name'), [{ name: 'pforte' }])

  const second = await ensurePostgres({ home, progress })
  t.same(second, { ...first, adopted: true })
  t.equal(await stopPostgres(home), true)
  t.equal(await stopPostgres(home), false)
})

t.test('two starts at once end up with one Postgres', async (t) => {
  const home = await temporaryHome(t)
  const both = await Promise.all([ensurePostgres({ home, progress }), ensurePostgres({ home, progress })])
  t.equal(both[0].databaseUrl, both[1].databaseUrl)
  t.same(both.map(({ adopted }) => adopted).toSorted(), [false, true])
})

t.test('after kill -9 of Postgres nothing that was committed is lost, and the address stays', async (t) => {
  const home = await temporaryHome(t)
  const { databaseUrl } = await ensurePostgres({ home, progress })
  await query(databaseUrl, 'create table ticket as select 42 as number')
  await kill(home)
  const again = await ensurePostgres({ home, progress })
  t.same(again, { databaseUrl, adopted: false })
  t.same(await query(databaseUrl, 'select number from ticket'), [{ number: 42 }])
})

t.test('a stranger with the pid in a stale postmaster.pid does not keep Postgres from starting', async (t) => {
  const home = await temporaryHome(t)
  await ensurePostgres({ home, progress })
  const { path, user } = await partsFolder(home)
  await kill(home)
  const stranger = spawn('sleep', ['60'], { cwd: '/', ...user })
  await once(stranger, 'spawn')
  t.teardown(() => stranger.kill())
  const pidFile = join(path, 'postgres/postmaster.pid')
  await writeFile(pidFile, (await readFile(pidFile, 'utf8')).replace(/^\d+/, String(stranger.pid)))
  t.equal((await ensurePostgres({ home, progress })).adopted, false)
})

t.test('a Postgres that runs but is not written down any more is not started a second time', async (t) => {
  const home = await temporaryHome(t)
  const { databaseUrl } = await ensurePostgres({ home, progress })
  await query(databaseUrl, 'create table kept as select 1 as one')
  await writeFile(
    join(home, 'run/postgres.json'),
    JSON.stringify({ pid: 999_999_999, startTime: 1, bootId: '', ports: {}, settings: {}, mark: '' }),
  )
  const again = await ensurePostgres({ home, progress })
  t.same(await query(again.databaseUrl, 'select one from kept'), [{ one: 1 }])
})

t.test('a configured port that is taken is one clear line, and nothing is left running', async (t) => {
  const home = await temporaryHome(t)
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  t.teardown(() => squatter.close())
  const address = squatter.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await t.rejects(ensurePostgres({ home, port, progress }), {
    name: 'PartFailure',
    part: 'postgres',
    what: `port ${port} on 127.0.0.1 is taken by another program`,
    mend: /POSTGRES_PORT/,
  })
  t.equal(await livingPart(home, 'postgres'), undefined)
})

t.test('the password is in a closed file, and without it nobody gets in', async (t) => {
  const home = await temporaryHome(t)
  const { databaseUrl } = await ensurePostgres({ home, progress })
  t.equal((await stat(join(home, 'postgres-password'))).mode & 0o777, 0o600)
  const wrong = new URL(databaseUrl)
  wrong.password = 'guessed'
  await t.rejects(query(wrong.href, 'select 1'), { code: '28P01' })
  await writeFile(join(home, 'postgres-password'), 'another\n')
  await t.rejects(ensurePostgres({ home, progress }), { name: 'PartFailure', part: 'postgres', exitCode: 2 })
})

t.test('values of a failing statement do not get into the log', async (t) => {
  const home = await temporaryHome(t)
  const { databaseUrl } = await ensurePostgres({ home, progress })
  await query(databaseUrl, 'create table pin (digest text unique)')
  const insert = "insert into pin values ('secret-digest')"
  await query(databaseUrl, insert)
  await t.rejects(query(databaseUrl, insert), { code: '23505' })
  t.notMatch(await readFile(join(home, 'log/postgres.log'), 'utf8'), 'secret-digest')
})
