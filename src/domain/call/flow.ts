/**
 * The flow: a graph of steps, as `pforte.yaml` draws it. Data only. `check.ts`
 * finds mistakes in it, `mermaid.ts` draws it, `advance.ts` walks it.
 *
 * Edges are named outcomes; there is no expression language, because a
 * supervisor must be able to read at three in the morning why a call went
 * where it went.
 */

export type StepName = string
export type PromptName = string
export type HoursName = string
export type QueueName = string
export type AnnouncementName = string
/** A language tag as `pforte.yaml` writes it: `de`, `en`. */
export type Language = string

/** Speaks prompts. A digit interrupts and is kept for a collect step that follows at once. */
export type AnnounceStep = {
  kind: 'announce'
  prompts: PromptName[]
  /** `#` is offered only where an edge for it is drawn (the voicemail offer). */
  then: { done: StepName; '#'?: StepName }
}

/** Speaks a special announcement (an outage) while its name is switched on. */
export type SpecialAnnouncementStep = {
  kind: 'special_announcement'
  announcement: AnnouncementName
  /** `off`: not switched on. `pressed`: a key, the caller goes on. `heard`: to the end, no key within `pauseMs`. */
  pauseMs: number
  then: { off: StepName; pressed: StepName; heard: StepName }
}

/**
 * Asks for the PIN, or (`asks: customer_number`) for the customer number that
 * is demanded beside the PIN once guessing has become likely.
 */
export type CollectPinStep = {
  kind: 'collect_pin'
  asks: 'pin' | 'customer_number'
  prompts: PromptName[]
  then: {
    right: StepName
    wrong: StepName
    none: StepName
    exhausted: StepName
    /** PIN alone is not enough now: ask the customer number. Only for `asks: pin`. */
    step_up?: StepName
  }
}

export type HoldMusicStep = {
  kind: 'hold_music'
  forMs: number
  /** How often this step may be entered in a call; after that `exhausted` is taken at once. 0: without end. */
  times: number
  then: { done: StepName; '#'?: StepName; exhausted?: StepName }
}

export type MenuStep = {
  kind: 'menu'
  prompts: PromptName[]
  /** How long to wait for a key after the prompt. */
  waitMs: number
  tries: number
  /** Edges `0`–`9`, `*`, `#` beside `none` (nothing typed, or tries used up). */
  then: { none: StepName; [key: string]: StepName }
}

export type OpeningHoursStep = {
  kind: 'opening_hours'
  /** Named hours, or `contract`: what the caller's contract includes. */
  hours: HoursName | 'contract'
  then: { open: StepName; closed: StepName }
}

export type QueueStep = {
  kind: 'queue'
  /** `contract`: the queue of the contract whose PIN was right. */
  queue: QueueName | 'contract'
  then: { timeout: StepName; full: StepName; '#'?: StepName }
}

export type VoicemailStep = {
  kind: 'voicemail'
  prompts: PromptName[]
  maxMs: number
  silenceMs: number
  then: { left: StepName; empty: StepName }
}

export type TransferStep = {
  kind: 'transfer'
  /** E.164, dialled through `trunk`. */
  number: string
  trunk: string
  ringMs: number
  then: { failed: StepName }
}

export type HangUpStep = {
  kind: 'hang_up'
  /** What the call counts as when it gets here, unless more has happened (a voicemail was left). */
  outcome: 'informed' | 'turned_away'
}

export type Step =
  | AnnounceStep
  | SpecialAnnouncementStep
  | CollectPinStep
  | HoldMusicStep
  | MenuStep
  | OpeningHoursStep
  | QueueStep
  | VoicemailStep
  | TransferStep
  | HangUpStep

export type StepKind = Step['kind']

/** Limits on typing. `#` always ends the entry early. */
export type PinRules = {
  length: number
  customerNumberLength: number
  /** Nothing typed for this long after the prompt: `none`. */
  firstDigitMs: number
  betweenDigitsMs: number
  /** From the first digit to the last. */
  totalMs: number
  tries: number
}

/** What the call needs to know of a queue; who gets whom is decided in `domain/acd`. */
export type QueueRules = {
  ringMs: number
  /** 0: callers wait as long as they like. */
  maxWaitMs: number
}

/** `from`/`to` are minutes since midnight; `to` may be 1440. Days: 1 Monday … 7 Sunday (ISO 8601). */
export type WeeklySpan = { day: 1 | 2 | 3 | 4 | 5 | 6 | 7; fromMinute: number; toMinute: number }
export type Hours = {
  timeZone: string
  weekly: WeeklySpan[]
  /** ISO dates on which it is closed, worked out from the region when the file is loaded. */
  holidays: string[]
}

/** Everything that `advance` needs. Kept in Postgres under its hash for as long as a call walks it. */
export type Flow = {
  name: string
  start: StepName
  steps: Record<StepName, Step>
  pin: PinRules
  queues: Record<QueueName, QueueRules>
  hours: Record<HoursName, Hours>
}
