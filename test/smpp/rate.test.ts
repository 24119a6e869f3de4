/** How fast a bind may send, and what a carrier's complaint does to it. */
import fc from 'fast-check'
import t from 'tap'
import { Rate } from '../../src/smpp/rate.ts'

/** Sends single parts as fast as it may, looking every 10 ms. @returns how many, each second */
function run(rate: Rate, from: number, seconds: number): number[] {
  return Array.from({ length: seconds }, (_, second) => {
    let sent = 0
    for (let at = from + second * 1000; at < from + (second + 1) * 1000; at += 10) while (rate.take(1, at)) sent++
    return sent
  })
}

t.test('parts are counted, not messages', async (t) => {
  const rate = new Rate(100, 0)
  t.equal(rate.room(0), 10)
  t.ok(rate.take(6, 0))
  t.notOk(rate.take(6, 0))
  t.equal(rate.room(0), 4)
  t.ok(rate.take(6, 20))
})

t.test('a message of more parts than a burst goes, and the next one waits for all of them', async (t) => {
  const rate = new Rate(10, 0)
  t.ok(rate.take(5, 0))
  t.notOk(rate.take(1, 490))
  t.ok(rate.take(1, 500))
})

t.test('no second has more than the limit, its burst and one message', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 8 })), { maxLength: 200 }),
      (limit, tries) => {
        const rate = new Rate(limit, 0)
        const taken: { at: number; parts: number }[] = []
        let at = 0
        for (const [pauseMs, parts] of tries) {
          at += pauseMs
          if (rate.take(parts, at)) taken.push({ at, parts })
        }
        for (const { at: start } of taken) {
          const within = taken.filter((each) => each.at >= start && each.at < start + 1000)
          const parts = within.reduce((sum, each) => sum + each.parts, 0)
          if (parts > limit + Math.max(1, limit / 10) + 8) throw new Error(`${parts} at ${limit}/s`)
        }
      },
    ),
  )
})

t.test('waiting as long as it says is enough', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 50 }),
      (limit, messages) => {
        const rate = new Rate(limit, 0)
        let now = 0
        for (const parts of messages) {
          now += rate.waitMs(parts, now)
          if (!rate.take(parts, now)) throw new Error('not enough')
        }
      },
    ),
  )
})

t.test('a complaint pauses the bind, halves it, and is forgotten bit by bit', async (t) => {
  const rate = new Rate(100, 0)
  t.same(run(rate, 0, 3).slice(1), [100, 100])
  rate.complain(3000)
  t.ok(rate.isSlowed(3000))
  t.equal(rate.room(3500), 0)
  const after = run(rate, 3000, 15)
  t.equal(after[0], 0, 'a second of nothing')
  t.ok(after[1]! > 40 && after[1]! < 60, `then half: ${after[1]}`)
  t.ok(
    after.slice(1).every((sent, second) => second === 0 || sent >= after[second]! - 2),
    'then more and more',
  )
  t.equal(after.at(-1), 100)
  t.notOk(rate.isSlowed(18_000))
})

t.test('a window full of complaints is one', async (t) => {
  const once = new Rate(100, 0)
  const often = new Rate(100, 0)
  for (const rate of [once, often]) run(rate, 0, 2)
  once.complain(2000)
  for (let i = 0; i < 100; i++) often.complain(2000 + i)
  t.same(run(often, 2000, 5), run(once, 2000, 5))
})

t.test('who complains again after the pause gets a longer one, and never less than one part a second', async (t) => {
  const rate = new Rate(100, 0)
  let now = 0
  const pauses: number[] = []
  for (let i = 0; i < 8; i++) {
    run(rate, now, 1)
    now += 1000
    rate.complain(now)
    pauses.push(rate.waitMs(1, now))
    now += rate.waitMs(1, now)
  }
  t.ok(pauses[1]! > pauses[0]! && pauses[2]! > pauses[1]!)
  t.ok(pauses.at(-1)! <= 31_000)
  t.ok(run(rate, now, 3).at(-1)! >= 1)
})

t.test('without a limit only the window limits, until the carrier complains', async (t) => {
  const rate = new Rate(null, 0)
  t.equal(rate.room(0), Number.POSITIVE_INFINITY)
  for (let i = 0; i < 4000; i++) rate.take(1, i / 4)
  rate.complain(1000)
  t.ok(rate.isSlowed(1000))
  const [, second] = run(rate, 1000, 2)
  t.ok(second! > 1500 && second! < 2300, `half of the 4,000 that went through: ${second}`)
  t.notOk(rate.isSlowed(200_000))
  t.equal(rate.room(200_000), Number.POSITIVE_INFINITY)
})

t.test('what was not used is given back', async (t) => {
  const rate = new Rate(10, 0)
  t.ok(rate.take(1, 0))
  t.notOk(rate.take(1, 0))
  rate.giveBack(1)
  t.ok(rate.take(1, 0))
})
