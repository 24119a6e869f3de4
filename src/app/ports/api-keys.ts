/** API keys: who may ask what of the HTTP API. */
import type { Page, PageRequest, Result } from './records.ts'

/** What a key may do; `admin` opens everything. */
export const SCOPES = ['read', 'tickets', 'events', 'customers', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** Of a key for which nobody asked for another number. */
export const USUAL_REQUESTS_PER_MINUTE = 6_000
export const MOST_REQUESTS_PER_MINUTE = 1_000_000

/** How a drawn key looks: its id, which is no secret, and 256 random bits as base64url. */
export const KEY_FORM = /^pforte_([a-z0-9]{8})_[A-Za-z0-9_-]{43}$/

/** Whose key came with a request. `requestsPerMinute` null: as many as they like. */
export type KeyHolder = { keyId: string; name: string; scopes: readonly Scope[]; requestsPerMinute: number | null }

/** What a key that came along is worth. */
export type Judgement = { is: 'valid'; holder: KeyHolder } | { is: 'expired' | 'revoked' | 'unknown' }

/** `expiresAt` null: never. `requestsPerMinute` null: the usual. */
export type NewApiKey = { name: string; scopes: readonly Scope[]; expiresAt: number | null; requestsPerMinute: number | null }

export type ApiKey = {
  id: string
  name: string
  scopes: Scope[]
  requestsPerMinute: number
  createdAt: number
  expiresAt: number | null
  revokedAt: number | null
  /** To the minute. */
  lastUsedAt: number | null
}

/** `key` is in this answer and nowhere else; what is kept of it is a digest. */
export type DrawnApiKey = ApiKey & { key: string }

export interface ApiKeys {
  create(key: NewApiKey, at: number): Promise<Result<DrawnApiKey>>
  /** Newest first, those that have expired or were revoked too. */
  list(page: PageRequest): Promise<Page<ApiKey>>
  get(id: string): Promise<ApiKey | null>
  /** Revoking twice is revoking once. */
  revoke(id: string, at: number): Promise<Result<null>>
  /**
   * Judges a key by its SHA-256, at once if that was done in the last five seconds, and counts it as used if it is valid.
   * So a key that another process revoked is good for five seconds more, one that this one revoked is not.
   */
  judge(digest: Buffer, at: number): Judgement | Promise<Judgement>
  /** Whether this was a key when it was last judged; asks nobody. */
  isKnown(digest: Buffer): boolean
  /**
   * Calls `ended` once when the key is revoked or expires, within five seconds; at once if it was revoked here.
   * @returns what ends the watch
   */
  onEnd(keyId: string, ended: () => void): () => void
}
