/**
 * How many events the pure core takes a second, in one process: whole calls,
 * half of them with a right PIN to a conversation, half through the loop to a
 * voicemail.
 */
import { advance, newCall } from '../src/domain/call/advance.ts'
import type { Admission, CallEvent } from '../src/domain/call/events.ts'
import type { CallState } from '../src/domain/call/state.ts'
import { hotline } from '../test/domain/call/hotline.ts'
import { judged, quantile, type Figure } from './figure.ts'
import type { BenchOptions } from './run.ts'

/** Of issue 2: "over 500,000 events a second in one process". */
const barEventsPerSecond = 500_000
const warmUpMs = 500
const measureMs = 2_000
const callsBetweenLooks = 500

/** The median of five runs, so that a neighbour on the machine does not decide. */
export async function run({ progress }: BenchOptions): Promise<Figure[]> {
  progress.step('domain: whole calls through the pure core')
  eventsPerSecond(warmUpMs)
  const runs = Array.from({ length: 5 }, () => eventsPerSecond(measureMs / 5))
  const perSecond = quantile(runs, 0.5)
  progress.done('domain')
  const measured = `${Math.round(perSecond).toLocaleString('en')}/s`
  return [
    judged(
      'domain',
      'events through the core, one process',
      measured,
      `> ${barEventsPerSecond.toLocaleString('en')}/s`,
      perSecond > barEventsPerSecond,
    ),
  ]
}

function eventsPerSecond(forMs: number): number {
  const began = performance.now()
  let events = 0
  let took = 0
  while (took < forMs) {
    for (let call = 0; call < callsBetweenLooks; call++) {
      events += call % 2 === 0 ? callWithPin(call) : callWithoutPin()
    }
    took = performance.now() - began
  }
  return (events / took) * 1_000
}

const admission: Admission = { contractId: 'c', customerId: 'k', queue: 'premium', priority: 1, hours: 'always' }

/** One call from the ring to the end; answers how many events it took. */
class Call {
  state: CallState = newCall('de')
  at = 0
  events = 0

  take(event: CallEvent): void {
    this.state = advance(hotline, this.state, event).state
    this.events += 1
    this.at += 500
  }

  type(digits: string): void {
    for (const digit of digits) this.take({ type: 'digitReceived', at: this.at, digit })
  }

  promptEnds(): void {
    this.take({ type: 'playbackFinished', at: this.at, visit: this.state.visit, role: 'prompt', ok: true })
  }

  begin(): void {
    this.take({ type: 'callArrived', at: this.at })
    this.take({ type: 'announcementRead', at: this.at, visit: this.state.visit, prompt: null })
    this.promptEnds()
  }

  end(): number {
    if (this.state.phase !== 'ended') throw new Error(`the call stands in ${this.state.step}`)
    return this.events
  }
}

function callWithPin(offer: number): number {
  const call = new Call()
  call.begin()
  call.type('86420')
  call.take({ type: 'pinChecked', at: call.at, visit: call.state.visit, result: { is: 'right', admission } })
  call.take({ type: 'queueEntered', at: call.at, visit: call.state.visit })
  call.take({ type: 'agentOffered', at: call.at, visit: call.state.visit, offer, agentId: 'anna', endpoint: 'PJSIP/anna' })
  call.take({ type: 'legAnswered', at: call.at, leg: `agent-${offer}` })
  call.take({ type: 'callerHungUp', at: call.at })
  return call.end()
}

function callWithoutPin(): number {
  const call = new Call()
  call.begin()
  call.promptEnds()
  call.take({ type: 'timerFired', at: call.at + 6_000, visit: call.state.visit, timer: 'first_digit' })
  call.take({ type: 'timerFired', at: call.at + 90_000, visit: call.state.visit, timer: 'music' })
  call.type('#')
  call.promptEnds()
  call.take({ type: 'recordingFinished', at: call.at, visit: call.state.visit, durationMs: 9_000, talkingMs: 8_000 })
  call.take({ type: 'recordingKept', at: call.at, visit: call.state.visit })
  call.promptEnds()
  return call.end()
}
