/** What every command needs: the environment, and for some the store. */
import { userInfo } from 'node:os'
import pino from 'pino'
import type { Actor } from '../app/ports/writing.ts'
import { configurationIsWrong, formatEnvironmentProblems, loadEnvironment, type Environment, type Service } from '../config.ts'
import { ensureSecret, openHome } from '../local/home.ts'
import { PartFailure } from '../local/part-failure.ts'
import { createProgress, silent, type Progress } from '../local/progress.ts'
import { stopPostgres } from '../local/postgres.ts'
import { postgresPart } from '../main/parts.ts'
import { runningPforte } from '../main/run-file.ts'
import { readServiceFile } from '../main/service-file.ts'
import { openStoreFor } from '../main/store-at.ts'
import type { Store } from '../store/open.ts'

/** @throws PartFailure naming every variable that is wrong */
export function environmentOrFail(): Environment {
  const loaded = loadEnvironment(process.env)
  if (loaded.ok) return loaded.environment
  throw new PartFailure({
    part: 'environment',
    what: formatEnvironmentProblems(loaded.problems),
    mend: 'See the table of variables in the README.',
    exitCode: configurationIsWrong,
  })
}

export const progressOnStderr = (): Progress => createProgress(process.stderr)

/** Whom the audit log names for what is done at the command line. */
export function whoTypes(): Actor {
  try {
    return { cli: userInfo().username }
  } catch {
    // A container's user need not have a name (os.userInfo).
    return { cli: `uid ${process.getuid?.() ?? 'unknown'}` }
  }
}

export type StoreAtHand = { environment: Environment; service: Service; store: Store }

/**
 * Runs `work` with the store that Pforte uses: of a running Pforte or not. An
 * embedded Postgres that runs only because of us is ended again.
 */
export async function withStore<T>(work: (at: StoreAtHand) => Promise<T>): Promise<T> {
  const environment = environmentOrFail()
  const home = await openHome(environment.home)
  const { service } = await readServiceFile(environment.configFile, Date.now())
  const running = await runningPforte(home.path)
  const progress = running === null ? progressOnStderr() : silent
  const { databaseUrl, embedded, adopted } = await postgresPart(environment, progress)
  const secret = environment.secret ?? (await ensureSecret(home.path, 'secret'))
  const store = await openStoreFor(service, databaseUrl, secret, pino({ level: 'silent' }))
  try {
    return await work({ environment, service, store })
  } finally {
    await store.close()
    if (embedded && !adopted) await stopPostgres(home.path)
  }
}
