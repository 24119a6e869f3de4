/**
 * Databases for tests, on a real Postgres: the one of the test run
 * (`PFORTE_TEST_POSTGRES`), a configured one (`DATABASE_URL`), or an embedded
 * one of this test file's own. Each is a clone of a template that was migrated
 * once, so that a fresh one costs some 30 ms.
 */
import { spawn } from 'node:child_process'
import { createHash, randomInt, randomUUID } from 'node:crypto'
import { readdir, readFile, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Test } from 'tap'
import type { Log } from '../../src/app/ports/log.ts'
import type { PinLimits } from '../../src/app/ports/store.ts'
import { removeHome } from '../../src/local/home.ts'
import { tcpPortIsFree } from '../../src/local/ports.ts'
import { ensurePostgres, stopPostgres } from '../../src/local/postgres.ts'
import { silent } from '../../src/local/progress.ts'
import { defaultWaits, type Waits } from '../../src/store/connections.ts'
import { migrate, migrationsFolder } from '../../src/store/migrate.ts'
import { openStore, type Store, type StoreOptions, type StoreRules } from '../../src/store/open.ts'
import { until } from './until.ts'

export type TestDatabase = { url: string; drop(): Promise<void> }

export const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

/** A migrated, empty database. */
export async function freshDatabase(serverUrl?: string): Promise<TestDatabase> {
  const server = serverUrl ?? (await sharedServer())
  const template = await migratedTemplate(server)
  const name = `pforte_test_${randomUUID().replaceAll('-', '')}`
  await asAdmin(server, (admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`))
  return {
    url: withDatabase(server, name),
    drop: () => asAdmin(server, async (admin) => void (await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))),
  }
}

/** A server with no other user than this test: it may be frozen and killed. */
export async function ownPostgres(test: Test): Promise<OwnPostgres> {
  const home = await mkdtemp(join(tmpdir(), 'pforte-test-postgres-'))
  const postgres = new OwnPostgres(home)
  test.teardown(() => postgres.remove())
  await postgres.start()
  endWithUs(home)
  return postgres
}

export class OwnPostgres {
  readonly #home: string
  #url = ''
  #port: number | null = null

  constructor(home: string) {
    this.#home = home
  }

  get url(): string {
    return this.#url
  }

  /** Starts it, on the port that it had before. */
  async start(): Promise<void> {
    this.#port ??= await portOfItsOwn()
    this.#url = (await ensurePostgres({ home: this.#home, port: this.#port, progress: silent })).databaseUrl
  }

  /** Ends it in order, as an administrator would. */
  async stop(): Promise<void> {
    await stopPostgres(this.#home)
  }

  /** Every process of it stands still, with all sockets open: what a dying disk or host looks like from outside. */
  async freeze(): Promise<void> {
    await this.#bearNoMore()
    await this.#signal('SIGSTOP')
    await Promise.all((await this.#processes()).map(standsStill))
  }

  async thaw(): Promise<void> {
    await this.#signal('SIGCONT')
  }

  /** What a crash of the machine looks like. */
  async kill(): Promise<void> {
    await this.#bearNoMore()
    await this.#signal('SIGKILL')
  }

  /** It shall start no more children while they are counted, and be done with the one that it may be starting. */
  async #bearNoMore(): Promise<void> {
    const postmaster = await this.#postmaster()
    if (postmaster === null) return
    process.kill(postmaster, 'SIGSTOP')
    await standsStill(postmaster)
  }

  async remove(): Promise<void> {
    await this.thaw()
    await this.stop()
    await removeHome(this.#home)
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    for (const pid of await this.#processes()) {
      try {
        process.kill(pid, signal)
      } catch (error) {
        // A child that had just been on its way out.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }

  /** The postmaster and its children. */
  async #processes(): Promise<number[]> {
    const postmaster = await this.#postmaster()
    if (postmaster === null) return []
    const children: number[] = []
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      if ((await stateOf(Number(entry))).parent === postmaster) children.push(Number(entry))
    }
    return [postmaster, ...children]
  }

  async #postmaster(): Promise<number | null> {
    const text = await readFile(join(this.#home, 'parts/postgres/postmaster.pid'), 'utf8').catch(() => null)
    return text === null ? null : Number(text.split('\n', 1)[0])
  }
}

/** Below those that parts and other tests choose from (local/ports.ts): nobody takes it while this Postgres is away. */
const OWN_PORTS = { from: 12_000, to: 20_000 }

async function portOfItsOwn(): Promise<number> {
  for (;;) {
    const port = randomInt(OWN_PORTS.from, OWN_PORTS.to)
    if (await tcpPortIsFree(port)) return port
  }
}

/** proc_pid_stat(5): the name in brackets may hold anything, so what counts comes after the last one. */
async function stateOf(pid: number): Promise<{ state: string; parent: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { state, parent: Number(parent) }
}

async function standsStill(pid: number): Promise<void> {
  // One that was on its way out is gone, or a zombie.
  await until(`process ${pid} to stand still`, async () => ['T', 'Z', ''].includes((await stateOf(pid)).state))
}

/** Ends the server if this process dies in whatever way: the pipe to `sh` closes with it. */
function endWithUs(home: string): void {
  const watch = spawn('sh', ['-c', 'cat > /dev/null; kill -INT "$(head -n 1 "$0")"', join(home, 'parts/postgres/postmaster.pid')], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watch.unref()
  ;(watch.stdin as unknown as { unref(): void }).unref()
}

export const limits: PinLimits = {
  windowMs: 600_000,
  perCallerSlow: 3,
  perCallerStop: 6,
  perTrunkSlow: 30,
  perTrunkStop: 60,
  perLineAlarm: 100,
  slowDownMs: 500,
  maxGuessChance: 0.01,
  whenTooLikely: 'customer_number',
}

export const rules: StoreRules = { pinLimits: limits, pinLength: 5, customerNumberLength: 6, country: 'DE' }

const PATIENT: Waits = { ...defaultWaits, connectMs: 15_000 }

/** A store on a database of its own. The test fails if a connection is not given back at its end. */
export async function testStore(
  test: Test,
  options: Partial<StoreOptions> = {},
): Promise<Store & { url: string; query: pg.Pool['query'] }> {
  const database = options.databaseUrl === undefined ? await freshDatabase() : null
  const url = options.databaseUrl ?? database!.url
  // The shared server is well; where a connection takes long, it is this machine that has much to do.
  const waits = options.databaseUrl === undefined ? PATIENT : defaultWaits
  const store = await openStore({ databaseUrl: url, secret: Buffer.alloc(32, 7), log: quiet, waits, ...rules, ...options })
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  pool.on('error', () => {})
  test.teardown(async () => {
    // Valid PINs may be being counted beside the calls; what was forgotten stays taken.
    await until('all connections to be given back to the pool', () => store.connectionsInUse === 0, 5000)
    await store.close()
    await pool.end()
    await database?.drop()
  })
  return Object.assign(store, { url, query: pool.query.bind(pool) as pg.Pool['query'] })
}

let shared: Promise<string> | null = null

function sharedServer(): Promise<string> {
  const given = process.env['PFORTE_TEST_POSTGRES'] ?? process.env['DATABASE_URL']
  return (shared ??= given !== undefined && given !== '' ? Promise.resolve(given) : ownServer())
}

async function ownServer(): Promise<string> {
  // Not at the top: tap reports a test run as soon as it is loaded, and benches use this file, too.
  const { default: t } = await import('tap')
  return (await ownPostgres(t)).url
}

const templates = new Map<string, Promise<string>>()

/** Made once a server and state of migrations, whoever of several test files comes first. */
function migratedTemplate(server: string): Promise<string> {
  let template = templates.get(server)
  if (template === undefined) {
    template = makeTemplate(server)
    templates.set(server, template)
  }
  return template
}

async function makeTemplate(server: string): Promise<string> {
  const hash = createHash('sha256')
  for (const file of (await readdir(migrationsFolder)).sort()) hash.update(file).update(await readFile(join(migrationsFolder, file)))
  const name = `pforte_template_${hash.digest('hex').slice(0, 16)}`
  await asAdmin(server, async (admin) => {
    await admin.query('SELECT pg_advisory_lock(7067687)')
    const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [name])
    if (rowCount === 0) {
      // Under another name until it is whole, so that a run that was cut off leaves no half template.
      const building = `${name}_building`
      await admin.query(`DROP DATABASE IF EXISTS ${building} WITH (FORCE)`)
      await admin.query(`CREATE DATABASE ${building}`)
      await migrate(withDatabase(server, building), quiet)
      await admin.query(`ALTER DATABASE ${building} RENAME TO ${name}`)
    }
  })
  return name
}

async function asAdmin<T>(server: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function withDatabase(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}
