/** The clock of a promise: given a contract and its hours, when this happens to the ticket, then so much is left. */
import t from 'tap'
import fc from 'fast-check'
import type { Hours, WeeklySpan } from '../../../src/domain/call/flow.ts'
import { isOpen } from '../../../src/domain/call/hours.ts'
import { openMsBetween, whenOpenFor } from '../../../src/domain/ticket/open-time.ts'
import { paused, remainingAt, resumed, slaState, startedClock, stopped, whenSpent, type SlaClock } from '../../../src/domain/ticket/sla.ts'

const minute = 60_000
const hour = 60 * minute
const berlin = (written: string): number => Temporal.PlainDateTime.from(written).toZonedDateTime('Europe/Berlin').epochMilliseconds
const shown = (at: number | null): string | null =>
  at === null ? null : Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO('Europe/Berlin').toPlainDateTime().toString()

const weekdays = ([1, 2, 3, 4, 5] as const).map((day) => ({ day, fromMinute: 8 * 60, toMinute: 18 * 60 }))
/** Monday to Friday, eight to six; Good Friday and Easter Monday of 2026 are holidays. */
const business: Hours = { timeZone: 'Europe/Berlin', weekly: weekdays, holidays: ['2026-04-03', '2026-04-06'] }

t.test('given eight hours round the clock, reported on Saturday night: due on Sunday morning', async (t) => {
  const clock = startedClock(480, berlin('2026-03-07T23:30'))
  t.equal(shown(whenSpent(clock, 'always', 100)), '2026-03-08T07:30:00')
  t.equal(shown(whenSpent(clock, 'always', 80)), '2026-03-08T05:54:00')
  t.equal(slaState(clock, 'always', berlin('2026-03-08T07:29')), 'running')
  t.equal(slaState(clock, 'always', berlin('2026-03-08T07:30')), 'overdue')
  t.equal(remainingAt(clock, 'always', berlin('2026-03-08T08:00')), -30 * minute, 'below zero: how much it is over')
})

t.test('given eight business hours, reported on Friday afternoon: due on Monday, and nothing passes at the weekend', async (t) => {
  const clock = startedClock(480, berlin('2026-03-06T15:00'))
  t.equal(remainingAt(clock, business, berlin('2026-03-06T19:00')), 5 * hour)
  t.equal(remainingAt(clock, business, berlin('2026-03-08T12:00')), 5 * hour)
  t.equal(shown(whenSpent(clock, business, 100)), '2026-03-09T13:00:00')
})

t.test('given ten business hours, reported on the Thursday before Easter: the holidays do not count', async (t) => {
  const clock = startedClock(600, berlin('2026-04-02T17:00'))
  t.equal(shown(whenSpent(clock, business, 100)), '2026-04-07T17:00:00')
})

t.test('a report at night begins to count at the opening', async (t) => {
  const clock = startedClock(60, berlin('2026-03-03T02:00'))
  t.equal(remainingAt(clock, business, berlin('2026-03-03T08:00')), hour)
  t.equal(shown(whenSpent(clock, business, 100)), '2026-03-03T09:00:00')
})

t.test('the last minute of a day is the end of it, not the beginning of the next', async (t) => {
  t.equal(shown(whenSpent(startedClock(60, berlin('2026-03-03T17:00')), business, 100)), '2026-03-03T18:00:00')
})

t.test('over a change of clocks, hours round the clock are hours; a night shift has one more or one less', async (t) => {
  const night: Hours = { timeZone: 'Europe/Berlin', weekly: [{ day: 7, fromMinute: 0, toMinute: 6 * 60 }], holidays: [] }
  t.equal(openMsBetween(night, berlin('2026-03-28T12:00'), berlin('2026-03-29T12:00')), 5 * hour, 'the clock jumps from two to three')
  t.equal(openMsBetween(night, berlin('2026-10-24T12:00'), berlin('2026-10-25T12:00')), 7 * hour, 'it shows two to three twice')
  t.equal(openMsBetween(business, berlin('2026-03-27T00:00'), berlin('2026-03-31T00:00')), 20 * hour, 'by day eight to six is ten hours')
  t.equal(shown(whenSpent(startedClock(480, berlin('2026-03-29T00:00')), 'always', 100)), '2026-03-29T09:00:00')
})

t.test('while it waits for the customer nothing passes, and it goes on with what was left', async (t) => {
  const waits = paused(
    startedClock(240, berlin('2026-03-03T09:00')),
    business,
    'waits for the customer to be at home',
    berlin('2026-03-03T10:00'),
  )
  t.equal(slaState(waits, business, berlin('2026-03-09T12:00')), 'paused')
  t.equal(remainingAt(waits, business, berlin('2026-03-09T12:00')), 3 * hour)
  t.equal(whenSpent(waits, business, 100), null, 'nobody knows')
  const on = resumed(waits, berlin('2026-03-09T16:00'))
  t.equal(shown(whenSpent(on, business, 100)), '2026-03-10T09:00:00')
})

t.test('a pause gives nothing back: what is overdue stays so', async (t) => {
  const late = paused(startedClock(60, berlin('2026-03-03T09:00')), business, 'waits', berlin('2026-03-03T11:00'))
  t.equal(slaState(late, business, berlin('2026-03-03T12:00')), 'overdue')
})

t.test('a completed ticket has met its promise or missed it; reopened, it goes on with what was left', async (t) => {
  const clock = startedClock(240, berlin('2026-03-03T09:00'))
  const done = stopped(clock, business, berlin('2026-03-03T11:00'))
  t.equal(slaState(done, business, berlin('2026-03-05T11:00')), 'met')
  const again = resumed(done, berlin('2026-03-04T10:00'))
  t.equal(shown(whenSpent(again, business, 100)), '2026-03-04T12:00:00')
  const late = stopped(again, business, berlin('2026-03-04T12:00'))
  t.equal(slaState(late, business, berlin('2026-03-05T11:00')), 'missed')
  t.equal(slaState(resumed(late, berlin('2026-03-06T20:00')), business, berlin('2026-03-06T20:00')), 'overdue', 'there is nothing left')
})

t.test('lines of hours may overlap, and one minute counts once', async (t) => {
  const written: Hours = { ...business, weekly: [...weekdays, { day: 1, fromMinute: 9 * 60, toMinute: 20 * 60 }] }
  t.equal(openMsBetween(written, berlin('2026-03-02T00:00'), berlin('2026-03-03T00:00')), 12 * hour)
})

t.test('hours that come too seldom for a promise never run it out', async (t) => {
  const christmas: Hours = { timeZone: 'Europe/Berlin', weekly: [{ day: 1, fromMinute: 0, toMinute: 1 }], holidays: [] }
  t.equal(whenSpent(startedClock(525_600, berlin('2026-03-02T00:00')), christmas, 100), null)
})

t.test('a promise of years, on a page of two hundred tickets, is counted without a walk over each day', async (t) => {
  const clock = startedClock(525_600, berlin('2016-03-02T00:00'))
  for (let ticket = 0; ticket < 200; ticket++) remainingAt(clock, business, berlin('2026-03-02T12:00') + ticket)
  t.ok(remainingAt(clock, business, berlin('2026-03-02T12:00')) < 0)
})

const zones = ['Europe/Berlin', 'America/New_York', 'America/Havana', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Kathmandu', 'UTC']
const span = fc
  .record({ day: fc.integer({ min: 1, max: 7 }), from: fc.nat({ max: 1439 }), length: fc.integer({ min: 1, max: 1440 }) })
  .map(
    ({ day, from, length }): WeeklySpan => ({ day: day as WeeklySpan['day'], fromMinute: from, toMinute: Math.min(1440, from + length) }),
  )
/** Around the changes of clocks of several years, in minutes. */
const nearChange = fc
  .record({
    change: fc.constantFrom('2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-04-05', '2026-10-04', '2011-12-30'),
    minutes: fc.integer({ min: -3 * 1440, max: 3 * 1440 }),
  })
  .map(({ change, minutes }) => Date.parse(`${change}T00:00:00Z`) + minutes * minute)
const someHours = fc
  .record({
    timeZone: fc.constantFrom(...zones),
    weekly: fc.array(span, { minLength: 1, maxLength: 6 }),
    closed: fc.array(nearChange, { maxLength: 3 }),
  })
  .map(({ timeZone, weekly, closed }): Hours => {
    const day = (at: number): string => Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDate().toString()
    return { timeZone, weekly, holidays: closed.map(day) }
  })

t.test('what counts is every minute that a call would have found open, and no other', async () => {
  fc.assert(
    fc.property(someHours, nearChange, fc.integer({ min: 0, max: 3 * 1440 }), (hours, from, minutes) => {
      let open = 0
      for (let passed = 0; passed < minutes; passed++) if (isOpen(hours, from + passed * minute)) open++
      return openMsBetween(hours, from, from + minutes * minute) === open * minute
    }),
    { numRuns: 40 },
  )
})

t.test('a promise is due exactly when its time has passed, and not a millisecond earlier', async () => {
  fc.assert(
    fc.property(someHours, nearChange, fc.integer({ min: 1, max: 40 * hour }), (hours, from, ms) => {
      const at = whenOpenFor(hours, from, ms)
      return at === null || (openMsBetween(hours, from, at) === ms && openMsBetween(hours, from, at - 1) === ms - 1)
    }),
  )
})

t.test('time adds up, wherever a stretch is cut', async () => {
  fc.assert(
    fc.property(someHours, fc.tuple(nearChange, nearChange, nearChange), (hours, moments) => {
      const [a, b, c] = moments.toSorted((one, other) => one - other) as [number, number, number]
      return openMsBetween(hours, a, b) + openMsBetween(hours, b, c) === openMsBetween(hours, a, c)
    }),
  )
})

t.test('however it is paused, completed and reopened, only what passed while it ran is spent', async () => {
  const happening = fc.record({ after: fc.integer({ min: 0, max: 30 * hour }), what: fc.constantFrom('pause', 'stop', 'resume') })
  fc.assert(
    fc.property(
      fc.oneof(someHours, fc.constant('always' as const)),
      nearChange,
      fc.array(happening, { maxLength: 8 }),
      (hours, from, story) => {
        let clock: SlaClock = startedClock(600, from)
        let at = from
        let ran = 0
        for (const { after, what } of story) {
          if (clock.is === 'running') ran += openMsBetween(hours, at, at + after)
          at += after
          if (what === 'resume') clock = resumed(clock, at)
          else if (what === 'stop') clock = stopped(clock, hours, at)
          else if (clock.is !== 'stopped') clock = paused(clock, hours, 'waits', at)
        }
        return remainingAt(clock, hours, at) === 600 * minute - ran
      },
    ),
  )
})
