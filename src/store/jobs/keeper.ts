/**
 * The connection by which others see that a runner of background work lives: it
 * holds an advisory lock of the runner's name, which falls the moment the
 * process dies. It hears what is told by NOTIFY, too.
 */
import pg from 'pg'
import type { Log } from '../../app/ports/log.ts'
import { connectionConfig, defaultWaits } from '../connections.ts'
import { notConnected } from '../errors.ts'
import { jobsSchema } from './orders.ts'

/** A NOTIFY channel and who hears it. */
export type Hint = { channel: string; heard(payload: string): void }

const pingMs = 20_000
const lockKey = `hashtextextended('pforte jobs ' || $1, 0)`

/** Those who hold a job and not their lock are dead. `pg_try_advisory_xact_lock` lets go with the statement. */
const releaseDead = `
  WITH holding AS MATERIALIZED (SELECT DISTINCT locked_by FROM ${jobsSchema}.jobs WHERE locked_by IS NOT NULL AND locked_by <> $1),
  dead AS MATERIALIZED (
    SELECT locked_by FROM holding WHERE pg_try_advisory_xact_lock(hashtextextended('pforte jobs ' || locked_by, 0)))
  SELECT ${jobsSchema}.force_unlock_workers(ARRAY(SELECT locked_by FROM dead)), (SELECT count(*) FROM dead) AS dead`

export class Keeper {
  /** Settles when the connection is lost, or closed. */
  readonly lost: Promise<void>
  readonly #client: pg.Client
  readonly #log: Log
  readonly #ping: NodeJS.Timeout
  readonly #lose: () => void
  readonly #onReleased: () => void
  #name = ''

  private constructor(client: pg.Client, log: Log, onReleased: () => void) {
    this.#client = client
    this.#log = log
    this.#onReleased = onReleased
    const { promise, resolve } = Promise.withResolvers<void>()
    this.lost = promise
    this.#lose = resolve
    client.once('end', resolve)
    client.on('error', (error) => {
      log.debug({ err: error }, 'the connection that keeps background work broke')
      resolve()
    })
    this.#ping = setInterval(() => this.releaseDead().catch(resolve), pingMs)
    this.#ping.unref()
  }

  /** @param onReleased told when there is something to do that a dead runner had begun @throws StoreUnavailable */
  static async open(databaseUrl: string, log: Log, hints: readonly Hint[], onReleased: () => void): Promise<Keeper> {
    const client = new pg.Client({
      ...connectionConfig(databaseUrl, 'jobs keeper', defaultWaits),
      // Found dead by the server within about 15 s even if nothing tells it.
      options: '-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3',
    })
    const keeper = new Keeper(client, log, onReleased)
    const byChannel = new Map(hints.map((hint) => [hint.channel, hint]))
    client.on('notification', ({ channel, payload }) => byChannel.get(channel)?.heard(payload ?? ''))
    try {
      await client.connect()
      for (const channel of byChannel.keys()) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`)
    } catch (error) {
      await keeper.close()
      throw notConnected(error)
    }
    return keeper
  }

  /** Nobody takes the jobs of this name away from us while we live. Sent before anything else that is begun after it. */
  hold(name: string): void {
    this.#name = name
    this.#client.query(`SELECT pg_advisory_lock(${lockKey})`, [name]).catch((error: unknown) => {
      this.#log.debug({ err: error }, 'the lock of background work cannot be taken')
      this.#lose()
    })
  }

  /** What runners were doing that are dead is to be done again. */
  async releaseDead(): Promise<void> {
    const { rows } = await this.#client.query<{ dead: number }>(releaseDead, [this.#name])
    const dead = rows[0]?.dead ?? 0
    if (dead === 0) return
    this.#log.info({ processes: dead }, 'background work of a process that died is taken up')
    this.#onReleased()
  }

  async close(): Promise<void> {
    clearInterval(this.#ping)
    // Without a goodbye, which a server that stands still would never answer; with the connection falls the lock.
    ;(this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    this.#lose()
  }
}
