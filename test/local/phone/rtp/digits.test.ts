import t from 'tap'
import { areDigits, digitSteps } from '../../../../src/local/phone/rtp/digit-sender.ts'
import { formatRtp, formatTelephoneEvent, parseRtp, parseTelephoneEvent } from '../../../../src/local/phone/rtp/packet.ts'

t.test('a key pressed for 80 ms: four packets that grow, three that say it is over, and a gap', async (t) => {
  const steps = [...digitSteps('5', { toneMs: 80, gapMs: 100 })]
  t.same(
    steps.map(({ event }) => event?.duration),
    [160, 320, 480, 640, 640, 640, 640, undefined, undefined],
  )
  t.same(
    steps.map(({ event }) => event?.end),
    [false, false, false, false, true, true, true, undefined, undefined],
  )
  t.same(
    steps.map(({ begins }) => begins),
    [true, false, false, false, false, false, false, false, false],
  )
  t.equal(
    steps.findIndex(({ lastEnds }) => lastEnds),
    4,
  )
})

t.test('digits in a hurry still have room for the end of each', async (t) => {
  const steps = [...digitSteps('12', { toneMs: 1, gapMs: 0 })]
  t.same(
    steps.map(({ event }) => `${event?.digit}${event?.end === true ? '.' : ''}`),
    ['1', '1.', '1.', '1.', '2', '2.', '2.', '2.'],
  )
  t.equal(steps.filter(({ lastEnds }) => lastEnds).length, 1)
})

t.test('what goes over the wire comes back', async (t) => {
  for (const digit of '0123456789*#ABCD') {
    const event = { digit, end: digit === '#', duration: 480 }
    t.same(parseTelephoneEvent(formatTelephoneEvent(event)), event)
  }
  t.equal(parseTelephoneEvent(Buffer.from([16, 0, 0, 0])), undefined, 'flash is no key')
  const packet = {
    marker: true,
    payloadType: 101,
    sequence: 65_535,
    timestamp: 0xffff_ff00,
    source: 0xdead_beef,
    payload: Buffer.from([1, 2, 3]),
  }
  t.same(parseRtp(formatRtp(packet)), packet)
  t.equal(parseRtp(Buffer.from('STUN or what')), undefined)
  t.equal(parseRtp(Buffer.alloc(4)), undefined)
})

t.test('extensions, contributing sources and padding are no sound', async (t) => {
  const header = [0x80 | 0x20 | 0x10 | 1, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2]
  const packet = parseRtp(Buffer.from([...header, 9, 9, 9, 9, 0, 0, 0, 1, 7, 7, 7, 7, 1, 2, 3, 0, 2]))
  t.same([...(packet?.payload ?? [])], [1, 2, 3])
})

t.test('keys of a telephone', async (t) => {
  t.ok(areDigits('0123456789*#ABCD'))
  for (const typed of ['', '12a', ' ', '+49']) t.notOk(areDigits(typed))
})
