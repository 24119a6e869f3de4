import t from 'tap'
import { PromptStore } from '../../../../src/app/prompts.ts'
import { readWav } from '../../../../src/app/audio/wav.ts'
import { decode, encode, type Codec } from '../../../../src/local/phone/rtp/codec.ts'
import { PromptShape } from '../../../../src/local/phone/rtp/recognise.ts'
import { theVoice } from '../../voice/the-voice.ts'

const texts = {
  welcome: 'Willkommen bei der Störungsstelle. Bitte geben Sie jetzt Ihre fünfstellige PIN ein.',
  wrong: 'Die PIN ist leider nicht richtig. Bitte versuchen Sie es noch einmal.',
  again: 'Willkommen zurück. Bitte haben Sie einen Augenblick Geduld.',
  voicemail: 'Bitte hinterlassen Sie nach dem Signalton Ihre Nachricht.',
  short: 'Danke.',
}
type Name = keyof typeof texts

const voice = await theVoice()
const store = new PromptStore({ folder: t.testdir(), voice })
t.teardown(() => Promise.all([store.close(), voice.close()]))
const prompts = new Map<Name, Int16Array>()
for (const [name, text] of Object.entries(texts) as [Name, string][]) {
  const { hash } = await store.add({ text, language: 'de' })
  prompts.set(
    name,
    Int16Array.from(readWav((await store.get(hash))?.wav ?? Buffer.alloc(0)).channels[0] ?? [], (x) => x * 32767),
  )
}
const samplesOf = (name: Name) => prompts.get(name) ?? new Int16Array()

/** As it comes over the line: so much silence before, through G.711, a little fainter, perhaps without some packets. */
function overTheLine(
  parts: readonly (Int16Array | number)[],
  { codec = 'alaw', lost = () => false, gain = 1 }: { codec?: Codec; lost?: (packet: number) => boolean; gain?: number } = {},
): Float32Array {
  const all = parts.flatMap((part) => (typeof part === 'number' ? Array<number>(part).fill(0) : [...part]))
  const heard = Float32Array.from(
    decode(
      codec,
      encode(
        codec,
        Int16Array.from(all, (x) => x * gain),
      ),
    ),
  )
  for (let packet = 0; packet * 160 < heard.length; packet++) if (lost(packet)) heard.fill(0, packet * 160, (packet + 1) * 160)
  return heard
}

t.test('each prompt is recognised where it is, and none of the others', async (t) => {
  for (const [name, samples] of prompts) {
    const heard = overTheLine([4321, samples, 3000])
    for (const [other, shape] of prompts) {
      const found = new PromptShape(shape).find(heard)
      if (other === name) t.match(found, { startSample: 4321, complete: true }, name)
      else t.equal(found, undefined, `${other} in ${name}`)
    }
  }
})

t.test('through µ-law, fainter, and with one packet in thirty lost', async (t) => {
  const heard = overTheLine([1234, samplesOf('welcome')], { codec: 'ulaw', gain: 0.2, lost: (packet) => packet % 30 === 17 })
  t.match(new PromptShape(samplesOf('welcome')).find(heard), { startSample: 1234, complete: true })
})

t.test('a prompt that the caller interrupts was heard up to there', async (t) => {
  const cut = 16_000
  const found = new PromptShape(samplesOf('welcome')).find(overTheLine([800, samplesOf('welcome').subarray(0, cut), 8000]))
  t.equal(found?.startSample, 800)
  t.equal(found?.complete, false)
  t.ok((found?.heardSamples ?? 0) > cut - 6400 && (found?.heardSamples ?? 0) <= cut, `${found?.heardSamples}`)
})

t.test('a prompt whose first half second came damaged is recognised by what follows; an older one is not', async (t) => {
  const welcome = samplesOf('welcome')
  const heard = overTheLine([800, samplesOf('wrong').subarray(0, 4800), welcome.subarray(4800)])
  const shape = new PromptShape(welcome)
  t.match(shape.find(heard), { startSample: 800, complete: true })
  t.equal(shape.find(heard.subarray(1600)), undefined, 'it had begun before anybody listened')
})

t.test('one prompt after another, each at its place, and the same one twice', async (t) => {
  const heard = overTheLine([samplesOf('wrong'), samplesOf('welcome'), 500, samplesOf('wrong')])
  t.equal(new PromptShape(samplesOf('welcome')).find(heard)?.startSample, samplesOf('wrong').length)
  const first = new PromptShape(samplesOf('wrong')).find(heard)
  t.equal(first?.startSample, 0)
  const second = new PromptShape(samplesOf('wrong')).find(heard, 8000)
  t.equal(second?.startSample, samplesOf('wrong').length + samplesOf('welcome').length + 500)
})

t.test('silence, hiss and a tone are no prompt', async (t) => {
  const shape = new PromptShape(samplesOf('welcome'))
  t.equal(shape.find(new Float32Array(40_000)), undefined)
  t.equal(shape.find(Float32Array.from({ length: 40_000 }, () => Math.random() * 2000 - 1000)), undefined)
  t.equal(shape.find(Float32Array.from({ length: 40_000 }, (_, at) => 8000 * Math.sin(at / 10))), undefined)
  t.equal(new PromptShape(new Int16Array(8000)).find(new Float32Array(40_000)), undefined, 'a silent prompt is never heard')
})
