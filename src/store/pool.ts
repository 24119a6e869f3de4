/** The pool of connections. One that broke, or may be out of step with its questions, never goes back into it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { Log } from '../app/ports/log.ts'
import { asPortError, isUnavailable, notConnected } from './errors.ts'
import { type Asked, type Connection, type Done, type Parameter, PreparedBatch, PreparedQuery, type Statement } from './prepared.ts'

/** How often statements are looked for that have been waited for too long. */
const lookMs = 250
/** How long closing waits for statements under way and for the server's goodbye. */
const closeMs = 2000

/** What `pg` answers; `command` is the statement's tag: `INSERT`, `ROLLBACK`. */
export type Answered = { rows: object[]; command?: string; rowCount?: number | null }

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

/** A pool's client that knows whether it may go back into the pool; one for the life of the connection. */
export class GuardedClient implements PostgresPoolClient {
  readonly #client: pg.PoolClient
  readonly #keep: (client: GuardedClient) => boolean
  #broken = false
  #corked = false
  /** When the statements began that are still unanswered; answers come in their order. */
  readonly #began: number[] = []

  /** @param keep takes it when it is given back, or says that it does not need it */
  constructor(client: pg.PoolClient, log: Log, keep: (client: GuardedClient) => boolean) {
    this.#client = client
    this.#keep = keep
    // A connection that dies between two statements of a transaction says so here; the next statement fails.
    client.on('error', (error) => {
      this.#broken = true
      log.debug({ err: error }, 'a connection to Postgres broke')
    })
  }

  /** What kysely calls; the overload for cursors is its own affair. */
  readonly query = ((textOrConfig: unknown, values?: unknown) => this.send(textOrConfig, values)) as PostgresPoolClient['query']

  async send(textOrConfig: unknown, values?: unknown): Promise<Answered> {
    return this.#guarded(() => (this.#client.query as (...args: unknown[]) => Promise<Answered>).call(this.#client, textOrConfig, values))
  }

  execute(statement: Statement, values: Parameter[]): Promise<{ rows: object[] }> {
    return this.#ask((done) => new PreparedQuery(statement, values, types, done))
  }

  /**
   * Several statements with one Sync: one transaction, unless they begin one of their own. If one fails, all have.
   * Null where the connection does not know all of them yet; then nothing was sent.
   */
  executeAll(asked: readonly Asked[]): Promise<{ rows: object[] }[]> | null {
    if (!PreparedBatch.canTake(connectionOf(this.#client), asked)) return null
    return this.#ask((done) => new PreparedBatch(asked, done))
  }

  #ask<T>(queryOf: (done: Done<T>) => object): Promise<T> {
    return this.#guarded(
      () =>
        new Promise((resolve, reject) => {
          const query = queryOf((error, result) => {
            if (error === null) resolve(result!)
            else reject(error)
          })
          ;(this.#client.query as unknown as (query: object) => void).call(this.#client, query)
        }),
    )
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    // A client that gave up on an answer would hand that answer to the next question.
    if (this.#broken) throw asPortError(new Error('Connection terminated'))
    this.#cork()
    this.#began.push(performance.now())
    try {
      return await work()
    } catch (error) {
      if (isUnavailable(error)) this.#broken = true
      throw asPortError(error)
    } finally {
      this.#began.shift()
    }
  }

  /** Gives up on a server that owes an answer since before `at`: all who wait are told that the connection ended. */
  breakOffIfUnanswered(at: number): void {
    if (this.#began.length === 0 || this.#began[0]! > at) return
    this.#broken = true
    breakOff(this.#client)
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

  get isBroken(): boolean {
    return this.#broken
  }

  release(): void {
    if (this.#broken || !this.#keep(this)) this.discard()
  }

  /** Back to `pg-pool`, for somebody who waits there or for its end. */
  discard(): void {
    if (this.#broken) breakOff(this.#client)
    this.#client.release(this.#broken)
  }
}

export class GuardedPool implements PostgresPool {
  readonly pool: pg.Pool
  readonly #clients = new Map<pg.PoolClient, GuardedClient>()
  readonly #look: NodeJS.Timeout
  /** Given back and sound. They are kept here and not by `pg-pool`, through which each statement would cost more turns. */
  readonly #idle: GuardedClient[] = []

  /** One timer sees to the `query_timeout` of all statements; `pg` itself would start one for each. */
  constructor({ query_timeout: answerMs, ...config }: pg.PoolConfig & { query_timeout: number }, log: Log) {
    this.#look = setInterval(() => {
      const overdue = performance.now() - answerMs
      for (const client of this.#clients.values()) client.breakOffIfUnanswered(overdue)
    }, lookMs).unref()
    this.pool = new pg.Pool(config)
    this.pool.on('connect', (client) => this.#clients.set(client, new GuardedClient(client, log, this.#keep)))
    this.pool.on('remove', (client) => this.#clients.delete(client))
    this.pool.on('error', (error) => log.debug({ err: error }, 'an idle connection to Postgres ended'))
  }

  async connect(): Promise<GuardedClient> {
    for (let client = this.#idle.pop(); client !== undefined; client = this.#idle.pop()) {
      if (!client.isBroken) return client
      client.discard()
    }
    try {
      return this.#clients.get(await this.pool.connect())!
    } catch (error) {
      throw notConnected(error)
    }
  }

  readonly #keep = (client: GuardedClient): boolean => {
    if (this.pool.ending || this.pool.waitingCount > 0) return false
    this.#idle.push(client)
    return true
  }

  /** Connections that somebody has taken and not given back. */
  get inUse(): number {
    return this.pool.totalCount - this.pool.idleCount - this.#idle.length
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
    const ended = this.pool.end()
    for (const client of this.#idle.splice(0)) client.discard()
    await ended
    while (this.#clients.size > 0) await once(this.pool, 'remove')
    clearTimeout(cut)
    clearInterval(this.#look)
  }
}

/** Ends a connection without a goodbye, which a server that stands still would never answer. */
function breakOff(client: pg.PoolClient): void {
  streamOf(client).destroy()
}

function streamOf(client: pg.PoolClient): Socket {
  return connectionOf(client).stream
}

function connectionOf(client: pg.PoolClient): Connection & { stream: Socket } {
  return (client as unknown as { connection: Connection & { stream: Socket } }).connection
}
