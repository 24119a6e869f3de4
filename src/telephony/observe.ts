/** What Asterisk kept for us: asked for after every connect, because what happened meanwhile is never told. */
import type { Observed, ObservedLeg, Outcome } from '../app/ports/telephony.ts'
import type { CommandCarrier } from './ari-call.ts'
import { callerFacts, callerNumber, type AriChannel } from './ari-events.ts'
import { failureOf, isSuccess } from './outcome.ts'

type AriBridge = { id: string; name: string; channels: string[] }

/**
 * Legs are the channels that the application holds or has made, ringing ones
 * included; bridges are those that carry our name, empty ones included.
 *
 * @param askAboutRecordings names; those being recorded now come back
 */
export async function observe(
  carrier: CommandCarrier,
  app: string,
  askAboutRecordings: string[],
  now: () => number,
): Promise<Outcome<Observed>> {
  const [application, channels, bridges, ...recordings] = await Promise.all([
    carrier.request({ operation: 'applications.get', params: { applicationName: app } }),
    carrier.request({ operation: 'channels.list', params: {} }),
    carrier.request({ operation: 'bridges.list', params: {} }),
    ...askAboutRecordings.map((recordingName) => carrier.request({ operation: 'recordings.getLive', params: { recordingName } })),
  ])
  for (const reply of [application, channels, bridges]) if (!isSuccess(reply)) return failureOf(reply)
  for (const reply of recordings) if (!isSuccess(reply) && reply.status !== 404) return failureOf(reply)

  const ours = new Set(bodyOf<{ channel_ids: string[] }>(application).channel_ids)
  const legs = bodyOf<AriChannel[]>(channels)
    .filter(({ id }) => ours.has(id))
    .map(observedLeg)
  const kept = bodyOf<AriBridge[]>(bridges).filter(({ name }) => name === app)
  return {
    ok: true,
    value: {
      at: now(),
      legs,
      bridges: kept.map(({ id, channels }) => ({ bridge: id, legs: [...channels] })),
      liveRecordings: askAboutRecordings.filter((_, i) => isLive(recordings[i])),
    },
  }
}

/** The contexts that a caller goes through when Pforte is not there (asterisk-config/extensions.conf). */
const CALLERS_CONTEXTS = new Set(['pforte-line', 'pforte-enter', 'pforte-fallback'])

/** Callers whom the application does not have. */
export async function fallbackLegs(carrier: CommandCarrier, app: string): Promise<Outcome<string[]>> {
  const [application, channels] = await Promise.all([
    carrier.request({ operation: 'applications.get', params: { applicationName: app } }),
    carrier.request({ operation: 'channels.list', params: {} }),
  ])
  for (const reply of [application, channels]) if (!isSuccess(reply)) return failureOf(reply)
  const ours = new Set(bodyOf<{ channel_ids: string[] }>(application).channel_ids)
  const theirs = bodyOf<AriChannel[]>(channels).filter(({ id, dialplan }) => !ours.has(id) && CALLERS_CONTEXTS.has(dialplan?.context ?? ''))
  return { ok: true, value: theirs.map(({ id }) => id) }
}

const bodyOf = <T>(reply: unknown): T => (reply as { body: T }).body

function isLive(reply: unknown): boolean {
  const state = (reply as { body?: { state?: string } }).body?.state
  return state === 'queued' || state === 'recording' || state === 'paused'
}

function observedLeg(channel: AriChannel): ObservedLeg {
  const facts = callerFacts(channel)
  return {
    leg: channel.id,
    state: channel.state === 'Up' ? 'up' : /^Ring(ing)?$/.test(channel.state) ? 'ringing' : 'other',
    dialled: facts?.dialled ?? null,
    caller: facts === null ? null : callerNumber(channel),
    trunk: facts?.trunk ?? null,
  }
}
