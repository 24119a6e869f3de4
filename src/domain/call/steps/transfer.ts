/** Dials a number outside, with music until it answers, and lets both talk. */
import type { CallEvent } from '../events.ts'
import type { TransferStep } from '../flow.ts'
import type { Turn } from '../turn.ts'
import { closeConversation, forgetConversation, otherSideLeft, resumeConversation, talk } from './conversation.ts'
import type { StepRules } from './kind.ts'

export const transfer: StepRules<TransferStep> = {
  enter(turn, step) {
    turn.state.typedAhead = ''
    turn.state.doing = { what: 'dialling' }
    turn.do({ type: 'startMusic' })
    turn.do({ type: 'dial', visit: turn.state.visit, leg: legOf(turn), number: step.number, trunk: step.trunk })
    turn.setTimer('ring', turn.at + step.ringMs)
  },

  on(turn, _step, event: CallEvent) {
    switch (event.type) {
      case 'legAnswered':
        return talk(turn, legOf(turn), null)
      case 'legEnded':
        return turn.state.doing.what === 'talking' ? otherSideLeft(turn) : fail(turn, `failed (${event.why})`)
      case 'commandRefused':
        // A refusal may be no more than a lost answer; the leg may be there after all.
        if (event.command === 'connect') forgetConversation(turn)
        else turn.do({ type: 'hangUpLeg', leg: legOf(turn) })
        return fail(turn, 'failed (refused)')
      case 'timerFired':
        turn.do({ type: 'hangUpLeg', leg: legOf(turn) })
        return fail(turn, 'failed (no_answer)')
    }
  },

  resume(turn, step, observed) {
    if (turn.state.doing.what === 'talking') return resumeConversation(turn, observed)
    const found = observed.legs.find((each) => each.leg === legOf(turn))
    if (found === undefined) return fail(turn, 'failed (unreachable)')
    if (found.state === 'up') return talk(turn, legOf(turn), null)
    const endsAt = turn.state.timers.ring ?? observed.at + step.ringMs
    if (endsAt > observed.at) {
      turn.do({ type: 'startMusic' })
      return turn.setTimer('ring', endsAt)
    }
    turn.do({ type: 'hangUpLeg', leg: legOf(turn) })
    fail(turn, 'failed (no_answer)')
  },

  close(turn) {
    if (turn.state.doing.what === 'talking') return closeConversation(turn)
    turn.do({ type: 'hangUpLeg', leg: legOf(turn) })
  },
}

function legOf(turn: Turn): `transfer-${number}` {
  return `transfer-${turn.state.visit}`
}

function fail(turn: Turn, note: string): void {
  turn.do({ type: 'stopMusic' })
  turn.take('failed', note)
}
