/** One process serves one Asterisk: whoever holds the lease in Postgres. The others stand by. */
import { untilStored } from '../app/store-patience.ts'
import type { CallStore, Lease } from '../app/ports/store.ts'
import { PartFailure } from '../local/part-failure.ts'
import type { Progress } from '../local/progress.ts'

/** Postgres's own TCP keepalive finds a client that is gone within some 15 s (store/lease.ts). */
const OWN_SESSION_ENDS_WITHIN_MS = 20_000

/** @param name of what is served @param onStandBy when another process holds it, before its end is awaited */
export async function takeLease(store: CallStore, name: string, progress: Progress, onStandBy: () => void): Promise<Lease> {
  return store.takeLease(name, () => {
    onStandBy()
    progress.step('another Pforte serves this Asterisk; standing by until it ends')
  })
}

/**
 * Without the lease another process may begin; with Postgres merely away, nobody can, and the calls go on.
 *
 * A Postgres that stood still has our own old session in it until it reads that we are gone, and that session still
 * holds the lease. Whoever else may hold it takes over our place on Asterisk too, which ends us at once.
 */
export async function onLeaseLost(store: CallStore, name: string, end: (failure: PartFailure) => void): Promise<void> {
  let patience: NodeJS.Timeout | undefined
  try {
    const lease = await untilStored(() =>
      store.takeLease(name, () => {
        clearTimeout(patience)
        patience = setTimeout(() => end(replaced()), OWN_SESSION_ENDS_WITHIN_MS)
      }),
    )
    if (lease !== null) void lease.lost.then(() => onLeaseLost(store, name, end))
  } catch (error) {
    end(
      new PartFailure({
        part: 'postgres',
        what: `the lease on Asterisk was lost and cannot be taken again (${error instanceof Error ? error.message : String(error)})`,
        mend: 'See that Postgres lets this user in, and start again; calls go on in Asterisk.',
        cause: error,
      }),
    )
  } finally {
    clearTimeout(patience)
  }
}

/** Why a process ends when another one has its place. */
export function replaced(): PartFailure {
  return new PartFailure({
    part: 'asterisk',
    what: 'another Pforte has taken over this Asterisk',
    mend: 'One process serves one Asterisk: end one of them.',
  })
}
