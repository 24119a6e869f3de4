/**
 * Greets, records, keeps. `#` in the greeting starts the recording at once;
 * `#` in the recording ends it (Asterisk does that itself, so that the key is
 * not in the message).
 *
 * A recording is kept exactly once: when it finishes, when the caller hangs up,
 * or when it was found finished after a restart. Whether there is a voice in it
 * is decided by whoever fetches it, which takes milliseconds; the caller is
 * thanked, or not, for what was heard. (Asterisk's own count of talking cannot
 * decide it: of three seconds of silence it says one second of talk, of a short
 * cry for help it may say none [tried, 22.10.1].)
 */
import type { CallEvent } from '../events.ts'
import type { VoicemailStep } from '../flow.ts'
import type { Turn } from '../turn.ts'
import type { StepRules } from './kind.ts'

/** Asterisk ends a recording at `maxMs`; this much later we no longer believe that it will say so. */
const recordingGraceMs = 5_000

/** If nobody could listen by now (Postgres is away), the message is safe all the same, and the caller is not kept in silence. */
const listenForMs = 1_000

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
        keep(turn)
        return listen(turn)
      case 'recordingKept':
        return turn.take('left')
      case 'recordingFoundEmpty':
        return turn.take('empty')
      case 'timerFired':
        if (turn.state.doing.what === 'listening') return turn.take('left')
        turn.do({ type: 'stopRecording', visit: turn.state.visit })
        keep(turn)
        return turn.take('left')
    }
  },

  resume(turn, step, observed) {
    if (turn.state.doing.what === 'listening') return turn.take('left')
    if (turn.state.doing.what !== 'recording') {
      turn.quieten()
      turn.visitAnew()
      return greet(turn, step)
    }
    const endsAt = turn.state.timers.recording ?? observed.at + step.maxMs + recordingGraceMs
    if (observed.recordingLive && endsAt > observed.at) return turn.setTimer('recording', endsAt)
    // It ended while nobody was listening for the news.
    if (observed.recordingLive) turn.do({ type: 'stopRecording', visit: turn.state.visit })
    turn.clearTimer('recording')
    keep(turn)
    listen(turn)
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

function listen(turn: Turn): void {
  turn.state.doing = { what: 'listening' }
  turn.setTimer('recording', turn.at + listenForMs)
}

function keep(turn: Turn): void {
  turn.state.voicemailVisit = turn.state.visit
  turn.do({ type: 'keepVoicemail', visit: turn.state.visit })
}
