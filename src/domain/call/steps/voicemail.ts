/**
 * Greets, records, keeps. `#` in the greeting starts the recording at once;
 * `#` in the recording ends it (Asterisk does that itself, so that the key is
 * not in the message).
 *
 * A recording that may hold something is kept exactly once: when it finishes,
 * when the caller hangs up, or when it was found finished after a restart.
 * Whether there is a voice in it is decided by whoever fetches it.
 */
import type { CallEvent } from '../events.ts'
import type { VoicemailStep } from '../flow.ts'
import type { Turn } from '../turn.ts'
import type { StepRules } from './kind.ts'

/** Asterisk ends a recording at `maxMs`; this much later we no longer believe that it will say so. */
const recordingGraceMs = 5_000

/** Shorter than any word: a caller who wanted the beep only. */
const shortestMessageMs = 1_000

export const voicemail: StepRules<VoicemailStep> = {
  enter(turn, step) {
    turn.state.typedAhead = ''
    greet(turn, step)
  },

  on(turn, step, event: CallEvent) {
    switch (event.type) {
      case 'playbackFinished':
        return record(turn, step)
      case 'digitReceived':
        if (event.digit !== '#') return
        turn.stopPlaying()
        return record(turn, step)
      case 'commandRefused':
        if (event.command === 'play') return record(turn, step)
        // A refusal may be no more than a lost answer, and what comes next is not to be recorded.
        turn.do({ type: 'stopRecording', visit: turn.state.visit })
        turn.do({ type: 'dropRecording', visit: turn.state.visit })
        return turn.take('empty', 'empty (not recorded)')
      case 'recordingFailed':
        turn.do({ type: 'dropRecording', visit: turn.state.visit })
        return turn.take('empty', 'empty (recording failed)')
      case 'recordingFinished':
        return recorded(turn, event)
      case 'timerFired':
        turn.do({ type: 'stopRecording', visit: turn.state.visit })
        keep(turn)
        return turn.take('left')
    }
  },

  resume(turn, step, observed) {
    if (turn.state.doing.what !== 'recording') {
      turn.quieten()
      turn.visitAnew()
      return greet(turn, step)
    }
    const endsAt = turn.state.timers.recording ?? observed.at + step.maxMs + recordingGraceMs
    if (observed.recordingLive && endsAt > observed.at) return turn.setTimer('recording', endsAt)
    // It ended while nobody was listening for the news.
    if (observed.recordingLive) turn.do({ type: 'stopRecording', visit: turn.state.visit })
    keep(turn)
    turn.take('left')
  },

  close(turn) {
    if (turn.state.doing.what === 'recording') keep(turn)
  },
}

function greet(turn: Turn, step: VoicemailStep): void {
  if (step.prompts.length === 0) return record(turn, step)
  turn.state.doing = { what: 'greeting' }
  turn.play(step.prompts)
}

function record(turn: Turn, step: VoicemailStep): void {
  turn.state.doing = { what: 'recording' }
  turn.do({ type: 'record', visit: turn.state.visit, maxMs: step.maxMs, silenceMs: step.silenceMs })
  turn.setTimer('recording', turn.at + step.maxMs + recordingGraceMs)
}

function recorded(turn: Turn, finished: Extract<CallEvent, { type: 'recordingFinished' }>): void {
  // Asterisk counts whole seconds, rounded down, and hears no low voice: a cry for help may be 0 to it. The
  // caller is treated as one who said nothing, but whoever fetches the recording listens for themselves.
  if (finished.talkingMs === 0 || finished.durationMs < shortestMessageMs) {
    turn.do({ type: 'keepVoicemail', visit: turn.state.visit })
    return turn.take('empty')
  }
  keep(turn)
  turn.take('left')
}

function keep(turn: Turn): void {
  turn.state.voicemailVisit = turn.state.visit
  turn.do({ type: 'keepVoicemail', visit: turn.state.visit })
}
