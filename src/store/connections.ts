/**
 * The way to Postgres: one pool for everything, with limits on every wait.
 *
 * - connecting (or waiting for a free connection) takes at most `connectMs`
 * - a statement is cancelled by Postgres after `statementMs`; where Postgres
 *   itself has stopped (frozen, cut off without a FIN), the client gives up a
 *   second later and throws the connection away
 * - a transaction that its process abandoned is ended by Postgres after
 *   `idleInTransactionMs`, so a frozen Pforte cannot hold a queue's lock
 *
 * Errors leave here as the ports promise them (errors.ts).
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, type Transaction } from 'kysely'
import pg from 'pg'
import type { Log } from '../app/ports/log.ts'
import { Changes } from './changes.ts'
import { asPortError, isCollision, isUnavailable, notConnected, stillColliding } from './errors.ts'
import { type Parameter, PreparedQuery, type Statement } from './prepared.ts'
import type { Schema } from './schema.ts'

export type { Statement } from './prepared.ts'

export type Waits = { connectMs: number; statementMs: number; idleInTransactionMs: number }
export const defaultWaits: Waits = { connectMs: 2000, statementMs: 3000, idleInTransactionMs: 10_000 }
/** Postgres gets this much longer to say itself that a statement took too long. */
const graceMs = 1000
const maxConnections = 10
/** How long closing waits for statements under way and for the server's goodbye. */
const closeMs = 2000
/** Two transactions in each other's way are tried again this often. */
const collisionRetries = 4

/** Runs a statement; rows come with times as epoch milliseconds and bigints as numbers. */
export type Run = <Row extends object = Record<string, unknown>>(statement: Statement, values: unknown[]) => Promise<Row[]>

const { builtins } = pg.types
const parseDate = pg.types.getTypeParser(builtins.TIMESTAMPTZ) as (text: string) => Date
function parseBigint(text: string): number {
  const number = Number(text)
  assert(Number.isSafeInteger(number), 'a count that no number can hold')
  return number
}

/** How rows become values: per connection, never in `pg`'s process-wide table. */
export const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: unknown) {
    if (format !== 'binary') {
      if (oid === builtins.TIMESTAMPTZ) return (text: string) => parseDate(text).getTime()
      if (oid === builtins.INT8) return parseBigint
    }
    return pg.types.getTypeParser(oid, format as 'text')
  },
} as pg.CustomTypesConfig

/** Settings that every connection of ours shares. */
export function connectionConfig(databaseUrl: string, purpose: string, waits: Waits): pg.ClientConfig & { pipeline: boolean } {
  return {
    connectionString: databaseUrl,
    application_name: `pforte ${purpose}`,
    types,
    connectionTimeoutMillis: waits.connectMs,
    statement_timeout: waits.statementMs,
    query_timeout: waits.statementMs + graceMs,
    idle_in_transaction_session_timeout: waits.idleInTransactionMs,
    // Statements that do not need each other's answers leave one behind the other; Postgres takes them in that order.
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
  }
}

/** A pool's client that knows whether it may go back into the pool; one for the life of the connection. */
class GuardedClient implements PostgresPoolClient {
  readonly #client: pg.PoolClient
  #broken = false
  #corked = false

  constructor(client: pg.PoolClient, log: Log) {
    this.#client = client
    // A connection that dies between two statements of a transaction says so here; the next statement fails.
    client.on('error', (error) => {
      this.#broken = true
      log.debug({ err: error }, 'a connection to Postgres broke')
    })
  }

  /** What kysely calls; the overload for cursors is its own affair. */
  readonly query = ((textOrConfig: unknown, values?: unknown) => this.send(textOrConfig, values)) as PostgresPoolClient['query']

  async send(textOrConfig: unknown, values?: unknown): Promise<{ rows: object[] }> {
    return this.#guarded(() =>
      (this.#client.query as (...args: unknown[]) => Promise<{ rows: object[] }>).call(this.#client, textOrConfig, values),
    )
  }

  execute(statement: Statement, values: Parameter[]): Promise<{ rows: object[] }> {
    return this.#guarded(
      () =>
        new Promise((resolve, reject) => {
          const query = new PreparedQuery(statement, values, types, (error, result) => {
            if (error === null) resolve(result!)
            else reject(error)
          })
          ;(this.#client.query as unknown as (query: object) => void).call(this.#client, query)
        }),
    )
  }

  async #guarded(work: () => Promise<{ rows: object[] }>): Promise<{ rows: object[] }> {
    // A client that gave up on an answer would hand that answer to the next question.
    if (this.#broken) throw asPortError(new Error('Connection terminated'))
    this.#cork()
    try {
      return await work()
    } catch (error) {
      if (isUnavailable(error)) this.#broken = true
      throw asPortError(error)
    }
  }

  /** What is sent before anything is waited for leaves in one write: the system call costs more than all the rest of a statement. */
  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    const stream = streamOf(this.#client)
    stream.cork()
    process.nextTick(() => {
      this.#corked = false
      stream.uncork()
    })
  }

  release(): void {
    if (this.#broken) breakOff(this.#client)
    this.#client.release(this.#broken)
  }
}

class GuardedPool implements PostgresPool {
  readonly pool: pg.Pool
  readonly #clients = new Map<pg.PoolClient, GuardedClient>()

  constructor(config: pg.PoolConfig, log: Log) {
    this.pool = new pg.Pool(config)
    this.pool.on('connect', (client) => this.#clients.set(client, new GuardedClient(client, log)))
    this.pool.on('remove', (client) => this.#clients.delete(client))
    this.pool.on('error', (error) => log.debug({ err: error }, 'an idle connection to Postgres ended'))
  }

  async connect(): Promise<GuardedClient> {
    try {
      return this.#clients.get(await this.pool.connect())!
    } catch (error) {
      throw notConnected(error)
    }
  }

  get options(): pg.PoolConfig {
    return this.pool.options
  }

  /**
   * Lets statements under way finish and says goodbye. The pool counts a connection as ended that only waits for the
   * server's goodbye; from one that stands still it never comes, and the process would wait for it without end.
   */
  async end(): Promise<void> {
    const cut = setTimeout(() => {
      for (const client of this.#clients.keys()) breakOff(client)
    }, closeMs)
    await this.pool.end()
    while (this.#clients.size > 0) await once(this.pool, 'remove')
    clearTimeout(cut)
  }
}

/** Ends a connection without a goodbye, which a server that stands still would never answer. */
function breakOff(client: pg.PoolClient): void {
  streamOf(client).destroy()
}

function streamOf(client: pg.PoolClient): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream
}

export class Connections {
  /** For everything that is not on the way of a call; not prepared. */
  readonly kysely: Kysely<Schema>
  readonly log: Log
  /** For those who watch; told by whoever changes something. */
  readonly changes = new Changes((hook) => hook())
  readonly #pool: GuardedPool
  readonly #afterCommit = new WeakMap<Transaction<Schema>, (() => void)[]>()
  #closed: Promise<void> | null = null

  constructor(databaseUrl: string, log: Log, waits: Waits = defaultWaits) {
    this.log = log
    // None is closed for being idle: it would cost a timer at each statement to spare ten connections.
    this.#pool = new GuardedPool({ ...connectionConfig(databaseUrl, 'pool', waits), max: maxConnections, idleTimeoutMillis: 0 }, log)
    this.kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: this.#pool }) })
  }

  /** Runs one prepared statement in a transaction of its own. @throws StoreUnavailable */
  readonly run: Run = (statement, values) => this.inOrder((run) => run(statement, values))

  /** Lends one connection: each statement is a transaction of its own, in the order in which they are begun. @throws StoreUnavailable */
  inOrder<T>(work: (run: Run) => Promise<T>): Promise<T> {
    return withRetries(async () => {
      const client = await this.#pool.connect()
      try {
        return await work((statement, values) => execute(client, statement, values))
      } finally {
        client.release()
      }
    })
  }

  /**
   * Runs prepared statements in one transaction (read committed), again if it collided with another.
   * Those that `work` begins before it waits for an answer leave together, the BEGIN with them; a statement run by
   * `last` takes the COMMIT along.
   * @throws StoreUnavailable; if the answer to the commit was lost, it may have happened all the same
   */
  transaction<T>(work: (run: Run, last: Run) => Promise<T>): Promise<T> {
    return withRetries(async () => {
      const client = await this.#pool.connect()
      const run: Run = (statement, values) => execute(client, statement, values)
      let committed: Promise<unknown> | null = null
      const last: Run = (statement, values) => {
        const rows = run<never>(statement, values)
        committed = client.send('COMMIT')
        // Of what goes wrong, the statement tells first.
        committed.catch(() => {})
        return rows
      }
      try {
        const begun = client.send('BEGIN')
        let result: T
        try {
          ;[, result] = await Promise.all([begun, work(run, last)])
        } catch (error) {
          // A rollback that fails has no news: the connection is gone, and the transaction with it.
          await client.send('ROLLBACK').catch((rollbackError: unknown) => {
            if (!isUnavailable(rollbackError)) throw rollbackError
          })
          throw error
        }
        await (committed ?? client.send('COMMIT'))
        return result
      } finally {
        client.release()
      }
    })
  }

  /** The same through kysely, for what no caller waits for. @throws StoreUnavailable */
  kyselyTransaction<T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
    return withRetries(async () => {
      const hooks: (() => void)[] = []
      const result = await this.kysely.transaction().execute((transaction) => {
        this.#afterCommit.set(transaction, hooks)
        this.changes.within(transaction, (hook) => hooks.push(hook))
        return work(transaction)
      })
      for (const hook of hooks) hook()
      return result
    })
  }

  /** Runs `hook` once this transaction of `kyselyTransaction` is committed, and not if it is not. */
  afterCommit(transaction: Transaction<Schema>, hook: () => void): void {
    const hooks = this.#afterCommit.get(transaction)
    assert(hooks !== undefined, 'a transaction that kyselyTransaction began')
    hooks.push(hook)
  }

  /** Connections that somebody has taken and not given back; 0 when nothing is under way. */
  get inUse(): number {
    return this.#pool.pool.totalCount - this.#pool.pool.idleCount
  }

  close(): Promise<void> {
    this.#closed ??= this.kysely.destroy().then(() => (this.#pool.pool.ended ? undefined : this.#pool.end()))
    return this.#closed
  }
}

async function execute<Row extends object>(client: GuardedClient, statement: Statement, values: unknown[]): Promise<Row[]> {
  const { rows } = await client.execute(statement, values.map(asParameter))
  return rows as Row[]
}

/** Objects go as JSON texts, written by whoever has them. */
function asParameter(value: unknown): Parameter {
  if (typeof value === 'string' || value === null || value instanceof Buffer) return value
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return `{${value.map(asElement).join(',')}}`
  assert(['number', 'boolean', 'bigint'].includes(typeof value), 'a value that a statement can take')
  return String(value)
}

/** An element of an array, as PostgreSQL's manual writes it (8.15.2). */
function asElement(value: unknown): string {
  const text = asParameter(value)
  assert(typeof text === 'string', 'arrays hold texts and numbers')
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isCollision(error)) throw error
      if (tries >= collisionRetries) throw stillColliding(error)
    }
  }
}
