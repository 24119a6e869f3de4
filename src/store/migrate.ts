/**
 * Brings a database to what this Pforte needs: the numbered files of
 * `migrations/`, forward only. kysely's Migrator keeps the book and the lock,
 * so that two processes that start at once do it once. Background work has a
 * schema of its own, which graphile-worker makes.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import pg from 'pg'
import { asPortError, isAccessRefused, isPrivilegeMissing, StoreRefused } from './errors.ts'
import { jobsSchema } from './jobs/orders.ts'
import type { Log } from '../app/ports/log.ts'
import { connectionConfig, defaultWaits } from './connections.ts'

export const migrationsFolder = join(import.meta.dirname, '../../migrations')
const migrationTableName = 'pforte_migration'
const migrationLockTableName = 'pforte_migration_lock'
const oldestServer = { number: 150_000, name: '15' }

export type MigrationResult = { applied: string[]; at: string | null }

/**
 * Applies what is missing (`apply`) or refuses to go on with less (`check`).
 * @throws StoreRefused when the database belongs to a newer Pforte, the server is too old or lets us not in
 * @throws StoreUnavailable when Postgres cannot be reached
 */
export async function migrate(
  databaseUrl: string,
  log: Log,
  mode: 'apply' | 'check' = 'apply',
  folder = migrationsFolder,
): Promise<MigrationResult> {
  const pool = new pg.Pool({
    ...connectionConfig(databaseUrl, 'migrate', defaultWaits),
    // An index on a large table takes as long as it takes.
    statement_timeout: 0,
    query_timeout: 0,
    idle_in_transaction_session_timeout: 0,
    max: 1,
  })
  pool.on('error', (error) => log.debug({ err: error }, 'the connection for migrations ended'))
  const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    await requireServerVersion(database)
    const known = await readMigrations(folder)
    const done = await appliedMigrations(database)
    const foreign = done.filter((name) => !(name in known))
    if (foreign.length > 0) {
      throw new StoreRefused(
        'too_new',
        `the database belongs to a newer Pforte (it knows ${foreign.join(', ')})`,
        'Start that version or a newer one, or point DATABASE_URL to another database.',
      )
    }
    const pending = Object.keys(known).filter((name) => !done.includes(name))
    // Brought up to date on its own, after ours: a start that ended between the two left it out.
    const lacking = [...pending, ...((await hasSchema(database, jobsSchema)) ? [] : [jobsSchema])]
    if (lacking.length === 0) return { applied: [], at: done.at(-1) ?? null }
    if (mode === 'check') {
      throw new StoreRefused('pending', `the database lacks ${lacking.join(', ')}`, 'Run npx pforte migrate.')
    }
    const migrator = new Migrator({
      db: database,
      provider: { getMigrations: async () => known },
      migrationTableName,
      migrationLockTableName,
    })
    const { error, results } = await migrator.migrateToLatest()
    const applied = (results ?? []).filter((result) => result.status === 'Success').map((result) => result.migrationName)
    if (error !== undefined) throw error
    // Loaded only then: it takes a while, and what starts every day may have callers waiting.
    await import('./jobs/graphile.ts').then(({ installJobs }) => installJobs(databaseUrl, log))
    if (applied.length > 0) log.info({ applied }, 'the database was brought up to date')
    return { applied, at: Object.keys(known).at(-1) ?? null }
  } catch (error) {
    if (isPrivilegeMissing(error)) {
      throw new StoreRefused(
        'access',
        `the role in DATABASE_URL may not do what Pforte needs: ${(error as Error).message}`,
        'As an administrator of Postgres: GRANT CREATE ON DATABASE and GRANT CREATE ON SCHEMA public to that role, or make it the owner of the database.',
        { cause: error },
      )
    }
    if (isAccessRefused(error)) {
      throw new StoreRefused(
        'access',
        `Postgres does not let Pforte in: ${(error as Error).message}`,
        'Correct user, password and database name in DATABASE_URL.',
        { cause: error },
      )
    }
    throw asPortError(error)
  } finally {
    await database.destroy()
  }
}

async function hasSchema(database: Kysely<unknown>, name: string): Promise<boolean> {
  const { rows } = await sql<{ there: boolean }>`SELECT to_regnamespace(${name}) IS NOT NULL AS there`.execute(database)
  return rows[0]!.there
}

async function requireServerVersion(database: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ number: string; name: string }>`
    SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS name`.execute(database)
  const server = rows[0]!
  if (Number(server.number) < oldestServer.number) {
    throw new StoreRefused(
      'too_old',
      `Postgres ${server.name} is too old: Pforte needs ${oldestServer.name} or later`,
      'Upgrade it, or leave DATABASE_URL out to use the embedded one.',
    )
  }
}

async function readMigrations(folder: string): Promise<Record<string, Migration>> {
  const files = (await readdir(folder)).filter((file) => /^\d{4}_\w+\.sql$/.test(file)).sort()
  const migrations: Record<string, Migration> = {}
  for (const file of files) {
    const text = await readFile(join(folder, file), 'utf8')
    // Without parameters `pg` uses the simple protocol, which takes a whole file of statements.
    migrations[file.replace(/\.sql$/, '')] = { up: async (database) => void (await sql.raw(text).execute(database)) }
  }
  return migrations
}

async function appliedMigrations(database: Kysely<unknown>): Promise<string[]> {
  const {
    rows: [there],
  } = await sql<{ there: boolean }>`SELECT to_regclass(${migrationTableName}) IS NOT NULL AS there`.execute(database)
  if (there?.there !== true) return []
  const { rows } = await sql<{ name: string }>`SELECT name FROM ${sql.table(migrationTableName)} ORDER BY name`.execute(database)
  return rows.map((row) => row.name)
}
