import t from 'tap'
import fc from 'fast-check'
import { reachOf, roomAt, strangerCapReached, type Cap, type StrangerCaps } from '../../../src/domain/sms/caps.ts'

const hour = 3_600_000

t.test('five in a day: the sixth waits until the first is a day old', async (t) => {
  const caps: Cap[] = [{ most: 5, inMs: 24 * hour }]
  const sent = [0, 1, 2, 3].map((hours) => hours * hour)
  t.equal(roomAt(caps, sent, 10 * hour), 10 * hour)
  t.equal(roomAt(caps, [...sent, 4 * hour], 10 * hour), 24 * hour)
  t.equal(roomAt(caps, [4 * hour, ...sent], 30 * hour), 30 * hour, 'in any order')
})

t.test('of several caps the strictest counts', async (t) => {
  const caps: Cap[] = [
    { most: 2, inMs: hour },
    { most: 3, inMs: 24 * hour },
  ]
  t.equal(roomAt(caps, [0, 10], 20), hour)
  t.equal(roomAt(caps, [0, 10, 20], 30), 24 * hour)
  t.equal(roomAt([], [1, 2, 3], 4), 4, 'none, and there is always room')
  t.same(reachOf(caps), { most: 3, inMs: 24 * hour })
  t.same(reachOf([]), { most: 0, inMs: 0 })
})

t.test('however many want to leave, and whenever: no span ever holds more than its cap', async () => {
  const cap = fc.record({ most: fc.integer({ min: 1, max: 5 }), inMs: fc.integer({ min: 1, max: 1_000 }) })
  const script = fc.array(fc.nat(400), { maxLength: 60 })
  fc.assert(
    fc.property(fc.array(cap, { maxLength: 3 }), script, (caps, pauses) => {
      const sent: number[] = []
      let now = 0
      for (const pause of pauses) {
        now = roomAt(caps, sent, now + pause)
        sent.push(now)
        for (const { most, inMs } of caps) {
          if (sent.filter((one) => one > now - inMs).length > most) throw new Error('more than the cap allows')
        }
        // The room is not later than need be either.
        const earlier = now - 1
        const others = sent.slice(0, -1)
        const wasFree = caps.every(({ most, inMs }) => others.filter((one) => one > earlier - inMs && one <= earlier).length < most)
        if (wasFree && earlier >= (others.at(-1) ?? 0) + pause) throw new Error('it could have gone before')
      }
    }),
    { numRuns: 500 },
  )
})

const strangers: StrangerCaps = {
  perNumber: { most: 2, inMs: 24 * hour },
  perLine: { most: 20, inMs: hour },
  inTotal: { most: 100, inMs: 24 * hour },
}

t.test('forged voicemails text a stranger twice, a line twenty times, and everybody a hundred times a day', async (t) => {
  t.equal(strangerCapReached(strangers, { byNumber: 1, byLine: 19, inTotal: 99 }), null)
  t.equal(strangerCapReached(strangers, { byNumber: 2, byLine: 0, inTotal: 2 }), 'stranger_number')
  t.equal(strangerCapReached(strangers, { byNumber: 0, byLine: 20, inTotal: 20 }), 'stranger_line')
  t.equal(strangerCapReached(strangers, { byNumber: 5, byLine: 90, inTotal: 100 }), 'stranger_total', 'the gravest is told')
  t.equal(strangerCapReached(strangers, { byNumber: 0, byLine: null, inTotal: 50 }), null, 'a reply comes over no line')
  t.equal(
    strangerCapReached({ ...strangers, perNumber: { most: 0, inMs: hour } }, { byNumber: 0, byLine: 0, inTotal: 0 }),
    'stranger_number',
  )
})
