/**
 * What happened to a call, in the past tense. Every event brings its time;
 * the core never asks a clock.
 *
 * An event that belongs to one visit of a step names that visit. One that
 * arrives after the call has moved on is ignored by rule (`advance.ts`), so a
 * late `playbackFinished` or timer cannot push a later step.
 */
import type { HoursName, PromptName, QueueName } from './flow.ts'

/** Which outgoing leg of a call: `agent-3` is the third offer, `transfer-7` the transfer of visit 7. */
export type LegName = `agent-${number}` | `transfer-${number}`

/** What a right PIN opens. */
export type Admission = {
  contractId: string
  customerId: string
  queue: QueueName
  priority: number
  hours: 'always' | HoursName
}

export type PinResult =
  | { is: 'right'; admission: Admission }
  | { is: 'wrong' }
  /** The line demands the customer number too. Says nothing about the PIN. */
  | { is: 'step_up' }
  /** Limits across calls: this caller goes to the loop, having heard only what a wrong PIN hears. */
  | { is: 'limited' }

export type LegEnd = 'rejected' | 'busy' | 'no_answer' | 'unreachable' | 'hung_up'

export type CallEvent = { at: number } & (
  | { type: 'callArrived' }
  | { type: 'digitReceived'; digit: string }
  | { type: 'playbackFinished'; visit: number; role: PlaybackRole; ok: boolean }
  | { type: 'timerFired'; visit: number; timer: TimerName }
  | { type: 'announcementRead'; visit: number; prompt: PromptHash | null }
  | { type: 'pinChecked'; visit: number; result: PinResult }
  | { type: 'queueEntered'; visit: number }
  | { type: 'queueRefused'; visit: number; why: 'full' }
  | { type: 'agentOffered'; visit: number; offer: number; agentId: string; endpoint: string }
  | { type: 'legAnswered'; leg: LegName }
  | { type: 'legEnded'; leg: LegName; why: LegEnd }
  | { type: 'recordingFinished'; visit: number; durationMs: number; talkingMs: number | null }
  | { type: 'recordingFailed'; visit: number }
  /** What was recorded in that visit has been listened to, and is a ticket. */
  | { type: 'recordingKept'; visit: number }
  /** Whoever fetched what was recorded in that visit heard nothing in it. */
  | { type: 'recordingFoundEmpty'; visit: number }
  | { type: 'callerHungUp' }
  /** Asterisk would not do what the call needs now; the step takes its way out. `leg` where the command named one. */
  | { type: 'commandRefused'; visit: number; command: RefusableCommand; leg?: LegName }
)

/** Content hash of a rendered prompt, for texts that are not in the flow (special announcements). */
export type PromptHash = string
/** What a step speaks. A visit speaks once: saying it again is another visit. */
export type PlaybackRole = 'prompt'
export type TimerName =
  | 'first_digit'
  | 'between_digits'
  | 'total'
  | 'slow_look_up'
  | 'music'
  | 'pause'
  | 'key'
  | 'ring'
  | 'max_wait'
  | 'recording'
export type RefusableCommand = 'play' | 'record' | 'ring' | 'connect' | 'dial'
export type { PromptName }
