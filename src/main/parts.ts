/**
 * Where Postgres, Asterisk and the voice come from: what is configured, or
 * else the embedded ones. The same code runs on either.
 */
import type { Environment } from '../config.ts'
import { checkConfiguredAsterisk } from '../local/ari-probe.ts'
import { ensureAsterisk } from '../local/asterisk.ts'
import { ensurePostgres } from '../local/postgres.ts'
import type { Progress } from '../local/progress.ts'

export type PostgresPart = { databaseUrl: string; embedded: boolean; adopted: boolean }

export async function postgresPart(environment: Environment, progress: Progress): Promise<PostgresPart> {
  if (environment.databaseUrl !== null) return { databaseUrl: environment.databaseUrl, embedded: false, adopted: true }
  const { databaseUrl, adopted } = await ensurePostgres({ home: environment.home, port: environment.ports.postgres ?? undefined, progress })
  return { databaseUrl, embedded: true, adopted }
}

export type AsteriskPart = {
  ari: { url: string; user: string; password: string }
  embedded: boolean
  /** False if this very start began it. */
  adopted: boolean
  /** `sip:HOST:PORT` that callers and agents reach; null where only the operator knows. */
  sipUri: string | null
  /** Names this Asterisk in rows and in the lease, for as long as it is the same one. */
  key: string
}

export async function asteriskPart(
  environment: Environment,
  fallbackPrompt: Buffer | undefined,
  progress: Progress,
): Promise<AsteriskPart> {
  const { ari, sip, rtp, home } = environment
  if (ari !== null) {
    const { url, user, password } = ari
    const { warning } = await checkConfiguredAsterisk({ ariUrl: url, user, password })
    if (warning !== undefined) progress.warn(warning)
    return { ari: { url, user, password }, embedded: false, adopted: true, sipUri: null, key: new URL(url).host }
  }
  const running = await ensureAsterisk({ home, sip, rtpPorts: rtp, ariPort: environment.ports.ari ?? undefined, fallbackPrompt, progress })
  if (running.warning !== undefined) progress.warn(running.warning)
  return {
    ari: { url: running.ariUrl, user: running.user, password: running.password },
    embedded: true,
    adopted: running.adopted,
    sipUri: running.sipUri,
    // Its ARI port may change from start to start; its SIP address is what it is known by.
    key: `embedded ${sip.host}:${sip.port}`,
  }
}
