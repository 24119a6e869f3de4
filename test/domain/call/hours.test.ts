import t from 'tap'
import type { Hours } from '../../../src/domain/call/flow.ts'
import { isOpen } from '../../../src/domain/call/hours.ts'
import { hotline } from './hotline.ts'

const business = hotline.hours.business as Hours

function inBerlin(wallClock: string): number {
  return Temporal.PlainDateTime.from(wallClock).toZonedDateTime('Europe/Berlin').epochMilliseconds
}

t.test('open from its first minute up to, not including, its last', async (t) => {
  t.equal(isOpen(business, inBerlin('2026-10-05T07:59:59')), false)
  t.equal(isOpen(business, inBerlin('2026-10-05T08:00')), true)
  t.equal(isOpen(business, inBerlin('2026-10-05T17:59:59')), true)
  t.equal(isOpen(business, inBerlin('2026-10-05T18:00')), false)
})

t.test('closed at the weekend and on holidays', async (t) => {
  t.equal(isOpen(business, inBerlin('2026-10-04T12:00')), false)
  t.equal(isOpen(business, inBerlin('2026-12-25T12:00')), false)
  t.equal(isOpen(business, inBerlin('2026-12-24T12:00')), true)
})

t.test('eight is eight on both sides of a change of the clocks', async (t) => {
  for (const monday of ['2026-03-23', '2026-03-30', '2026-10-19', '2026-10-26']) {
    t.equal(isOpen(business, inBerlin(`${monday}T07:59`)), false, monday)
    t.equal(isOpen(business, inBerlin(`${monday}T08:00`)), true, monday)
  }
})

t.test('round the clock has no gap at midnight', async (t) => {
  const always: Hours = { ...business, weekly: ([1, 2, 3, 4, 5, 6, 7] as const).map((day) => ({ day, fromMinute: 0, toMinute: 1440 })) }
  t.equal(isOpen(always, inBerlin('2026-10-05T23:59:59')), true)
  t.equal(isOpen(always, inBerlin('2026-10-06T00:00')), true)
})
