/**
 * Reading that may take a while, apart from the pool that calls need: over a
 * connection of its own, all from one moment, and one such reading at a time,
 * so that nobody slows Postgres down by asking for reports side by side.
 */
import pLimit from 'p-limit'
import pg from 'pg'
import type { Log } from '../app/ports/log.ts'
import { connectionConfig, defaultWaits } from './connections.ts'
import { asPortError, notConnected } from './errors.ts'

/** For each of its statements. */
const statementMs = 60_000

/** Runs a statement; rows come with times as epoch milliseconds and bigints as numbers. */
export type Read = <Row extends object>(text: string, values: (string | Date)[]) => Promise<Row[]>

export class LongReading {
  readonly #databaseUrl: string
  readonly #log: Log
  readonly #inTurn = pLimit(1)
  #client: pg.Client | null = null
  #isClosed = false

  constructor(databaseUrl: string, log: Log) {
    this.#databaseUrl = databaseUrl
    this.#log = log
  }

  /** @throws StoreUnavailable */
  read<T>(work: (read: Read) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const client = await this.#connect()
      try {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
        const result = await work(async (text, values) => {
          // `pg` writes times in local time, piece by piece.
          const parameters = values.map((value) => (value instanceof Date ? value.toISOString() : value))
          return (await client.query(text, parameters)).rows
        })
        await client.query('COMMIT')
        await client.end()
        return result
      } catch (error) {
        cutOff(client)
        throw asPortError(error)
      } finally {
        this.#client = null
      }
    })
  }

  /** Whoever reads is cut off: it is not worth waiting for. */
  close(): void {
    this.#isClosed = true
    if (this.#client !== null) cutOff(this.#client)
  }

  async #connect(): Promise<pg.Client> {
    if (this.#isClosed) throw asPortError(new Error('Client was closed: the store is closed'))
    const client = new pg.Client({
      ...connectionConfig(this.#databaseUrl, 'report', { ...defaultWaits, statementMs }),
      idle_in_transaction_session_timeout: statementMs,
    })
    client.on('error', (error) => this.#log.debug({ err: error }, 'the connection of a report broke'))
    this.#client = client
    try {
      await client.connect()
      return client
    } catch (error) {
      this.#client = null
      throw notConnected(error)
    }
  }
}

/** Without a goodbye, which a server that stands still would never answer. */
function cutOff(client: pg.Client): void {
  ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
}
