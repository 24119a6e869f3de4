import t from 'tap'
import fc from 'fast-check'
import { closesAt, isOpen, nextOpening, openingFrom, type Window } from '../../../src/domain/sms/window.ts'

const at = (written: string): number => Temporal.ZonedDateTime.from(written).epochMilliseconds
const shown = (moment: number | null, timeZone: string): string | null =>
  moment === null ? null : Temporal.Instant.fromEpochMilliseconds(moment).toZonedDateTimeISO(timeZone).toString({ timeZoneName: 'never' })

const day: Window = { fromMinute: 8 * 60, toMinute: 20 * 60, sundays: true, holidays: [] }
const berlin = 'Europe/Berlin'

t.test('an ordinary day goes from the first minute to the last, not including it', async (t) => {
  t.notOk(isOpen(day, berlin, at('2026-03-02T07:59:59.999[Europe/Berlin]')))
  t.ok(isOpen(day, berlin, at('2026-03-02T08:00[Europe/Berlin]')))
  t.ok(isOpen(day, berlin, at('2026-03-02T19:59:59.999[Europe/Berlin]')))
  t.notOk(isOpen(day, berlin, at('2026-03-02T20:00[Europe/Berlin]')))
  t.equal(shown(nextOpening(day, berlin, at('2026-03-02T20:00[Europe/Berlin]')), berlin), '2026-03-03T08:00:00+01:00')
  t.equal(shown(closesAt(day, berlin, at('2026-03-02T09:30[Europe/Berlin]')), berlin), '2026-03-02T20:00:00+01:00')
  t.equal(nextOpening(day, berlin, at('2026-03-02T09:30[Europe/Berlin]')), at('2026-03-02T09:30[Europe/Berlin]'), 'open now is now')
})

t.test('it is the clock of the recipient that counts', async (t) => {
  const noonInBerlin = at('2026-03-02T12:00[Europe/Berlin]')
  t.ok(isOpen(day, berlin, noonInBerlin))
  t.notOk(isOpen(day, 'America/New_York', noonInBerlin), 'six in the morning')
  t.equal(shown(nextOpening(day, 'America/New_York', noonInBerlin), 'America/New_York'), '2026-03-02T08:00:00-05:00')
  t.equal(shown(nextOpening(day, 'Pacific/Kiritimati', noonInBerlin), 'Pacific/Kiritimati'), '2026-03-03T08:00:00+14:00', 'tomorrow there')
})

t.test('Easter in Baden-Württemberg: from Thursday evening to Saturday, and over Sunday and Monday to Tuesday', async (t) => {
  const easter: Window = { ...day, sundays: false, holidays: ['2026-04-03', '2026-04-06'] }
  t.equal(shown(nextOpening(easter, berlin, at('2026-04-02T20:00[Europe/Berlin]')), berlin), '2026-04-04T08:00:00+02:00')
  t.equal(shown(nextOpening(easter, berlin, at('2026-04-04T20:00[Europe/Berlin]')), berlin), '2026-04-07T08:00:00+02:00')
  t.notOk(isOpen(easter, berlin, at('2026-04-05T12:00[Europe/Berlin]')), 'a Sunday')
  t.ok(isOpen(day, berlin, at('2026-04-05T12:00[Europe/Berlin]')), 'where Sundays are days like others')
})

t.test('without a window there is no night', async (t) => {
  t.ok(isOpen('always', berlin, at('2026-03-02T03:00[Europe/Berlin]')))
  t.equal(closesAt('always', berlin, 0), null)
  t.equal(nextOpening('always', berlin, 17), 17)
})

t.test('the night that summer time begins', async (t) => {
  const [before, after] = [at('2026-03-29T01:59:59.999+01:00[Europe/Berlin]'), at('2026-03-29T03:00+02:00[Europe/Berlin]')]
  t.equal(shown(nextOpening(day, berlin, before), berlin), '2026-03-29T08:00:00+02:00', 'eight is eight')
  const early: Window = { ...day, fromMinute: 150 }
  t.equal(shown(nextOpening(early, berlin, before), berlin), '2026-03-29T03:00:00+02:00', 'half past two does not come: the jump is it')
  const late: Window = { ...day, fromMinute: 0, toMinute: 150 }
  t.equal(closesAt(late, berlin, before), after, 'and so it is for the end')
  const between: Window = { ...day, fromMinute: 130, toMinute: 170 }
  t.equal(shown(nextOpening(between, berlin, before), berlin), '2026-03-30T02:10:00+02:00', 'what lies in the gap opens on the next day')
})

t.test('the night that summer time ends has one hour twice, and is open in neither by mistake', async (t) => {
  const midnight = at('2026-10-25T00:00[Europe/Berlin]')
  const early: Window = { ...day, fromMinute: 150 }
  t.equal(shown(nextOpening(early, berlin, midnight), berlin), '2026-10-25T02:30:00+01:00', 'opens at the second half past two')
  const late: Window = { ...day, fromMinute: 0, toMinute: 150 }
  t.equal(shown(closesAt(late, berlin, midnight), berlin), '2026-10-25T02:30:00+02:00', 'closes at the first')
  t.notOk(isOpen(late, berlin, at('2026-10-25T02:10+01:00[Europe/Berlin]')))
})

t.test('clocks that change at midnight, and a day that never was', async (t) => {
  const allDay: Window = { ...day, fromMinute: 0, toMinute: 1440, sundays: false }
  // In Havana the clock goes from midnight to one: the Sunday of 2026-03-08 has no midnight.
  t.equal(shown(closesAt(allDay, 'America/Havana', at('2026-03-07T12:00[America/Havana]')), 'America/Havana'), '2026-03-08T01:00:00-04:00')
  // Samoa went from the 29th to the 31st of December 2011.
  t.equal(shown(nextOpening(day, 'Pacific/Apia', at('2011-12-29T21:00[Pacific/Apia]')), 'Pacific/Apia'), '2011-12-31T08:00:00+14:00')
})

t.test('days that touch are one opening', async (t) => {
  const week: Window = { fromMinute: 0, toMinute: 1440, sundays: false, holidays: [] }
  t.equal(shown(closesAt(week, berlin, at('2026-03-03T12:00[Europe/Berlin]')), berlin), '2026-03-08T00:00:00+01:00', 'Tuesday to Sunday')
  t.equal(closesAt({ ...week, sundays: true }, berlin, 0), null, 'it does not close within a month')
  t.ok(isOpen({ ...week, sundays: true }, berlin, at('2026-03-03T00:00[Europe/Berlin]')))
})

t.test('an unknown zone is a mistake of the caller, and so is a window that never opens', async (t) => {
  t.throws(() => isOpen(day, 'Europe/Atlantis', 0), RangeError)
  t.throws(() => isOpen({ ...day, toMinute: day.fromMinute }, berlin, 0), /never opens/)
})

const zones = [
  'Europe/Berlin',
  'America/New_York',
  'America/Havana',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Cairo',
]
const zone = fc.constantFrom(...zones)
const moment = fc.integer({ min: at('2024-01-01T00:00[UTC]'), max: at('2031-01-01T00:00[UTC]') })
/** Near a change of clocks, where mistakes are. */
const nearChange = fc.tuple(zone, moment, fc.integer({ min: -7_200_000, max: 7_200_000 })).map(([timeZone, from, offset]) => {
  const change = Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(timeZone).getTimeZoneTransition('next')
  return { timeZone, moment: (change?.epochMilliseconds ?? from) + offset }
})
const anywhere = fc.oneof(nearChange, fc.record({ timeZone: zone, moment }))
const hours = fc.tuple(fc.integer({ min: 0, max: 1380 }), fc.integer({ min: 30, max: 1440 }), fc.boolean()).map(
  ([fromMinute, length, sundays]): Window => ({
    fromMinute,
    toMinute: Math.min(1440, fromMinute + length),
    sundays,
    holidays: ['2026-01-01', '2026-10-25'],
  }),
)

t.test('whatever the zone and the day: what is open shows a time within the window, and the ends are exact', async () => {
  fc.assert(
    fc.property(hours, anywhere, (window, { timeZone, moment }) => {
      if (window === 'always') return
      const { opensAt, closesAt: closes } = openingFrom(window, timeZone, moment)
      if (closes === null) return
      const minuteAt = (instant: number): number => {
        const here = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone)
        return here.hour * 60 + here.minute
      }
      const isWithin = (instant: number): boolean => {
        const here = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone)
        const isShut = (here.dayOfWeek === 7 && !window.sundays) || window.holidays.includes(here.toPlainDate().toString())
        return !isShut && window.fromMinute <= minuteAt(instant) && minuteAt(instant) < window.toMinute
      }
      for (const inside of [opensAt, Math.floor((opensAt + closes) / 2), closes - 1]) {
        if (!isWithin(inside)) throw new Error(`open at ${shown(inside, timeZone)}`)
        if (!isOpen(window, timeZone, inside)) throw new Error(`said to be closed at ${shown(inside, timeZone)}`)
      }
      // An opening that is under way may go back further than the day that was looked at.
      for (const outside of opensAt > moment ? [opensAt - 1, closes] : [closes]) {
        if (isOpen(window, timeZone, outside)) throw new Error(`said to be open at ${shown(outside, timeZone)}`)
      }
      if (closes <= moment || opensAt <= moment !== isOpen(window, timeZone, moment)) throw new Error('not the opening of this moment')
    }),
    { numRuns: 3_000 },
  )
})

t.test('what was asked before changes no answer', async (t) => {
  fc.assert(
    fc.property(hours, zone, fc.array(moment, { minLength: 1, maxLength: 5 }), (window, timeZone, moments) => {
      if (window === 'always') return
      for (const one of [...moments, ...moments.map((moment) => moment + 3_600_000)]) {
        const fresh = openingFrom({ ...window }, timeZone, one)
        const { opensAt, closesAt: closes } = openingFrom(window, timeZone, one)
        t.ok(opensAt === fresh.opensAt && closes === fresh.closesAt)
      }
    }),
    { numRuns: 300 },
  )
})
