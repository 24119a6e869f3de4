/**
 * What Asterisk tells, in Pforte's words. No state but the ids of legs that
 * ended lately and the rhythm of keys that are being pressed: everything else
 * stands in the event itself, so a process that was started in the middle of a
 * call understands it as well as the first one.
 */
import type { LegEndCause, TelephonyEvent } from '../app/ports/telephony.ts'
import { CALLER_ARGUMENT, LEG_ARGUMENT } from './command-calls.ts'
import { KeyPresses } from './key-presses.ts'

export type AriChannel = {
  id: string
  state: string
  caller?: { number?: string }
  dialplan?: { context?: string; app_data?: string }
}

/** The fields that are read; Asterisk sends more, and types that are not listed here. */
export type AriEvent = {
  type: string
  timestamp?: string
  args?: string[]
  channel?: AriChannel
  cause?: number
  digit?: string
  duration_ms?: number
  playback?: { id: string; state: string }
  recording?: { name: string; duration?: number; talking_duration?: number }
}

/**
 * The event filter (`PUT /applications/{app}/eventFilter`): without it a call
 * costs some fifty events, most of them ChannelVarset and ChannelDialplan.
 * Asterisk passes its answers to commands through the same filter
 * [tried, 22.10.1], so they must be on the list too, or the socket falls silent.
 */
export const HEEDED_EVENTS = [
  'StasisStart',
  'StasisEnd',
  'ChannelHangupRequest',
  'ChannelDestroyed',
  'ChannelDtmfReceived',
  'PlaybackFinished',
  'RecordingFinished',
  'RecordingFailed',
  'ApplicationReplaced',
  'RESTResponse',
] as const

/** More legs than can possibly be between their first and last sign of ending at the same moment. */
const ENDED_REMEMBERED = 4096

export class EventTranslator {
  readonly #ended = new Set<string>()
  readonly #keys = new KeyPresses()

  /** @returns null for what means nothing to a call, unknown types included */
  translate(event: AriEvent, at: number): TelephonyEvent | null {
    const { channel, playback, recording } = event
    switch (event.type) {
      case 'StasisStart':
        return channel === undefined ? null : arrival(channel, event.args ?? [], at)
      // Whichever comes first. A caller who hangs up is told by the request, before the prompt or the recording that
      // it cuts short is told to be over; by StasisEnd only after that, and never by ChannelDestroyed. A phone that does
      // not answer has no StasisEnd.
      case 'ChannelHangupRequest':
      case 'StasisEnd':
      case 'ChannelDestroyed':
        return channel === undefined ? null : this.#end(channel, event.cause, at)
      case 'ChannelDtmfReceived':
        if (channel === undefined || event.digit === undefined) return null
        return this.#keys.isPress(channel.id, event.digit, event.duration_ms ?? 0, sentAt(event) ?? at)
          ? { type: 'digit', at, leg: channel.id, digit: event.digit }
          : null
      case 'PlaybackFinished':
        return playback === undefined ? null : { type: 'playbackFinished', at, playback: playback.id, ok: playback.state === 'done' }
      case 'RecordingFinished':
        if (recording === undefined) return null
        return {
          type: 'recordingFinished',
          at,
          recording: recording.name,
          // Whole seconds, rounded down: below one second this says 0, and the file knows better.
          durationMs: (recording.duration ?? 0) * 1000,
          talkingMs: recording.talking_duration === undefined ? null : recording.talking_duration * 1000,
        }
      case 'RecordingFailed':
        return recording === undefined ? null : { type: 'recordingFailed', at, recording: recording.name }
      default:
        return null
    }
  }

  /** Whether its end has been told: then Asterisk's further signs of it mean nothing. */
  hasEnded(leg: string): boolean {
    return this.#ended.has(leg)
  }

  #end(channel: AriChannel, cause: number | undefined, at: number): TelephonyEvent | null {
    if (this.#ended.has(channel.id)) return null
    this.#ended.add(channel.id)
    this.#keys.forget(channel.id)
    if (this.#ended.size > ENDED_REMEMBERED)
      for (const oldest of this.#ended) {
        this.#ended.delete(oldest)
        break
      }
    const answered = channel.state === 'Up' || callerFacts(channel) !== null
    return { type: 'legEnded', at, leg: channel.id, cause: answered ? 'hung_up' : unansweredCause(cause) }
  }
}

/** By Asterisk's clock, so that what waited on the way keeps its distances. */
function sentAt({ timestamp }: AriEvent): number | null {
  const at = timestamp === undefined ? NaN : Date.parse(timestamp)
  return Number.isNaN(at) ? null : at
}

function arrival(channel: AriChannel, args: string[], at: number): TelephonyEvent | null {
  if (args[0] === LEG_ARGUMENT) return { type: 'legAnswered', at, leg: channel.id }
  if (args[0] !== CALLER_ARGUMENT) return null
  const [, dialled = '', trunk = ''] = args
  return {
    type: 'callerArrived',
    at,
    leg: channel.id,
    dialled: bounded(dialled) ?? '',
    caller: callerNumber(channel),
    trunk: bounded(trunk),
  }
}

/**
 * Why a leg that never answered ended, from its Q.850 cause, into which
 * Asterisk has already turned the SIP status (603 → 21, 486 → 17, 480 → 19).
 */
export function unansweredCause(q850: number | undefined): LegEndCause {
  switch (q850) {
    case 21:
      return 'rejected'
    case 17:
      return 'busy'
    // 16 normal clearing, 32: we took the call back; 18, 19: nobody picked up; 26: picked up elsewhere.
    case 16:
    case 18:
    case 19:
    case 26:
    case 32:
      return 'no_answer'
    default:
      return 'unreachable'
  }
}

/** What was dialled and through which trunk, for a channel that is a caller's; null for every other. */
export function callerFacts(channel: AriChannel): { dialled: string; trunk: string | null } | null {
  const data = channel.dialplan?.app_data
  if (data === undefined) return null
  const [, kind, dialled, trunk = ''] = data.split(',')
  return kind === CALLER_ARGUMENT && dialled !== undefined ? { dialled: bounded(dialled) ?? '', trunk: bounded(trunk) } : null
}

/** What the trunk says of the caller, as it stands; null when withheld. */
export function callerNumber(channel: AriChannel): string | null {
  const number = bounded(channel.caller?.number ?? '')
  return number === null || /^(anonymous|unknown|unavailable|restricted|private)$/i.test(number) ? null : number
}

const MOST_CHARACTERS = 64

/** Strangers choose these texts: control characters go, the rest is cut to a length that any row, log and screen bears. */
function bounded(text: string): string | null {
  // Cc: control characters; Cf: invisible ones, such as those that turn the direction of writing.
  const clean = text.replace(/[\p{Cc}\p{Cf}]/gu, '').trim()
  const cut = [...clean].slice(0, MOST_CHARACTERS).join('')
  return cut === '' ? null : cut
}
