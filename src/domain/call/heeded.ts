/**
 * The one rule for events that come late, twice, or from nowhere.
 *
 * An event moves a call only if the call waits for it: what the call is doing
 * names the kind of event (`awaited`), and the event's own visit, leg or timer
 * is the one in hand. Everything else changes nothing. If such an event holds
 * something open (an agent reserved for this call, a leg that has answered, a
 * place in a queue), that is given back at once, so that nobody stays reserved
 * for a call that has gone on.
 */
import type { CallCommand } from './commands.ts'
import type { CallEvent, LegName, RefusableCommand } from './events.ts'
import type { CallState, Doing } from './state.ts'

type EventType = CallEvent['type']

/** What a call in the middle of this waits for. The start and the caller's hang-up are for every moment. */
const awaited: Record<Doing['what'], ReadonlySet<EventType>> = {
  nothing: new Set(),
  announcing: new Set(['playbackFinished', 'commandRefused', 'digitReceived', 'timerFired']),
  reading_announcement: new Set(['announcementRead', 'digitReceived']),
  announcing_special: new Set(['playbackFinished', 'commandRefused', 'digitReceived', 'timerFired']),
  collecting: new Set(['digitReceived', 'playbackFinished', 'commandRefused', 'timerFired']),
  looking_up: new Set(['pinChecked', 'timerFired']),
  music: new Set(['timerFired', 'digitReceived']),
  choosing: new Set(['digitReceived', 'playbackFinished', 'commandRefused', 'timerFired']),
  // The offer can overtake the news that the queue has been entered.
  entering_queue: new Set(['queueEntered', 'queueRefused', 'agentOffered', 'timerFired', 'digitReceived']),
  waiting: new Set(['agentOffered', 'timerFired', 'digitReceived']),
  ringing: new Set(['legAnswered', 'legEnded', 'commandRefused', 'timerFired', 'digitReceived']),
  talking: new Set(['legEnded', 'commandRefused']),
  greeting: new Set(['playbackFinished', 'commandRefused', 'digitReceived']),
  recording: new Set(['recordingFinished', 'recordingFailed', 'commandRefused', 'timerFired']),
  listening: new Set(['recordingKept', 'timerFired']),
  dialling: new Set(['legAnswered', 'legEnded', 'commandRefused', 'timerFired']),
}

/** The command that a call in the middle of this can be refused. Where it speaks, that is `play`. */
const refusable: Partial<Record<Doing['what'], RefusableCommand>> = {
  ringing: 'ring',
  talking: 'connect',
  recording: 'record',
  dialling: 'dial',
}

/**
 * A timer may fire this much before its time (clocks and timers round
 * differently); one that is earlier still belongs to a setting that has been
 * replaced.
 */
const earlyTimerMs = 20

const keys = '0123456789*#'

/** The leg that the call rings or talks to; null when there is none. */
export function legInHand(state: CallState): LegName | null {
  switch (state.doing.what) {
    case 'ringing':
      return `agent-${state.doing.offer}`
    case 'talking':
      return state.doing.leg
    case 'dialling':
      return `transfer-${state.visit}`
    default:
      return null
  }
}

/** Whether a prompt of the present visit is being heard. */
export function isSpeaking(state: CallState): boolean {
  switch (state.doing.what) {
    case 'announcing':
      return state.timers.pause === undefined
    case 'announcing_special':
      return state.doing.playing
    case 'collecting':
    case 'choosing':
      return state.doing.prompting
    case 'greeting':
      return true
    default:
      return false
  }
}

/** Whether the call waits for this event now. */
export function isHeeded(state: CallState, event: CallEvent): boolean {
  if (event.type === 'callArrived') return state.phase === 'new'
  if (event.type === 'callerHungUp') return state.phase !== 'ended'
  if (state.phase !== 'active') return false
  // It may come when the call has gone on, so its visit is that of the recording.
  if (event.type === 'recordingFoundEmpty') return event.visit === state.voicemailVisit
  if (!awaited[state.doing.what].has(event.type)) return false
  switch (event.type) {
    case 'digitReceived':
      // A–D exist in RFC 4733 and on no phone that calls here.
      return event.digit.length === 1 && keys.includes(event.digit)
    case 'legAnswered':
    case 'legEnded':
      return event.leg === legInHand(state)
    case 'timerFired': {
      const firesAt = state.timers[event.timer]
      return event.visit === state.visit && firesAt !== undefined && event.at >= firesAt - earlyTimerMs
    }
    case 'playbackFinished':
      return event.visit === state.visit && isSpeaking(state)
    case 'commandRefused':
      if (event.visit !== state.visit) return false
      if (event.command === 'play') return isSpeaking(state)
      return event.command === refusable[state.doing.what] && (event.leg ?? legInHand(state)) === legInHand(state)
    default:
      return event.visit === state.visit
  }
}

/** What an event that is not heeded holds open, closed again. Empty for nearly all of them. */
export function giveBack(state: CallState, event: CallEvent): CallCommand[] {
  switch (event.type) {
    case 'agentOffered':
      // The offer in hand, told twice, is no second offer.
      if (legInHand(state) === `agent-${event.offer}`) return []
      return [{ type: 'releaseAgent', offer: event.offer, agentId: event.agentId, why: 'caller_gone' }]
    case 'legAnswered':
      if (legInHand(state) === event.leg) return []
      return [{ type: state.phase === 'ended' ? 'tellCallerGone' : 'hangUpLeg', leg: event.leg }]
    case 'queueEntered':
      if (state.phase === 'active' && event.visit === state.visit) return []
      return [{ type: 'leaveQueue', visit: event.visit }]
    default:
      return []
  }
}
