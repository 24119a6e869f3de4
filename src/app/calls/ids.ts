/**
 * Names for what a call makes on the PBX. Each is call + visit + role, so that
 * doing a thing twice is refused by the PBX instead of done twice, and so that
 * whatever is found there after a crash tells whose it was.
 */
import type { LegName, PlaybackRole } from '../../domain/call/events.ts'
import type { BridgeId, LegId, PlaybackId, RecordingName } from '../ports/telephony.ts'

export type CallId = string

const RECORDING_PREFIX = 'pforte-call-'
/** The dialplan names what it records while Pforte is away like this (asterisk-config/extensions.conf). */
export const FALLBACK_RECORDING_PREFIX = 'pforte-fallback-'

export const outgoingLeg = (call: CallId, leg: LegName): LegId => `${call}.${leg}`
export const playbackOf = (call: CallId, visit: number, role: PlaybackRole): PlaybackId => `${call}.${visit}.${role}`
export const goodbyeOf = (call: CallId, leg: LegName): PlaybackId => `${call}.${leg}.goodbye`
export const bridgeOf = (call: CallId): BridgeId => `${call}.bridge`
export const recordingOf = (call: CallId, visit: number): RecordingName => `${RECORDING_PREFIX}${call}.${visit}`

/** The call that an id of ours belongs to, or null for somebody else's. */
export function callOf(id: string): CallId | null {
  const dot = id.indexOf('.')
  return dot === 36 ? id.slice(0, dot) : null
}

export function legNameOf(id: LegId): LegName | null {
  const name = id.slice(37)
  return /^(agent|transfer)-\d+$/.test(name) ? (name as LegName) : null
}

export function offerOf(leg: LegName): number | null {
  return leg.startsWith('agent-') ? Number(leg.slice('agent-'.length)) : null
}

export const agentLeg = (offer: number): LegName => `agent-${offer}`

/** `visit` of a playback that a step plays; null for goodbyes and strangers. */
export function playbackVisit(id: PlaybackId): number | null {
  const match = /^\d+(?=\.prompt$)/.exec(id.slice(37))
  return match === null ? null : Number(match[0])
}

export function recordingParts(name: RecordingName): { call: CallId; visit: number } | null {
  if (!name.startsWith(RECORDING_PREFIX)) return null
  const rest = name.slice(RECORDING_PREFIX.length)
  const call = callOf(rest)
  const visit = Number(rest.slice(37))
  return call === null || !Number.isSafeInteger(visit) ? null : { call, visit }
}
