/**
 * Speaks prompts. A key ends them early and is kept for the step that follows,
 * so that whoever knows the PIN can type it into the welcome. Where `#` has an
 * edge of its own it is the only key that counts here.
 */
import type { CallEvent } from '../events.ts'
import type { AnnounceStep } from '../flow.ts'
import { isSpeaking } from '../heeded.ts'
import type { Turn } from '../turn.ts'
import { nothingToClose, type StepRules } from './kind.ts'

/**
 * A prompt that cannot be played ends within milliseconds (voice-notes: 4 ms
 * for a missing file). Without this breath two announcements that lead to each
 * other would chase each other as fast as Asterisk answers.
 */
const unheardPauseMs = 500

export const announce: StepRules<AnnounceStep> = {
  enter(turn, step) {
    if (step.then['#'] !== undefined) turn.state.typedAhead = ''
    if (step.prompts.length === 0) return turn.take('done')
    speak(turn, step)
  },

  on(turn, step, event: CallEvent) {
    switch (event.type) {
      case 'digitReceived':
        if (step.then['#'] === undefined) {
          turn.typeAhead(event.digit)
          leave(turn, 'done')
        } else if (event.digit === '#') {
          leave(turn, '#')
        }
        return
      case 'playbackFinished':
        if (event.ok) return turn.take('done')
        return turn.setTimer('pause', turn.at + unheardPauseMs)
      case 'commandRefused':
        return turn.setTimer('pause', turn.at + unheardPauseMs)
      case 'timerFired':
        return turn.take('done')
    }
  },

  resume(turn, step) {
    turn.quieten()
    turn.visitAnew()
    speak(turn, step)
  },

  close: nothingToClose,
}

function speak(turn: Turn, step: AnnounceStep): void {
  turn.state.doing = { what: 'announcing' }
  turn.play(step.prompts)
}

function leave(turn: Turn, edge: 'done' | '#'): void {
  if (isSpeaking(turn.state)) turn.stopPlaying()
  turn.take(edge)
}
