/**
 * Open or closed, decided at once. Hours of a contract hold only for the
 * caller whose PIN was right; anybody else is outside them. Hours that no
 * longer exist (a contract names them, the file has dropped them) count as
 * open: a gap in our file must not refuse those who pay.
 */
import { strict as assert } from 'node:assert'
import type { HoursName, OpeningHoursStep } from '../flow.ts'
import { isOpen } from '../hours.ts'
import type { Turn } from '../turn.ts'
import { nothingToClose, type StepRules } from './kind.ts'

export const openingHours: StepRules<OpeningHoursStep> = {
  enter(turn, step) {
    if (step.hours !== 'contract') return decide(turn, step.hours)
    const admission = turn.state.admission
    if (admission === null) return turn.take('closed', 'closed (no contract)')
    decide(turn, admission.hours)
  },

  on: neverRests,
  resume: neverRests,
  close: nothingToClose,
}

function decide(turn: Turn, name: HoursName): void {
  if (name === 'always') return turn.take('open')
  const hours = Object.hasOwn(turn.flow.hours, name) ? turn.flow.hours[name] : undefined
  if (hours === undefined) return turn.take('open', `open (no hours named ${name})`)
  turn.take(isOpen(hours, turn.at) ? 'open' : 'closed')
}

function neverRests(): never {
  assert.fail('opening hours are decided in the turn that enters them; no call stands in them')
}
