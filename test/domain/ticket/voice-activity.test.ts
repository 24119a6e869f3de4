import t from 'tap'
import fc from 'fast-check'
import { readWav, soundsEmpty, speechLikeMs } from '../../../src/domain/ticket/voice-activity.ts'

const sampleRate = 8000

t.test('whoever says something leaves a message, on a quiet line and on a noisy one, softly and loudly', async (t) => {
  for (const noise of [0, 20, 150, 600]) {
    for (const loudness of [900, 3000, 12_000].filter((level) => level > 4 * noise)) {
      t.notOk(soundsEmpty(line(noise, 5000, [[1000, 3000, voice(loudness)]])), `speech at ${loudness} over noise of ${noise}`)
    }
  }
  t.notOk(soundsEmpty(line(10, 1500, [[0, 1500, voice(6000)]])), 'without a pause before or after')
})

t.test('one who says only a word is kept', async (t) => {
  t.notOk(soundsEmpty(line(30, 4000, [[2000, 2400, voice(4000)]])))
})

t.test('a short call for somebody, all in one vowel, is kept', async (t) => {
  // Nearly a sine at any moment, as "Hallo?" is, but no voice keeps its pitch.
  const glide: Sound = (second) => 8000 * Math.sin(2 * Math.PI * (320 * second + 3 * Math.sin(2 * Math.PI * second)))
  t.notOk(soundsEmpty(line(0, 1500, [[200, 800, glide]])))
})

t.test('silence, hum, hiss, a click and the tone of a line hung up are no message', async (t) => {
  t.ok(soundsEmpty({ samples: new Int16Array(0), sampleRate }), 'nothing at all')
  t.ok(soundsEmpty(line(0, 3000, [])), 'three seconds of silence')
  t.ok(soundsEmpty(line(80, 3000, [])), 'the hiss of the line')
  t.ok(soundsEmpty(line(10, 3000, [[0, 3000, tone(50, 1500)]])), 'mains hum')
  t.ok(soundsEmpty(line(5, 3000, [[1500, 1560, voice(9000)]])), 'the click of the receiver')
  t.ok(
    soundsEmpty(
      line(0, 5000, [
        [0, 480, tone(425, 8000)],
        [960, 1440, tone(425, 8000)],
        [1920, 2400, tone(425, 8000)],
        [2880, 3360, tone(425, 8000)],
      ]),
    ),
    'busy tone',
  )
  t.ok(soundsEmpty({ samples: new Int16Array(24_000).fill(3000), sampleRate }), 'a line with an offset')
})

t.test('what a recording says about itself is read from its samples, not from its header', async (t) => {
  const { samples } = line(0, 1000, [[200, 800, voice(4000)]])
  const whole = wav(samples)
  t.match(readWav(whole), { sampleRate, durationMs: 1000 })
  t.strictSame(readWav(whole)!.samples, samples)
  const cutOff = Buffer.from(whole)
  cutOff.writeUInt32LE(0, 4)
  cutOff.writeUInt32LE(0, 40)
  t.equal(readWav(cutOff)!.durationMs, 1000, 'a recorder that was killed leaves zeros')
  t.equal(readWav(whole.subarray(0, 44 + 8001))!.durationMs, 500, 'half of it, and half a sample')
  const stereo = Buffer.from(whole)
  stereo.writeUInt16LE(2, 22)
  t.equal(readWav(stereo)!.durationMs, 500)
})

t.test('what is no recording is none, and no bytes break the reader', async (t) => {
  for (const bytes of ['', 'RIFF', 'RIFF....WAVE', 'ID3\u0003 an MP3 that is long enough to have a header'])
    t.equal(readWav(Buffer.from(bytes)), null)
  const good = wav(new Int16Array(100).fill(7))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 12 }), fc.nat(good.length), (changes, length) => {
      const bytes = Buffer.from(good)
      for (const [place, value] of changes) bytes[place] = value
      const recording = readWav(bytes.subarray(0, length))
      return recording === null || speechLikeMs(recording) >= 0
    }),
  )
})

type Sound = (second: number) => number

/** White noise of that loudness (RMS), with sounds from–to in milliseconds. The same each time. */
function line(noiseRms: number, lengthMs: number, sounds: [from: number, to: number, sound: Sound][]) {
  let seed = 42
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31 - 0.5
  const samples = new Int16Array((lengthMs * sampleRate) / 1000)
  for (let index = 0; index < samples.length; index += 1) {
    const second = index / sampleRate
    let level = random() * noiseRms * Math.sqrt(12)
    for (const [from, to, sound] of sounds) if (second * 1000 >= from && second * 1000 < to) level += sound(second)
    samples[index] = Math.max(-32_768, Math.min(32_767, Math.round(level)))
  }
  return { samples, sampleRate }
}

function tone(hertz: number, amplitude: number): Sound {
  return (second) => amplitude * Math.sin(2 * Math.PI * hertz * second)
}

/** A voiced sound: a fundamental that moves, with harmonics shaped by two formants, in syllables of 4 Hz. */
function voice(amplitude: number): Sound {
  return (second) => {
    let level = 0
    for (let harmonic = 1; harmonic <= 20; harmonic += 1) {
      const hertz = harmonic * (120 + 15 * Math.sin(2 * Math.PI * 0.7 * second))
      const formants = 1 / (1 + ((hertz - 600) / 150) ** 2) + 0.6 / (1 + ((hertz - 1400) / 200) ** 2)
      level += formants * Math.sin(2 * Math.PI * hertz * second)
    }
    return amplitude * 0.5 * level * (0.55 + 0.45 * Math.sin(2 * Math.PI * 4 * second))
  }
}

function wav(samples: Int16Array): Buffer {
  const bytes = Buffer.alloc(44 + samples.length * 2)
  bytes.write('RIFF', 0)
  bytes.writeUInt32LE(bytes.length - 8, 4)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(1, 22)
  bytes.writeUInt32LE(sampleRate, 24)
  bytes.writeUInt32LE(sampleRate * 2, 28)
  bytes.writeUInt16LE(2, 32)
  bytes.writeUInt16LE(16, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(samples.length * 2, 40)
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).copy(bytes, 44)
  return bytes
}
