/** Opening the store for a service, and saying in one line why it cannot be had. */
import type { Log } from '../app/ports/log.ts'
import { StoreUnavailable } from '../app/ports/store.ts'
import type { Service } from '../config.ts'
import { PartFailure } from '../local/part-failure.ts'
import { StoreRefused } from '../store/errors.ts'
import { openStore, type Store, type StoreRules } from '../store/open.ts'

export function rulesOf({ pin, country, timeZone, hours, tickets }: Service): StoreRules {
  const { length, customerNumberLength } = pin.rules
  return { pinLimits: pin.limits, pinLength: length, customerNumberLength, country, tickets: { timeZone, hours, ...tickets } }
}

/** @throws PartFailure of `postgres`, whose cause is what the store says */
export async function openStoreFor(
  service: Service,
  databaseUrl: string,
  secret: string,
  log: Log,
  migrations: 'apply' | 'check' = 'apply',
): Promise<Store> {
  try {
    return await openStore({
      databaseUrl,
      secret: Buffer.from(secret),
      log,
      migrations,
      ...rulesOf(service),
    })
  } catch (error) {
    if (error instanceof StoreRefused) {
      throw new PartFailure({
        part: 'postgres',
        what: error.message,
        mend: error.mend,
        exitCode: error.reason === 'other_secret' || error.reason === 'access' ? 2 : 1,
        cause: error,
      })
    }
    if (error instanceof StoreUnavailable) {
      throw new PartFailure({
        part: 'postgres',
        what: `it cannot be reached (${error.message})`,
        mend: 'Start it, or correct DATABASE_URL.',
        cause: error,
      })
    }
    throw error
  }
}
