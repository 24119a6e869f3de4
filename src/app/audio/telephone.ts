import { resample } from './resample.ts'
import type { Sound } from './wav.ts'
import { readWav, writeWav } from './wav.ts'

/** What a telephone line carries (G.711), and so what Asterisk plays without resampling. */
export const telephoneRate = 8000

/**
 * How loud the speaking parts are, relative to a full-scale square wave. Prompts from a voice,
 * from a studio and from a mobile phone are to be equally loud to the caller's ear; ITU-T P.56's
 * idea of measuring only while someone speaks, at the level that announcements commonly have.
 */
const activeLevelDb = -20
/** G.711 clips at about -0.1 dB; this leaves room for what resampling in between adds. */
const peakDb = -2
/** More than this would only lift a recording's noise. */
const strongestGainDb = 20

const frameMs = 20
/** Frames more than this below the loudest are pauses. */
const pauseBelowLoudestDb = 30
/** Below this there is nothing to hear. */
const silentDb = -60

/** Silence at both ends beyond this only keeps the caller waiting. */
const quietMs = { before: 60, after: 160 }

/**
 * Makes a WAV file what Asterisk plays best: 8 kHz, mono, 16 bit, at an even loudness, without
 * long silence at its ends.
 * @throws {NotAudio}
 */
export async function telephoneWav(wav: Uint8Array): Promise<Buffer> {
  return writeWav(await telephoneSamples(readWav(wav)), telephoneRate)
}

async function telephoneSamples(sound: Sound): Promise<Int16Array> {
  const narrow = await resample(mixed(sound.channels), sound.sampleRate, telephoneRate)
  const levels = frameLevels(narrow)
  const trimmed = trim(narrow, levels)
  const gain = gainFor(narrow, levels)
  return Int16Array.from(trimmed, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * gain * 32767))))
}

function mixed(channels: readonly Float32Array[]): Float32Array {
  const [first, ...others] = channels
  if (first === undefined || others.length === 0) return first ?? new Float32Array()
  return first.map((sample, at) => others.reduce((sum, channel) => sum + (channel[at] ?? 0), sample) / channels.length)
}

/** The mean power of each 20 ms. */
function frameLevels(samples: Float32Array): Float64Array {
  const frameSamples = (telephoneRate * frameMs) / 1000
  const powers = new Float64Array(Math.ceil(samples.length / frameSamples))
  for (let frame = 0; frame < powers.length; frame++) {
    const part = samples.subarray(frame * frameSamples, (frame + 1) * frameSamples)
    let sum = 0
    for (const sample of part) sum += sample * sample
    powers[frame] = sum / part.length
  }
  return powers
}

const power = (db: number) => 10 ** (db / 10)
const amplitude = (db: number) => 10 ** (db / 20)

function threshold(levels: Float64Array): number {
  let loudest = 0
  for (const level of levels) loudest = Math.max(loudest, level)
  return Math.max(loudest * power(-pauseBelowLoudestDb), power(silentDb))
}

function trim(samples: Float32Array, levels: Float64Array): Float32Array {
  const least = threshold(levels)
  const first = levels.findIndex((level) => level >= least)
  if (first < 0) return samples
  const last = levels.findLastIndex((level) => level >= least)
  const perMs = telephoneRate / 1000
  return samples.slice(
    Math.max(0, (first * frameMs - quietMs.before) * perMs),
    Math.min(samples.length, ((last + 1) * frameMs + quietMs.after) * perMs),
  )
}

function gainFor(samples: Float32Array, levels: Float64Array): number {
  const least = threshold(levels)
  const active = levels.filter((level) => level >= least)
  if (active.length === 0) return 1
  const mean = active.reduce((sum, level) => sum + level, 0) / active.length
  let peak = 0
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample))
  return Math.min(Math.sqrt(power(activeLevelDb) / mean), amplitude(peakDb) / peak, amplitude(strongestGainDb))
}
