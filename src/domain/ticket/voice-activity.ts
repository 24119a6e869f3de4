/**
 * Does a recording hold a message? Callers hang up at the beep, breathe, or
 * leave the line open in a humming room; none of that makes a ticket.
 *
 * Sound is judged in frames of 20 ms. A frame counts as speech-like if it is
 * clearly louder than the quiet of this very recording (so a noisy line needs
 * louder speech). If most of what is loud is one and the same tone (busy, hung
 * up), that tone does not count: single frames of a voice can look like a tone,
 * but no voice keeps one pitch. It errs towards keeping: a lost message is
 * worse than an empty ticket.
 */

export type Recording = {
  /** Mono. */
  samples: Int16Array
  sampleRate: number
  durationMs: number
}

const frameMs = 20
/** Full scale of 16 bit is 32768. About -46 dBFS: quieter than a whisper into a telephone. */
const quietestSpeechRms = 160
/** Speech stands out from the recording's own quiet by this factor (9.5 dB). */
const aboveQuiet = 3
/** How much of a recording is taken for its quiet part. */
const quietShare = 0.1
/** However noisy the line, louder than this (about -24 dBFS) always counts. */
const alwaysLoudRms = 2000
/** A sine explains all but this share of a frame's energy, G.711's noise included. */
const toneResidual = 0.01
/** Frames of one tone agree in pitch within this share; a voice drifts further from one frame to the next. */
const sameTone = 0.01
/** A recording whose loud frames are one tone in this share has that tone in it. */
const toneShare = 0.6
/** Shorter than the shortest word that says anything. */
const shortestMessageMs = 240

/**
 * Reads what Asterisk records: WAV with 16-bit PCM. Lengths in the header are
 * not believed, because a recording that was cut off has zeros there.
 * @returns null for bytes that are no such file
 */
export function readWav(bytes: Uint8Array): Recording | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.byteLength < 12 || tag(view, 0) !== 'RIFF' || tag(view, 8) !== 'WAVE') return null
  let format: { channels: number; sampleRate: number } | null = null
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const size = view.getUint32(at + 4, true)
    const body = at + 8
    if (tag(view, at) === 'fmt ' && body + 16 <= view.byteLength) {
      const isPcm16 = view.getUint16(body, true) === 1 && view.getUint16(body + 14, true) === 16
      if (!isPcm16) return null
      format = { channels: view.getUint16(body + 2, true), sampleRate: view.getUint32(body + 4, true) }
    } else if (tag(view, at) === 'data') {
      if (format === null || format.channels < 1 || format.sampleRate < 1) return null
      const there = view.byteLength - body
      return recording(view, body, size === 0 || size > there ? there : size, format)
    }
    at = body + size + (size % 2)
  }
  return null
}

function recording(
  view: DataView,
  from: number,
  size: number,
  { channels, sampleRate }: { channels: number; sampleRate: number },
): Recording {
  const samples = new Int16Array(Math.floor(size / (2 * channels)))
  for (let index = 0; index < samples.length; index += 1) samples[index] = view.getInt16(from + index * 2 * channels, true)
  return { samples, sampleRate, durationMs: Math.round((samples.length * 1000) / sampleRate) }
}

function tag(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3))
}

/** How much of the recording sounds like speech, in milliseconds. */
export function speechLikeMs({ samples, sampleRate }: Pick<Recording, 'samples' | 'sampleRate'>): number {
  const length = Math.max(1, Math.round((sampleRate * frameMs) / 1000))
  const frames: { rms: number; start: number }[] = []
  for (let start = 0; start + length <= samples.length; start += length) frames.push({ rms: rmsOf(samples, start, length), start })
  if (frames.length === 0) return 0
  const byLoudness = frames.map((frame) => frame.rms).sort((a, b) => a - b)
  const quiet = byLoudness[Math.floor(byLoudness.length * quietShare)]!
  const threshold = Math.min(Math.max(quietestSpeechRms, quiet * aboveQuiet), alwaysLoudRms)
  const loud = frames.filter(({ rms }) => rms >= threshold).map(({ start }) => start)
  return withoutTone(loud, samples, length).length * frameMs
}

/** The frames that are left when the one tone that most of them hold, if so, is taken out, with its edges. */
function withoutTone(starts: number[], samples: Int16Array, length: number): number[] {
  const tones = new Map<number, number>()
  for (const start of starts) {
    const pitch = pitchOfTone(samples, start, length)
    if (pitch !== null) tones.set(start, pitch)
  }
  const pitches = [...tones.values()].sort((a, b) => a - b)
  const common = pitches[Math.floor(pitches.length / 2)]
  const same = new Set(starts.filter((start) => common !== undefined && Math.abs((tones.get(start) ?? Infinity) / common - 1) < sameTone))
  if (same.size < toneShare * starts.length) return starts
  return starts.filter((start) => !same.has(start) && !same.has(start - length) && !same.has(start + length))
}

/** True for a recording that nobody said anything in. */
export function soundsEmpty(sound: Pick<Recording, 'samples' | 'sampleRate'>): boolean {
  return speechLikeMs(sound) < shortestMessageMs
}

/** Loudness about the frame's mean, so that an offset of the line does not count as sound. */
function rmsOf(samples: Int16Array, start: number, length: number): number {
  let sum = 0
  let squares = 0
  for (let index = start; index < start + length; index += 1) {
    const sample = samples[index]!
    sum += sample
    squares += sample * sample
  }
  return Math.sqrt(Math.max(0, squares / length - (sum / length) ** 2))
}

/** A sine obeys x[n-1] + x[n+1] = 2 cos(w) x[n]. Answers the w that fits best, in radians a sample, or null if it leaves too much unexplained. */
function pitchOfTone(samples: Int16Array, start: number, length: number): number | null {
  let cross = 0
  let own = 0
  let neighbours = 0
  for (let index = start + 1; index < start + length - 1; index += 1) {
    const here = samples[index]!
    const beside = samples[index - 1]! + samples[index + 1]!
    cross += here * beside
    own += here * here
    neighbours += beside * beside
  }
  if (own === 0) return null
  const residual = Math.max(0, neighbours - (cross * cross) / own)
  return residual < toneResidual * own ? Math.acos(Math.max(-1, Math.min(1, cross / own / 2))) : null
}
