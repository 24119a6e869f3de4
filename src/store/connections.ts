/**
 * The way to Postgres: one pool for everything but the writes of people and
 * other systems (`asOne`), which have a smaller one beside it, so that however
 * many come, no call waits for them. There are limits on every wait:
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
import { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely'
import type pg from 'pg'
import type { Log } from '../app/ports/log.ts'
import type { Actor } from '../app/ports/writing.ts'
import { socketReadingInPlace } from '../wire/reading-in-place.ts'
import { allOrNone, Batches, begin, commit } from './batch.ts'
import { Changes } from './changes.ts'
import { isCollision, stillColliding } from './errors.ts'
import { type Hook, Joined, JoinedRoom, undo } from './joined.ts'
import { asParameter } from './parameters.ts'
import { type GuardedClient, GuardedPool, types } from './pool.ts'
import type { Statement } from './prepared.ts'
import type { Schema } from './schema.ts'

export type { Statement } from './prepared.ts'

export type Waits = { connectMs: number; statementMs: number; idleInTransactionMs: number }
export const defaultWaits: Waits = { connectMs: 2000, statementMs: 3000, idleInTransactionMs: 10_000 }
/** Postgres gets this much longer to say itself that a statement took too long. */
const graceMs = 1000
const maxConnections = 10
/** Of writes that are one transaction: each holds its connection until it is answered. */
const maxWriting = 5
/** Two transactions in each other's way are tried again this often. */
const collisionRetries = 4
/** A part that is tried again while its whole goes on lets the other one take first what both want. */
const letPassMs = 20

/** Runs a statement; rows come with times as epoch milliseconds and bigints as numbers. */
export type Run = <Row extends object = Record<string, unknown>>(statement: Statement, values: unknown[]) => Promise<Row[]>
/** Runs the statements that `part` begins, before it waits for any of them, as one transaction. */
export type RunAsOne = <T>(part: (run: Run) => Promise<T>) => Promise<T>

/** Settings that every connection of ours shares. */
export function connectionConfig(
  databaseUrl: string,
  purpose: string,
  waits: Waits,
): pg.ClientConfig & { pipeline: boolean; query_timeout: number } {
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
    stream: openStream as () => Socket,
  }
}

/** Over TLS another layer reads, with buffers of its own. */
function openStream({ ssl }: { ssl: unknown }): Socket {
  return ssl ? new Socket() : socketReadingInPlace()
}

export class Connections {
  readonly log: Log
  readonly waits: Waits
  /** For those who watch; told by whoever changes something. */
  readonly changes = new Changes((hook) => void this.whenCommitted(hook))
  readonly #pool: GuardedPool
  readonly #writers: GuardedPool
  readonly #kysely: Kysely<Schema>
  readonly #room = new JoinedRoom()
  readonly #afterCommit = new WeakMap<Transaction<Schema>, Hook[]>()
  #closed: Promise<void> | null = null

  constructor(databaseUrl: string, log: Log, waits: Waits = defaultWaits) {
    this.log = log
    this.waits = waits
    // None is closed for being idle: it would cost a timer at each statement to spare ten connections.
    this.#pool = new GuardedPool({ ...connectionConfig(databaseUrl, 'pool', waits), max: maxConnections, idleTimeoutMillis: 0 }, log)
    this.#writers = new GuardedPool({ ...connectionConfig(databaseUrl, 'writes', waits), max: maxWriting, idleTimeoutMillis: 0 }, log)
    this.#kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: this.#pool }) })
  }

  /** For everything that is not on the way of a call; not prepared. */
  get kysely(): Kysely<Schema> {
    return this.#room.joined === null ? this.#kysely : this.#room.kysely
  }

  /** Runs one prepared statement in a transaction of its own. @throws StoreUnavailable */
  readonly run: Run = (statement, values) => this.inOrder((run) => run(statement, values))

  /**
   * Lends one connection: each statement is a transaction of its own, in the order in which they are begun, and so are
   * those together that a part begins which is run by `one`.
   * @throws StoreUnavailable
   */
  inOrder<T>(work: (run: Run, one: RunAsOne) => Promise<T>): Promise<T> {
    const { joined } = this.#room
    if (joined !== null) return partOf(joined, (client) => work(runOver(client), (part) => part(runOver(client))))
    return withRetries(async () => {
      const client = await this.#pool.connect()
      try {
        return await work(runOver(client), (part) => allOrNone(client, part))
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
    const { joined } = this.#room
    if (joined !== null) return partOf(joined, (client) => work(runOver(client), runOver(client)))
    return withRetries(async () => {
      const client = await this.#pool.connect()
      const batches = new Batches(client)
      const { run } = batches
      let committed: Promise<unknown> | null = null
      const last: Run = (statement, values) => {
        const rows = run<never>(statement, values)
        committed = run(commit, [])
        // Of what goes wrong, the statement tells first.
        committed.catch(() => {})
        return rows
      }
      try {
        const begun = run(begin, [])
        let result: T
        try {
          ;[, result] = await Promise.all([begun, work(run, last)])
        } catch (error) {
          // Who fails at once has not begun yet.
          batches.send()
          await undo(client, 'ROLLBACK')
          throw error
        }
        await (committed ?? run(commit, []))
        return result
      } finally {
        client.release()
      }
    })
  }

  /**
   * The same through kysely, for what no caller waits for.
   * @param actor whom rows of `audit` name; within `asOne` it is that one's
   * @throws StoreUnavailable
   */
  kyselyTransaction<T>(work: (transaction: Transaction<Schema>) => Promise<T>, actor: Actor | null = null): Promise<T> {
    const { joined } = this.#room
    if (joined !== null) return partOf(joined, (_client, part) => this.#transact(this.#room.kysely, part.hooks, work))
    return withRetries(async () => {
      const hooks: Hook[] = []
      const result = await this.#transact(this.#kysely, hooks, async (transaction) => {
        if (actor !== null) await sql`SELECT set_config('pforte.actor', ${JSON.stringify(actor)}, true)`.execute(transaction)
        return work(transaction)
      })
      await runAll(hooks)
      return result
    })
  }

  /** Runs `hook` once this transaction of `kyselyTransaction` is committed, and not if it is not. */
  afterCommit(transaction: Transaction<Schema>, hook: () => void): void {
    const hooks = this.#afterCommit.get(transaction)
    assert(hooks !== undefined, 'a transaction that kyselyTransaction began')
    hooks.push(hook)
  }

  /**
   * One transaction (read committed) of all that `work` asks of the store: whatever it calls joins, and what it throws
   * undoes all of it. Each row of `audit` that comes of it names the actor. Within another one it is a part of that.
   * Parts that collided with others are tried again, the whole is not.
   * @param requestId under which the log tells of it
   * @throws StoreUnavailable; if the answer to the commit was lost, it may have happened all the same
   */
  async asOne<T>(actor: Actor, work: () => Promise<T>, requestId: string | null = null): Promise<T> {
    const { joined } = this.#room
    if (joined !== null) return joined.part(work)
    let connected: Promise<GuardedClient> | null = null
    const begin = async (): Promise<GuardedClient> => {
      const client = await this.#writers.connect()
      const writes = [JSON.stringify(actor), requestId ?? '']
      try {
        await Promise.all([client.send('BEGIN'), runOver(client)(nameActor, writes)])
      } catch (error) {
        await undo(client, 'ROLLBACK')
        client.release()
        throw error
      }
      return client
    }
    const whole = new Joined(this.#room, null, () => (connected ??= begin()))
    const opened = (): Promise<GuardedClient | null> => (connected ?? Promise.resolve(null)).catch(() => null)
    let result: T
    try {
      result = await whole.within(work)
      const client = await opened()
      // An aborted transaction takes a COMMIT for a ROLLBACK, and says so.
      if (client !== null) assert.equal((await client.send('COMMIT')).command, 'COMMIT', 'what failed within it was undone')
    } catch (error) {
      const client = await opened()
      if (client !== null) await undo(client, 'ROLLBACK')
      throw error
    } finally {
      ;(await opened())?.release()
    }
    await runAll(whole.hooks)
    return result
  }

  /** Runs `hook` once what is joined here (`asOne`) is committed, and not if it is undone; at once outside of any. */
  whenCommitted(hook: Hook): void | Promise<void> {
    const { joined } = this.#room
    if (joined === null) return hook()
    joined.hooks.push(hook)
  }

  /** Connections that somebody has taken and not given back; 0 when nothing is under way. */
  get inUse(): number {
    return this.#pool.inUse + this.#writers.inUse
  }

  close(): Promise<void> {
    this.#closed ??= this.#kysely
      .destroy()
      .then(() => Promise.all([this.#pool, this.#writers].map((pool) => (pool.pool.ended ? undefined : pool.end()))))
      .then(() => {})
    return this.#closed
  }

  #transact<T>(kysely: Kysely<Schema>, hooks: Hook[], work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
    return kysely.transaction().execute((transaction) => {
      this.#afterCommit.set(transaction, hooks)
      this.changes.within(transaction, (hook) => hooks.push(hook))
      return work(transaction)
    })
  }
}

/** Read by the triggers of `audit` (migrations/0007_writes.sql); gone with the transaction. */
const nameActor: Statement = {
  name: 'name the actor',
  text: `SELECT set_config('pforte.actor', $1, true), set_config('pforte.request', $2, true)`,
}

/** What has a collision is undone up to its savepoint, and with it all its locks, so that it may be tried again within the whole. */
function partOf<T>(joined: Joined, work: (client: GuardedClient, part: Joined) => Promise<T>): Promise<T> {
  return joined.isWhole ? withRetries(() => joined.part(work), letPassMs) : joined.part(work)
}

async function runAll(hooks: readonly Hook[]): Promise<void> {
  for (const hook of hooks) await hook()
}

function runOver(client: GuardedClient): Run {
  return (statement, values) => execute(client, statement, values)
}

async function execute<Row extends object>(client: GuardedClient, statement: Statement, values: unknown[]): Promise<Row[]> {
  const { rows } = await client.execute(statement, values.map(asParameter))
  return rows as Row[]
}

async function withRetries<T>(work: () => Promise<T>, pauseMs = 0): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isCollision(error)) throw error
      if (tries >= collisionRetries) throw stillColliding(error)
      if (pauseMs > 0) await wait(pauseMs)
    }
  }
}
