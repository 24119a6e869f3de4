import t from 'tap'
import { writeWav } from '../../../../src/app/audio/wav.ts'
import { Heard } from '../../../../src/local/phone/rtp/heard.ts'

/** Sound that is alike nowhere: noise whose pitch wanders. */
function speechLike(seed: number, seconds: number): Int16Array {
  let phase = 0
  let wander = seed
  return Int16Array.from({ length: seconds * 8000 }, (_, at) => {
    if (at % 400 === 0) wander = (wander * 16_807) % 2_147_483_647
    phase += (2 * Math.PI * (90 + (wander % 160))) / 8000
    return 9000 * (Math.sin(phase) + 0.5 * Math.sin(3 * phase + seed))
  })
}

const packets = (samples: Int16Array) =>
  Array.from({ length: Math.floor(samples.length / 160) }, (_, at) => samples.subarray(at * 160, (at + 1) * 160))

/** Plays sound to it as RTP would, one packet each 20 ms, from `startAt` on. */
function play(
  heard: Heard,
  samples: Int16Array,
  {
    startAt = 1000,
    source = 1,
    timestamp = 0,
    lost = () => false,
  }: { startAt?: number; source?: number; timestamp?: number; lost?: (packet: number) => boolean } = {},
): number {
  for (const [index, packet] of packets(samples).entries()) {
    if (!lost(index)) heard.add(startAt + index * 20, source, timestamp + index * 160, packet)
  }
  return startAt + packets(samples).length * 20
}

const one = speechLike(11, 4)
const other = Int16Array.from([...one.subarray(0, 12_000), ...speechLike(77, 2)])

t.test('a prompt is found when it was, also after a gap and from another source', async (t) => {
  const heard = new Heard()
  const endedAt = play(heard, new Int16Array(8000))
  play(heard, one, { startAt: endedAt + 500, source: 2, timestamp: 0xffff_f000 })
  t.match(heard.hears(writeWav(one, 8000)), { startedAt: endedAt + 500, heardMs: 4000, complete: true })
  t.equal(heard.durationMs, 1000 + 480 + 20 + 4000, 'the gap is part of the time line')
  t.equal(heard.hears(writeWav(one, 8000), endedAt + 2000), undefined, 'not once it has begun')
})

t.test('a process that is held up for a second hears the same', async (t) => {
  const heard = new Heard()
  for (const [index, packet] of packets(one).entries()) {
    const sentAt = 1000 + index * 20
    const heldUp = sentAt > 2000 && sentAt < 3000
    heard.add(heldUp ? 3000 : sentAt, 1, index * 160, packet)
  }
  t.match(heard.hears(writeWav(one, 8000)), { heardMs: 4000, complete: true })
})

t.test('sound that comes late is waited for: a clock that ran on alone makes no silence', async (t) => {
  const heard = new Heard()
  const now = performance.now()
  play(heard, one.subarray(0, 8000), { startAt: now - 1500 })
  play(heard, new Int16Array(640), { startAt: now - 60, timestamp: 8000 })
  const silence = heard.waitForSilence(100)
  const early = Symbol('only 80 of 100 ms have come')
  t.equal(await Promise.race([silence, new Promise((resolve) => setImmediate(resolve, early))]), early)
  heard.add(performance.now(), 1, 8640, new Int16Array(160))
  t.ok((await silence) < now)
})

t.test('silence is also that nothing comes any more', async (t) => {
  const heard = new Heard()
  const endedAt = play(heard, one, { startAt: performance.now() - 4100 })
  t.equal(await heard.waitForSilence(100), endedAt - 20)
})

t.test('two prompts are told apart as well when the process is held up while it waits for them', async (t) => {
  const prompts = new Map([
    ['one', writeWav(one, 8000)],
    ['other', writeWav(other, 8000)],
  ])
  const heard = new Heard()
  const waiting = heard.waitForOneOf(prompts)
  for (const [index, packet] of packets(other).entries()) {
    const sentAt = 1000 + index * 20
    heard.add(sentAt > 1400 && sentAt < 3400 ? 3400 : sentAt, 1, index * 160, packet)
  }
  t.match(await waiting, { name: 'other', heard: { startedAt: 1000 } })
})

t.test('late and repeated packets change nothing', async (t) => {
  const heard = new Heard()
  play(heard, one)
  const { durationMs, packets } = heard
  for (const late of [197, 199]) heard.add(5000, 1, late * 160, new Int16Array(160).fill(1000))
  t.same([heard.durationMs, heard.packets], [durationMs, packets])
  t.match(heard.hears(writeWav(one, 8000)), { complete: true })
})

t.test('the longest gap is told, the one at the end too', async (t) => {
  const heard = new Heard()
  t.equal(heard.longestGapMs(), Infinity, 'nothing at all was heard')
  const endedAt = play(heard, one, { lost: (packet) => packet > 20 && packet < 30 })
  t.equal(heard.longestGapMs({ until: endedAt }), 200)
  t.equal(heard.longestGapMs({ until: endedAt + 980 }), 1000)
  t.equal(heard.longestGapMs({ since: 2000, until: endedAt }), 20)
})

t.test('of two prompts that begin with the same words, the right one is named', async (t) => {
  const prompts = new Map([
    ['one', writeWav(one, 8000)],
    ['other', writeWav(other, 8000)],
  ])
  for (const [name, samples] of [
    ['one', one],
    ['other', other],
  ] as const) {
    const heard = new Heard()
    const waiting = heard.waitForOneOf(prompts)
    play(heard, samples)
    t.match(await waiting, { name, heard: { startedAt: 1000 } })
  }
})

t.test('a tone is told from another and from speech', async (t) => {
  const heard = new Heard()
  play(
    heard,
    Int16Array.from({ length: 4000 }, (_, at) => 8000 * Math.sin((2 * Math.PI * 425 * at) / 8000)),
  )
  t.ok(heard.toneLevel(425) > 0.95)
  t.ok(heard.toneLevel(1400) < 0.01)
  const speech = new Heard()
  play(speech, one)
  t.ok(speech.toneLevel(425) < 0.5)
})
