import { chown, mkdtemp, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { cacheDir as defaultCacheDir } from './cache.ts'
import { lastLogLines, lastRecord, livingPart, startDetached, stopPart, stopUnwritten, type DetachedPart } from './detached.ts'
import { ensureSecret, homeFolders, openHome, partsFolder, type PartsFolder } from './home.ts'
import { withLock } from './lock.ts'
import { errorCode, noSpace, PartFailure } from './part-failure.ts'
import { choosePort } from './ports.ts'
import { ensurePostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts'
import type { Progress } from './progress.ts'
import { lastWords, runCommand } from './run-command.ts'
import { NOBODY } from './service-user.ts'

const NAME = 'postgres'
const DATABASE = 'pforte'

export interface PostgresOptions {
  home: string
  /** POSTGRES_PORT; by default the one of last time or a free one. */
  port?: number | undefined
  cacheDir?: string
  progress: Progress
}

export interface RunningPostgres {
  /** With the password in it: not for logs. */
  databaseUrl: string
  /** True if it was running already. */
  adopted: boolean
}

/**
 * Has the embedded Postgres of this PFORTE_HOME running and ready, with the
 * database `pforte` in it: adopts a living one, else starts it, else makes it.
 * It listens on loopback, wants a password, and keeps every commit through a
 * crash (fsync and synchronous_commit are on).
 *
 * @throws PartFailure of `postgres`, `home` or `packages`
 */
export async function ensurePostgres({ home, port, cacheDir, progress }: PostgresOptions): Promise<RunningPostgres> {
  const { run } = await openHome(home)
  const password = await ensureSecret(home, 'postgres-password')
  return withLock(
    join(run, 'postgres.lock'),
    () => progress.step('waiting for another start of this PFORTE_HOME'),
    async () => {
      const living = await livingPart(home, NAME)
      const livingPort = living?.ports[NAME]
      if (livingPort !== undefined && (port === undefined || port === livingPort)) {
        const url = databaseUrl(livingPort, password)
        await untilReady(home, url, undefined)
        await ensureDatabase(url)
        progress.done(`Postgres goes on running on port ${livingPort}`)
        return { databaseUrl: url, adopted: true }
      }
      if (living !== undefined) await stopPart(home, NAME, STOP)

      const binaries = await ensurePostgresBinaries({ cacheDir: cacheDir ?? (await defaultCacheDir()), progress })
      const parts = await partsFolder(home)
      const data = join(parts.path, 'postgres')
      if (!(await exists(data))) await makeData({ data, parts, binaries, password, progress })
      await checkVersion(data, binaries)
      await clearLeftovers(data)
      progress.step('starting Postgres')
      const url = await start({ home, data, parts, binaries, password, port })
      await ensureDatabase(url)
      progress.done(`Postgres ${binaries.major} runs on port ${new URL(url).port}`)
      return { databaseUrl: url, adopted: false }
    },
  )
}

/** Whether this PFORTE_HOME has an embedded database; asking makes none. */
export async function hasDatabase(home: string): Promise<boolean> {
  return exists(join(homeFolders(home).path, 'parts', NAME))
}

/** SIGINT is Postgres's fast shutdown: it ends sessions, writes a checkpoint and leaves. */
const STOP = { signal: 'SIGINT', timeoutMs: 30_000 } as const

/** Ends the embedded Postgres of this PFORTE_HOME. @returns false if none ran */
export async function stopPostgres(home: string): Promise<boolean> {
  return stopPart(home, NAME, STOP)
}

/** Makes the data folder elsewhere and renames it, so that it is complete or not there. */
async function makeData({
  data,
  parts,
  binaries,
  password,
  progress,
}: {
  data: string
  parts: PartsFolder
  binaries: PostgresBinaries
  password: string
  progress: Progress
}): Promise<void> {
  progress.step('making the database')
  // initdb asks for the name of its user, and the service user has none; `nobody` may not enter the folder of parts.
  const maker = parts.user === undefined ? undefined : NOBODY
  const workshop = await mkdtemp(join(maker === undefined ? parts.path : dirname(parts.path), 'initdb-'))
  try {
    const passwordFile = join(workshop, 'password')
    await writeFile(passwordFile, password + '\n', { mode: 0o600 })
    if (maker !== undefined) for (const path of [workshop, passwordFile]) await chown(path, maker.uid, maker.gid)
    const made = await runCommand(
      NAME,
      join(binaries.bin, 'initdb'),
      [
        '--pgdata',
        join(workshop, 'data'),
        '--username',
        DATABASE,
        '--pwfile',
        passwordFile,
        '--auth',
        'scram-sha-256',
        '--encoding',
        'UTF8',
        '--locale',
        'C',
        '--locale-provider',
        'builtin',
        '--builtin-locale',
        'C.UTF-8',
        // Where there is no old segment to take, all commits wait for a new one to be filled with zeros: here 4 MB, by itself 16.
        '--wal-segsize',
        '4',
      ],
      { user: maker, cwd: workshop },
    )
    if (made.code !== 0) throw initFailure(lastWords(made), data)
    await writeFile(
      join(workshop, 'data/postgresql.conf'),
      "# The settings are in pforte.conf, which Pforte writes at each start.\ninclude 'pforte.conf'\n",
    )
    if (parts.user !== undefined) {
      const owned = await runCommand(NAME, 'chown', ['-R', `${parts.user.uid}:${parts.user.gid}`, join(workshop, 'data')])
      if (owned.code !== 0)
        throw new PartFailure({
          part: NAME,
          what: `its data cannot be given to user ${parts.user.uid} (${lastWords(owned)})`,
          mend: 'Start Pforte as an ordinary user, or set DATABASE_URL.',
        })
    }
    await rename(join(workshop, 'data'), data)
  } finally {
    await rm(workshop, { recursive: true, force: true })
  }
}

function initFailure(said: string, data: string): PartFailure {
  if (/No space left/.test(said)) return noSpace(NAME, data)
  if (/could not look up effective user ID/.test(said)) {
    return new PartFailure({
      part: NAME,
      what: `the user id ${process.getuid?.()} has no name on this machine, which Postgres asks for`,
      mend: 'Give it a line in /etc/passwd, or start Pforte as another user, or set DATABASE_URL.',
    })
  }
  return new PartFailure({ part: NAME, what: `its data folder cannot be made (${said})`, mend: 'Mend what it names, or set DATABASE_URL.' })
}

/**
 * For a store of small, quick transactions: memory for some hundred megabytes of
 * data, no compiling of queries, durable commits. The log names no values, since
 * those may be PIN digests and numbers: no statements, and terse errors, which
 * leaves out "Key (digest)=(…)".
 */
function settings(port: number): string {
  return `# Written by Pforte at each start.
listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = '64MB'
fsync = on
synchronous_commit = on
full_page_writes = on
max_wal_size = '512MB'
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_statement = none
log_min_error_statement = panic
log_error_verbosity = terse
`
}

/** How long orphaned backends of a killed Postgres may take to notice, and how often a lost race for a port is run again. */
const START_TRIES_MS = 10_000

async function start({
  home,
  data,
  parts,
  binaries,
  password,
  port,
}: {
  home: string
  data: string
  parts: PartsFolder
  binaries: PostgresBinaries
  password: string
  port: number | undefined
}): Promise<string> {
  const until = performance.now() + START_TRIES_MS
  for (;;) {
    const chosen = await choosePort({
      part: NAME,
      asked: port,
      variable: 'POSTGRES_PORT',
      last: (await lastRecord(home, NAME))?.ports[NAME],
    })
    await writeFile(join(data, 'pforte.conf'), settings(chosen))
    if (parts.user !== undefined) await chown(join(data, 'pforte.conf'), parts.user.uid, parts.user.gid)
    const part = await startDetached({
      home,
      name: NAME,
      command: join(binaries.bin, 'postgres'),
      args: ['-D', data],
      mark: data,
      cwd: data,
      user: parts.user,
      ports: { [NAME]: chosen },
      settings: {},
    })
    const url = databaseUrl(chosen, password)
    const ended = await untilReady(home, url, part)
    if (ended === undefined) return url
    const said = await lastLogLines(home, NAME, 6)
    if (/No space left/.test(said)) throw noSpace(NAME, data)
    const passing = /pre-existing shared memory block|Address already in use/.test(said)
    if (!passing || performance.now() > until) {
      throw new PartFailure({
        part: NAME,
        what: `it ended while starting (${ended}): ${said}`,
        mend: `Mend what it names; its log is ${join(home, 'log/postgres.log')}.`,
      })
    }
    await wait(100)
  }
}

/** Recovery after a crash replays up to max_wal_size of log. */
const READY_WITHIN_MS = 120_000
const LOOK_EVERY_MS = 15

/**
 * Waits until it takes connections. Postgres has no call that says so; trying to
 * connect is also what its own pg_ctl does.
 *
 * @returns how it ended, if it ended instead
 */
async function untilReady(home: string, url: string, part: DetachedPart | undefined): Promise<string | undefined> {
  const until = performance.now() + READY_WITHIN_MS
  let ended: string | undefined
  void part?.ended.then((how) => {
    ended = how
  })
  while (ended === undefined) {
    const refusal = await connectOnce(url)
    if (refusal === undefined) return undefined
    if (refusal === WRONG_PASSWORD) {
      throw new PartFailure({
        part: NAME,
        what: 'the embedded Postgres refuses the password in PFORTE_HOME/postgres-password',
        mend: 'Put that file back from a backup; it belongs to the data in PFORTE_HOME/parts/postgres.',
        exitCode: 2,
      })
    }
    if (!['ECONNREFUSED', 'ECONNRESET', STARTING_UP].includes(refusal) || performance.now() > until) {
      throw new PartFailure({
        part: NAME,
        what: `the embedded Postgres does not become ready (${refusal})`,
        mend: `Look at ${join(home, 'log/postgres.log')}.`,
      })
    }
    if (part === undefined && !(await livingPart(home, NAME))) return 'it ended'
    await wait(LOOK_EVERY_MS)
  }
  return ended
}

/** Codes of Postgres, appendix A of its manual. */
const WRONG_PASSWORD = '28P01'
const STARTING_UP = '57P03'

/** @returns the code of the refusal, or undefined if it let us in */
async function connectOnce(url: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: maintenanceUrl(url) })
  try {
    await client.connect()
    return undefined
  } catch (error) {
    return errorCode(error) ?? String(error)
  } finally {
    await client.end()
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: maintenanceUrl(url) })
  await client.connect()
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE])
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`)
  } finally {
    await client.end()
  }
}

async function checkVersion(data: string, binaries: PostgresBinaries): Promise<void> {
  const version = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
  if (version === binaries.major) return
  throw new PartFailure({
    part: NAME,
    exitCode: 2,
    what: `the data in ${data} is of Postgres ${version}, and this Pforte brings Postgres ${binaries.major}`,
    mend: `Dump it with the Pforte that made it (pg_dump), move the folder away, start, and restore; or set DATABASE_URL to a Postgres ${version}.`,
  })
}

/**
 * After a crash `postmaster.pid` is still there. Postgres takes it for a living
 * one if any process of its user has that pid by now, which is common in
 * containers where pids are small; we can look closer. A Postgres that runs on
 * this very data without being written down is ended in good order.
 */
async function clearLeftovers(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10)
  if (Number.isNaN(pid)) return
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  if (cwd !== data) return rm(file, { force: true })
  await stopUnwritten(NAME, data, STOP)
}

function databaseUrl(port: number, password: string): string {
  return `postgres://${DATABASE}:${encodeURIComponent(password)}@127.0.0.1:${port}/${DATABASE}`
}

/** The same server's database that always exists. */
function maintenanceUrl(url: string): string {
  const other = new URL(url)
  other.pathname = '/postgres'
  return other.href
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
