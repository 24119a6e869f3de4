/** Sees to it that all processes of one database hold the same secret: another one would match no PIN and open no password. */
import { timingSafeEqual } from 'node:crypto'
import type { Connections } from './connections.ts'
import { StoreRefused } from './errors.ts'
import type { Keys } from './keys.ts'

/** Writes the check value on the first start. @throws StoreRefused `other_secret` */
export async function requireSameSecret(connections: Connections, keys: Keys): Promise<void> {
  await connections.kysely
    .insertInto('service_secret')
    .values({ key_id: keys.id, check_value: keys.checkValue })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await refuseOtherSecret(connections, keys)
}

/** Writes nothing: before the first start any secret will do. @throws StoreRefused `other_secret` */
export async function refuseOtherSecret({ kysely }: Connections, keys: Keys): Promise<void> {
  const kept = await kysely.selectFrom('service_secret').select(['key_id', 'check_value']).executeTakeFirst()
  if (kept === undefined) return
  if (kept.key_id !== keys.id || !timingSafeEqual(kept.check_value, keys.checkValue)) {
    throw new StoreRefused(
      'other_secret',
      `this database was made with another secret (key ${kept.key_id}; this process has ${keys.id})`,
      'Set PFORTE_SECRET, or bring back the file "secret" in PFORTE_HOME, to the one it was made with.',
    )
  }
}
