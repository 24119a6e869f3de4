/** A greeting as a studio would deliver it: 44.1 kHz, stereo. No two moments of it sound alike, so that it is recognised for sure. */
import { writeWav } from '../../../src/app/audio/wav.ts'

const STUDIO_RATE = 44_100
const DURATION_S = 3
const LEVEL = 9_000
/** Start and speed of gliding tones, in Hz and Hz a second: all well inside what a telephone carries. */
const GLIDES = [
  [350, 240],
  [900, 410],
  [1_600, -330],
] as const

export function studioGreeting(): Buffer {
  const mono = greetingAt(STUDIO_RATE)
  const bytes = 4
  const head = Buffer.alloc(44)
  head.write('RIFF', 0, 'latin1')
  head.writeUInt32LE(36 + mono.length * bytes, 4)
  head.write('WAVEfmt ', 8, 'latin1')
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(2, 22)
  head.writeUInt32LE(STUDIO_RATE, 24)
  head.writeUInt32LE(STUDIO_RATE * bytes, 28)
  head.writeUInt16LE(bytes, 32)
  head.writeUInt16LE(16, 34)
  head.write('data', 36, 'latin1')
  head.writeUInt32LE(mono.length * bytes, 40)
  const stereo = new Int16Array(mono.length * 2)
  for (const [at, sample] of mono.entries()) stereo.fill(sample, at * 2, at * 2 + 2)
  return Buffer.concat([head, Buffer.from(stereo.buffer)])
}

/** What a caller should hear of it. */
export function greetingOnThePhone(): Buffer {
  return writeWav(greetingAt(8_000), 8_000)
}

function greetingAt(rate: number): Int16Array {
  return Int16Array.from({ length: DURATION_S * rate }, (_, at) => {
    const second = at / rate
    let sum = 0
    for (const [from, glide] of GLIDES) sum += Math.sin(2 * Math.PI * (from * second + (glide * second * second) / 2))
    return (LEVEL * sum) / GLIDES.length
  })
}
