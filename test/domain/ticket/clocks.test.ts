/** Both clocks of a ticket: what is told when, each once, and when somebody has to look again. */
import t from 'tap'
import fc from 'fast-check'
import type { Hours } from '../../../src/domain/call/flow.ts'
import { pastOver, plainTicketRules, wind, type TicketClocks, type TicketRules } from '../../../src/domain/ticket/clocks.ts'
import { paused, resumed, startedClock, stopped } from '../../../src/domain/ticket/sla.ts'

const hour = 3_600_000
const day = 24 * hour
const at = (written: string): number => Temporal.PlainDateTime.from(written).toZonedDateTime('Europe/Berlin').epochMilliseconds
const monday = at('2026-03-02T10:00')
const business: Hours = {
  timeZone: 'Europe/Berlin',
  weekly: ([1, 2, 3, 4, 5] as const).map((weekday) => ({ day: weekday, fromMinute: 480, toMinute: 1080 })),
  holidays: [],
}
const rules: TicketRules = { ...plainTicketRules, timeZone: 'Europe/Berlin', hours: { business } }

function ticket(changes: Partial<TicketClocks> = {}): TicketClocks {
  return {
    status: 'received',
    reportedAt: null,
    noticeGivenAt: null,
    sla: { clock: startedClock(600, monday), hours: 'business' },
    told: { sla: 0, legal: 0 },
    ...changes,
  }
}

t.test('given ten business hours, when four fifths have passed it is due soon, and at the end overdue', async (t) => {
  const soonAt = at('2026-03-02T18:00')
  t.same(wind(ticket(), rules, monday), { due: [], told: { sla: 0, legal: 0 }, nextAt: soonAt })
  const soon = wind(ticket(), rules, soonAt)
  t.same(soon, { due: [{ is: 'due_soon', at: soonAt }], told: { sla: 1, legal: 0 }, nextAt: at('2026-03-03T10:00') })
  t.same(wind(ticket({ told: soon.told }), rules, soonAt).due, [], 'once')
  const over = wind(ticket({ told: soon.told }), rules, at('2026-03-05T00:00'))
  t.same(over, { due: [{ is: 'overdue', at: at('2026-03-03T10:00') }], told: { sla: 2, legal: 0 }, nextAt: null })
})

t.test('whoever comes back when it is over is not told that it will be soon', async (t) => {
  t.same(
    wind(ticket(), rules, monday + 7 * day).due.map(({ is }) => is),
    ['overdue'],
  )
})

t.test('a share of its own for due soon', async (t) => {
  t.equal(wind(ticket(), { ...rules, dueSoonPercent: 50 }, monday).nextAt, at('2026-03-02T15:00'))
})

t.test('nothing comes due while it is paused or completed, and what is left comes after', async (t) => {
  const clock = startedClock(600, monday)
  const waits = ticket({ sla: { clock: paused(clock, business, 'no access', monday + hour), hours: 'business' } })
  t.same(wind(waits, rules, monday + 30 * day), { due: [], told: { sla: 0, legal: 0 }, nextAt: null })
  const done = stopped(clock, business, monday + hour)
  t.same(wind(ticket({ status: 'completed', sla: { clock: done, hours: 'business' } }), rules, monday + 30 * day).due, [])
  const again = ticket({ status: 'in_progress', sla: { clock: resumed(done, monday + day), hours: 'business' } })
  t.equal(wind(again, rules, monday + day).nextAt, at('2026-03-03T17:00'))
})

t.test('a fault of Monday: notice on Tuesday, compensation on Thursday and more on Saturday', async (t) => {
  const fault = ticket({ sla: null, reportedAt: monday })
  const seen: string[] = []
  let told = fault.told
  for (let next = wind(fault, rules, monday).nextAt; next !== null; ) {
    const wound = wind({ ...fault, told }, rules, next)
    for (const due of wound.due)
      seen.push(`${due.is} ${Temporal.Instant.fromEpochMilliseconds(due.at).toZonedDateTimeISO('Europe/Berlin').toPlainDate().toString()}`)
    told = wound.told
    next = wound.nextAt
  }
  t.same(seen, ['notice 2026-03-03', 'compensation 2026-03-05', 'compensation 2026-03-07'])
})

t.test('a fault that was fixed costs nothing more; one that was not fixed after all has been there all the time', async (t) => {
  const fault = ticket({ sla: null, reportedAt: monday })
  t.same(wind({ ...fault, status: 'completed' }, rules, monday + 9 * day), { due: [], told: { sla: 0, legal: 0 }, nextAt: null })
  const reopened = wind({ ...fault, status: 'in_progress', told: { sla: 0, legal: 1 } }, rules, monday + 3 * day)
  t.match(reopened, { due: [{ is: 'compensation', day: 3 }], told: { legal: 2 } })
})

t.test('whoever has given the notice is not told that it is due; taken back before its day, it still is', async (t) => {
  const fault = ticket({ sla: null, reportedAt: monday })
  const given = { ...fault, noticeGivenAt: monday + hour }
  t.same(wind(given, rules, monday + hour), { due: [], told: { sla: 0, legal: 0 }, nextAt: at('2026-03-05T00:00') })
  t.equal(wind(fault, rules, monday + 2 * hour).nextAt, at('2026-03-03T00:00'), 'taken back')
  t.same(wind(given, rules, monday + day), { due: [], told: { sla: 0, legal: 1 }, nextAt: at('2026-03-05T00:00') })
  t.match(wind(given, rules, at('2026-03-05T00:00')), { due: [{ is: 'compensation', day: 3 }], told: { legal: 2 } })
})

t.test('a fault that is open again: of the dates that passed meanwhile the newest is told, and no notice that is too late', async (t) => {
  const fault = ticket({ sla: null, reportedAt: monday, status: 'in_progress' })
  const toldOn = (moment: string, legal = 0): string[] => {
    const reopened = pastOver({ ...fault, told: { sla: 0, legal } }, rules, at(moment))
    return wind(reopened, rules, at(moment)).due.map((due) => ('day' in due ? `${due.is} ${due.day}` : due.is))
  }
  t.same(toldOn('2026-03-02T23:00'), [])
  t.same(toldOn('2026-03-03T12:00'), ['notice 1'], 'still in time')
  t.same(toldOn('2026-03-04T00:00'), [], 'its day is over')
  t.same(toldOn('2026-03-05T12:00'), ['compensation 3'])
  t.same(toldOn('2026-03-20T12:00'), ['compensation 5'])
  t.same(toldOn('2026-03-20T12:00', 3), [], 'told before')
  t.same(pastOver(ticket(), rules, monday + day), ticket(), 'no fault')
})

t.test('where the law does not apply, or no fault was reported, it has no clock', async (t) => {
  t.equal(wind(ticket({ sla: null }), rules, monday).nextAt, null)
  t.equal(wind(ticket({ sla: null, reportedAt: monday }), { ...rules, tkg58: { on: false, sms: false } }, monday).nextAt, null)
})

t.test('hours that the file does not know any more count as open', async (t) => {
  const gone = ticket({ sla: { clock: startedClock(600, monday), hours: 'night shift' } })
  t.equal(wind(gone, rules, monday).nextAt, monday + 8 * hour)
  t.equal(wind(ticket({ sla: { clock: startedClock(600, monday), hours: 'constructor' } }), rules, monday).nextAt, monday + 8 * hour)
})

t.test('whoever looks whenever it was said to, or seldom, or too often: each thing is told once, in its order', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 2 * day }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 6000 }),
      fc.constantFrom('business', 'always'),
      (waits, minutes, hours) => {
        const clocks = ticket({ reportedAt: monday, sla: { clock: startedClock(minutes, monday), hours } })
        const seen: string[] = []
        let now = monday
        let told = clocks.told
        let next: number | null = null
        for (const wait of [...waits, 300 * day]) {
          const before = next
          now += wait
          const wound = wind({ ...clocks, told }, rules, now)
          // Nothing falls due before the moment that was named.
          if (wound.due.length > 0 && before !== null && now < before) return false
          if (wound.nextAt !== null && wound.nextAt <= now) return false
          for (const due of wound.due) seen.push('day' in due ? `${due.is} ${due.day}` : due.is)
          told = wound.told
          next = wound.nextAt
        }
        const legal = seen.filter((event) => event.includes(' '))
        const sla = seen.filter((event) => !event.includes(' '))
        return (
          legal.join() === 'notice 1,compensation 3,compensation 5' &&
          (sla.join() === 'due_soon,overdue' || sla.join() === 'overdue') &&
          next === null
        )
      },
    ),
  )
})
