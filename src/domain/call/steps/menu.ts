/**
 * Offers keys. One that has an edge takes it, in the middle of the prompt too;
 * a key without one, or no key within `waitMs`, uses up a try and the prompt
 * is spoken again.
 */
import type { CallEvent } from '../events.ts'
import type { MenuStep } from '../flow.ts'
import type { Turn } from '../turn.ts'
import { nothingToClose, type StepRules } from './kind.ts'

export const menu: StepRules<MenuStep> = {
  enter(turn, step) {
    const typedAhead = turn.state.typedAhead
    turn.state.typedAhead = ''
    turn.setTries(1)
    const key = typedAhead[0]
    if (key !== undefined && hasEdge(step, key)) return turn.take(key)
    offer(turn, step)
  },

  on(turn, step, event: CallEvent) {
    switch (event.type) {
      case 'digitReceived': {
        const doing = turn.state.doing
        if (doing.what === 'choosing' && doing.prompting) turn.stopPlaying()
        return hasEdge(step, event.digit) ? turn.take(event.digit) : tryAgain(turn, step)
      }
      case 'playbackFinished':
      case 'commandRefused':
        return awaitKey(turn, step)
      case 'timerFired':
        return tryAgain(turn, step)
    }
  },

  resume(turn, step) {
    turn.quieten()
    turn.visitAnew()
    offer(turn, step)
  },

  close: nothingToClose,
}

function hasEdge(step: MenuStep, key: string): boolean {
  return Object.hasOwn(step.then, key)
}

function offer(turn: Turn, step: MenuStep): void {
  if (step.prompts.length === 0) return awaitKey(turn, step)
  turn.state.doing = { what: 'choosing', prompting: true }
  turn.play(step.prompts)
}

function awaitKey(turn: Turn, step: MenuStep): void {
  turn.state.doing = { what: 'choosing', prompting: false }
  turn.setTimer('key', turn.at + step.waitMs)
}

function tryAgain(turn: Turn, step: MenuStep): void {
  const tries = turn.state.tries[turn.stepName] ?? 1
  if (tries >= step.tries) return turn.take('none')
  turn.countTry()
  turn.visitAnew()
  offer(turn, step)
}
