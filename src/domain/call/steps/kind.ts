/** What a kind of step is made of. One file a kind; `table.ts` lists them. */
import type { CallEvent } from '../events.ts'
import type { Step } from '../flow.ts'
import type { ObservedCall } from '../resume.ts'
import type { Turn } from '../turn.ts'

export type StepRules<S extends Step> = {
  /** The call arrives in the step. Says what it is doing, or takes an edge at once. */
  enter(turn: Turn, step: S): void
  /** An event that the call waits for (`heeded.ts`), other than the caller's hang-up. */
  on(turn: Turn, step: S, event: CallEvent): void
  /** The process or its socket was away; `observed` is what is left of the call's surroundings. */
  resume(turn: Turn, step: S, observed: ObservedCall): void
  /** The caller has gone: closes what the step holds open. Timers are cleared by the end itself. */
  close(turn: Turn, step: S): void
}

/** For steps that hold nothing open. */
export function nothingToClose(): void {}
