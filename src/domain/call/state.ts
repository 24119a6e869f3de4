/**
 * A call's state: all of it, in one place. It is a value; `advance` makes the
 * next one. `stateForRow` (resume.ts) is what may be written down: no digits.
 */
import type { StepName, Language } from './flow.ts'
import type { Admission, LegName, TimerName } from './events.ts'
import type { CallOutcome } from './commands.ts'

export type PathEntry = { step: StepName; enteredAt: number; outcome: string | null }

/** What the current step is in the middle of. Each kind of step owns its variants. */
export type Doing =
  | { what: 'nothing' }
  | { what: 'announcing' }
  | { what: 'reading_announcement' }
  | { what: 'announcing_special'; hash: string; playing: boolean }
  | { what: 'collecting'; typed: string; prompting: boolean }
  | { what: 'looking_up'; typed: string; music: boolean }
  | { what: 'music' }
  | { what: 'choosing'; prompting: boolean }
  | { what: 'entering_queue' }
  | { what: 'waiting' }
  | { what: 'ringing'; offer: number; agentId: string; endpoint: string }
  | { what: 'talking'; leg: LegName; agentId: string | null }
  | { what: 'greeting' }
  | { what: 'recording' }
  | { what: 'listening' }
  | { what: 'dialling' }

export type CallState = {
  readonly phase: 'new' | 'active' | 'ended'
  readonly language: Language
  readonly step: StepName | null
  /** Counts entries into steps, resumed ones too; names playbacks, recordings, timers. */
  readonly visit: number
  /** Never given before in this call, not even by a process that died before it could write its last visits down. */
  readonly nextVisit: number
  readonly doing: Doing
  /** PINs that were not right, by the step that asked; times that music was entered; rounds of a menu. */
  readonly tries: Readonly<Record<StepName, number>>
  readonly timers: Readonly<Partial<Record<TimerName, number>>>
  /** Typed during an announcement, for the collect step that follows. In memory only. */
  readonly typedAhead: string
  /** The PIN, kept while the customer number is asked. In memory only. */
  readonly pinInHand: string
  readonly admission: Admission | null
  /** When the caller last entered a queue; stays afterwards, so that the wait's length can be told. */
  readonly queuedSince: number | null
  readonly answeredAt: number | null
  readonly connectedAt: number | null
  readonly endedAt: number | null
  readonly agentId: string | null
  /** The visit of the last recording that is kept. */
  readonly voicemailVisit: number | null
  readonly outcome: CallOutcome | null
  readonly path: readonly PathEntry[]
}

/** Of the row's shape. A state that an older Pforte wrote differently gets a new number and a translation here. */
const rowVersion = 1

/**
 * More visits than a call makes while its row cannot be written. A process
 * that reads the row starts its own beyond them: a recording begun under an
 * unwritten visit would otherwise meet a second one of the same name.
 */
const mostUnwrittenVisits = 1_000

/**
 * What may be written down: everything but what was typed. JSON; contains no
 * digit of the caller's.
 */
export function stateForRow(state: CallState): object {
  const { typedAhead: _ahead, pinInHand: _pin, ...kept } = state
  const { doing } = state
  const typedNothing = doing.what === 'collecting' || doing.what === 'looking_up' ? { ...doing, typed: '' } : doing
  return { rowVersion, ...kept, doing: typedNothing }
}

/** A written state again; null if it is not one of ours or of a version that this Pforte does not know. */
export function stateFromRow(row: unknown): CallState | null {
  if (!isRecord(row) || row.rowVersion !== rowVersion) return null
  const { rowVersion: _, ...kept } = row
  const nextVisit = Number(kept.nextVisit) + mostUnwrittenVisits
  const state = { ...kept, nextVisit, typedAhead: '', pinInHand: '' } as unknown as CallState
  const isWhole =
    (state.phase === 'new' || state.phase === 'active' || state.phase === 'ended') &&
    (state.step === null ? state.phase !== 'active' : typeof state.step === 'string') &&
    typeof state.language === 'string' &&
    Number.isSafeInteger(state.visit) &&
    Number.isSafeInteger(nextVisit) &&
    isRecord(state.doing) &&
    typeof state.doing.what === 'string' &&
    isRecord(state.tries) &&
    isRecord(state.timers) &&
    Array.isArray(state.path)
  return isWhole ? state : null
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
