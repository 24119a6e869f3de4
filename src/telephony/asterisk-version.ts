/** What an Asterisk's version says about what it can do, and what it lacks. */

export type Transport = 'websocket' | 'ari-client'

type Version = { major: number; minor: number; patch: number }

/** Chosen ids, dynamic config and media lists are all there from 18 on, which is also the oldest that its makers still remember. */
const OLDEST_MAJOR = 18
const SAFE: Version = { major: 22, minor: 10, patch: 1 }
/** The first release of each branch in which ARI commands may ride the event WebSocket. */
const REST_OVER_WEBSOCKET: Version[] = [
  { major: 20, minor: 14, patch: 0 },
  { major: 21, minor: 9, patch: 0 },
  { major: 22, minor: 4, patch: 0 },
]

/**
 * Reads `22.10.1+dfsg…`, `certified/20.7-cert1`, `GIT-22-abc`. A branch built
 * from source names no minor and is taken to be its newest.
 *
 * @returns null for what names no version at all
 */
export function parseVersion(text: string): Version | null {
  const match = /(?:^|[^\d])(\d{1,2})(?:\.(\d+))?(?:\.(\d+))?/.exec(text)
  if (match === null) return null
  const minor = match[2] === undefined ? Number.MAX_SAFE_INTEGER : Number(match[2])
  return { major: Number(match[1]), minor, patch: Number(match[3] ?? 0) }
}

export function isTooOld(text: string): boolean {
  const version = parseVersion(text)
  return version !== null && version.major < OLDEST_MAJOR
}

/** The transport that this Asterisk carries best. */
export function bestTransport(text: string): Transport {
  const version = parseVersion(text)
  if (version === null) return 'ari-client'
  const first = REST_OVER_WEBSOCKET.find(({ major }) => major === version.major)
  if (first !== undefined) return isBefore(version, first) ? 'ari-client' : 'websocket'
  return version.major > SAFE.major ? 'websocket' : 'ari-client'
}

/** Why this Asterisk should be updated, or null. */
export function securityWarning(text: string): string | null {
  const version = parseVersion(text)
  if (version === null || !isBefore(version, SAFE)) return null
  return 'this Asterisk lacks two security fixes of ARI (GHSA-wcvv-g26m-wx5c: a read-only user may write; GHSA-vrfp-mg3q-3959: ARI reaches SHELL() and the like): update it to 22.10.1 or later'
}

/** `22.10.1` from `22.10.1+dfsg+~cs6.17`; what has no such number stays as it is. */
export function shortVersion(text: string): string {
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? text
}

function isBefore(one: Version, other: Version): boolean {
  if (one.major !== other.major) return one.major < other.major
  if (one.minor !== other.minor) return one.minor < other.minor
  return one.patch < other.patch
}
