/**
 * The lease on one Asterisk: a session-level advisory lock on a connection of
 * its own. It goes with the connection, so a holder that dies by `kill -9`
 * frees it at once: the kernel closes its socket, and Postgres hands the lock
 * to whoever waits in line.
 *
 * A holder asks Postgres every `pingMs` whether it is still there. One whose
 * machine vanished without a FIN is found by the server's TCP keepalive.
 */
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../app/ports/log.ts'
import type { Lease } from '../app/ports/store.ts'
import { connectionConfig, defaultWaits } from './connections.ts'
import { asPortError, isUnavailable, notConnected } from './errors.ts'

const pingMs = 2000
/** A stand-by asks anew this often, so that it notices a connection that died under it. */
const standByMs = 10_000
/** Longer than a stand-by's wait: Postgres ends that one itself. */
const answerMs = 3000
const reconnectMs = 500
const lockNotAvailable = '55P03'

export class Leases {
  readonly #databaseUrl: string
  readonly #log: Log
  readonly #closing = new AbortController()
  readonly #held = new Set<HeldLease>()
  readonly #waiting = new Set<pg.Client>()

  constructor(databaseUrl: string, log: Log) {
    this.#databaseUrl = databaseUrl
    this.#log = log
  }

  /**
   * Waits until this process holds the lease. `onStandBy` is called once if another has it.
   * @throws StoreUnavailable if Postgres is away at the first try, or when the store is closed while waiting
   */
  async take(key: string, onStandBy: () => void): Promise<Lease> {
    let tellStandBy: (() => void) | null = onStandBy
    let waitedBefore = false
    for (;;) {
      let client: pg.Client | null = null
      try {
        client = await this.#connect(key)
        if (await tryLock(client, key)) return this.#hold(client, key)
        waitedBefore = true
        tellStandBy?.()
        tellStandBy = null
        await lockInLine(client, key)
        return this.#hold(client, key)
      } catch (error) {
        if (client !== null) abandon(client)
        // Once it stands by, Postgres's absence is no reason to give up: the holder has lost it as well.
        if (this.#closing.signal.aborted || !waitedBefore || !isUnavailable(error)) throw asPortError(error)
        this.#log.debug({ err: error, key }, 'standing by without Postgres; trying again')
        await wait(reconnectMs, undefined, { signal: this.#closing.signal }).catch(() => {})
      } finally {
        if (client !== null) this.#waiting.delete(client)
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const client of this.#waiting) abandon(client)
    await Promise.all([...this.#held].map((lease) => lease.release()))
  }

  async #connect(key: string): Promise<pg.Client> {
    if (this.#closing.signal.aborted) throw new Error('Client was closed: the store is closed')
    const client = new pg.Client({
      ...connectionConfig(this.#databaseUrl, `lease ${key}`.slice(0, 50), defaultWaits),
      statement_timeout: 0,
      query_timeout: standByMs + answerMs,
      // Found dead by the server within about 15 s even if nothing tells it.
      options: '-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3',
    })
    client.on('error', (error) => this.#log.debug({ err: error, key }, 'the connection that carries the lease broke'))
    this.#waiting.add(client)
    try {
      await client.connect()
    } catch (error) {
      this.#waiting.delete(client)
      throw notConnected(error)
    }
    return client
  }

  #hold(client: pg.Client, key: string): HeldLease {
    const lease = new HeldLease(
      client,
      key,
      (why) => {
        this.#held.delete(lease)
        this.#log.warn({ key, why }, 'the lease is lost')
      },
      () => this.#held.delete(lease),
    )
    this.#held.add(lease)
    return lease
  }
}

class HeldLease implements Lease {
  readonly lost: Promise<string>
  readonly #client: pg.Client
  readonly #key: string
  readonly #onReleased: () => void
  readonly #timer: NodeJS.Timeout
  #over = false

  constructor(client: pg.Client, key: string, onLost: (why: string) => void, onReleased: () => void) {
    this.#client = client
    this.#key = key
    this.#onReleased = onReleased
    const { promise, resolve } = Promise.withResolvers<string>()
    this.lost = promise
    const lose = (why: string): void => {
      if (this.#over) return
      this.#over = true
      clearInterval(this.#timer)
      abandon(client)
      onLost(why)
      resolve(why)
    }
    client.once('end', () => lose('its connection to Postgres ended'))
    client.once('error', (error) => lose(`its connection to Postgres broke: ${error.message}`))
    let asking = false
    this.#timer = setInterval(() => {
      if (asking) return
      asking = true
      client
        .query({ text: 'SELECT 1', query_timeout: answerMs } as pg.QueryConfig)
        .catch((error: Error) => lose(`Postgres does not answer: ${error.message}`))
        .finally(() => {
          asking = false
        })
    }, pingMs)
    this.#timer.unref()
  }

  async release(): Promise<void> {
    if (this.#over) return
    this.#over = true
    clearInterval(this.#timer)
    this.#onReleased()
    try {
      await this.#client.query({
        text: `SELECT pg_advisory_unlock(${lockKey})`,
        values: [this.#key],
        query_timeout: answerMs,
      } as pg.QueryConfig)
      await this.#client.end()
    } catch (error) {
      abandon(this.#client)
      if (!isUnavailable(error)) throw error
    }
  }
}

const lockKey = `hashtextextended('pforte lease ' || $1, 0)`

async function tryLock(client: pg.Client, key: string): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${lockKey}) AS taken`, [key])
  return rows[0]!.taken
}

/** Postgres grants it in the order of asking, the moment the holder is gone. */
async function lockInLine(client: pg.Client, key: string): Promise<void> {
  await client.query(`SET lock_timeout = ${standByMs}`)
  for (;;) {
    try {
      await client.query(`SELECT pg_advisory_lock(${lockKey})`, [key])
      return
    } catch (error) {
      if ((error as { code?: string }).code !== lockNotAvailable) throw error
    }
  }
}

/** Ends the connection without a goodbye that a dead server would never answer. */
function abandon(client: pg.Client): void {
  ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
}
