/** How graphile-worker is set up: its connections, its schema, and that it logs nothing of its own accord. */
import { setTimeout as wait } from 'node:timers/promises'
import { Logger, runMigrations } from 'graphile-worker'
import pg from 'pg'
import type { Log } from '../../app/ports/log.ts'
import { defaultWaits } from '../connections.ts'
import { jobsSchema } from './orders.ts'

/** More than can be busy with slow work of any kind, so that none keeps another waiting; an idle one costs nothing. */
const mostAtOnce = 64
const lookEveryMs = 20_000
const maxConnections = 3
/** How long closing waits for the server's goodbye. */
const goodbyeMs = 1_000

export type Settings = ReturnType<typeof settingsOf>

export function settingsOf(pool: pg.Pool, log: Log) {
  return {
    pgPool: pool,
    noHandleSignals: true,
    logger: loggerOf(log),
    preset: {
      worker: {
        schema: jobsSchema,
        concurrentJobs: mostAtOnce,
        pollInterval: lookEveryMs,
        // One look for all of them; failing to write down that a job is done ends the runner and not the process.
        localQueue: { size: mostAtOnce },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
  }
}

/** graphile-worker reads times and numbers as `pg` gives them, so this is not the pool of the rest. */
export function poolFor(databaseUrl: string, log: Log): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: 'pforte jobs',
    max: maxConnections,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: defaultWaits.connectMs,
    statement_timeout: defaultWaits.statementMs,
    query_timeout: defaultWaits.statementMs + 1000,
    idle_in_transaction_session_timeout: defaultWaits.idleInTransactionMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
  })
  pool.on('error', (error) => log.debug({ err: error }, 'an idle connection of background work ended'))
  pool.on('connect', (client) => {
    openClients.set(pool, (openClients.get(pool) ?? new Set()).add(client))
    client.on('error', (error) => log.debug({ err: error }, 'a connection of background work broke'))
  })
  pool.on('remove', (client) => openClients.get(pool)?.delete(client))
  return pool
}

const openClients = new WeakMap<pg.Pool, Set<pg.PoolClient>>()

/** Without a goodbye where Postgres stands still, at once if that is known. */
export async function endPool(pool: pg.Pool, isAnswering = true): Promise<void> {
  const cut = setTimeout(
    () => {
      for (const client of openClients.get(pool) ?? []) {
        ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
      }
    },
    isAnswering ? goodbyeMs : 0,
  )
  await within(2 * goodbyeMs, pool.end())
  clearTimeout(cut)
}

/** Waits for it so long and no longer, and whatever comes of it. Answers whether it ended. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const enough = new AbortController()
  const has = work.then(
    () => true,
    () => true,
  )
  const isOver = await Promise.race([has, wait(ms, false, { signal: enough.signal }).catch(() => false)])
  enough.abort()
  return isOver
}

/** Its words are for whoever looks for a fault; what concerns others is said here. */
function loggerOf(log: Log): Logger {
  return new Logger(() => (level, message) => {
    if (level === 'error' || level === 'warning') log.debug({ from: 'graphile-worker' }, message)
  })
}

/** Brings `graphile_worker` to what this version needs. */
export async function installJobs(databaseUrl: string, log: Log): Promise<void> {
  const pool = poolFor(databaseUrl, log)
  try {
    await runMigrations(settingsOf(pool, log))
  } finally {
    await endPool(pool)
  }
}
