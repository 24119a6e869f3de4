import { packetMs, packetSamples } from './clock.ts'
import { digits, type TelephoneEvent } from './packet.ts'

export interface DigitTiming {
  readonly toneMs: number
  readonly gapMs: number
}

/** What is sent in one 20 ms: a packet of an event, or nothing in the gap. */
export interface DigitStep {
  readonly event: TelephoneEvent | undefined
  /** The first packet of an event, which sets the timestamp of the others. */
  readonly begins: boolean
  /** The first packet that says that the last digit is over. */
  readonly lastEnds: boolean
}

/** RFC 4733, section 2.5.1.4: the end is told three times, because it may get lost. */
const endPackets = 3

/**
 * Typed digits as telephone events (RFC 4733), one step each 20 ms. Tone and gap are rounded to
 * whole packets, and a gap is never so short that the end's repetitions would not fit.
 */
export function* digitSteps(typed: string, { toneMs, gapMs }: DigitTiming): Generator<DigitStep, void> {
  const tonePackets = Math.max(1, Math.round(toneMs / packetMs))
  const gapPackets = Math.max(endPackets, Math.round(gapMs / packetMs))
  for (const [index, digit] of [...typed].entries()) {
    for (let sent = 1; sent <= tonePackets; sent++) {
      yield { event: { digit, end: false, duration: sent * packetSamples }, begins: sent === 1, lastEnds: false }
    }
    for (let sent = 0; sent < gapPackets; sent++) {
      const event = sent < endPackets ? { digit, end: true, duration: tonePackets * packetSamples } : undefined
      yield { event, begins: false, lastEnds: sent === 0 && index === typed.length - 1 }
    }
  }
}

/** True if every character is a key of a telephone. */
export function areDigits(typed: string): boolean {
  return typed !== '' && [...typed].every((one) => digits.includes(one))
}
