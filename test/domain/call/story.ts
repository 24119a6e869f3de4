/**
 * Tells a call as a story: what happens to it, and what it then wants done.
 *
 * Commands are compared as short sentences, so that a story reads like one and
 * a failure shows the sentence that differs. What happens refers to the
 * present visit, as it does for a runner that keeps up; late news is told
 * with `late`.
 */
import type { Test } from 'tap'
import { advance, newCall } from '../../../src/domain/call/advance.ts'
import type { CallCommand, Spoken } from '../../../src/domain/call/commands.ts'
import type { Admission, CallEvent, LegEnd, PinResult, TimerName } from '../../../src/domain/call/events.ts'
import type { Flow } from '../../../src/domain/call/flow.ts'
import { resume, type ObservedCall } from '../../../src/domain/call/resume.ts'
import { stateForRow, stateFromRow, type CallState } from '../../../src/domain/call/state.ts'
import { hotline } from './hotline.ts'

/** A Monday, 10:00 in Berlin. */
export const mondayMorning = Date.UTC(2026, 9, 5, 8, 0)

export const premium: Admission = {
  contractId: 'contract-1',
  customerId: 'customer-1',
  queue: 'premium',
  priority: 5,
  hours: 'always',
}

/** An event without its time. */
export type Happening = CallEvent extends infer Event ? (Event extends CallEvent ? Omit<Event, 'at'> : never) : never

export class Story {
  readonly #t: Test
  readonly #flow: Flow
  at = mondayMorning
  state: CallState
  commands: CallCommand[] = []

  constructor(t: Test, flow: Flow = hotline, state: CallState = newCall('de')) {
    this.#t = t
    this.#flow = flow
    this.state = state
  }

  // What happens

  happens(event: Happening): this {
    const advanced = advance(this.#flow, this.state, { ...event, at: this.at } as CallEvent)
    this.state = advanced.state
    this.commands = advanced.commands
    return this
  }

  arrives(): this {
    return this.happens({ type: 'callArrived' })
  }

  /** Presses keys one after the other; `everyMs` apart. Commands of all of them are collected. */
  types(keys: string, everyMs = 200): this {
    const commands: CallCommand[] = []
    for (const digit of keys) {
      this.at += everyMs
      this.happens({ type: 'digitReceived', digit })
      commands.push(...this.commands)
    }
    this.commands = commands
    return this
  }

  hearsItOut(ok = true): this {
    this.at += 3_000
    return this.happens({ type: 'playbackFinished', visit: this.state.visit, role: 'prompt', ok })
  }

  announcementIs(prompt: string | null): this {
    return this.happens({ type: 'announcementRead', visit: this.state.visit, prompt })
  }

  /** The timer runs out at its time. */
  runsOut(timer: TimerName): this {
    this.at = this.state.timers[timer] ?? this.at
    return this.happens({ type: 'timerFired', visit: this.state.visit, timer })
  }

  pinIs(result: PinResult): this {
    return this.happens({ type: 'pinChecked', visit: this.state.visit, result })
  }

  pinIsRight(admission: Partial<Admission> = {}): this {
    return this.pinIs({ is: 'right', admission: { ...premium, ...admission } })
  }

  isInQueue(): this {
    return this.happens({ type: 'queueEntered', visit: this.state.visit })
  }

  queueIsFull(): this {
    return this.happens({ type: 'queueRefused', visit: this.state.visit, why: 'full' })
  }

  isOffered(agentId: string, offer: number): this {
    return this.happens({ type: 'agentOffered', visit: this.state.visit, offer, agentId, endpoint: `PJSIP/${agentId}` })
  }

  answers(leg: `agent-${number}` | `transfer-${number}`): this {
    return this.happens({ type: 'legAnswered', leg })
  }

  ends(leg: `agent-${number}` | `transfer-${number}`, why: LegEnd): this {
    return this.happens({ type: 'legEnded', leg, why })
  }

  recorded(durationMs: number, talkingMs: number | null): this {
    this.at += durationMs
    return this.happens({ type: 'recordingFinished', visit: this.state.visit, durationMs, talkingMs })
  }

  /** Whoever fetched the recording has listened to it. */
  listenedTo(isMessage: boolean): this {
    return this.happens({ type: isMessage ? 'recordingKept' : 'recordingFoundEmpty', visit: this.state.visit })
  }

  refused(command: Extract<Happening, { type: 'commandRefused' }>['command']): this {
    return this.happens({ type: 'commandRefused', visit: this.state.visit, command })
  }

  hangsUp(): this {
    return this.happens({ type: 'callerHungUp' })
  }

  later(ms: number): this {
    this.at += ms
    return this
  }

  /** The process dies and a new one reads the row; `found` is what Asterisk has kept. */
  restarts(found: Partial<ObservedCall> = {}): this {
    const written: unknown = JSON.parse(JSON.stringify(stateForRow(this.state)))
    const read = stateFromRow(written)
    if (read === null) throw new Error('the row is not readable')
    this.state = read
    return this.reconnects(found)
  }

  /** The process has lived; only its socket was away. */
  reconnects(found: Partial<ObservedCall> = {}): this {
    const observed = { at: this.at, callerPresent: true, recordingLive: false, legs: [], bridged: false, ...found }
    const resumed = resume(this.#flow, this.state, observed)
    this.state = resumed.state
    this.commands = resumed.commands
    return this
  }

  // What is wanted then

  then(...sentences: string[]): this {
    this.#t.same(
      this.commands.map((command) => sentence(command, this.at)),
      sentences,
    )
    return this
  }

  thenNothing(): this {
    return this.then()
  }

  standsIn(step: string, doing?: CallState['doing']['what']): this {
    this.#t.equal(this.state.step, step)
    if (doing !== undefined) this.#t.equal(this.state.doing.what, doing)
    return this
  }

  hasEnded(outcome: CallState['outcome']): this {
    this.#t.equal(this.state.phase, 'ended')
    this.#t.equal(this.state.outcome, outcome)
    this.#t.same(this.commands.at(-1), { type: 'end', outcome })
    this.#t.same(this.state.timers, {})
    return this
  }

  /** The way through the flow, as `step:outcome`. */
  went(...path: string[]): this {
    this.#t.same(
      this.state.path.map(({ step, outcome }) => `${step}:${outcome}`),
      path,
    )
    return this
  }

  triedPin(times: number): this {
    const { ask_pin = 0, ask_customer_number = 0 } = this.state.tries
    this.#t.equal(ask_pin + ask_customer_number, times)
    return this
  }
}

/** A caller who has got past the announcement and is asked for the PIN. */
export function askedForPin(t: Test, flow?: Flow): Story {
  return new Story(t, flow).arrives().announcementIs(null).hearsItOut()
}

/** A caller whose PIN was right and who waits for an agent. */
export function waiting(t: Test): Story {
  return askedForPin(t).types('86420').pinIsRight().isInQueue()
}

/** A caller who has typed nothing and hears music. */
export function inTheLoop(t: Test): Story {
  return askedForPin(t).hearsItOut().runsOut('first_digit')
}

function sentence(command: CallCommand, at: number): string {
  switch (command.type) {
    case 'play':
      return `play ${command.what.map(spoken).join(', ')}`
    case 'setTimer':
      return `set ${command.timer} to ${(command.firesAt - at) / 1_000} s`
    case 'clearTimer':
      return `clear ${command.timer}`
    case 'readAnnouncement':
      return `readAnnouncement ${command.announcement}`
    case 'enterQueue':
      return `enterQueue ${command.queue} with priority ${command.priority}`
    case 'ring':
      return `ring ${command.leg} at ${command.endpoint}`
    case 'dial':
      return `dial ${command.leg} to ${command.number} over ${command.trunk}`
    case 'connect':
    case 'hangUpLeg':
    case 'stopRinging':
    case 'tellCallerGone':
      return `${command.type} ${command.leg}`
    case 'releaseAgent':
      return `releaseAgent ${command.agentId} of offer ${command.offer}: ${command.why}`
    case 'record':
      return `record up to ${command.maxMs / 1_000} s or ${command.silenceMs / 1_000} s of silence`
    case 'keepVoicemail':
    case 'dropRecording':
      return `${command.type} ${command.visit}`
    case 'end':
      return `end ${command.outcome}`
    default:
      return command.type
  }
}

function spoken(what: Spoken): string {
  return 'prompt' in what ? what.prompt : `#${what.hash}`
}
