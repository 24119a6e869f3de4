/**
 * A call's state: all of it, in one place. It is a value; `advance` makes the
 * next one. `forRow` is what may be written down (no digits).
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
  | { what: 'dialling' }

export type CallState = {
  readonly phase: 'new' | 'active' | 'ended'
  readonly language: Language
  readonly step: StepName | null
  /** Counts entries into steps, resumed ones too; names playbacks, recordings, timers. */
  readonly visit: number
  readonly doing: Doing
  readonly tries: Readonly<Record<StepName, number>>
  readonly timers: Readonly<Partial<Record<TimerName, number>>>
  /** Typed during an announcement, for the collect step that follows. In memory only. */
  readonly typedAhead: string
  /** The PIN, kept while the customer number is asked. In memory only. */
  readonly pinInHand: string
  readonly admission: Admission | null
  readonly queuedSince: number | null
  readonly answeredAt: number | null
  readonly connectedAt: number | null
  readonly endedAt: number | null
  readonly agentId: string | null
  readonly voicemailVisit: number | null
  readonly outcome: CallOutcome | null
  readonly path: readonly PathEntry[]
}
