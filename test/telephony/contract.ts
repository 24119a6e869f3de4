/**
 * What every telephony owes to Pforte (`src/app/ports/telephony.ts`), told on
 * a real Asterisk with real phones. Each way of sending commands runs it.
 */
import type { Test } from 'tap'
import type { Telephony, TelephonyCommand } from '../../src/app/ports/telephony.ts'
import type { Call } from '../../src/local/phone/call.ts'
import type { IncomingCall } from '../../src/local/phone/incoming.ts'
import type { Phone } from '../../src/local/phone/phone.ts'
import type { Transport } from '../../src/telephony/asterisk-version.ts'
import { openTelephony } from '../../src/telephony/open.ts'
import { startPbx, type Pbx } from './support/pbx.ts'
import { proxyTo } from './support/proxy.ts'
import { keptLog, Witness, type Line } from './support/witness.ts'

type Scene = { pbx: Pbx; telephony: Telephony; seen: Witness; lines: Line[]; send(command: TelephonyCommand): Promise<void> }

const ANNA = { id: 'anna', username: 'anna', password: 'quittengelee' }
const LIMIT_MS = 3_000
/** A test of one file takes this long at most. */
const ALL_MS = 200_000

/** While it sounds, Asterisk hears neither `#` nor our stop. */
const afterTheBeep = (call: Call): Promise<boolean> => call.play({ hz: 440, ms: 1_500 })

export async function telephonyContract(t: Test, transport: Transport): Promise<void> {
  t.setTimeout(ALL_MS)
  const pbx = await startPbx(t)
  let count = 0
  const id = (what: string): string => `${what}-${process.pid}-${++count}`

  const open = (url: string, settings: { pingMs?: number; limitMs?: number } = {}): Omit<Scene, 'send'> => {
    const { log, lines } = keptLog()
    const { user, password, promptUrl } = pbx
    const telephony = openTelephony({ url, user, password, app: 'pforte', transport, promptUrl, log, limitMs: LIMIT_MS, ...settings })
    return { pbx, telephony, seen: new Witness(telephony), lines }
  }

  /** A connected telephony, closed when its story is over. */
  const scene = async (t: Test, url = pbx.ariUrl, settings = {}): Promise<Scene> => {
    const parts = open(url, settings)
    t.teardown(() => parts.telephony.close())
    await parts.telephony.connect()
    const send = async (command: TelephonyCommand): Promise<void> => {
      t.same(await parts.telephony.send(command), { ok: true, value: undefined }, command.do)
    }
    return { ...parts, send }
  }

  /** A caller who has been answered. */
  const caller = async (t: Test, { seen, send }: Scene): Promise<{ leg: string; call: Call }> => {
    const phone = await pbx.phone(t, '+496215550100')
    const calling = phone.call(pbx.hotline)
    const { leg } = await seen.event('callerArrived')
    await send({ do: 'answer', leg })
    return { leg, call: await calling }
  }

  /** Anna's registered phone, and the next call on it. */
  const anna = async (t: Test, { telephony }: Scene): Promise<{ phone: Phone; rings: Promise<IncomingCall> }> => {
    t.match(await telephony.pushAgent(ANNA), { ok: true })
    const phone = await pbx.phone(t, ANNA.username, ANNA.password)
    await phone.register()
    const { promise, resolve } = Promise.withResolvers<IncomingCall>()
    phone.onCall((call) => {
      call.ring()
      resolve(call)
    })
    return { phone, rings: promise }
  }

  const ring = (leg: string, forCaller: string, timeoutMs = 20_000): TelephonyCommand =>
    ({ do: 'ring', leg, endpoint: ANNA.id, callerId: { name: 'Premium · Müller "GmbH"', number: '+496215550100' }, timeoutMs, forCaller })

  t.test('connecting says what is there and how it is talked to', async (t) => {
    const { telephony, seen } = await scene(t)
    t.match(telephony.status, { is: 'connected', version: pbx.version, transport })
    t.same(seen.statuses, [telephony.status])
  })

  t.test('a caller arrives with what was dialled, the number and the trunk', async (t) => {
    const { seen } = await scene(t)
    const phone = await pbx.phone(t, '+496215550100')
    const dialling = await phone.dial(pbx.hotline)
    t.match(await seen.event('callerArrived'), { dialled: 'hotline', caller: '+496215550100', trunk: 'anonymous', at: Number })
    await dialling.cancel()
    await t.rejects(dialling.answered, { name: 'CallFailed', message: /487/ })
  })

  t.test('a caller who hides the number has none; one who sends garbage does no harm', async (t) => {
    const { seen } = await scene(t)
    const phone = await pbx.phone(t, 'somebody')
    const hidden = await phone.dial(pbx.hotline, { from: 'anonymous' })
    t.equal((await seen.event('callerArrived')).caller, null)
    const strange = await phone.dial(pbx.hotline, { from: { header: `"x" <sip:${'%0d%0a%1b'}${'4'.repeat(300)}@example.org>` } })
    const { caller } = await seen.event('callerArrived')
    t.match(caller, /^[^\p{Cc}]{1,64}$/u)
    await Promise.all([hidden.cancel(), strange.cancel(), hidden.answered.catch(() => {}), strange.answered.catch(() => {})])
  })

  t.test('a caller hangs up before the answer: the leg has ended, once', async (t) => {
    const { seen, telephony } = await scene(t)
    const phone = await pbx.phone(t, '+496215550100')
    const dialling = await phone.dial(pbx.hotline)
    const { leg } = await seen.event('callerArrived')
    await dialling.cancel()
    await dialling.answered.catch(() => {})
    t.equal((await seen.event('legEnded')).cause, 'hung_up')
    t.match(await telephony.send({ do: 'answer', leg }), { ok: false, why: 'gone' })
    t.equal(seen.endsOf(leg).length, 1)
  })

  t.test('a caller hears a prompt to its end', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    const playback = id('prompt')
    await here.send({ do: 'play', leg, playback, prompts: ['tone-500-a', 'tone-300-b'], language: 'de' })
    t.match(await here.seen.event('playbackFinished'), { playback, ok: true })
    await call.hangUp()
  })

  t.test('a caller types while the prompt is spoken: every digit comes, and the prompt can be cut short', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    const playback = id('prompt')
    await here.send({ do: 'play', leg, playback, prompts: ['tone-30000'], language: 'de' })
    await call.sendDigits('1*A#')
    for (const digit of ['1', '*', 'A', '#']) t.match(await here.seen.event('digit'), { leg, digit })
    await here.send({ do: 'stopPlayback', playback })
    t.match(await here.seen.event('playbackFinished'), { playback, ok: true })
    t.match(await here.telephony.send({ do: 'stopPlayback', playback }), { ok: false, why: 'gone' })
    await call.hangUp()
    await here.seen.event('legEnded')
    t.notMatch(JSON.stringify(here.lines), /digit/, 'and no log knows of it')
  })

  t.test('a prompt that is not there is told as not heard', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    const playback = id('prompt')
    await here.send({ do: 'play', leg, playback, prompts: ['missing'], language: 'de' })
    t.match(await here.seen.event('playbackFinished'), { playback, ok: false })
    await call.hangUp()
  })

  t.test('a caller hangs up during the prompt: the leg ends once, and so does the prompt', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    const playback = id('prompt')
    await here.send({ do: 'play', leg, playback, prompts: ['tone-30000'], language: 'de' })
    await call.hangUp()
    t.match(await here.seen.event('legEnded'), { leg, cause: 'hung_up' })
    await here.seen.event('playbackFinished')
    t.match(await here.telephony.send({ do: 'play', leg, playback: id('prompt'), prompts: ['tone-500-a'], language: 'de' }), { ok: false, why: 'gone' })
    t.equal(here.seen.endsOf(leg).length, 1)
  })

  t.test('music starts and stops', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    await here.send({ do: 'startMusic', leg })
    await here.send({ do: 'stopMusic', leg })
    await here.send({ do: 'hangUp', leg })
    t.match(await call.ended, { by: 'them' })
    t.match(await here.seen.event('legEnded'), { leg, cause: 'hung_up' })
  })

  t.test('a message is recorded until #, fetched whole, and deleted', async (t) => {
    const here = await scene(t)
    const { telephony, seen } = here
    const { leg, call } = await caller(t, here)
    const recording = id('message')
    await here.send({ do: 'record', leg, recording, maxMs: 60_000, silenceMs: 10_000 })
    await call.play({ hz: 440, ms: 2_500 })
    await call.sendDigits('#')
    const finished = await seen.event('recordingFinished')
    t.match(finished, { recording, talkingMs: Number })
    t.ok(finished.durationMs >= 1_000)

    const stored = await telephony.storedRecordings()
    t.ok(stored.ok && stored.value.some(({ name, format }) => name === recording && format === 'wav'))
    const file = await telephony.fetchRecording(recording)
    if (!file.ok) return t.fail(file.detail)
    const pieces: Uint8Array[] = []
    for await (const piece of file.value) pieces.push(piece)
    const wav = Buffer.concat(pieces)
    t.equal(wav.toString('latin1', 0, 4), 'RIFF')
    t.ok(wav.length > 16_000, 'more than a second of sound')

    t.match(await telephony.deleteRecording(recording), { ok: true })
    t.match(await telephony.deleteRecording(recording), { ok: false, why: 'gone' })
    t.match(await telephony.fetchRecording(recording), { ok: false, why: 'gone' })
    await call.hangUp()
  })

  t.test('silence ends a message, and so does hanging up, and so do we', async (t) => {
    const here = await scene(t)
    const { telephony, seen } = here
    const { leg, call } = await caller(t, here)
    const [first, second, third] = [id('message'), id('message'), id('message')]
    await here.send({ do: 'record', leg, recording: first, maxMs: 60_000, silenceMs: 1_000 })
    await call.play(new Int16Array(8_000 * 4))
    t.match(await seen.event('recordingFinished'), { recording: first })

    await here.send({ do: 'record', leg, recording: second, maxMs: 60_000, silenceMs: 0 })
    await afterTheBeep(call)
    await here.send({ do: 'stopRecording', recording: second })
    t.match(await seen.event('recordingFinished'), { recording: second })
    t.match(await telephony.send({ do: 'stopRecording', recording: second }), { ok: false, why: 'gone' })

    await here.send({ do: 'record', leg, recording: third, maxMs: 60_000, silenceMs: 0 })
    await afterTheBeep(call)
    await call.hangUp()
    t.match(await seen.event('recordingFinished'), { recording: third })
    for (const name of [first, second, third]) t.match(await telephony.deleteRecording(name), { ok: true })
  })

  t.test('an agent is rung, answers, talks to the caller and hangs up', async (t) => {
    const here = await scene(t)
    const { phone, rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const [leg, bridge] = [id('leg'), id('bridge')]
    await here.send(ring(leg, callerLeg))
    const ringing = await rings
    t.equal(ringing.callerId, '+496215550100')
    t.equal(ringing.displayName, 'Premium · Müller GmbH')
    const agentCall = await ringing.answer()
    t.match(await here.seen.event('legAnswered'), { leg })

    await here.send({ do: 'createBridge', bridge })
    await here.send({ do: 'joinBridge', bridge, legs: [callerLeg, leg] })
    await call.sendDigits('7')
    t.equal(await agentCall?.waitForDigits(1), '7', 'they are joined')
    await agentCall?.hangUp()
    t.match(await here.seen.event('legEnded'), { leg, cause: 'hung_up' })
    await here.send({ do: 'destroyBridge', bridge })
    t.match(await here.telephony.send({ do: 'destroyBridge', bridge }), { ok: false, why: 'gone' })
    await here.send({ do: 'hangUp', leg: callerLeg })
    t.match(await call.ended, { by: 'them' })
    t.match(await here.seen.event('legEnded'), { leg: callerLeg, cause: 'hung_up' })
    t.equal(phone.calls.length, 0)
  })

  for (const [what, status, cause] of [['says no', 603, 'rejected'], ['is busy', 486, 'busy'], ['does not want to be disturbed', 480, 'no_answer'], ['is not there', 404, 'unreachable']] as const) {
    t.test(`an agent's phone ${what}`, async (t) => {
      const here = await scene(t)
      const { rings } = await anna(t, here)
      const { leg: callerLeg, call } = await caller(t, here)
      const leg = id('leg')
      await here.send(ring(leg, callerLeg))
      ;(await rings).reject(status)
      t.match(await here.seen.event('legEnded'), { leg, cause })
      await call.hangUp()
      await here.seen.event('legEnded')
      t.equal(here.seen.endsOf(leg).length, 1)
    })
  }

  t.test('nobody picks up: the PBX gives up by itself, and we can give up before', async (t) => {
    const here = await scene(t)
    const { phone, rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const [leg, other] = [id('leg'), id('leg')]
    await here.send(ring(leg, callerLeg, 1_000))
    await (await rings).cancelled
    t.match(await here.seen.event('legEnded'), { leg, cause: 'no_answer' })

    const { promise, resolve } = Promise.withResolvers<IncomingCall>()
    phone.onCall(resolve)
    await here.send(ring(other, callerLeg))
    const ringing = await promise
    await here.send({ do: 'hangUp', leg: other })
    await ringing.cancelled
    t.match(await here.seen.event('legEnded'), { leg: other, cause: 'no_answer' })
    await call.hangUp()
  })

  t.test('a phone that is not registered, or an account that is not there, is refused at once', async (t) => {
    const here = await scene(t)
    const { leg: callerLeg, call } = await caller(t, here)
    t.match(await here.telephony.pushAgent({ id: 'ben', username: 'ben', password: 'hagebutte' }), { ok: true })
    const ringBen = { ...ring(id('leg'), callerLeg), endpoint: 'ben' } as TelephonyCommand
    t.match(await here.telephony.send(ringBen), { ok: false, why: 'refused' })
    t.match(await here.telephony.send({ ...ringBen, endpoint: 'nobody' } as TelephonyCommand), { ok: false, why: 'refused' })
    t.match(await here.telephony.send({ ...ringBen, endpoint: 'a&PJSIP/b' } as TelephonyCommand), { ok: false, why: 'refused' })
    await call.hangUp()
  })

  t.test('doing a thing twice is a conflict: bridge, leg, recording', async (t) => {
    const here = await scene(t)
    const { rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const [bridge, leg, recording] = [id('bridge'), id('leg'), id('message')]
    await here.send({ do: 'createBridge', bridge })
    t.match(await here.telephony.send({ do: 'createBridge', bridge }), { ok: false, why: 'conflict' })
    await here.send(ring(leg, callerLeg))
    t.match(await here.telephony.send(ring(leg, callerLeg)), { ok: false, why: 'conflict' })
    const nobody = { ...ring(id('leg'), callerLeg), endpoint: 'nobody' } as TelephonyCommand
    t.match(await here.telephony.send(nobody), { ok: false, why: 'refused' }, 'and what fails for another reason after that is none')
    const record: TelephonyCommand = { do: 'record', leg: callerLeg, recording, maxMs: 60_000, silenceMs: 0 }
    await here.send(record)
    t.match(await here.telephony.send(record), { ok: false, why: 'conflict' })
    await afterTheBeep(call)
    await call.sendDigits('#')
    await here.seen.event('recordingFinished')
    t.match(await here.telephony.send(record), { ok: false, why: 'conflict' }, 'also when it is there already')
    await here.telephony.deleteRecording(recording)
    await here.send({ do: 'destroyBridge', bridge })
    await here.send({ do: 'hangUp', leg })
    await (await rings).cancelled
    await call.hangUp()
  })

  t.test('what is not there (any more) is gone, whatever is asked of it', async (t) => {
    const here = await scene(t)
    const { leg: callerLeg, call } = await caller(t, here)
    const bridge = id('bridge')
    await here.send({ do: 'createBridge', bridge })
    const commands: TelephonyCommand[] = [
      { do: 'answer', leg: 'nobody' },
      { do: 'play', leg: 'nobody', playback: id('prompt'), prompts: ['tone-500-a'], language: 'de' },
      { do: 'stopPlayback', playback: 'nothing' },
      { do: 'startMusic', leg: 'nobody' },
      { do: 'stopMusic', leg: 'nobody' },
      { do: 'record', leg: 'nobody', recording: id('message'), maxMs: 1_000, silenceMs: 0 },
      { do: 'stopRecording', recording: 'nothing' },
      { do: 'joinBridge', bridge: 'nowhere', legs: [callerLeg] },
      { do: 'joinBridge', bridge, legs: ['nobody'] },
      { do: 'destroyBridge', bridge: 'nowhere' },
      { do: 'hangUp', leg: 'nobody' },
      ring(id('leg'), 'nobody'),
    ]
    for (const command of commands) t.match(await here.telephony.send(command), { ok: false, why: 'gone' }, command.do)
    t.match(await here.telephony.removeAgent('nobody'), { ok: false, why: 'gone' })
    await here.send({ do: 'destroyBridge', bridge })
    await call.hangUp()
  })

  t.test('commands for one leg are carried out in the order in which they were given', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    const prompts = Array.from({ length: 12 }, () => id('prompt'))
    const sent = prompts.flatMap((playback) => [
      here.telephony.send({ do: 'play', leg, playback, prompts: ['tone-30000'], language: 'de' }),
      here.telephony.send({ do: 'stopPlayback', playback }),
    ])
    t.ok((await Promise.all(sent)).every(({ ok }) => ok), 'none was stopped before it was played')
    for (const playback of prompts) t.match(await here.seen.event('playbackFinished'), { playback })
    await call.hangUp()
  })

  t.test('what the PBX keeps for us can be asked for', async (t) => {
    const here = await scene(t)
    const { rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const [leg, bridge, recording] = [id('leg'), id('bridge'), id('message')]
    await here.send(ring(leg, callerLeg))
    await rings
    await here.send({ do: 'createBridge', bridge })
    await here.send({ do: 'record', leg: callerLeg, recording, maxMs: 60_000, silenceMs: 0 })
    const observed = await here.telephony.observe([recording, 'nothing'])
    if (!observed.ok) return t.fail(observed.detail)
    t.match(observed.value.legs.find((one) => one.leg === callerLeg), { state: 'up', dialled: 'hotline', caller: '+496215550100', trunk: 'anonymous' })
    t.match(observed.value.legs.find((one) => one.leg === leg), { state: 'ringing', dialled: null, caller: null, trunk: null })
    t.same(observed.value.bridges, [{ bridge, legs: [] }], 'an empty bridge too')
    t.same(observed.value.liveRecordings, [recording])

    await afterTheBeep(call)
    await call.sendDigits('#')
    await here.seen.event('recordingFinished')
    await here.send({ do: 'joinBridge', bridge, legs: [callerLeg] })
    const later = await here.telephony.observe([recording])
    t.match(later, { ok: true, value: { bridges: [{ bridge, legs: [callerLeg] }], liveRecordings: [] } })
    await here.send({ do: 'destroyBridge', bridge })
    await here.send({ do: 'hangUp', leg })
    await call.hangUp()
    await here.telephony.deleteRecording(recording)
  })

  t.test("an agent's account can be pushed again with a new password, and removed", async (t) => {
    const { telephony } = await scene(t)
    const clara = { id: 'clara', username: 'clara', password: 'mirabelle' }
    t.match(await telephony.pushAgent(clara), { ok: true })
    const phone = await pbx.phone(t, 'clara', 'mirabelle')
    await phone.register()
    await phone.unregister()
    t.match(await telephony.pushAgent({ ...clara, password: 'schlehe' }), { ok: true })
    await t.rejects(phone.register(), { name: 'RegistrationFailed' })
    const newPhone = await pbx.phone(t, 'clara', 'schlehe')
    await newPhone.register()
    await t.rejects(newPhone.call('hotline'), { message: /404/ }, 'it can dial nothing')
    t.match(await telephony.removeAgent('clara'), { ok: true })
    t.match(await telephony.removeAgent('clara'), { ok: false, why: 'gone' })
  })

  t.test('prompts are fetched before a caller needs them, and not again', async (t) => {
    const here = await scene(t)
    const prompts = Array.from({ length: 20 }, () => `tone-500-${id('warm')}`)
    t.match(await here.telephony.warm(prompts), { ok: true })
    t.ok(prompts.every((prompt) => pbx.fetched.get(prompt) === 1))
    t.match(await here.telephony.warm(prompts), { ok: true })
    const { leg, call } = await caller(t, here)
    await here.send({ do: 'play', leg, playback: id('prompt'), prompts: [prompts[0]!], language: 'de' })
    t.match(await here.seen.event('playbackFinished'), { ok: true })
    t.ok(prompts.every((prompt) => pbx.fetched.get(prompt) === 1), 'neither by warming twice nor by a caller')
    t.match(await here.telephony.observe([]), { ok: true, value: { bridges: [] } }, 'nothing is left of it')
    t.notOk(here.seen.events.some((event) => event.type === 'playbackFinished' && event.playback.startsWith('pforte-warm')))
    t.match(await here.telephony.warm([...prompts, 'missing']), { ok: false, why: 'refused', detail: /1 of 21 prompts, such as .*missing\.wav/ })
    await call.hangUp()
  })

  t.test('the line to the PBX is cut: calls stay, commands say so at once, and it comes back by itself', async (t) => {
    const proxy = await proxyTo(t, pbx.ariUrl)
    const here = await scene(t, proxy.url)
    const { telephony, seen } = here
    const { rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const { leg: leaving, call: leavingCall } = await caller(t, here)
    const leg = id('leg')
    await here.send(ring(leg, callerLeg))
    const ringing = await rings
    await seen.status('connected')

    const waiting = telephony.send({ do: 'startMusic', leg: callerLeg })
    proxy.cut()
    await seen.status('disconnected')
    await waiting
    t.match(await telephony.send({ do: 'stopMusic', leg: callerLeg }), { ok: false, why: 'unreachable' })
    t.match(await telephony.observe([]), { ok: false, why: 'unreachable' })
    await leavingCall.hangUp()

    proxy.mend()
    await seen.status('connected')
    const observed = await telephony.observe([])
    if (!observed.ok) return t.fail(observed.detail)
    t.match(observed.value.legs.find((one) => one.leg === callerLeg), { state: 'up', dialled: 'hotline' })
    t.match(observed.value.legs.find((one) => one.leg === leg), { state: 'ringing' })
    t.equal(observed.value.legs.find((one) => one.leg === leaving), undefined, 'who left meanwhile is not there')
    t.notOk(call.isOver)

    await ringing.answer()
    t.match(await seen.event('legAnswered'), { leg }, 'and events come again, for old legs too')
    await call.sendDigits('5')
    t.match(await seen.event('digit'), { leg: callerLeg, digit: '5' })
    await here.send({ do: 'hangUp', leg })
    await here.send({ do: 'hangUp', leg: callerLeg })
    t.match(await call.ended, { by: 'them' })
  })

  t.test('a line that is dead without being closed is noticed', async (t) => {
    const proxy = await proxyTo(t, pbx.ariUrl)
    const { telephony, seen } = await scene(t, proxy.url, { pingMs: 200, limitMs: 500 })
    await seen.status('connected')
    proxy.freeze()
    const outcome = await telephony.send({ do: 'hangUp', leg: 'nobody' })
    t.ok(!outcome.ok && (outcome.why === 'timeout' || outcome.why === 'unreachable'))
    t.match(await seen.status('disconnected'), { why: /dead/ })
    proxy.mend()
    await seen.status('connected')
    t.match(await telephony.send({ do: 'hangUp', leg: 'nobody' }), { ok: false, why: 'gone' })
  })

  t.test('a PBX that does not answer a command: it fails when its time is up, and no sooner is another hurt', async (t) => {
    const proxy = await proxyTo(t, pbx.ariUrl)
    const { telephony, seen } = await scene(t, proxy.url, { limitMs: 400, pingMs: 60_000 })
    proxy.freeze()
    const outcomes = await Promise.all([telephony.send({ do: 'hangUp', leg: 'one' }), telephony.send({ do: 'hangUp', leg: 'two' })])
    for (const outcome of outcomes) t.match(outcome, { ok: false, why: 'timeout', detail: /channels\.hangup/ })
    proxy.cut()
    await seen.status('disconnected')
  })

  t.test('another process takes our application: that is final', async (t) => {
    const { telephony, seen } = await scene(t)
    const other = await scene(t)
    await seen.status('replaced')
    t.equal(telephony.status.is, 'replaced')
    t.match(await telephony.send({ do: 'hangUp', leg: 'nobody' }), { ok: false, why: 'unreachable' })
    t.match(await other.telephony.send({ do: 'hangUp', leg: 'nobody' }), { ok: false, why: 'gone' })
  })

  t.test('a listener that throws costs its own event and no other', async (t) => {
    const { telephony, seen, lines } = open(pbx.ariUrl)
    t.teardown(() => telephony.close())
    telephony.onEvent(() => { throw new Error('a bug') })
    telephony.onStatus(() => { throw new Error('another bug') })
    const late = new Witness(telephony)
    await telephony.connect()
    const phone = await pbx.phone(t, '+496215550100')
    const dialling = await phone.dial(pbx.hotline)
    await late.event('callerArrived')
    await seen.event('callerArrived')
    await dialling.cancel()
    await dialling.answered.catch(() => {})
    await late.event('legEnded')
    t.equal(late.statuses[0]?.is, 'connected')
    t.match(lines.filter(({ level }) => level === 'error').map(({ fields }) => fields), [{ status: 'connected' }, { event: 'callerArrived' }, { event: 'legEnded' }])
  })

  t.test('a wrong password is said at once, with the mend', async (t) => {
    const { log } = keptLog()
    const telephony = openTelephony({ url: pbx.ariUrl, user: pbx.user, password: 'falsch', app: 'pforte', transport, promptUrl: pbx.promptUrl, log })
    t.teardown(() => telephony.close())
    const failure = await telephony.connect().catch((error: unknown) => error)
    t.match(failure, { name: 'ConnectFailure', what: /refuses/, mend: /ARI_PASSWORD/ })
    t.notMatch(String(failure), /falsch/)
  })
}
