/**
 * Whose an API key is, asked at every request. What was found is known for five
 * seconds, so that a busy key costs a statement in five seconds and not one a
 * request; a revocation in this process counts at once, because it takes the
 * key out of what is known.
 *
 * - The last use is written behind the request's back, once a minute a key.
 * - Who keeps a connection open for long (a live stream) is told when its key
 *   ends: one look in five seconds for all of them, and none without them.
 * - Keys that are none are not remembered: they would push out those that are.
 */
import { LRUCache } from 'lru-cache'
import { type Judgement, type Scope, USUAL_REQUESTS_PER_MINUTE } from '../app/ports/api-keys.ts'
import { StoreUnavailable } from '../app/ports/store.ts'
import type { Connections, Statement } from './connections.ts'

const freshMs = 5_000
const betweenLastUsesMs = 60_000
const mostKnown = 10_000

const findByDigest: Statement = {
  name: 'api key by digest',
  text: `SELECT id, name, scopes, requests_per_minute AS "requestsPerMinute", expires_at AS "expiresAt", revoked_at AS "revokedAt",
      last_used_at AS "lastUsedAt"
    FROM api_keys WHERE digest = $1`,
}
const writeLastUse: Statement = {
  name: 'last use of an api key',
  text: 'UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)',
}
const findGood: Statement = {
  name: 'api keys that are good',
  text: `SELECT id, expires_at AS "expiresAt" FROM api_keys
    WHERE id = ANY ($1::text[]) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
}

type Row = {
  id: string
  name: string
  scopes: Scope[]
  requestsPerMinute: number | null
  expiresAt: number | null
  revokedAt: number | null
  lastUsedAt: number | null
}
type Known = { id: string; valid: Judgement; expiresAt: number | null; isRevoked: boolean; usedAt: number; readAt: number }

const expired: Judgement = { is: 'expired' }
const revoked: Judgement = { is: 'revoked' }
const unknown: Judgement = { is: 'unknown' }

export class KeyHolders {
  readonly #connections: Connections
  readonly #now: () => number
  /** By digest. */
  readonly #known = new LRUCache<string, Known>({ max: mostKnown })
  readonly #asking = new Map<string, Promise<Judgement>>()
  readonly #writing = new Set<Promise<void>>()
  readonly #watched = new Map<string, Set<() => void>>()
  #revocations = 0
  #nextLook: NodeJS.Timeout | null = null
  #closed = false

  /** @param now epoch ms, for keys that are watched */
  constructor(connections: Connections, now: () => number) {
    this.#connections = connections
    this.#now = now
  }

  judge(digest: Buffer, at: number): Judgement | Promise<Judgement> {
    const name = nameOf(digest)
    const known = this.#known.get(name)
    // A clock that was set back makes nothing fresh.
    if (known !== undefined && at >= known.readAt && at - known.readAt < freshMs) return this.#use(known, at)
    const asked = this.#asking.get(name)
    if (asked !== undefined) return asked
    const asking = this.#ask(name, digest, at).finally(() => this.#asking.delete(name))
    this.#asking.set(name, asking)
    return asking
  }

  isKnown(digest: Buffer): boolean {
    return this.#known.has(nameOf(digest))
  }

  onEnd(keyId: string, ended: () => void): () => void {
    // The first administrator's is in no table, and ends with the process.
    if (!isKeyId(keyId)) return () => {}
    const listeners = this.#watched.get(keyId) ?? new Set()
    this.#watched.set(keyId, listeners.add(ended))
    // It may have ended since it was judged.
    this.#lookIn(0)
    return () => {
      listeners.delete(ended)
      if (listeners.size === 0 && this.#watched.get(keyId) === listeners) this.#watched.delete(keyId)
    }
  }

  /** To be told after the commit. */
  revoked(keyId: string): void {
    this.#revocations += 1
    for (const [name, { id }] of this.#known.entries()) if (id === keyId) this.#known.delete(name)
    this.#end(keyId)
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#nextLook !== null) clearTimeout(this.#nextLook)
    await Promise.all(this.#writing)
  }

  async #ask(name: string, digest: Buffer, at: number): Promise<Judgement> {
    for (;;) {
      const before = this.#revocations
      const [row] = await this.#connections.run<Row>(findByDigest, [digest])
      // What was read may be what was revoked meanwhile.
      if (before !== this.#revocations) continue
      if (row === undefined) return unknown
      const { id: keyId, name: holder, scopes, requestsPerMinute, expiresAt, revokedAt, lastUsedAt } = row
      const known = {
        id: keyId,
        valid: {
          is: 'valid' as const,
          holder: { keyId, name: holder, scopes, requestsPerMinute: requestsPerMinute ?? USUAL_REQUESTS_PER_MINUTE },
        },
        expiresAt,
        isRevoked: revokedAt !== null,
        usedAt: Math.max(lastUsedAt ?? 0, this.#known.get(name)?.usedAt ?? 0),
        readAt: at,
      }
      this.#known.set(name, known)
      return this.#use(known, at)
    }
  }

  #use(known: Known, at: number): Judgement {
    if (known.isRevoked) return revoked
    if (known.expiresAt !== null && known.expiresAt <= at) return expired
    if (at - known.usedAt >= betweenLastUsesMs) {
      known.usedAt = at
      this.#writeBehind(known.id, at)
    }
    return known.valid
  }

  #writeBehind(keyId: string, at: number): void {
    if (this.#closed) return
    const writing = this.#connections
      .run(writeLastUse, [keyId, new Date(at)])
      .catch((error: unknown) => {
        // The next use a minute later writes it.
        if (!(error instanceof StoreUnavailable))
          this.#connections.log.error({ err: error }, 'the last use of an API key could not be written: a bug in Pforte')
      })
      .then(() => void this.#writing.delete(writing))
    this.#writing.add(writing)
  }

  #lookIn(ms: number): void {
    if (this.#nextLook !== null) clearTimeout(this.#nextLook)
    this.#nextLook = null
    if (this.#closed || this.#watched.size === 0) return
    this.#nextLook = setTimeout(() => {
      this.#nextLook = null
      const looking = this.#look().finally(() => this.#writing.delete(looking))
      this.#writing.add(looking)
    }, ms)
    this.#nextLook.unref()
  }

  async #look(): Promise<void> {
    const keyIds = [...this.#watched.keys()]
    let nextMs = freshMs
    try {
      const at = this.#now()
      const good = await this.#connections.run<{ id: string; expiresAt: number | null }>(findGood, [keyIds, new Date(at)])
      const goodIds = new Set(good.map(({ id }) => id))
      for (const keyId of keyIds) if (!goodIds.has(keyId)) this.#end(keyId)
      for (const { expiresAt } of good) if (expiresAt !== null) nextMs = Math.min(nextMs, expiresAt - at)
    } catch (error) {
      // While Postgres is away nothing was decided, and whoever watches goes on.
      if (!(error instanceof StoreUnavailable))
        this.#connections.log.error({ err: error }, 'watched API keys could not be looked at: a bug in Pforte')
    }
    // Whoever came while this was under way has asked for a look of their own.
    if (this.#nextLook === null) this.#lookIn(nextMs)
  }

  #end(keyId: string): void {
    const listeners = this.#watched.get(keyId)
    this.#watched.delete(keyId)
    for (const ended of listeners ?? []) ended()
  }
}

/** Asked of what comes from outside, and of keys that are in no table. */
export function isKeyId(text: string): boolean {
  return /^[a-z0-9]{8}$/.test(text)
}

const nameOf = (digest: Buffer): string => digest.toString('base64')
