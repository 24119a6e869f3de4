/** Sounds that tell afterwards whether all of them arrived. */
import { readWav } from '../../../src/app/audio/wav.ts'

const RATE = 8_000
const FRAME_MS = 20
const FRAME = (RATE / 1000) * FRAME_MS
const LEVEL = 8_000
const AUDIBLE = 100 / 32_768
/** A frame is a tone's if the tone makes up this much of it; G.711 leaves more than 0.95. */
const TONE_SHARE = 0.5

/** Louder or softer, but never over: longer than any of these stories. */
export const endlessTone = (hz: number): { hz: number; ms: number } => ({ hz, ms: 180_000 })

/** Tones that rise by the half second, so that each moment of it is told from each other. */
const STAIR_MS = 500
const stairHz = (step: number): number => 400 + step * 20

export function stairs(lengthMs: number): Int16Array {
  const samples = new Int16Array((lengthMs * RATE) / 1000)
  let phase = 0
  for (let n = 0; n < samples.length; n++) {
    phase += (2 * Math.PI * stairHz(Math.floor((n * 1000) / RATE / STAIR_MS))) / RATE
    samples[n] = LEVEL * Math.sin(phase)
  }
  return samples
}

/**
 * Listens to a recording of `stairs`: how much of it was heard, and how much is
 * missing or double between the first and the last stair.
 */
export function stairsHeard(wav: Buffer): { first: number; heardMs: number; longestFaultMs: number } {
  const counts = new Map<number, number>()
  let [first, last] = [Infinity, -Infinity]
  let highest = -1
  let backwards = 0
  for (const frame of frames(samplesOf(wav))) {
    const step = stairOf(frame)
    if (step === null) continue
    if (step < highest) backwards++
    highest = Math.max(highest, step)
    first = Math.min(first, step)
    last = Math.max(last, step)
    counts.set(step, (counts.get(step) ?? 0) + 1)
  }
  let worst = backwards * FRAME_MS
  // The first and the last one may have been cut by the beep and by the end.
  for (let step = first + 1; step < last; step++) worst = Math.max(worst, Math.abs(STAIR_MS - (counts.get(step) ?? 0) * FRAME_MS))
  const heardMs = [...counts.values()].reduce((sum, count) => sum + count, 0) * FRAME_MS
  return { first, heardMs, longestFaultMs: worst }
}

function stairOf(frame: Float32Array): number | null {
  let best: number | null = null
  let share = TONE_SHARE
  for (let step = 0; stairHz(step) < RATE / 2; step++) {
    const found = toneShare(frame, stairHz(step))
    if (found > share) [best, share] = [step, found]
  }
  return best
}

/** The longest time, in milliseconds, in which this tone was not to be heard. */
export function longestWithout(wav: Buffer, hz: number): number {
  return longestRun(wav, (frame) => toneShare(frame, hz) < TONE_SHARE)
}

/** The longest time, in milliseconds, in which nothing was to be heard. */
export function longestSilence(wav: Buffer): number {
  return longestRun(wav, (frame) => Math.sqrt(energyOf(frame) / frame.length) < AUDIBLE)
}

function longestRun(wav: Buffer, is: (frame: Float32Array) => boolean): number {
  let [longest, run] = [0, 0]
  for (const frame of frames(samplesOf(wav))) {
    run = is(frame) ? run + FRAME_MS : 0
    longest = Math.max(longest, run)
  }
  return longest
}

function* frames(samples: Float32Array): Generator<Float32Array> {
  for (let at = 0; at + FRAME <= samples.length; at += FRAME) yield samples.subarray(at, at + FRAME)
}

const samplesOf = (wav: Buffer): Float32Array => readWav(wav).channels[0] ?? new Float32Array()

const energyOf = (frame: Float32Array): number => frame.reduce((sum, sample) => sum + sample * sample, 0)

/** How much of the frame's energy is one tone: Goertzel's recurrence. */
function toneShare(frame: Float32Array, hz: number): number {
  const energy = energyOf(frame)
  if (energy < AUDIBLE ** 2 * frame.length) return 0
  const factor = 2 * Math.cos((2 * Math.PI * hz) / RATE)
  let [one, two] = [0, 0]
  for (const sample of frame) [one, two] = [sample + factor * one - two, one]
  return (2 * (one * one + two * two - factor * one * two)) / (energy * frame.length)
}
