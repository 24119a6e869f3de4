/**
 * Many of the store's transactions as one: what `Connections.asOne` lends to
 * whatever runs inside it, however deep, without anybody handing it on.
 *
 * - The whole is one transaction on one connection, which is taken when the
 *   first statement comes: who is refused before that costs Postgres nothing.
 * - Each transaction inside it is a part behind a savepoint, and so is each
 *   single statement: one that fails undoes itself and nothing else.
 * - Savepoints are a stack, so parts that are begun side by side take turns.
 * - Hooks wait for the commit of the whole. Those of a part that was undone
 *   are dropped with it.
 * - What outlives the whole (a timer, work that nobody waited for) finds it
 *   over and runs as if it had been begun outside.
 */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import { isUnavailable } from './errors.ts'
import type { GuardedClient } from './pool.ts'
import type { Schema } from './schema.ts'

/** Run after a commit. One that answers a promise is waited for. */
export type Hook = () => void | Promise<void>

/** The whole, or a part of it. */
export class Joined {
  readonly hooks: Hook[] = []
  readonly #room: JoinedRoom
  readonly #parent: Joined | null
  readonly #connect: () => Promise<GuardedClient>
  readonly #depth: number
  #lastPart: Promise<unknown> = Promise.resolve()
  #isOver = false
  /** While a part is under way. */
  client: GuardedClient | null = null

  constructor(room: JoinedRoom, parent: Joined | null, connect: () => Promise<GuardedClient>) {
    this.#room = room
    this.#parent = parent
    this.#connect = connect
    this.#depth = parent === null ? 0 : parent.#depth + 1
  }

  /** This, or the part of the whole around it that is still under way; null if none is. */
  get current(): Joined | null {
    return this.#isOver ? (this.#parent?.current ?? null) : this
  }

  get isWhole(): boolean {
    return this.#parent === null
  }

  /** Runs `work` behind a savepoint, after the parts that were begun before it. If it fails, it is undone. */
  part<T>(work: (client: GuardedClient, part: Joined) => Promise<T>): Promise<T> {
    const mine = this.#lastPart.then(() => this.#behindSavepoint(work))
    this.#lastPart = mine.catch(() => {})
    return mine
  }

  /** Runs `work` inside it and waits for the parts that nobody waited for. From then on it is over. */
  async within<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#room.enter(this, work)
    } finally {
      for (let last: Promise<unknown> | null = null; last !== this.#lastPart; ) {
        last = this.#lastPart
        await last
      }
      this.#isOver = true
    }
  }

  async #behindSavepoint<T>(work: (client: GuardedClient, part: Joined) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    const part = new Joined(this.#room, this, this.#connect)
    part.client = client
    const name = `part_${part.#depth}`
    try {
      const begun = client.send(`SAVEPOINT ${name}`)
      // Of what goes wrong, the work tells first.
      begun.catch(() => {})
      const result = await part.within(() => work(client, part))
      await begun
      await client.send(`RELEASE SAVEPOINT ${name}`)
      this.hooks.push(...part.hooks)
      return result
    } catch (error) {
      await undo(client, `ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`)
      throw error
    }
  }
}

/** Undoing that fails has no news: the connection is gone, and all that was done over it. */
export async function undo(client: GuardedClient, text: string): Promise<void> {
  await client.send(text).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error
  })
}

/** Where what is joined is found by whoever runs inside it. */
export class JoinedRoom {
  readonly #here = new AsyncLocalStorage<Joined>()
  /** Its statements go over the connection of what is joined here. */
  readonly kysely = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new JoinedDriver(this),
      createIntrospector: (database) => new PostgresIntrospector(database),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })

  /** Null outside; the way of a call pays no more than this look. */
  get joined(): Joined | null {
    const joined = this.#here.getStore()
    return joined === undefined ? null : joined.current
  }

  enter<T>(joined: Joined, work: () => Promise<T>): Promise<T> {
    return this.#here.run(joined, work)
  }
}

/** Begins and ends nothing itself: `Connections.kyselyTransaction` does, with a part. */
class JoinedDriver implements Driver {
  readonly #room: JoinedRoom

  constructor(room: JoinedRoom) {
    this.#room = room
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<JoinedConnection> {
    return new JoinedConnection(this.#room)
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    ;(connection as JoinedConnection).useWithinPart()
  }

  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}

class JoinedConnection implements DatabaseConnection {
  readonly #room: JoinedRoom
  /** Null: each statement is a part of its own. */
  #client: GuardedClient | null = null

  constructor(room: JoinedRoom) {
    this.#room = room
  }

  useWithinPart(): void {
    this.#client = this.#room.joined?.client ?? null
    assert(this.#client !== null, 'a transaction that kyselyTransaction began')
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const joined = this.#room.joined
    assert(joined !== null, 'a statement of what is joined comes while it is under way')
    const ask = (client: GuardedClient) => client.send(sql, parameters)
    const { rows, command = '', rowCount } = await (this.#client === null ? joined.part(ask) : ask(this.#client))
    const isChange = ['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(command)
    return { rows: rows as Row[], ...(isChange ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) }
  }

  // biome-ignore lint/correctness/useYield: it refuses before there is anything to yield
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('rows are not streamed here: long reading has a connection of its own')
  }
}
