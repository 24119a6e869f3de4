/**
 * Speaks a special announcement (an outage in Mannheim) while its name is
 * switched on. Whoever presses a key wants more than to be informed and goes
 * on; whoever hears it out and stays silent for `pauseMs` has been served.
 */
import type { CallEvent } from '../events.ts'
import type { SpecialAnnouncementStep } from '../flow.ts'
import type { Turn } from '../turn.ts'
import type { StepRules } from './kind.ts'

export const specialAnnouncement: StepRules<SpecialAnnouncementStep> = {
  enter(turn, step) {
    read(turn, step)
  },

  on(turn, step, event: CallEvent) {
    const doing = turn.state.doing
    switch (event.type) {
      case 'announcementRead':
        if (event.prompt === null) return turn.take('off')
        // What was typed before is no answer to an announcement that had not begun.
        turn.state.typedAhead = ''
        turn.state.doing = { what: 'announcing_special', hash: event.prompt, playing: true }
        return turn.do({ type: 'play', visit: turn.state.visit, role: 'prompt', what: [{ hash: event.prompt }] })
      case 'digitReceived':
        if (doing.what === 'reading_announcement') return turn.typeAhead(event.digit)
        if (doing.what === 'announcing_special' && doing.playing) turn.stopPlaying()
        return turn.take('pressed')
      case 'commandRefused':
        // Nothing was heard, so nobody has been informed.
        return turn.take('off', 'off (could not be played)')
      case 'playbackFinished':
        if (!event.ok) return turn.take('off', 'off (could not be played)')
        if (doing.what === 'announcing_special') turn.state.doing = { ...doing, playing: false }
        return turn.setTimer('pause', turn.at + step.pauseMs)
      case 'timerFired':
        return turn.take('heard')
    }
  },

  resume(turn, step, observed) {
    const pauseEndsAt = turn.state.timers.pause
    if (pauseEndsAt === undefined) {
      turn.quieten()
      turn.visitAnew()
      return read(turn, step)
    }
    if (pauseEndsAt <= observed.at) {
      turn.clearTimer('pause')
      return turn.take('heard')
    }
    turn.setTimer('pause', pauseEndsAt)
  },

  close(turn) {
    const doing = turn.state.doing
    if (doing.what === 'announcing_special' && !doing.playing) turn.mark('heard')
  },
}

function read(turn: Turn, step: SpecialAnnouncementStep): void {
  turn.state.doing = { what: 'reading_announcement' }
  turn.do({ type: 'readAnnouncement', visit: turn.state.visit, announcement: step.announcement })
}
