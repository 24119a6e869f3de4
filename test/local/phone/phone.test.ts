import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { CallFailed } from '../../../src/local/phone/outgoing.ts'
import { NotHeard } from '../../../src/local/phone/rtp/heard.ts'
import { aPhone, nextCall, talking } from './phones.ts'

async function failureOf(calling: Promise<unknown>): Promise<CallFailed> {
  const failure: unknown = await calling.then(
    () => 'it was answered',
    (error: unknown) => error,
  )
  if (!(failure instanceof CallFailed)) throw failure
  return failure
}

t.test('Anna calls Bert, it rings, he picks up, she hangs up', async (t) => {
  const [anna, bert] = await Promise.all([aPhone(t, 'anna', { displayName: 'Anna "A" Maier' }), aPhone(t, 'bert')])
  const coming = nextCall(bert)
  const calling = await anna.dial(bert.uri, { from: '+4962112345' })
  const rings = await coming
  t.equal(rings.callerId, '+4962112345')
  t.equal(rings.displayName, 'Anna "A" Maier')
  t.equal(rings.dialled, 'bert')
  rings.ring()
  t.ok(await calling.ringing)
  const berts = await rings.answer()
  const annas = await calling.answered
  t.equal(annas.id, berts?.id)
  t.same(annas.remote, { number: 'bert', displayName: '' })
  t.equal(anna.calls.length, 1)
  await annas.hangUp()
  t.match(await annas.ended, { by: 'us' })
  t.match(await berts?.ended, { by: 'them' })
  t.same([...anna.calls, ...bert.calls], [])
})

t.test('Bert hangs up, and both at once', async (t) => {
  const first = await talking(t)
  await first.berts.hangUp()
  t.match(await first.annas.ended, { by: 'them' })
  const second = await talking(t)
  await Promise.all([second.annas.hangUp(), second.berts.hangUp()])
  t.match(await second.annas.ended, { by: 'us' })
})

t.test('busy, declined, nobody there, nobody at home', async (t) => {
  const [anna, bert] = await Promise.all([aPhone(t, 'anna'), aPhone(t, 'bert')])
  t.match(await failureOf(anna.call(bert.uri)), { status: 486 }, 'a phone that nobody watches is busy')
  for (const status of [486, 603, 480, 404]) {
    bert.onCall((call) => call.reject(status))
    t.match(await failureOf(anna.call(bert.uri)), { status })
  }
  bert.onCall((call) => call.ring())
  t.match(await failureOf(anna.call(bert.uri, { timeoutMs: 50 })), { status: 487 }, 'she gives up')
})

t.test('a caller gives up while it rings, and picking up then finds nobody', async (t) => {
  const [anna, bert] = await Promise.all([aPhone(t, 'anna'), aPhone(t, 'bert')])
  const coming = nextCall(bert)
  const calling = await anna.dial(bert.uri)
  const rings = await coming
  rings.ring()
  await calling.ringing
  await calling.cancel()
  t.match(await failureOf(calling.answered), { status: 487 })
  await rings.cancelled
  t.equal(await rings.answer(), undefined)
  t.same([...anna.calls, ...bert.calls], [])
})

t.test('giving up in the moment of the answer leaves no call behind', async (t) => {
  const [anna, bert] = await Promise.all([aPhone(t, 'anna'), aPhone(t, 'bert')])
  const coming = nextCall(bert)
  const calling = await anna.dial(bert.uri)
  const rings = await coming
  rings.ring()
  await calling.ringing
  const [berts] = await Promise.all([rings.answer(), calling.cancel()])
  t.match(await failureOf(calling.answered), { status: 487 })
  if (berts !== undefined) t.match(await berts.ended, { by: 'them' })
  t.same([...anna.calls, ...bert.calls], [])
})

t.test('callers without a number, anonymous ones, and garbage', async (t) => {
  const [anna, bert] = await Promise.all([aPhone(t, 'anna'), aPhone(t, 'bert')])
  const shown = async (from: string | { header: string }) => {
    const coming = nextCall(bert)
    const calling = failureOf(anna.call(bert.uri, { from }))
    const call = await coming
    call.reject()
    await calling
    return call.callerId
  }
  t.equal(await shown('anonymous'), 'anonymous')
  t.equal(await shown(''), '')
  t.equal(await shown('+49 (0) 621/"; DROP <ä>%'), '+49 (0) 621/"; DROP <ä>%')
  t.equal(await shown({ header: '<tel:+4962199>' }), '+4962199')
  t.equal(await shown({ header: '"' }), '')
})

t.test('digits arrive one by one, in order, both ways, slow and fast', async (t) => {
  const { annas, berts } = await talking(t)
  const before = performance.now()
  const sent = await annas.sendDigits('0123456789*#ABCD', { toneMs: 40, gapMs: 60 })
  t.equal(await berts.waitForDigits(16), '0123456789*#ABCD')
  t.ok(sent.firstDigitAt >= before && sent.lastDigitEndAt > sent.firstDigitAt && sent.lastDigitEndAt <= performance.now())
  await Promise.all([berts.sendDigits('11', { toneMs: 120, gapMs: 200 }), berts.sendDigits('1#')])
  t.equal(await annas.waitForDigits(4), '111#', 'the same key three times is three digits')
  await t.rejects(annas.sendDigits('12x'), { message: 'a telephone has only the keys 0 to 9, *, # and A to D' } as Error)
})

t.test('sound goes both ways: a tone is heard as this tone, and its end as silence', async (t) => {
  const { annas, berts } = await talking(t)
  t.ok(await annas.play({ hz: 1000, ms: 400 }))
  const heardAt = await berts.heard.waitForTone(1000)
  t.ok(berts.heard.toneLevel(440) < 0.1)
  t.ok((await berts.heard.waitForSilence(200, { since: heardAt })) >= heardAt)
  t.equal(berts.heard.toneLevel(1000), 0)
  void berts.play({ hz: 440, ms: 10_000 })
  await annas.heard.waitForAudio()
  await annas.heard.waitForTone(440)
  t.ok(annas.heard.packets > 0 && Number.isFinite(annas.heard.longestGapMs()))
  const cut = annas.play({ hz: 300, ms: 60_000 })
  annas.stopPlaying()
  t.equal(await cut, false)
})

t.test('what is not heard is said so, in time', async (t) => {
  const { annas } = await talking(t)
  await t.rejects(annas.heard.waitForTone(1000, { timeoutMs: 50 }), NotHeard)
  await t.rejects(annas.heard.waitForAudio({ timeoutMs: 50 }), NotHeard)
})

t.test('in µ-law as well, and quietly where only digits are wanted', async (t) => {
  const { annas, berts } = await talking(t, { codec: 'ulaw', media: 'digits-only' })
  await annas.sendDigits('42')
  t.equal(await berts.waitForDigits(2), '42')
  t.equal(berts.heard.packets, 0)
  void berts.play({ hz: 700, ms: 5000 })
  await annas.heard.waitForTone(700)
})

t.test('typing ends with the call', async (t) => {
  const { annas, berts } = await talking(t)
  const typing = annas.sendDigits('1234567890')
  await berts.waitForDigits(1)
  await berts.hangUp()
  await t.rejects(typing, { message: 'the call ended while digits were being typed' } as Error)
  t.equal(await annas.play({ hz: 440, ms: 100 }), false)
})

t.test('a network that loses the first of everything', async (t) => {
  const [anna, bert] = await Promise.all([aPhone(t, 'anna'), aPhone(t, 'bert')])
  const lossy = await losingFirst(t, bert.address)
  const coming = nextCall(bert)
  const calling = anna.call(`sip:bert@127.0.0.1:${lossy}`)
  const berts = await (await coming).answer()
  const annas = await calling
  t.equal(annas.id, berts?.id)
  await annas.hangUp()
  t.match(await berts?.ended, { by: 'them' })
})

t.test('an INVITE that was taken for two: the second call is ended, the first goes on', async (t) => {
  const [anna, bert] = await Promise.all([aPhone(t, 'anna'), aPhone(t, 'bert')])
  const relay = await answeringTwice(t, bert.address)
  const coming = nextCall(bert)
  const calling = anna.call(`sip:bert@127.0.0.1:${relay.port}`)
  const berts = await (await coming).answer()
  const annas = await calling
  t.same([await relay.next(), await relay.next()], ['ACK', 'BYE'], 'what the second call is told')
  await annas.sendDigits('42')
  t.equal(await berts?.waitForDigits(2), '42')
  await annas.hangUp()
  t.match(await berts?.ended, { by: 'them' })
  t.same(anna.calls, [])
})

t.test('fifty calls in one process', async (t) => {
  const [anna, bert] = await Promise.all([aPhone(t, 'anna'), aPhone(t, 'bert')])
  bert.onCall((call) => void call.answer())
  const calls = await Promise.all(Array.from({ length: 50 }, (_, at) => anna.call(bert.uri, { from: `+4962100${at}` })))
  t.equal(bert.calls.length, 50)
  await Promise.all(calls.map((call, at) => call.sendDigits(String(at).padStart(5, '0'))))
  const typed = await Promise.all(bert.calls.map((call) => call.waitForDigits(5)))
  t.same(
    typed.toSorted(),
    Array.from({ length: 50 }, (_, at) => String(at).padStart(5, '0')),
  )
  await Promise.all(calls.map((call) => call.hangUp()))
  t.same([...anna.calls, ...bert.calls], [])
})

t.test('a phone that is put away ends what goes on, and gives its port back', async (t) => {
  const [anna, bert] = await Promise.all([aPhone(t, 'anna'), aPhone(t, 'bert')])
  bert.onCall((call) => void call.answer())
  const call = await anna.call(bert.uri)
  const { port } = anna.address
  bert.onCall((ringing) => ringing.ring())
  const waiting = await anna.dial(bert.uri)
  await waiting.ringing
  const failed = failureOf(waiting.answered)
  await anna.close()
  t.match(await call.ended, { by: 'us' })
  t.match(await failed, { status: 487 })
  t.equal((await aPhone(t, 'anna', { port })).address.port, port)
})

/** A way to `address` on which each answer comes a second time, as that of another call; `next` tells what that one gets. */
async function answeringTwice(t: Test, address: { host: string; port: number }) {
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  let caller = { address: '', port: 0 }
  const told: string[] = []
  let wake = (): void => {}
  socket.on('message', (datagram, from) => {
    const text = datagram.toString()
    if (from.port !== address.port) {
      if (/^To:.*;tag=.*other/im.test(text)) {
        told.push(text.split(' ', 1)[0]!)
        // Confirmed as it came, which is all that a transaction looks at.
        if (text.startsWith('BYE')) socket.send(text.replace(/^BYE.*/, 'SIP/2.0 200 OK'), from.port, from.address)
        return wake()
      }
      caller = from
      return socket.send(datagram, address.port, address.host)
    }
    socket.send(datagram, caller.port, caller.address)
    if (!text.startsWith('SIP/2.0 200')) return
    const other = text
      .replace(/^(To:.*;tag=.*)$/im, '$1other')
      .replace(/^Contact:.*$/im, `Contact: <sip:bert@127.0.0.1:${socket.address().port}>`)
    socket.send(other, caller.port, caller.address)
  })
  const listening = once(socket, 'listening')
  socket.bind(0, '127.0.0.1')
  await listening
  const next = async (): Promise<string> => {
    while (told.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return told.shift()!
  }
  return { port: socket.address().port, next }
}

/** A way to `address` on which the first message of each kind gets lost. */
async function losingFirst(t: Test, address: { host: string; port: number }): Promise<number> {
  const [front, back] = [createSocket('udp4'), createSocket('udp4')]
  t.teardown(() => [front, back].map((socket) => socket.close()))
  let caller = { address: '', port: 0 }
  const known = new Set<string>()
  const isFirst = (datagram: Buffer) => {
    const line = datagram.toString().split('\r\n', 1)[0] ?? ''
    if (known.has(line)) return false
    known.add(line)
    return true
  }
  front.on('message', (datagram, from) => {
    caller = from
    if (!isFirst(datagram)) back.send(datagram, address.port, address.host)
  })
  back.on('message', (datagram) => {
    if (!isFirst(datagram)) front.send(datagram, caller.port, caller.address)
  })
  const listening = [once(front, 'listening'), once(back, 'listening')]
  front.bind(0, '127.0.0.1')
  back.bind(0, '127.0.0.1')
  await Promise.all(listening)
  return front.address().port
}
