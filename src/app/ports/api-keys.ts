/** API keys: who may ask what of the HTTP API. */

/** What a key may do; `admin` opens everything. */
export const SCOPES = ['read', 'tickets', 'events', 'customers', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** Whose key came with a request. */
export type KeyHolder = { keyId: string; name: string; scopes: readonly Scope[] }
