import t from 'tap'
import fc from 'fast-check'
import { nextTryAt, restMs, sideBySide } from '../../../src/domain/webhook/retry.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Every try of a delivery whose receiver never takes it, in ms after the first. */
function tries(random: number, tookMs = 0): number[] {
  const since = Date.UTC(2026, 2, 2, 8)
  const all = [0]
  for (let attempts = 1; ; attempts++) {
    const next = nextTryAt({ attempts, since, at: since + all.at(-1)! + tookMs, retryAfterMs: null, random })
    if (next === null) return all
    all.push(next - since)
  }
}

t.test('a restart is bridged in seconds, an outage in minutes, and a day later it is over', async (t) => {
  const all = tries(0)
  t.strictSame(all.slice(0, 6), [0, 5_000, 15_000, 35_000, 75_000, 155_000])
  t.equal(all.at(-1), day, 'the last try is a day after the first')
  t.ok(all.length >= 15 && all.length <= 25, `${all.length} tries in all`)
})

t.test('delays never shrink, however long each try took, until the last one', async (t) => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.integer({ min: 0, max: 10_000 }), (random, tookMs) => {
      const all = tries(random, tookMs)
      const delays = all.slice(1).map((at, place) => at - all[place]!)
      delays.slice(0, -1).forEach((delay, place) => {
        if (place > 0) t.ok(delay >= delays[place - 1]!)
      })
      return all.at(-1) === day && delays.every((delay) => delay > 0)
    }),
  )
})

t.test('several that failed together are not tried together again', async (t) => {
  t.not(tries(0)[1], tries(0.9)[1])
})

t.test('a receiver may ask for patience, for an hour at most', async (t) => {
  const failed = { attempts: 1, since: 0, at: 0, random: 0 }
  t.equal(nextTryAt({ ...failed, retryAfterMs: 2 * minute }), 2 * minute)
  t.equal(nextTryAt({ ...failed, retryAfterMs: 1_000 }), 5_000, 'less is no less')
  t.equal(nextTryAt({ ...failed, retryAfterMs: 30 * day }), hour)
})

t.test('a receiver that takes nothing is left alone, and then asked with one delivery', async (t) => {
  t.strictSame([0, 1, 9].map(restMs), [null, null, null])
  t.strictSame([10, 11, 12, 100].map(restMs), [10_000, 20_000, 40_000, 5 * minute])
  t.equal(sideBySide(9, 8), 8)
  t.equal(sideBySide(10, 8), 1)
})
