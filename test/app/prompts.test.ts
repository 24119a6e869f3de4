import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readWav, writeWav } from '../../src/app/audio/wav.ts'
import type { Voice } from '../../src/app/ports/voice.ts'
import { AudioFileError, PromptStore } from '../../src/app/prompts.ts'
import { CommandVoice } from '../../src/local/voice/command.ts'
import { theVoice } from '../local/voice/the-voice.ts'

const welcome = { text: 'Willkommen. Bitte geben Sie Ihre PIN ein.', language: 'de' }
const goodbye = { text: 'Thank you, and goodbye.', language: 'en' }

/** A voice that cannot be asked, to show that nobody did. */
const mute: Voice = new CommandVoice({ name: 'mute', command: ['false'] })

async function storeWith(t: Test, voice?: Voice, folder = join(t.testdir(), 'prompts')) {
  const speaker = voice ?? (await theVoice())
  const store = new PromptStore({ folder, voice: speaker })
  t.teardown(async () => {
    await store.close()
    await speaker.close()
  })
  return { store, folder, voice: speaker }
}

function heard(wav: Buffer) {
  const { channels, sampleRate } = readWav(wav)
  const samples = channels[0] ?? new Float32Array()
  return {
    samples,
    sampleRate,
    count: channels.length,
    rms: Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length),
    peak: samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0),
  }
}

function tone(hz: number, seconds: number, rate: number, level = 0.5): Int16Array {
  return Int16Array.from({ length: seconds * rate }, (_, at) => Math.round(level * 32767 * Math.sin((2 * Math.PI * hz * at) / rate)))
}

t.test('a text is spoken once, as telephone sound, and served for good', async (t) => {
  const { store, folder, voice } = await storeWith(t)
  const [first, again] = await Promise.all([store.add(welcome), store.add(welcome)])
  t.same(first, again)
  t.match(first.hash, /^[0-9a-f]{40}$/)
  const prompt = await store.get(first.hash)
  t.equal(prompt?.cacheControl, 'public, max-age=31536000, immutable')
  const sound = heard(prompt?.wav ?? Buffer.alloc(0))
  t.equal(sound.sampleRate, 8000)
  t.equal(sound.count, 1)
  t.ok(sound.rms > 0.05 && sound.peak < 0.9, 'neither faint nor distorted')
  t.equal(first.durationMs, Math.round(sound.samples.length / 8))
  t.same(await readdir(folder), [`${first.hash}.wav`], 'nothing half-made lies about')

  const afterRestart = new PromptStore({ folder, voice: { id: voice.id, render: mute.render.bind(mute), close: mute.close.bind(mute) } })
  t.same(await afterRestart.add(welcome), first, 'the voice is not asked again')
})

t.test('another text, language or voice is another prompt', async (t) => {
  const { store, folder, voice } = await storeWith(t)
  const other = new PromptStore({ folder, voice: { id: 'another', render: voice.render.bind(voice), close: async () => {} } })
  t.teardown(() => other.close())
  const prompts = await Promise.all([store.add(welcome), store.add(goodbye), store.add({ ...welcome, language: 'en' }), other.add(welcome)])
  t.equal(new Set(prompts.map((prompt) => prompt.hash)).size, 4)
})

t.test('a call that goes on under an old flow still gets its prompt after a restart', async (t) => {
  const { store, folder } = await storeWith(t)
  const { hash } = await store.add(welcome)
  const { store: restarted } = await storeWith(t, mute, folder)
  t.ok((await restarted.get(hash))?.wav.equals((await store.get(hash))?.wav ?? Buffer.alloc(0)))
  t.equal(await restarted.get('0'.repeat(40)), undefined)
  t.equal(await restarted.get('../secret'), undefined)
})

t.test('what a power cut left of a prompt is made again', async (t) => {
  const { store, folder, voice } = await storeWith(t)
  const { hash, durationMs } = await store.add(goodbye)
  await truncate(join(folder, `${hash}.wav`), 0)
  const { store: restarted } = await storeWith(t, voice, folder)
  t.match(await restarted.add(goodbye), { hash })
  t.ok(Math.abs(((await restarted.get(hash))?.durationMs ?? 0) - durationMs) < 100)
})

t.test('what speaks of a person is never written down, nor to be kept, nor guessable', async (t) => {
  const { store, folder } = await storeWith(t)
  await mkdir(folder)
  const [one, two] = await Promise.all([store.addPersonal('Frau Maier', 'de'), store.addPersonal('Frau Maier', 'de')])
  t.not(one.hash, two.hash)
  t.equal((await store.get(one.hash))?.cacheControl, 'no-store')
  t.same(await readdir(folder), [])
  store.forget(one.hash)
  t.equal(await store.get(one.hash), undefined)
})

t.test('an audio file of any rate, width and number of channels becomes telephone sound of the same length', async (t) => {
  const { store } = await storeWith(t, mute)
  const folder = t.testdir()
  for (const rate of [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]) {
    const file = join(folder, `${rate}.wav`)
    await writeFile(file, writeWav(tone(1000, 2, rate), rate))
    const { durationMs, hash } = await store.add({ file })
    t.ok(Math.abs(durationMs - 2000) < 25, `${rate}: ${durationMs} ms`)
    const { samples } = heard((await store.get(hash))?.wav ?? Buffer.alloc(0))
    const zeroCrossings = samples.reduce((count, x, at) => count + ((samples[at - 1] ?? 0) < 0 && x >= 0 ? 1 : 0), 0)
    t.ok(Math.abs(zeroCrossings - 2000) < 10, `${rate}: still 1000 Hz`)
  }
  // 24 bit, stereo, one side silent, with an odd chunk before the sound
  await writeFile(join(folder, 'studio.wav'), studioWav(48_000))
  const { hash, durationMs } = await store.add({ file: join(folder, 'studio.wav') })
  t.ok(Math.abs(durationMs - 1000) < 25)
  t.ok(heard((await store.get(hash))?.wav ?? Buffer.alloc(0)).rms > 0.05)
})

t.test('what a telephone cannot carry does not come back as another tone', async (t) => {
  const { store } = await storeWith(t, mute)
  const file = join(t.testdir(), 'whistle.wav')
  const whistle = tone(5000, 1, 48_000)
  const voice = tone(400, 1, 48_000, 0.05)
  await writeFile(
    file,
    writeWav(
      whistle.map((x, at) => x / 2 + (voice[at] ?? 0)),
      48_000,
    ),
  )
  const { samples } = heard((await store.get((await store.add({ file })).hash))?.wav ?? Buffer.alloc(0))
  t.ok(level(samples, 3000) < level(samples, 400) / 100, '5 kHz would fold back to 3 kHz')
})

t.test('faint and loud recordings end up equally loud', async (t) => {
  const { store, voice } = await storeWith(t)
  const spoken = readWav(await voice.render(welcome.text, 'de'))
  const folder = t.testdir()
  const levels = await Promise.all(
    [0.05, 0.2, 0.9].map(async (gain) => {
      const file = join(folder, `${gain}.wav`)
      await writeFile(
        file,
        writeWav(
          Int16Array.from(spoken.channels[0] ?? [], (x) => x * gain * 32767),
          spoken.sampleRate,
        ),
      )
      return heard((await store.get((await store.add({ file })).hash))?.wav ?? Buffer.alloc(0)).rms
    }),
  )
  for (const rms of levels) t.ok(Math.abs(20 * Math.log10(rms / (levels[1] ?? 1))) < 3, `${levels}`)
})

t.test('a file that is no audio is named, with what it is and what to do', async (t) => {
  const { store } = await storeWith(t, mute)
  const folder = t.testdir({
    'text.wav': 'Willkommen',
    'empty.wav': '',
    'music.wav': 'ID3\x04 and so on',
    'voice.wav': 'OggS and so on',
    folder: {},
  })
  await writeFile(join(folder, 'cut.wav'), writeWav(tone(440, 1, 8000), 8000).subarray(0, 20))
  await writeFile(join(folder, 'silent.wav'), writeWav(new Int16Array(), 8000))
  const why = async (name: string) => {
    const error: unknown = await store.add({ file: join(folder, name) }).then(
      () => 'it was taken',
      (thrown: unknown) => thrown,
    )
    if (!(error instanceof AudioFileError)) throw error
    t.equal(error.file, join(folder, name))
    t.ok(error.message.startsWith(error.file) && error.hint.length > 0)
    return error.why
  }
  t.equal(await why('text.wav'), 'it is not a WAV file')
  t.equal(await why('empty.wav'), 'it is empty')
  t.equal(await why('music.wav'), 'it is not a WAV file but an MP3')
  t.equal(await why('voice.wav'), 'it is not a WAV file but an Ogg file')
  t.match(await why('cut.wav'), /cut short/)
  t.match(await why('silent.wav'), /without any sound/)
  t.equal(await why('missing.wav'), 'there is no such file')
  t.equal(await why('folder'), 'it is a folder')
})

t.test('a prompt that failed can be added again', async (t) => {
  const { store } = await storeWith(t, mute)
  const file = join(t.testdir({ 'beep.wav': 'no sound yet' }), 'beep.wav')
  await t.rejects(store.add({ file }))
  await writeFile(file, writeWav(tone(440, 1, 8000), 8000))
  t.match(await store.add({ file }), { hash: /^[0-9a-f]{40}$/ })
  await t.rejects(store.add(welcome), { name: 'VoiceError' } as Error)
})

/** How much of one frequency there is (Goertzel). */
function level(samples: Float32Array, hz: number): number {
  const w = 2 * Math.cos((2 * Math.PI * hz) / 8000)
  let [a, b] = [0, 0]
  for (const x of samples) [a, b] = [x + w * a - b, a]
  return Math.sqrt(Math.max(0, a * a + b * b - w * a * b)) / samples.length
}

function studioWav(rate: number): Buffer {
  const data = Buffer.alloc(rate * 6)
  for (let at = 0; at < rate; at++) data.writeIntLE(Math.round(4_000_000 * Math.sin((2 * Math.PI * 500 * at) / rate)), at * 6, 3)
  const format = Buffer.alloc(16)
  format.writeUInt16LE(1, 0)
  format.writeUInt16LE(2, 2)
  format.writeUInt32LE(rate, 4)
  format.writeUInt32LE(rate * 6, 8)
  format.writeUInt16LE(6, 12)
  format.writeUInt16LE(24, 14)
  const chunk = (name: string, body: Buffer) => {
    const head = Buffer.alloc(8)
    head.write(name, 'latin1')
    head.writeUInt32LE(body.length, 4)
    return Buffer.concat([head, body, Buffer.alloc(body.length % 2)])
  }
  return chunk(
    'RIFF',
    Buffer.concat([Buffer.from('WAVE'), chunk('fmt ', format), chunk('LIST', Buffer.from('INFOabc')), chunk('data', data)]),
  )
}
