/**
 * What a call wants done, in the imperative. `advance` only names it; the
 * runner in `app/` does it, in order. No command carries a digit: the runner
 * takes what was typed from the state it holds in memory (`typedForLookUp`),
 * so nothing typed can reach a log, a row or an error by way of a command.
 */
import type { AnnouncementName, PromptName, QueueName } from './flow.ts'
import type { LegEnd, LegName, PlaybackRole, PromptHash, TimerName } from './events.ts'

export type CallOutcome = 'connected' | 'voicemail' | 'callback' | 'informed' | 'abandoned' | 'turned_away' | 'failed'

export type Spoken = { prompt: PromptName } | { hash: PromptHash }

/** Why an agent is let go: decides whether they rest, wrap up or are free at once. */
export type AgentRelease = 'caller_gone' | 'conversation_ended' | Exclude<LegEnd, 'hung_up'>

export type CallCommand =
  | { type: 'answer' }
  | { type: 'play'; visit: number; role: PlaybackRole; what: Spoken[] }
  | { type: 'stopPlaying'; visit: number; role: PlaybackRole }
  | { type: 'startMusic' }
  | { type: 'stopMusic' }
  | { type: 'setTimer'; visit: number; timer: TimerName; firesAt: number }
  | { type: 'clearTimer'; visit: number; timer: TimerName }
  | { type: 'readAnnouncement'; visit: number; announcement: AnnouncementName }
  | { type: 'lookUpPin'; visit: number }
  /** `since` (epoch ms) is what the place counts from: asked again after a restart, the caller keeps it. Idempotent by visit. */
  | { type: 'enterQueue'; visit: number; queue: QueueName; priority: number; since: number }
  | { type: 'leaveQueue'; visit: number }
  | { type: 'ring'; visit: number; leg: LegName; agentId: string; endpoint: string }
  | { type: 'dial'; visit: number; leg: LegName; number: string; trunk: string }
  /**
   * Joins caller and leg in one bridge and ends the music. For an agent it is the row first: offer → talking, by
   * compare-and-set, which also takes the caller out of the queue. Asked again after a restart.
   */
  | { type: 'connect'; visit: number; leg: LegName }
  | { type: 'hangUpLeg'; leg: LegName }
  /** The phone need not ring any more. If it was picked up in this moment, it stays: `legAnswered` comes and is answered then. */
  | { type: 'stopRinging'; leg: LegName }
  /** The agent picked up just as the caller went: they hear it, then the leg ends. */
  | { type: 'tellCallerGone'; leg: LegName }
  | { type: 'releaseAgent'; offer: number; agentId: string; why: AgentRelease }
  | { type: 'record'; visit: number; maxMs: number; silenceMs: number }
  | { type: 'stopRecording'; visit: number }
  /** Pull the recording and make it a ticket, unless it turns out to be empty. */
  | { type: 'keepVoicemail'; visit: number }
  /** Nothing was said: delete the recording where it lies, make no ticket. */
  | { type: 'dropRecording'; visit: number }
  | { type: 'hangUp' }
  /** The last command of a call: nothing of it is left open. */
  | { type: 'end'; outcome: CallOutcome }
