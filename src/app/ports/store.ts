/**
 * What running calls need of the store. The HTTP API's needs are in
 * `records.ts`. Both are implemented in `store/` on Postgres, the only truth.
 *
 * Every method rejects with `StoreUnavailable` while Postgres cannot be
 * reached (callers hear music and the app tries again), and with an ordinary
 * Error for a bug. All that the trade calls an outcome is a value.
 */
import type { CallOutcome } from '../../domain/call/commands.ts'
import type { Flow, QueueName } from '../../domain/call/flow.ts'
import type { PinResult } from '../../domain/call/events.ts'
import type { PathEntry } from '../../domain/call/state.ts'
import type { GuessChance } from '../../domain/gate/guess-chance.ts'

/** Postgres is away; nothing was decided. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
}

/** A call as it is written down. `state` is what `domain/call` made for the row: no digits in it. */
export type CallRow = {
  id: string
  asterisk: string
  leg: string
  line: string
  dialled: string
  caller: string | null
  trunk: string | null
  language: string
  flowHash: string
  state: unknown
  customerId: string | null
  contractId: string | null
  agentId: string | null
  queuedAt: number | null
  startedAt: number
  answeredAt: number | null
  connectedAt: number | null
  endedAt: number | null
  outcome: CallOutcome | null
  path: readonly PathEntry[]
  /** Whose phone rings for it, by which offer: written to the agent too, if the offer stands. */
  rings?: { agentId: string; offer: number; at: number } | null
}

/** What the agent's phone may show of who calls: from a right PIN, or from the contract that it once opened. */
export type KnownCaller = { customerName: string | null; service: string | null }

/** A call that was under way when it was last written down. */
export type OpenCall = { row: CallRow; known: KnownCaller }

export type PinQuestion = {
  callId: string
  line: string
  trunk: string | null
  caller: string | null
  /** In memory only; the store turns it into a keyed digest before anything else. */
  pin: string
  customerNumber: string | null
  at: number
}

export type PinAnswer = KnownCaller & {
  result: PinResult
  /** Set when this attempt made the line step up or brought an alarm. */
  alarm: string | null
}

export type Offer = { callId: string; agentId: string; endpoint: string; offer: number }

export type QueueEntryRequest = {
  callId: string
  /** The call's row if it is to be written in the same transaction; whoever reads the queue must find the call. */
  row?: CallRow
  queue: QueueName
  priority: number
  at: number
}

export type AgentReleaseRequest = {
  agentId: string
  callId: string
  offer: number
  /** What the agent does next: wrap up for that long, rest for that long (did not answer, rejected), or free at once. */
  next: { state: 'available' } | { state: 'wrap_up'; untilAt: number } | { state: 'resting'; untilAt: number }
  /** The caller waits on, at the place they had. */
  backToQueue: boolean
  /** Is written too, if there is one. */
  row?: CallRow
  /** Whose group the agent would be wanted by; null: not known. */
  queue: QueueName | null
  at: number
}

export type VoicemailRequest = {
  recording: string
  /** Null for a recording of the fallback dialplan. */
  callId: string | null
  line: string | null
  caller: string | null
  at: number
  wav: Buffer
  durationMs: number
  language: string
}

export type HeldPlace = { callId: string; agentId: string | null }

export type Lease = {
  /** Resolves when the lease is lost (connection to Postgres gone, taken over). */
  readonly lost: Promise<string>
  release(): Promise<void>
}

export type AgentDefinition = { id: string; name: string; endpoint: string; queues: string[]; skills: string[] }
export type QueueDefinition = { name: string; group: string; maxWaiting: number; wrapUpMs: number; priorityWeightMs: number }
export type Definitions = {
  /** Hash of the whole file. */
  hash: string
  flows: { hash: string; flow: Flow; prompts: FlowPrompts }[]
  queues: QueueDefinition[]
  agents: AgentDefinition[]
  lines: { name: string; numbers: string[]; flow: string; language: string }[]
  announcements: string[]
  /** Old queue name → the one that took its place. */
  replaces: Record<string, string>
}
/** Prompt name → language → content hash. */
export type FlowPrompts = Record<string, Record<string, string>>

export type Announcement = {
  name: string
  on: boolean
  text: Record<string, string>
  /** Language → content hash of what was rendered. */
  prompts: Record<string, string>
  endsAt: number | null
}

/** Limits on guessing across calls, from `pforte.yaml` (`pin.limits`). */
export type PinLimits = {
  windowMs: number
  /** Wrong PINs of one caller number within the window before its look-ups slow down, then stop. */
  perCallerSlow: number
  perCallerStop: number
  perTrunkSlow: number
  perTrunkStop: number
  /** Wrong PINs on the whole line within the window: alarm and customer number plus PIN. */
  perLineAlarm: number
  slowDownMs: number
  /** Chance of a random hit above which the customer number is always asked. 0.01 is one per cent. */
  maxGuessChance: number
  whenTooLikely: 'customer_number' | 'refuse_to_start'
}

export interface CallStore {
  /** Writes many calls at once; the newest state of each. */
  saveCalls(rows: CallRow[]): Promise<void>
  openCalls(asterisk: string): Promise<OpenCall[]>
  flowByHash(hash: string): Promise<{ flow: Flow; prompts: FlowPrompts } | null>

  /** Looks the PIN up, counts the attempt, applies the limits: one round trip for a right one. */
  checkPin(question: PinQuestion): Promise<PinAnswer & { slowDownMs: number }>

  /** Writes the entry and dispatches in the same transaction. Entering twice is entering once. */
  enterQueue(entry: QueueEntryRequest): Promise<{ entered: boolean; offers: Offer[]; nextChangeAt: number | null }>
  leaveQueue(callId: string, at: number): Promise<void>
  /** Offers free agents to waiting callers of the queue's group (null: all groups). */
  dispatch(queue: QueueName | null, at: number): Promise<{ offers: Offer[]; nextChangeAt: number | null }>
  /** Compare-and-set: offer → talking. False: the offer is no longer this call's. The row is written too, if there is one. */
  acceptOffer(offer: Offer, row: CallRow | null, at: number): Promise<boolean>
  /** `nothingToDo`: nobody who waits could have the agent, so no dispatch is needed for it; `nextChangeAt` as there. */
  releaseAgent(request: AgentReleaseRequest): Promise<{ nothingToDo: boolean; nextChangeAt: number | null }>
  /**
   * After a start: `held` are the calls of this Asterisk that stand in a queue, each with the agent who rings or
   * talks for it. Every other agent is let go, every other place in a queue ends. Returns how many.
   */
  releaseStrays(asterisk: string, held: HeldPlace[], at: number): Promise<number>

  /** One transaction: recording, ticket, the call's outcome. `already` when this recording is a ticket. */
  keepVoicemail(request: VoicemailRequest): Promise<{ ticketId: string; ticketNumber: string; already: boolean }>

  /** The call that ended as `voicemail` left none after all. */
  voicemailWasEmpty(callId: string): Promise<void>

  announcements(): Promise<Announcement[]>
  syncDefinitions(definitions: Definitions, at: number): Promise<{ version: number; problems: string[] }>
  /** SIP password of each agent, drawn once and kept. */
  agentPasswords(): Promise<Map<string, string>>
  guessChance(): Promise<GuessChance>
  /** Waits until this process holds the lease for that Asterisk and app; `onStandBy` is called once if another has it. */
  takeLease(key: string, onStandBy: () => void): Promise<Lease>
  close(): Promise<void>
}
