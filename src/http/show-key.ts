import type { ApiKey } from '../app/ports/api-keys.ts'
import { isoTime } from './formats.ts'

/** An API key as the API and the command line show it; without the key itself. */
export function showKey({ id, name, scopes, requestsPerMinute, createdAt, expiresAt, revokedAt, lastUsedAt }: ApiKey) {
  return {
    ...{ id, name, scopes, requestsPerMinute, createdAt: isoTime(createdAt) },
    ...{ expiresAt: isoTime(expiresAt), revokedAt: isoTime(revokedAt), lastUsedAt: isoTime(lastUsedAt) },
  }
}
