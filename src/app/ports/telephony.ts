/**
 * What Pforte asks of a PBX, in Pforte's words. ARI's words stop at
 * `telephony/`, where two implementations live (REST over the event WebSocket;
 * `ari-client`), held to this by one contract suite.
 *
 * A *leg* is a channel of the PBX. Its id is ours wherever we make it, so that
 * we know it before the first event speaks of it.
 */

export type LegId = string
export type PlaybackId = string
export type RecordingName = string
export type BridgeId = string

/** How a command ended. `gone` and `conflict` are normal while somebody hangs up. */
export type Outcome<T = void> =
  | { ok: true; value: T }
  | { ok: false; why: 'gone' | 'conflict' | 'refused' | 'timeout' | 'unreachable'; detail: string }

export type TelephonyCommand =
  | { do: 'answer'; leg: LegId }
  /** `media` are prompt hashes; the adapter knows under which address the PBX fetches them. */
  | { do: 'play'; leg: LegId; playback: PlaybackId; prompts: string[]; language: string }
  | { do: 'stopPlayback'; playback: PlaybackId }
  | { do: 'startMusic'; leg: LegId }
  | { do: 'stopMusic'; leg: LegId }
  /** Beeps first. `#` ends it; so does `silenceMs` of silence. */
  | { do: 'record'; leg: LegId; recording: RecordingName; maxMs: number; silenceMs: number }
  | { do: 'stopRecording'; recording: RecordingName }
  /** Rings an agent's phone. `callerId` is what the phone shows. The PBX itself gives up after `timeoutMs` (a backstop; the call's own timer comes first). */
  | { do: 'ring'; leg: LegId; endpoint: string; callerId: { name: string; number: string }; timeoutMs: number; forCaller: LegId }
  /** Dials out through a trunk. */
  | {
      do: 'dial'
      leg: LegId
      number: string
      trunk: string
      callerId: { name: string; number: string }
      timeoutMs: number
      forCaller: LegId
    }
  | { do: 'createBridge'; bridge: BridgeId }
  | { do: 'joinBridge'; bridge: BridgeId; legs: LegId[] }
  | { do: 'destroyBridge'; bridge: BridgeId }
  /** `unknown_number` tells a caller who has not been answered that nobody has the number. */
  | { do: 'hangUp'; leg: LegId; why?: 'unknown_number' }
  /** Hangs up a leg that rings. One that has just been picked up goes on: `conflict`, and `legAnswered` comes. */
  | { do: 'stopRinging'; leg: LegId }

/** Commands whose end nobody waits for: what comes of them is told by events, or not at all. */
export type ToldCommand = Extract<
  TelephonyCommand,
  { do: 'answer' | 'stopPlayback' | 'startMusic' | 'stopMusic' | 'stopRecording' | 'hangUp' | 'destroyBridge' }
>

export type LegEndCause = 'rejected' | 'busy' | 'no_answer' | 'unreachable' | 'hung_up'

export type TelephonyEvent =
  /** A caller's leg is ours now. `caller` is what the trunk said, unchecked; null when withheld. */
  | { type: 'callerArrived'; at: number; leg: LegId; dialled: string; caller: string | null; trunk: string | null }
  /** A leg that we rang or dialled has answered and is ours. */
  | { type: 'legAnswered'; at: number; leg: LegId }
  /** A leg is over, for whatever reason; comes once for each leg, callers' too. */
  | { type: 'legEnded'; at: number; leg: LegId; cause: LegEndCause }
  | { type: 'digit'; at: number; leg: LegId; digit: string }
  /** Also comes for missing files and on hang-up: `ok` says whether it was heard to its end or stopped by us. */
  | { type: 'playbackFinished'; at: number; playback: PlaybackId; ok: boolean }
  | { type: 'recordingFinished'; at: number; recording: RecordingName; durationMs: number; talkingMs: number | null }
  | { type: 'recordingFailed'; at: number; recording: RecordingName }

export type ObservedLeg = {
  leg: LegId
  state: 'ringing' | 'up' | 'other'
  /** For callers' legs, so that one that is in no row can be taken as a new call. */
  dialled: string | null
  caller: string | null
  trunk: string | null
}

/** What the PBX kept for us while we were away. */
export type Observed = {
  at: number
  legs: ObservedLeg[]
  bridges: { bridge: BridgeId; legs: LegId[] }[]
  /** Names of those asked for that are being recorded right now. */
  liveRecordings: RecordingName[]
}

export type StoredRecording = { name: RecordingName; format: string }

export type TelephonyStatus =
  | { is: 'connected'; version: string; transport: 'websocket' | 'ari-client' }
  | { is: 'disconnected'; why: string }
  /** Another process took our application: fatal. */
  | { is: 'replaced' }

export type AgentEndpoint = { id: string; username: string; password: string }

export interface Telephony {
  /** Connects and goes on reconnecting without end; settles after the first connection or throws `ConnectFailure` for what no retry mends (wrong password, too old). */
  connect(): Promise<void>
  readonly status: TelephonyStatus
  /** Called for each event, in order. A listener that throws costs that event only. */
  onEvent(listener: (event: TelephonyEvent) => void): void
  /** Called after every (re)connect and every loss. */
  onStatus(listener: (status: TelephonyStatus) => void): void
  /** Never rejects. Commands for one leg are sent in the order of the calls. */
  send(command: TelephonyCommand): Promise<Outcome>
  /** The same, in the same order, where how it ends is of no interest; it costs less than half. */
  tell(command: ToldCommand): void
  observe(askAboutRecordings: RecordingName[]): Promise<Outcome<Observed>>
  /** Callers whom the fallback dialplan has: what they leave is still growing, or yet to begin. */
  fallbackLegs(): Promise<Outcome<LegId[]>>
  storedRecordings(): Promise<Outcome<StoredRecording[]>>
  /** The file, as the PBX keeps it (WAV). Streams; a stream that breaks throws to its reader. */
  fetchRecording(name: RecordingName): Promise<Outcome<AsyncIterable<Uint8Array>>>
  deleteRecording(name: RecordingName): Promise<Outcome>
  /** Makes the SIP account of an agent known to the PBX, so that a softphone can register. Idempotent. */
  pushAgent(endpoint: AgentEndpoint): Promise<Outcome>
  removeAgent(id: string): Promise<Outcome>
  /** SIP accounts that were pushed once, by whichever process, and are not among `present`. */
  strayAgents(present: string[]): Promise<Outcome<string[]>>
  /** Has the PBX fetch these prompts now, so that callers do not wait for it. */
  warm(prompts: string[]): Promise<Outcome>
  close(): Promise<void>
}
