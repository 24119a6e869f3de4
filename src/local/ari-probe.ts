import { compareVersions, OLDEST_ASTERISK, SAFE_ASTERISK, upstreamVersion } from './asterisk-packages.ts'
import { errorCode, PartFailure } from './part-failure.ts'
import { tlsFailure, type TlsFailure } from '../wire/tls-failure.ts'

export interface AriAccess {
  /** `http://127.0.0.1:8088`, with or without `/ari` at its end. */
  ariUrl: string
  user: string
  password: string
}

export type AriAnswer =
  | { kind: 'ready'; version: string }
  | { kind: 'starting' }
  | { kind: 'wrongPassword' }
  | { kind: 'noAri'; detail: string }
  /** Its certificate is not trusted. */
  | { kind: 'untrusted'; failure: TlsFailure }
  | { kind: 'unreachable'; detail: string }

/** Asks an Asterisk who it is, once, without waiting for it to become ready. */
export async function probeAri({ ariUrl, user, password }: AriAccess, limitMs = 5_000): Promise<AriAnswer> {
  const base = ariUrl.replace(/\/+$/, '').replace(/\/ari$/, '')
  try {
    const response = await fetch(`${base}/ari/asterisk/info?only=system`, {
      headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
      signal: AbortSignal.timeout(Math.max(1, Math.ceil(limitMs))),
    })
    const body = await response.text()
    if (response.status === 401 || response.status === 403) return { kind: 'wrongPassword' }
    if (response.status === 503) return { kind: 'starting' }
    if (!response.ok) return { kind: 'noAri', detail: `HTTP ${response.status}` }
    const info = JSON.parse(body) as { system?: { version?: string } }
    return { kind: 'ready', version: upstreamVersion(info.system?.version ?? '') ?? '0.0.0' }
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: 'noAri', detail: 'its answer is no JSON' }
    const failure = tlsFailure(error, 'ARI_URL')
    if (failure !== null) return { kind: 'untrusted', failure }
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    return { kind: 'unreachable', detail: errorCode(cause) ?? (cause instanceof Error ? cause.message : String(cause)) }
  }
}

/**
 * Makes sure that a configured Asterisk (ARI_URL) can be used.
 *
 * @returns its version, and what to tell the operator about it, if anything
 * @throws PartFailure of `asterisk` with exit code 2 when the settings are wrong
 */
export async function checkConfiguredAsterisk(access: AriAccess): Promise<{ version: string; warning: string | undefined }> {
  const answer = await probeAri(access)
  const part = 'asterisk'
  switch (answer.kind) {
    case 'ready':
      return { version: answer.version, warning: judgeVersion(answer.version) }
    case 'starting':
      throw new PartFailure({ part, what: `the Asterisk at ${access.ariUrl} is still starting`, mend: 'Start Pforte again in a moment.' })
    case 'wrongPassword':
      throw new PartFailure({
        part,
        exitCode: 2,
        what: `the Asterisk at ${access.ariUrl} refuses the user ${access.user}`,
        mend: 'Set ARI_USER and ARI_PASSWORD to what its ari.conf says, with read_only = no.',
      })
    case 'noAri':
      throw new PartFailure({
        part,
        exitCode: 2,
        what: `${access.ariUrl} does not speak ARI (${answer.detail})`,
        mend: 'Set ARI_URL to the address in its http.conf, and load res_ari.so and its sisters (asterisk-config/modules.conf).',
      })
    case 'untrusted':
      throw new PartFailure({
        part,
        exitCode: 2,
        what: `the Asterisk at ${access.ariUrl} ${answer.failure.what}`,
        mend: answer.failure.mend,
      })
    case 'unreachable':
      throw new PartFailure({
        part,
        what: `the Asterisk at ${access.ariUrl} cannot be reached (${answer.detail})`,
        mend: 'Start it, or correct ARI_URL, or leave ARI_URL unset to use a private one.',
      })
  }
}

/**
 * @returns a warning for a version that works but lacks security fixes
 * @throws PartFailure (exit code 2) for one that is too old
 */
export function judgeVersion(version: string): string | undefined {
  if (compareVersions(version, OLDEST_ASTERISK) < 0) {
    throw new PartFailure({
      part: 'asterisk',
      exitCode: 2,
      what: `Asterisk ${version} is too old`,
      mend: `Pforte needs ${OLDEST_ASTERISK} or later, better ${SAFE_ASTERISK}; or leave ARI_URL unset to use a private one.`,
    })
  }
  return compareVersions(version, SAFE_ASTERISK) < 0
    ? `Asterisk ${version} lacks security fixes of ARI (GHSA-wcvv-g26m-wx5c, GHSA-vrfp-mg3q-3959): update it to ${SAFE_ASTERISK} or later`
    : undefined
}
