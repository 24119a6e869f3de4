import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readWav } from '../../../src/app/audio/wav.ts'
import { VoiceError } from '../../../src/app/ports/voice.ts'
import { cacheDir } from '../../../src/local/cache.ts'
import { ensureDebianPackages } from '../../../src/local/debian-packages.ts'
import { silent } from '../../../src/local/progress.ts'
import { CommandVoice } from '../../../src/local/voice/command.ts'
import { espeakFrom } from '../../../src/local/voice/espeak.ts'
import { openVoice } from '../../../src/local/voice/open.ts'
import { PicoVoice } from '../../../src/local/voice/pico.ts'
import { theVoice } from './the-voice.ts'

const german = 'Willkommen bei der Störungsstelle. Bitte geben Sie Ihre PIN ein.'
const english = 'Welcome to the fault desk. Please enter your PIN.'

function speechOf(wav: Buffer) {
  const sound = readWav(wav)
  const samples = sound.channels[0] ?? new Float32Array()
  const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)
  return { channels: sound.channels.length, rate: sound.sampleRate, seconds: samples.length / sound.sampleRate, rms }
}

t.test('the voice speaks German and English, as long as a person would take, and to be heard', async (t) => {
  const voice = await theVoice()
  t.teardown(() => voice.close())
  for (const [text, language] of [
    [german, 'de'],
    [english, 'en'],
  ] as const) {
    const speech = speechOf(await voice.render(text, language))
    t.equal(speech.channels, 1)
    t.ok(speech.rate === 8000 || speech.rate === 16_000 || speech.rate === 22_050, `${speech.rate} samples a second`)
    t.ok(speech.seconds > 2 && speech.seconds < 8, `${language} takes ${speech.seconds} s`)
    t.ok(speech.rms > 0.02, `${language} is audible (${speech.rms})`)
  }
})

t.test('German and English are spoken differently', async (t) => {
  const voice = await theVoice()
  t.teardown(() => voice.close())
  const [asGerman, asEnglish] = await Promise.all([voice.render(english, 'de'), voice.render(english, 'en')])
  t.not(asGerman.length, asEnglish.length)
})

t.test('several texts at once are each spoken as they are alone', async (t) => {
  // Not to the last bit: Pico's noise goes on from text to text.
  const voice = await theVoice()
  t.teardown(() => voice.close())
  const texts = ['Eins', 'Zwei', 'Drei', 'Vier'].map((text) => `${text}, bitte warten.`)
  const together = await Promise.all(texts.map((text) => voice.render(text, 'de')))
  for (const [at, text] of texts.entries()) t.equal((await voice.render(text, 'de')).length, together[at]?.length)
})

t.test('angle brackets are no markup, and umlauts, digits and a long text are spoken', async (t) => {
  const voice = await theVoice()
  t.teardown(() => voice.close())
  const plain = speechOf(await voice.render('Wählen Sie größer 5 Ähren.', 'de'))
  const marked = speechOf(await voice.render('Wählen Sie <speed level="500">größer 5 Ähren</speed>.', 'de'))
  t.ok(marked.seconds > plain.seconds, 'what looks like markup is read out')
  const long = speechOf(await voice.render(german.repeat(20), 'de'))
  t.ok(long.seconds > 20 * 2)
})

t.test('Pico says which languages it speaks when asked for another', async (t) => {
  t.match(await failureOf(new PicoVoice('/').render('Goedendag', 'nl')), { reason: 'language', message: /"nl".*de, en/ })
})

t.test('where Pico is not to be had, espeak-ng out of Debian speaks, without being installed', async (t) => {
  const packages = await ensureDebianPackages({
    name: 'voice-espeak',
    packages: ['espeak-ng'],
    suite: 'sid',
    components: ['main'],
    cacheDir: await cacheDir(),
    progress: silent,
  })
  const voice = await espeakFrom(packages)
  const speech = speechOf(await voice.render(german, 'de'))
  t.ok(speech.seconds > 2 && speech.seconds < 10)
  t.ok(speech.rms > 0.02)
})

t.test("a program of one's own: text on its input, a WAV on its output", async (t) => {
  const voice = await theVoice()
  t.teardown(() => voice.close())
  const folder = await mkdtemp(join(tmpdir(), 'pforte-voice-'))
  const wav = await voice.render(german, 'de')
  await writeFile(join(folder, 'de.wav'), wav)
  const own = await openVoice({
    command: `tee ${folder}/heard.txt >/dev/null; tr '\\0' ' ' </proc/$$/cmdline >${folder}/listed.txt; cat ${folder}/{language}.wav`,
    cacheDir: folder,
    progress: silent,
  })
  t.ok((await own.render('Frau Maier ruft an', 'de')).equals(wav))
  t.equal(await readFile(join(folder, 'heard.txt'), 'utf8'), 'Frau Maier ruft an')
  t.notMatch(await readFile(join(folder, 'listed.txt'), 'utf8'), /Maier/, 'the text is not in the process list')
})

t.test('a program that fails is told in one line that never repeats the text', async (t) => {
  const secret = 'Frau Maier'
  const say = async (command: [string, ...string[]], timeLimitMs = 5000, language = 'de') => {
    const failure = await failureOf(new CommandVoice({ name: 'tts.command', command, timeLimitMs }).render(secret, language))
    t.notMatch(failure.message, /Maier/)
    return failure
  }
  t.match(await say(['no-such-voice']), { reason: 'missing', message: /no program "no-such-voice"/ })
  t.match(await say(['/bin/sh', '-c', 'cat >&2; exit 3']), { reason: 'failed', message: /ended with 3/ })
  t.match(await say(['/bin/sh', '-c', 'exit 0']), { reason: 'failed', message: /wrote no sound/ })
  t.match(await say(['sleep', '60'], 50), { reason: 'failed', message: /SIGKILL/ })
  t.match(await say(['true'], 5000, '; rm x'), { reason: 'language' })
})

async function failureOf(speaking: Promise<Buffer>): Promise<VoiceError> {
  const failure: unknown = await speaking.then(
    () => 'it spoke',
    (error: unknown) => error,
  )
  if (!(failure instanceof VoiceError)) throw failure
  return failure
}
