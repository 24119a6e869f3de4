/** The call ends from our side. */
import { strict as assert } from 'node:assert'
import type { HangUpStep } from '../flow.ts'
import { outcomeSoFar } from '../outcome.ts'
import { nothingToClose, type StepRules } from './kind.ts'

export const hangUp: StepRules<HangUpStep> = {
  enter(turn, step) {
    turn.do({ type: 'hangUp' })
    const outcome = outcomeSoFar(turn.state) ?? step.outcome
    turn.end(outcome, outcome)
  },

  on: neverRests,
  resume: neverRests,
  close: nothingToClose,
}

function neverRests(): never {
  assert.fail('a call that hangs up has ended in the turn that entered the step')
}
