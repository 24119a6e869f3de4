/**
 * Music for a while: the wait in the loop without a PIN. `times` bounds how
 * often a call comes through here; without it the loop goes on until the
 * caller has had enough.
 */
import type { CallEvent } from '../events.ts'
import type { HoldMusicStep } from '../flow.ts'
import type { Turn } from '../turn.ts'
import { nothingToClose, type StepRules } from './kind.ts'

export const holdMusic: StepRules<HoldMusicStep> = {
  enter(turn, step) {
    turn.state.typedAhead = ''
    turn.countTry()
    const entered = turn.state.tries[turn.stepName] ?? 0
    if (step.times > 0 && entered > step.times) return turn.take('exhausted')
    play(turn, turn.at + step.forMs)
  },

  on(turn, step, event: CallEvent) {
    if (event.type === 'timerFired') return leave(turn, 'done')
    if (event.type === 'digitReceived' && event.digit === '#' && step.then['#'] !== undefined) leave(turn, '#')
  },

  resume(turn, step, observed) {
    const endsAt = turn.state.timers.music ?? observed.at + step.forMs
    turn.visitAnew()
    if (endsAt <= observed.at) leave(turn, 'done')
    else play(turn, endsAt)
  },

  close: nothingToClose,
}

function play(turn: Turn, endsAt: number): void {
  turn.state.doing = { what: 'music' }
  turn.do({ type: 'startMusic' })
  turn.setTimer('music', endsAt)
}

function leave(turn: Turn, edge: 'done' | '#'): void {
  turn.do({ type: 'stopMusic' })
  turn.take(edge)
}
