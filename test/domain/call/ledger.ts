/**
 * The books of a call: what its commands have opened and what has been closed
 * again, kept as a PBX, a database and a runner would see it. An entry that
 * does not balance throws and says why.
 */
import { strict as assert } from 'node:assert'
import type { CallCommand } from '../../../src/domain/call/commands.ts'
import type { CallEvent, LegName } from '../../../src/domain/call/events.ts'
import type { ObservedCall } from '../../../src/domain/call/resume.ts'
import type { CallState } from '../../../src/domain/call/state.ts'

/** What may still be asked for once a call has ended. */
const closing = new Set<CallCommand['type']>(['hangUpLeg', 'stopRinging', 'tellCallerGone', 'releaseAgent', 'leaveQueue'])

export class Ledger {
  readonly timers = new Map<string, { visit: number; firesAt: number }>()
  readonly legs = new Set<LegName>()
  readonly agents = new Set<number>()
  readonly queues = new Set<number>()
  readonly recordings = new Set<number>()
  readonly kept = new Set<number>()
  readonly lookUps = new Set<number>()
  readonly readings = new Set<number>()
  playing: number | null = null
  music = false
  answered = false
  ended = false

  /** What an event brings or takes by itself, before the call has heard of it. */
  happens(event: CallEvent): void {
    switch (event.type) {
      case 'agentOffered':
        this.agents.add(event.offer)
        return
      case 'legAnswered':
        this.legs.add(event.leg)
        return
      case 'legEnded':
        this.legs.delete(event.leg)
        return
      case 'playbackFinished':
        if (this.playing === event.visit) this.playing = null
        return
      case 'timerFired':
        if (this.timers.get(event.timer)?.visit === event.visit) this.timers.delete(event.timer)
        return
      case 'queueRefused':
        this.queues.delete(event.visit)
        return
      case 'pinChecked':
        this.lookUps.delete(event.visit)
        return
      case 'announcementRead':
        this.readings.delete(event.visit)
        return
      case 'recordingFailed':
        this.recordings.delete(event.visit)
        return
      case 'commandRefused':
        if (event.command === 'play' && this.playing === event.visit) this.playing = null
        return
    }
  }

  /** A new process, or a socket that comes back: what was found is all there is. */
  found(observed: ObservedCall, processDied: boolean): void {
    this.legs.clear()
    for (const { leg } of observed.legs) this.legs.add(leg)
    if (processDied) {
      this.timers.clear()
      this.lookUps.clear()
      this.readings.clear()
    }
  }

  wants(commands: readonly CallCommand[]): void {
    const wasOver = this.ended
    commands.forEach((command, index) => {
      if (wasOver) assert(closing.has(command.type), `${command.type} after the end`)
      if (this.ended && !wasOver) assert.fail(`${command.type} after end, in one turn`)
      if (command.type === 'answer') assert.equal(index, 0)
      this.#enter(command)
    })
  }

  /** After each turn the books agree with what the call believes. */
  agreesWith(state: CallState): void {
    const believed = Object.entries(state.timers).map(([timer, firesAt]) => [timer, { visit: state.visit, firesAt }])
    assert.deepEqual(Object.fromEntries(this.timers), Object.fromEntries(believed), 'timers that run and timers that are known')
    assert.equal(this.ended, state.phase === 'ended')
    if (this.ended) {
      for (const [what, open] of Object.entries(this.#open())) assert.deepEqual([...open], [], `${what} left open`)
    } else if (state.phase === 'active') {
      const { what } = state.doing
      assert(this.#somethingWillCome(state), `nothing will ever wake a call that is ${what}`)
      if (what === 'waiting' || what === 'entering_queue' || what === 'ringing' || what === 'dialling' || what === 'music') {
        assert(this.music, `silence while ${what}`)
      }
    }
  }

  #open(): Record<string, Iterable<unknown>> {
    const { legs, agents, queues, recordings } = this
    return { legs, agents, queues, recordings }
  }

  #somethingWillCome(state: CallState): boolean {
    if (this.playing === state.visit || this.timers.size > 0) return true
    if (this.lookUps.has(state.visit) || this.readings.has(state.visit)) return true
    const { what } = state.doing
    return ((what === 'waiting' || what === 'entering_queue') && this.queues.has(state.visit)) || (what === 'talking' && this.legs.size > 0)
  }

  #enter(command: CallCommand): void {
    switch (command.type) {
      case 'answer':
        assert(!this.answered, 'answered twice')
        this.answered = true
        return
      case 'play':
        assert(this.answered, 'a prompt before the answer')
        assert.equal(this.playing, null, 'two prompts at once')
        assert(!this.music, 'a prompt over music')
        assert(command.what.length > 0)
        this.playing = command.visit
        return
      case 'stopPlaying':
        this.playing = null
        return
      case 'startMusic':
        this.music = true
        return
      case 'stopMusic':
        this.music = false
        return
      case 'setTimer': {
        const running = this.timers.get(command.timer)
        assert(running === undefined || running.visit === command.visit, `two timers ${command.timer}`)
        assert(Number.isFinite(command.firesAt))
        this.timers.set(command.timer, command)
        const { visit, firesAt } = command
        this.timers.set(command.timer, { visit, firesAt })
        return
      }
      case 'clearTimer':
        this.timers.delete(command.timer)
        return
      case 'lookUpPin':
        this.lookUps.add(command.visit)
        return
      case 'readAnnouncement':
        this.readings.add(command.visit)
        return
      case 'enterQueue':
        this.queues.add(command.visit)
        return
      case 'leaveQueue':
        this.queues.delete(command.visit)
        return
      case 'ring':
      case 'dial':
        assert(!this.legs.has(command.leg), `${command.leg} twice`)
        this.legs.add(command.leg)
        return
      case 'connect':
        this.music = false
        assert(this.legs.has(command.leg), `connected to ${command.leg}, which is not there`)
        this.queues.delete(command.visit)
        return
      case 'hangUpLeg':
      case 'stopRinging':
      case 'tellCallerGone':
        this.legs.delete(command.leg)
        return
      case 'releaseAgent':
        assert(this.agents.delete(command.offer), `offer ${command.offer} released without need`)
        return
      case 'record':
        assert(!this.music, 'recorded over music')
        assert(!this.recordings.has(command.visit) && !this.kept.has(command.visit), 'one visit, one recording')
        this.recordings.add(command.visit)
        return
      case 'keepVoicemail':
        assert(!this.kept.has(command.visit), 'kept twice')
        this.kept.add(command.visit)
        this.recordings.delete(command.visit)
        return
      case 'dropRecording':
        this.recordings.delete(command.visit)
        return
      case 'end':
        this.ended = true
        return
    }
  }
}
