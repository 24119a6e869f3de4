import type { ApiKey } from '../app/ports/api-keys.ts'
import { showKey } from '../http/show-key.ts'
import type { Store } from '../store/open.ts'
import { withStore } from './surroundings.ts'

const A_PAGE = 200

/** All keys but the first administrator's, newest first; those that are no longer good too. */
export async function keyList({ json }: { json?: boolean }): Promise<number> {
  return withStore(async ({ store, service }) => {
    const keys = await all(store)
    if (json === true) {
      console.log(JSON.stringify(keys.map(showKey)))
    } else if (keys.length === 0) {
      console.error(
        'There is no key but the first one, in PFORTE_API_KEY or the file api-key in PFORTE_HOME. npx pforte key create makes one.',
      )
    } else {
      const at = Date.now()
      const head = ['ID', 'NAME', 'SCOPES', 'A MINUTE', 'LAST USED', 'EXPIRES', 'STATE']
      for (const line of aligned([head, ...keys.map((key) => cells(key, service.timeZone, at))])) console.log(line)
    }
    return 0
  })
}

async function all({ apiKeys }: Store): Promise<ApiKey[]> {
  const keys: ApiKey[] = []
  let cursor: string | null = null
  do {
    const { items, next }: Awaited<ReturnType<typeof apiKeys.list>> = await apiKeys.list({ limit: A_PAGE, cursor })
    keys.push(...items)
    cursor = next
  } while (cursor !== null)
  return keys
}

function cells(key: ApiKey, timeZone: string, at: number): string[] {
  const { id, name, scopes, requestsPerMinute, lastUsedAt, expiresAt, revokedAt } = key
  const time = (ms: number | null): string => (ms === null ? 'never' : localTime(ms, timeZone))
  const state = revokedAt !== null ? 'revoked' : expiresAt !== null && expiresAt <= at ? 'expired' : 'good'
  return [id, name, scopes.join(','), String(requestsPerMinute), time(lastUsedAt), time(expiresAt), state]
}

/** `2026-07-01 10:00`, on the clocks of the service. */
function localTime(ms: number, timeZone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(ms)
    .toZonedDateTimeISO(timeZone)
    .toPlainDateTime()
    .toString({ smallestUnit: 'minute' })
    .replace('T', ' ')
}

function aligned(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}
