/**
 * Calls in which anything happens at any time: what could happen now, what is
 * late or comes twice, what makes no sense at all, restarts in between. The
 * books (`ledger.ts`) are checked after every turn.
 */
import fc from 'fast-check'
import { advance, newCall } from '../../../src/domain/call/advance.ts'
import type { CallCommand } from '../../../src/domain/call/commands.ts'
import type { CallEvent, LegEnd, PinResult, TimerName } from '../../../src/domain/call/events.ts'
import type { Flow } from '../../../src/domain/call/flow.ts'
import { legInHand } from '../../../src/domain/call/heeded.ts'
import { resume, type ObservedCall } from '../../../src/domain/call/resume.ts'
import { stateForRow, stateFromRow, type CallState } from '../../../src/domain/call/state.ts'
import { Ledger } from './ledger.ts'
import { mondayMorning, premium, type Happening } from './story.ts'

/** A draw: which thing happens, how much later, and two more dice. */
export type Draw = { what: number; afterMs: number; one: number; two: number }

export const draws: fc.Arbitrary<Draw[]> = fc.array(
  fc.record({
    what: fc.nat({ max: 99 }),
    afterMs: fc.oneof(fc.nat({ max: 400 }), fc.nat({ max: 90_000 })),
    one: fc.nat({ max: 999 }),
    two: fc.nat({ max: 999 }),
  }),
  { maxLength: 60, size: 'max' },
)

export class RandomCall {
  readonly flow: Flow
  readonly ledger = new Ledger()
  state: CallState = newCall('de')
  at = mondayMorning
  /** All that was ever wanted. */
  readonly commands: CallCommand[] = []
  #offers = 0

  constructor(flow: Flow) {
    this.flow = flow
    this.event({ type: 'callArrived' })
  }

  /** `digits` says which digit a draw of 0–9 is. */
  draw({ what, afterMs, one, two }: Draw, digits = '0123456789'): void {
    this.at += afterMs
    if (what < 5) return this.away(one, two, what % 2 === 0)
    if (what < 30) return this.event({ type: 'digitReceived', digit: `${digits}##**A`[one % 15] ?? '0' })
    const events = what < 85 ? this.#likely(one, two) : this.#unlikely(one, two)
    const event = events[one % Math.max(1, events.length)]
    if (event !== undefined) this.event(event)
  }

  event(happening: Happening): void {
    if (happening.type === 'timerFired' && happening.visit === this.state.visit) {
      this.at = Math.max(this.at, this.state.timers[happening.timer] ?? 0)
    }
    const event = { ...happening, at: this.at } as CallEvent
    this.ledger.happens(event)
    this.#turn(advance(this.flow, this.state, event))
  }

  away(one: number, two: number, processDied: boolean): void {
    const leg = legInHand(this.state)
    const isThere = one % 3 > 0
    const isUp = this.state.doing.what === 'talking' || two % 2 === 0
    const observed: ObservedCall = {
      at: this.at,
      callerPresent: one % 7 > 0,
      recordingLive: two % 2 === 0,
      legs: leg !== null && isThere ? [{ leg, state: isUp ? 'up' : 'ringing' }] : [],
      bridged: leg !== null && isThere && two % 3 > 0,
    }
    this.ledger.found(observed, processDied)
    const before = processDied ? stateFromRow(JSON.parse(JSON.stringify(stateForRow(this.state)))) : this.state
    if (before === null) throw new Error('the row is not readable')
    this.#turn(resume(this.flow, before, observed))
  }

  #turn({ state, commands }: { state: CallState; commands: CallCommand[] }): void {
    this.state = state
    this.commands.push(...commands)
    this.ledger.wants(commands)
    this.ledger.agreesWith(state)
  }

  /** What the surroundings of such a call could say next. */
  #likely(one: number, two: number): Happening[] {
    const { visit, doing } = this.state
    const timers = Object.keys(this.state.timers) as TimerName[]
    const events: Happening[] = timers.map((timer) => ({ type: 'timerFired', visit, timer }))
    if (this.ledger.playing === visit) {
      events.push({ type: 'playbackFinished', visit, role: 'prompt', ok: two % 5 > 0 })
      if (two % 7 === 0) events.push({ type: 'commandRefused', visit, command: 'play' })
    }
    const leg = legInHand(this.state)
    const why = (['rejected', 'busy', 'no_answer', 'unreachable', 'hung_up'] as LegEnd[])[two % 5] ?? 'busy'
    switch (doing.what) {
      case 'reading_announcement':
        events.push({ type: 'announcementRead', visit, prompt: two % 2 === 0 ? null : 'hash' })
        break
      case 'looking_up':
        events.push({ type: 'pinChecked', visit, result: pinResult(two) })
        break
      case 'entering_queue':
        events.push({ type: 'queueEntered', visit }, { type: 'queueRefused', visit, why: 'full' }, this.#offer())
        break
      case 'waiting':
        events.push(this.#offer())
        break
      case 'recording':
        events.push({ type: 'recordingFinished', visit, durationMs: two * 20, talkingMs: [null, 0, two][one % 3] ?? null })
        if (two % 5 === 0) events.push({ type: 'recordingFailed', visit }, { type: 'commandRefused', visit, command: 'record' })
        break
      case 'listening':
        events.push({ type: two % 2 === 0 ? 'recordingKept' : 'recordingFoundEmpty', visit })
        break
    }
    if (leg !== null && doing.what !== 'talking') events.push({ type: 'legAnswered', leg })
    if (leg !== null) events.push({ type: 'legEnded', leg, why })
    if (leg !== null && two % 5 === 0) {
      const command = doing.what === 'talking' ? 'connect' : doing.what === 'ringing' ? 'ring' : 'dial'
      events.push({ type: 'commandRefused', visit, command, leg })
    }
    return events
  }

  /** Late, doubled, or from nowhere. */
  #unlikely(one: number, two: number): Happening[] {
    const visit = Math.max(0, this.state.visit - 2 + (two % 4))
    const timers: TimerName[] = ['first_digit', 'between_digits', 'total', 'slow_look_up', 'music', 'pause', 'key', 'ring', 'max_wait']
    const lateVisit = visit === this.state.visit ? visit + 1 : visit
    return [
      { type: 'callArrived' },
      { type: 'playbackFinished', visit, role: 'prompt', ok: two % 2 === 0 },
      { type: 'timerFired', visit, timer: timers[one % timers.length] ?? 'ring' },
      { type: 'announcementRead', visit: lateVisit, prompt: 'hash' },
      { type: 'pinChecked', visit: lateVisit, result: pinResult(two) },
      { type: 'queueEntered', visit: lateVisit },
      { type: 'queueRefused', visit: lateVisit, why: 'full' },
      this.#offer(),
      { type: 'legAnswered', leg: `agent-${one}` },
      { type: 'legEnded', leg: `transfer-${visit}`, why: 'busy' },
      { type: 'recordingFinished', visit: lateVisit, durationMs: two, talkingMs: null },
      { type: 'recordingFailed', visit: lateVisit },
      { type: 'recordingKept', visit: lateVisit },
      { type: 'recordingFoundEmpty', visit: lateVisit },
      { type: 'commandRefused', visit: lateVisit, command: (['play', 'record', 'ring', 'connect', 'dial'] as const)[two % 5] ?? 'play' },
      { type: 'digitReceived', digit: ['A', 'D', '', '12', 'x', '\u0000'][two % 6] ?? '' },
      { type: 'callerHungUp' },
    ]
  }

  #offer(): Happening {
    this.#offers += 1
    return { type: 'agentOffered', visit: this.state.visit, offer: 1_000 + this.#offers, agentId: 'anna', endpoint: 'PJSIP/anna' }
  }
}

function pinResult(dice: number): PinResult {
  const results: PinResult[] = [
    { is: 'right', admission: { ...premium, hours: dice % 2 === 0 ? 'always' : 'business' } },
    { is: 'wrong' },
    { is: 'limited' },
    { is: 'step_up' },
  ]
  return results[dice % 4] ?? { is: 'wrong' }
}
