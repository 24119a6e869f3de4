import t from 'tap'
import fc from 'fast-check'
import { isTicketNumber, ticketNumber } from '../../../src/domain/ticket/number.ts'
import { mayBecome, ticketStatuses } from '../../../src/domain/ticket/status.ts'

t.test('a ticket goes from received to in progress to completed, and can be reopened', async (t) => {
  const ways = ticketStatuses.flatMap((from) => ticketStatuses.filter((to) => mayBecome(from, to)).map((to) => `${from} → ${to}`))
  t.strictSame(ways, ['received → in_progress', 'in_progress → completed', 'completed → in_progress'])
})

t.test('a ticket number is digits with a check digit (the example of Damm’s thesis)', async (t) => {
  t.equal(ticketNumber(572), '5724')
  t.ok(isTicketNumber('57 2-4'), 'however it is written')
  for (const wrong of ['', '0', '572', '572a', '5725']) t.notOk(isTicketNumber(wrong), wrong)
})

t.test('one wrong digit or two neighbours swapped is no ticket number', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), fc.nat(), fc.integer({ min: 1, max: 9 }), (count, at, by) => {
      const digits = [...ticketNumber(count)].map(Number)
      const place = at % digits.length
      const misheard = digits.with(place, (digits[place]! + by) % 10).join('')
      const next = (place + 1) % digits.length
      const swapped = next > place ? digits.with(place, digits[next]!).with(next, digits[place]!).join('') : digits.join('')
      return isTicketNumber(digits.join('')) && !isTicketNumber(misheard) && (swapped === digits.join('') || !isTicketNumber(swapped))
    }),
  )
})
