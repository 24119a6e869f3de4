/** Drawing, listing and revoking API keys. The key itself leaves in one answer and is forgotten. */
import { hash, randomBytes, randomInt } from 'node:crypto'
import {
  type ApiKey,
  type ApiKeys,
  type DrawnApiKey,
  MOST_REQUESTS_PER_MINUTE,
  type NewApiKey,
  SCOPES,
  USUAL_REQUESTS_PER_MINUTE,
} from '../app/ports/api-keys.ts'
import type { Page, PageRequest, Result } from '../app/ports/records.ts'
import type { Connections } from './connections.ts'
import { refuse } from './customers.ts'
import { isKeyId, KeyHolders } from './key-holders.ts'
import { newestFirst, pageOf } from './pages.ts'
import { printable } from './phone-numbers.ts'

const idLetters = 'abcdefghijklmnopqrstuvwxyz0123456789'
const idLength = 8
const keyBytes = 32

const columns = [
  'id',
  'name',
  'scopes',
  'requests_per_minute as requestsPerMinute',
  'created_at as createdAt',
  'expires_at as expiresAt',
  'revoked_at as revokedAt',
  'last_used_at as lastUsedAt',
] as const

/**
 * All that there is to API keys.
 * @param now epoch ms, for keys that are watched
 */
export function apiKeys(connections: Connections, now: () => number): ApiKeys & { close(): Promise<void> } {
  const holders = new KeyHolders(connections, now)
  const table = new ApiKeyTable(connections, (id) => holders.revoked(id))
  return {
    create: (key, at) => table.create(key, at),
    list: (page) => table.list(page),
    get: (id) => table.get(id),
    revoke: (id, at) => table.revoke(id, at),
    judge: (digest, at) => holders.judge(digest, at),
    isKnown: (digest) => holders.isKnown(digest),
    onEnd: (keyId, ended) => holders.onEnd(keyId, ended),
    close: () => holders.close(),
  }
}

class ApiKeyTable {
  readonly #connections: Connections
  readonly #revoked: (id: string) => void

  /** `revoked` is told after the commit. */
  constructor(connections: Connections, revoked: (id: string) => void) {
    this.#connections = connections
    this.#revoked = revoked
  }

  async create(key: NewApiKey, at: number): Promise<Result<DrawnApiKey>> {
    const name = printable(key.name).trim()
    if (name === '') return refuse('invalid', 'name', 'A key has a name, so that it is known later whose it is.')
    const scopes = SCOPES.filter((scope) => key.scopes.includes(scope))
    if (scopes.length === 0) return refuse('invalid', 'scopes', `A key has at least one scope of ${SCOPES.join(', ')}.`)
    const { expiresAt, requestsPerMinute } = key
    if (expiresAt !== null && expiresAt <= at) return refuse('invalid', 'expiresAt', 'The key would have expired before it is made.')
    if (requestsPerMinute !== null && !isRate(requestsPerMinute))
      return refuse('invalid', 'requestsPerMinute', `must be a whole number from 1 to ${MOST_REQUESTS_PER_MINUTE}`)
    const id = Array.from({ length: idLength }, () => idLetters[randomInt(idLetters.length)]).join('')
    const token = `pforte_${id}_${randomBytes(keyBytes).toString('base64url')}`
    // Two of 36⁸ that are the same would be a unique violation, and the request one to try again.
    const row = await this.#connections.kysely
      .insertInto('api_keys')
      .values({
        id,
        name,
        digest: hash('sha256', token, 'buffer'),
        scopes,
        requests_per_minute: requestsPerMinute,
        created_at: new Date(at),
        expires_at: expiresAt === null ? null : new Date(expiresAt),
      })
      .returning(columns)
      .executeTakeFirstOrThrow()
    return { ok: true, value: { ...shown(row), key: token } }
  }

  async list(page: PageRequest): Promise<Page<ApiKey>> {
    const all = this.#connections.kysely.selectFrom('api_keys').select(columns)
    const rows = await newestFirst(all, 'created_at', 'id', isKeyId, page).execute()
    return pageOf(rows, page.limit, (row) => ({ at: row.createdAt, id: row.id }), shown)
  }

  async get(id: string): Promise<ApiKey | null> {
    const row = await this.#connections.kysely.selectFrom('api_keys').select(columns).where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : shown(row)
  }

  /** Revoking twice is revoking once. */
  revoke(id: string, at: number): Promise<Result<null>> {
    return this.#connections.kyselyTransaction<Result<null>>(async (transaction) => {
      const there = await transaction.selectFrom('api_keys').select('revoked_at').where('id', '=', id).forUpdate().executeTakeFirst()
      if (there === undefined) return refuse('not_found', null, 'There is no such API key.')
      if (there.revoked_at === null) {
        await transaction
          .updateTable('api_keys')
          .set({ revoked_at: new Date(at) })
          .where('id', '=', id)
          .execute()
        this.#connections.afterCommit(transaction, () => this.#revoked(id))
      }
      return { ok: true, value: null }
    })
  }
}

const isRate = (number: number): boolean => Number.isInteger(number) && number >= 1 && number <= MOST_REQUESTS_PER_MINUTE

function shown<Row extends { requestsPerMinute: number | null }>(row: Row): Omit<Row, 'requestsPerMinute'> & { requestsPerMinute: number } {
  return { ...row, requestsPerMinute: row.requestsPerMinute ?? USUAL_REQUESTS_PER_MINUTE }
}
