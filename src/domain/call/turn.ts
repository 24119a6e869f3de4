/**
 * One turn of a call: the draft of its next state and the commands so far.
 *
 * A turn lives inside one `advance` or `resume` and never leaves it. Steps
 * write to the draft, which is a copy of the state's top level; what hangs
 * below it (timers, tries, path) is replaced, never changed in place, since
 * earlier states may still be looked at.
 */
import { strict as assert } from 'node:assert'
import type { CallCommand, CallOutcome } from './commands.ts'
import type { TimerName } from './events.ts'
import type { Flow, PromptName, StepName } from './flow.ts'
import type { CallState, PathEntry } from './state.ts'

export type Draft = { -readonly [Field in keyof CallState]: CallState[Field] }

/**
 * How many path entries a call keeps. The loop without a PIN may run for a
 * night; beyond this the row would grow with every minute of music. The first
 * half stays (how the call began) and so do the newest.
 */
export const pathLimit = 400

/** More keys than any entry is long; a caller who leans on the keypad fills no memory. */
export const typedAheadLimit = 32

const noTimers: CallState['timers'] = Object.freeze({})

export class Turn {
  readonly flow: Flow
  readonly at: number
  readonly state: Draft
  readonly commands: CallCommand[] = []
  /** The edge that the present step has taken, until the walk follows it. */
  edge: string | null = null
  /** Goes with an edge that the flow does not draw: where it leads. */
  back: StepName | null = null
  /** How the path tells of that edge. */
  note = ''

  constructor(flow: Flow, state: CallState, at: number) {
    this.flow = flow
    this.state = { ...state }
    this.at = at
  }

  get stepName(): StepName {
    assert(this.state.step !== null, 'a call that has begun stands in a step')
    return this.state.step
  }

  do(command: CallCommand): void {
    this.commands.push(command)
  }

  /** Speaks the prompts one after the other, as the one playback of this visit. */
  play(prompts: readonly PromptName[]): void {
    const what = prompts.map((prompt) => ({ prompt }))
    this.do({ type: 'play', visit: this.state.visit, role: 'prompt', what })
  }

  stopPlaying(): void {
    this.do({ type: 'stopPlaying', visit: this.state.visit, role: 'prompt' })
  }

  /** Sets or sets anew: a call has at most one timer of a name. */
  setTimer(timer: TimerName, firesAt: number): void {
    this.state.timers = { ...this.state.timers, [timer]: firesAt }
    this.do({ type: 'setTimer', visit: this.state.visit, timer, firesAt })
  }

  clearTimer(timer: TimerName): void {
    if (this.state.timers[timer] === undefined) return
    this.forgetTimer(timer)
    this.do({ type: 'clearTimer', visit: this.state.visit, timer })
  }

  /** A timer that has fired needs no clearing. */
  forgetTimer(timer: TimerName): void {
    const { [timer]: _, ...others } = this.state.timers
    this.state.timers = others
  }

  clearTimers(): void {
    for (const timer in this.state.timers) {
      this.do({ type: 'clearTimer', visit: this.state.visit, timer: timer as TimerName })
    }
    this.state.timers = noTimers
  }

  countTry(): void {
    const step = this.stepName
    this.setTries((this.state.tries[step] ?? 0) + 1)
  }

  setTries(tries: number): void {
    this.state.tries = { ...this.state.tries, [this.stepName]: tries }
  }

  typeAhead(digit: string): void {
    if (this.state.typedAhead.length < typedAheadLimit) this.state.typedAhead += digit
  }

  /**
   * Leaves the present step by this edge. The walk follows it once the step
   * has returned. `note` is how the path tells it, where the edge's name alone
   * would not say why.
   */
  take(edge: string, note: string = edge): void {
    if (this.edge !== null) assert.fail(`step ${this.stepName} takes ${edge} after ${this.edge}`)
    this.edge = edge
    this.note = note
  }

  /** Leaves the present step for one that the call has been in before, where something has to be done once more. */
  goBack(to: StepName, note: string): void {
    this.take('back', note)
    this.back = to
  }

  /** Another visit of the same step: what is still said to the old one is late from now on. */
  visitAnew(): void {
    this.clearTimers()
    this.beginVisit()
  }

  beginVisit(): void {
    this.state.visit = this.state.nextVisit
    this.state.nextVisit += 1
  }

  /**
   * Stops what may still be heard from before we were away; whether there is
   * something is not known. Asterisk queues playbacks, so an old prompt would
   * be spoken ahead of the new one.
   */
  quieten(): void {
    this.stopPlaying()
    this.do({ type: 'stopMusic' })
  }

  /** How the present step ended, for the path; the first word stands. */
  mark(outcome: string): void {
    const path = this.state.path
    const last = path[path.length - 1]
    if (last === undefined || last.outcome !== null) return
    this.state.path = [...path.slice(0, -1), { ...last, outcome }]
  }

  addToPath(entry: PathEntry): void {
    const path = this.state.path
    this.state.path =
      path.length < pathLimit ? [...path, entry] : [...path.slice(0, pathLimit / 2), ...path.slice(pathLimit / 2 + 1), entry]
  }

  /** Ends the call; the last thing that a turn does. `mark` is how the path tells the present step's end. */
  end(outcome: CallOutcome, mark: string): void {
    const state = this.state
    this.clearTimers()
    this.mark(mark)
    state.phase = 'ended'
    state.doing = { what: 'nothing' }
    state.typedAhead = ''
    state.pinInHand = ''
    state.endedAt = this.at
    state.outcome = outcome
    this.do({ type: 'end', outcome })
  }
}
