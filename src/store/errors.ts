/**
 * Which errors mean "Postgres is away" (callers hear music, the app tries
 * again) and which mean a bug. The classes are those of the PostgreSQL manual,
 * appendix A "Error Codes", and of libuv for sockets.
 */
import { StoreUnavailable } from '../app/ports/store.ts'

/** The database cannot be used by this Pforte at all, whatever is retried. The message says what is wrong, without a full stop; `mend` what to do. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused'
  /** `other_secret`: PFORTE_SECRET is not the one the database was made with. `too_new`, `pending`: migrations. `too_old`: the server. `access`: user, password or database name. */
  readonly reason: 'other_secret' | 'too_new' | 'pending' | 'too_old' | 'access'

  readonly mend: string

  constructor(reason: StoreRefused['reason'], message: string, mend: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
    this.mend = mend
  }
}

const socketErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
])

/** Nothing was decided: the statement was cut off, or Postgres had no room for it. */
const unavailableStates = new Set([
  '57014', // query_canceled: the time limit of a statement
  '55P03', // lock_not_available: the time limit of a lock
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  '25006', // read_only_sql_transaction: a stand-by, or a primary that is being demoted
])
/** Connection exceptions, insufficient resources, operator intervention (shutdown, crash, start-up), system error (disk). */
const unavailableClasses = ['08', '53', '57P', '58']

/** What `pg` and `pg-pool` say without a code. */
const unavailableMessages = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'not queryable',
  'Client was closed',
  'Cannot use a pool after calling end',
]

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

/** True if the error says that Postgres is away or cannot take work now, and not that we are wrong. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return true
  if (error instanceof AggregateError) return error.errors.some(isUnavailable)
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  if (socketErrors.has(code) || unavailableStates.has(code)) return true
  if (/^[0-9A-Z]{5}$/.test(code)) return unavailableClasses.some((start) => code.startsWith(start))
  return unavailableMessages.some((start) => error.message.includes(start))
}

/** Wrong user, password, database name or pg_hba.conf: no retry mends it at the start. */
export function isAccessRefused(error: unknown): boolean {
  return ['28000', '28P01', '3D000'].includes(codeOf(error))
}

/** The role came in, and lacks a privilege (42501), or may not even see the schema that it is to write in (3F000). */
export function isPrivilegeMissing(error: unknown): boolean {
  return ['42501', '3F000'].includes(codeOf(error))
}

/**
 * Two transactions stood in each other's way; the same work may simply be done again. A customer, or a contract of theirs, that was
 * there a moment ago and is not any more was erased meanwhile: the next try finds nobody.
 */
export function isCollision(error: unknown): boolean {
  const code = codeOf(error)
  if (code === foreignKeyViolation) return /_(customer|contract)_id_fkey$/.test((error as { constraint?: string }).constraint ?? '')
  return ['40001', '40P01'].includes(code)
}

const foreignKeyViolation = '23503'

/** Of a violated unique constraint: its name; else null. */
export function violatedUnique(error: unknown): string | null {
  return codeOf(error) === '23505' ? ((error as { constraint?: string }).constraint ?? '') : null
}

/** The error as the ports promise it: `StoreUnavailable` while Postgres is away, itself otherwise. */
export function asPortError(error: unknown): unknown {
  return error instanceof StoreUnavailable || !isUnavailable(error) ? error : unavailable(error)
}

/**
 * What came of connecting while Pforte runs. That Postgres lets us in was judged at the start (migrate.ts); if it does
 * not any more (a changed password, a renamed database, one that takes nobody in while it is restored), somebody is at
 * work there, and callers wait for them as for any other outage.
 */
export function notConnected(error: unknown): StoreUnavailable {
  return error instanceof StoreUnavailable ? error : unavailable(error)
}

/** Others stood in the way at every try. Nothing was decided, and nobody is wrong: it is tried again later. */
export function stillColliding(error: unknown): StoreUnavailable {
  return unavailable(error)
}

function unavailable(error: unknown): StoreUnavailable {
  const detail =
    error instanceof AggregateError ? error.errors.map(String).join(', ') : error instanceof Error ? error.message : String(error)
  return new StoreUnavailable(`Postgres cannot be reached or cannot work now: ${detail}`, { cause: error })
}
