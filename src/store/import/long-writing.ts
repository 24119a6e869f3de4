/**
 * Writing that may take a minute, apart from the pool that calls need: one
 * transaction over a connection of its own. Whether it was committed is found
 * out where the answer to the COMMIT was lost.
 */
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../../app/ports/log.ts'
import { connectionConfig, defaultWaits } from '../connections.ts'
import { asPortError, isUnavailable, notConnected } from '../errors.ts'

/** For each of its statements. */
const statementMs = 60_000
/** Postgres gets so long to come back and say whether it committed. */
const settleMs = 30_000
const settleEveryMs = 1_000

/** Runs a prepared statement; rows come with times as epoch milliseconds and bigints as numbers. */
export type Write = <Row extends object>(name: string, text: string, values: unknown[]) => Promise<Row[]>

export class LongWriting {
  readonly #databaseUrl: string
  readonly #log: Log

  constructor(databaseUrl: string, log: Log) {
    this.#databaseUrl = databaseUrl
    this.#log = log
  }

  /**
   * Runs `work` in one transaction, and `after` behind it.
   * @param isThere asks, once the transaction is over, whether what it wrote is there
   * @returns what `work` does; `unknown` where Postgres did not come back in time
   * @throws StoreUnavailable: nothing was written
   */
  async transaction<T>(
    work: (write: Write) => Promise<T>,
    isThere: (write: Write) => Promise<boolean>,
    after: (write: Write) => Promise<void>,
  ): Promise<{ committed: T } | 'unknown'> {
    const client = await this.#connect()
    let value: T
    try {
      await client.query('BEGIN')
      value = await work(writeOver(client))
    } catch (error) {
      await abandon(client)
      throw asPortError(error)
    }
    try {
      await client.query('COMMIT')
    } catch (error) {
      cutOff(client)
      if (!isUnavailable(error)) throw error
      const settled = await this.#settled(isThere)
      if (settled === false) throw asPortError(error)
      return settled === null ? 'unknown' : { committed: value }
    }
    // What comes behind the commit changes nothing of it.
    await after(writeOver(client)).catch((error: unknown) => this.#log.debug({ err: error }, 'what follows a long writing failed'))
    await client.end().catch(() => cutOff(client))
    return { committed: value }
  }

  /** Null: Postgres did not come back in time. */
  async #settled(isThere: (write: Write) => Promise<boolean>): Promise<boolean | null> {
    for (const until = Date.now() + settleMs; Date.now() < until; await wait(settleEveryMs)) {
      try {
        const client = await this.#connect()
        try {
          return await isThere(writeOver(client))
        } finally {
          cutOff(client)
        }
      } catch (error) {
        if (!isUnavailable(error)) throw error
      }
    }
    return null
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      ...connectionConfig(this.#databaseUrl, 'import', { ...defaultWaits, statementMs, idleInTransactionMs: statementMs }),
    })
    client.on('error', (error) => this.#log.debug({ err: error }, 'the connection of a long writing broke'))
    try {
      await client.connect()
      return client
    } catch (error) {
      throw notConnected(error)
    }
  }
}

function writeOver(client: pg.Client): Write {
  return async <Row extends object>(name: string, text: string, values: unknown[]) =>
    (await client.query({ name, text, values })).rows as Row[]
}

/** With a goodbye where Postgres is there to hear it: the transaction is over then, and not only on its way. */
async function abandon(client: pg.Client): Promise<void> {
  try {
    await client.query('ROLLBACK')
    await client.end()
  } catch (error) {
    cutOff(client)
    if (!isUnavailable(error)) throw error
  }
}

/** Without a goodbye, which a server that stands still would never answer. */
function cutOff(client: pg.Client): void {
  ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
}
