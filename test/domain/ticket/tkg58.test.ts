/** The dates of TKG § 58: given a report, which day of it is it, and who has to be told what. */
import t from 'tap'
import fc from 'fast-check'
import { legalDates, legalSteps, stepAt } from '../../../src/domain/ticket/tkg58.ts'

const at = (written: string): number => Temporal.ZonedDateTime.from(written).epochMilliseconds
const shown = (moment: number, timeZone = 'Europe/Berlin'): string =>
  Temporal.Instant.fromEpochMilliseconds(moment).toZonedDateTimeISO(timeZone).toString({ timeZoneName: 'never' })
const datesOf = (reported: string, timeZone = 'Europe/Berlin'): Record<string, string> =>
  Object.fromEntries(Object.entries(legalDates(at(reported), timeZone)).map(([name, moment]) => [name, shown(moment, timeZone)]))

t.test('a fault of Monday: told of on Tuesday, and from Thursday on it costs', async (t) => {
  t.same(datesOf('2026-03-02T10:15[Europe/Berlin]'), {
    noticeFromAt: '2026-03-03T00:00:00+01:00',
    noticeDueAt: '2026-03-04T00:00:00+01:00',
    compensationFromAt: '2026-03-05T00:00:00+01:00',
    raisedCompensationFromAt: '2026-03-07T00:00:00+01:00',
  })
})

t.test('it is the day of the report that is not counted, not 24 hours', async (t) => {
  t.same(datesOf('2026-03-02T00:00[Europe/Berlin]'), datesOf('2026-03-02T23:59:59.999[Europe/Berlin]'))
  t.equal(datesOf('2026-03-02T23:59[Europe/Berlin]').noticeDueAt, '2026-03-04T00:00:00+01:00')
  t.equal(datesOf('2026-03-03T00:00[Europe/Berlin]').noticeDueAt, '2026-03-05T00:00:00+01:00', 'a minute later, a day later')
})

t.test('Sundays and holidays are calendar days like others', async (t) => {
  t.equal(datesOf('2026-04-03T10:00[Europe/Berlin]').compensationFromAt, '2026-04-06T00:00:00+02:00', 'Easter Monday')
})

t.test('days are counted on the clock of the service, and are shorter or longer where it changes', async (t) => {
  t.match(datesOf('2026-03-28T20:00[Europe/Berlin]'), {
    noticeFromAt: '2026-03-29T00:00:00+01:00',
    noticeDueAt: '2026-03-30T00:00:00+02:00',
  })
  t.match(datesOf('2026-10-24T20:00[Europe/Berlin]'), {
    noticeFromAt: '2026-10-25T00:00:00+02:00',
    noticeDueAt: '2026-10-26T00:00:00+01:00',
  })
  // In Havana the Sunday of 2026-03-08 has no midnight.
  t.equal(datesOf('2026-03-07T12:00[America/Havana]', 'America/Havana').noticeFromAt, '2026-03-08T01:00:00-04:00')
})

t.test('each date is the first moment of its day, in any zone, at any time of year', async () => {
  const zones = fc.constantFrom('Europe/Berlin', 'America/Havana', 'Asia/Beirut', 'Australia/Lord_Howe', 'UTC')
  fc.assert(
    fc.property(zones, fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2035, 0) }), (timeZone, reportedAt) => {
      const dayOf = (moment: number) => Temporal.Instant.fromEpochMilliseconds(moment).toZonedDateTimeISO(timeZone).toPlainDate()
      return legalSteps.every((step) => {
        const moment = stepAt(step, reportedAt, timeZone)
        const [day, before] = [dayOf(moment), dayOf(moment - 1)].map((date) => dayOf(reportedAt).until(date, { largestUnit: 'day' }).days)
        return day === step.day && before === step.day - 1
      })
    }),
  )
})
