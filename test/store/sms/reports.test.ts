/** What status SMS bring, told from what people did: the figures are checked against a week that can be read. */
import t, { type Test } from 'tap'
import { changePercent, percentOf } from '../../../src/domain/sms/effect.ts'
import type { TicketStatus } from '../../../src/app/ports/records.ts'
import { testStore } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { callRow, customerWithPin, monday, serviceWith, valueOf } from '../../support/stories.ts'
import { definition, marta, ours } from './status-line.ts'

const hour = 3_600_000
const day = 24 * hour
const otto = '+491707654321'
/** The week that is reported, seen two days after its end. */
const week = { from: monday, to: monday + 7 * day, timeZone: 'Europe/Berlin', at: monday + 9 * day }

async function office(test: Test) {
  const store = await testStore(test)
  await serviceWith(store, [])
  await store.outbox.useSms(definition(), monday)
  const { records, calls, outbox, query } = store
  let ids = 0
  return {
    ...store,
    async ticket(caller: string, at: number, status: TicketStatus = 'received'): Promise<string> {
      return valueOf(await records.createTicket({ subject: 'Störung', caller, customerId: null, status }, at)).id
    },
    async enters(id: string, status: TicketStatus, at: number): Promise<void> {
      valueOf(await records.changeTicket(id, { status }, at))
    },
    async call(caller: string | null, at: number, changes: Partial<Parameters<typeof callRow>[1]> = {}): Promise<void> {
      ids += 1
      await calls.saveCalls([callRow(`call-${ids}`, { caller, startedAt: at, endedAt: at + 60_000, outcome: 'connected', ...changes })])
    },
    writes: (from: string, text: string, at: number) =>
      outbox.takeIncoming([{ kind: 'reply', route: 'carrier', from, to: ours, text, concatenation: null }], at),
    /** All that waits leaves when it was made, and arrives so much later. */
    async delivers(afterMs: number, state = 'delivered', over = 'carrier'): Promise<void> {
      await query(
        `UPDATE messages SET state = $2, route = $3, sent_at = created_at, due_at = NULL, attempt = 1,
           done_at = CASE WHEN $2 <> 'submitted' THEN created_at + $1 * interval '1 ms' END
         WHERE state IN ('held', 'queued')`,
        [afterMs, state, over],
      )
    },
  }
}

t.test('a week: who asked while their ticket was open, who did not have to, and who had enough', async (t) => {
  const line = await office(t)
  const anschluss = await line.ticket(marta, monday)
  await line.delivers(4_000)
  await line.call(marta, monday + day + hour)
  await line.call(marta, monday + 2 * day, { outcome: 'informed' })
  await line.writes(marta, 'Status!', monday + 2 * day + hour)
  await line.delivers(2_000)
  await line.writes(marta, 'Es rauscht noch immer.', monday + 3 * day)
  await line.enters(anschluss, 'in_progress', monday + 3 * day + hour)
  await line.delivers(8_000)
  await line.enters(anschluss, 'completed', monday + 4 * day)
  await line.delivers(1_000)

  // Nothing is open any more: whoever calls now asks for something else.
  await line.call(marta, monday + 5 * day + 6 * hour)
  await line.call('+4930123456', monday + 5 * day)
  await line.call(null, monday + 5 * day)
  await line.writes(marta, 'Doch nicht erledigt!', monday + 5 * day + 8 * hour)
  await line.delivers(0, 'undeliverable')

  await line.ticket(otto, monday + day)
  await line.delivers(0, 'submitted', 'second carrier')
  await line.call(otto, monday + day + hour, { outcome: 'informed' })
  await line.writes(otto, 'STOP', monday + 2 * day)
  await line.delivers(0, 'submitted', 'second carrier')

  const report = await line.records.smsReport(week)
  t.match(report.period, {
    from: week.from,
    to: week.to,
    ticketsCreated: 3,
    ticketsAskedAbout: 2,
    ticketsAskedAboutPercent: 66.7,
    enquiries: 5,
    calls: 3,
    replies: 2,
    statusWords: 1,
    callsEndedInformed: 2,
    // Marta: received, in progress, completed; Otto: received, after which he called. The new ticket's could not be delivered.
    statusMessages: 4,
    statusMessagesWithoutCall: 3,
    statusMessagesWithoutCallPercent: 75,
    messagesSent: 7,
    messagesDelivered: 4,
    optOuts: 1,
    complaints: 1,
  })
  t.same(report.days, [
    { date: '2026-03-02', enquiries: 0, calls: 0, replies: 0, statusWords: 0 },
    { date: '2026-03-03', enquiries: 2, calls: 2, replies: 0, statusWords: 0 },
    { date: '2026-03-04', enquiries: 2, calls: 1, replies: 1, statusWords: 1 },
    { date: '2026-03-05', enquiries: 1, calls: 0, replies: 1, statusWords: 0 },
    { date: '2026-03-06', enquiries: 0, calls: 0, replies: 0, statusWords: 0 },
    { date: '2026-03-07', enquiries: 0, calls: 0, replies: 0, statusWords: 0 },
    { date: '2026-03-08', enquiries: 0, calls: 0, replies: 0, statusWords: 0 },
    { date: '2026-03-09', enquiries: 0, calls: 0, replies: 0, statusWords: 0 },
  ])
  t.same(report.templates, [
    row('opt_out.confirmation', { submitted: 1 }),
    row('status.reply', { delivered: 1 }),
    { ...row('ticket.completed', { delivered: 1 }), complaints: 1 },
    row('ticket.in_progress', { delivered: 1 }),
    { ...row('ticket.received', { delivered: 1, submitted: 1, undeliverable: 1 }), optOuts: 1, optOutPercent: 33.3 },
  ])
  t.same(report.routes, [
    {
      route: 'carrier',
      sent: 5,
      delivered: 4,
      undeliverable: 1,
      expired: 0,
      failed: 0,
      open: 0,
      deliveredPercent: 80,
      deliveryP50Ms: 3_000,
      deliveryP95Ms: 7_400,
    },
    {
      route: 'second carrier',
      sent: 2,
      delivered: 0,
      undeliverable: 0,
      expired: 0,
      failed: 0,
      open: 2,
      deliveredPercent: null,
      deliveryP50Ms: null,
      deliveryP95Ms: null,
    },
  ])
})

function row(template: string, states: Record<string, number>) {
  const messages = Object.values(states).reduce((sum, count) => sum + count, 0)
  return { template, messages, states, sent: messages, optOuts: 0, optOutPercent: 0, complaints: 0 }
}

t.test('ten called before there were status SMS, seven call now', async (t) => {
  const line = await office(t)
  for (let calls = 0; calls < 10; calls += 1) {
    const caller = `+4917012345${10 + calls}`
    const ticket = await line.ticket(caller, monday - 6 * day)
    await line.call(caller, monday - 5 * day + calls)
    await line.enters(ticket, 'in_progress', monday - 2 * day)
  }
  for (let calls = 0; calls < 7; calls += 1) await line.call(`+4917012345${10 + calls}`, monday + day)
  const { period, before, changePercent } = await line.records.smsReport(week)
  t.match(before, {
    from: monday - 7 * day,
    to: monday,
    ticketsCreated: 10,
    ticketsAskedAbout: 10,
    ticketsAskedAboutPercent: 100,
    calls: 10,
  })
  t.match(period, { calls: 7, enquiries: 7, ticketsCreated: 0, ticketsAskedAbout: 0, ticketsAskedAboutPercent: null })
  t.match(changePercent, { calls: -30, enquiries: -30, replies: null, ticketsCreated: -100, ticketsAskedAboutPercent: null })
})

t.test('whose ticket it is shows from the number, the PIN and the other phone', async (t) => {
  const line = await office(t)
  const { customer } = await customerWithPin(line.records, '48213', { number: '+496215550123' })
  valueOf(await line.records.createTicket({ subject: 'x', caller: marta, customerId: customer.id, status: 'received' }, monday))
  await line.call(marta, monday + hour)
  await line.call('+496215550123', monday + hour)
  await line.call(null, monday + hour, { customerId: customer.id })
  await line.call(otto, monday + hour)
  t.equal((await line.records.smsReport(week)).period.calls, 3)
})

t.test('a ticket was open when they called, whatever it is today', async (t) => {
  const line = await office(t)
  const ticket = await line.ticket(marta, monday)
  await line.enters(ticket, 'in_progress', monday + hour)
  await line.enters(ticket, 'completed', monday + 2 * hour)
  await line.enters(ticket, 'in_progress', monday + 4 * hour)
  await line.enters(ticket, 'completed', monday + 6 * hour)
  for (const hours of [-1, 1.5, 3, 5, 7]) await line.call(marta, monday + hours * hour)
  t.equal((await line.records.smsReport(week)).period.calls, 2, 'at 1.5 and 5')
})

t.test('midnight is where the customers are, and a day of 23 hours is a day', async (t) => {
  const line = await office(t)
  const summerTime = Date.parse('2026-03-29T00:00:00+01:00')
  await line.ticket(marta, summerTime - day)
  for (const at of [summerTime - 1, summerTime, summerTime + 23 * hour - 1, summerTime + 23 * hour]) await line.call(marta, at)
  const { days } = await line.records.smsReport({ ...week, from: summerTime - hour, to: summerTime + 24 * hour, at: summerTime + 2 * day })
  t.same(
    days.map(({ date, calls }) => [date, calls]),
    [
      ['2026-03-28', 1],
      ['2026-03-29', 2],
      ['2026-03-30', 1],
    ],
  )
})

t.test('what was sent today may still be followed by a call, so nothing is said of it yet', async (t) => {
  const line = await office(t)
  await line.ticket(marta, monday)
  await line.delivers(1_000)
  const at = (hours: number) => line.records.smsReport({ ...week, to: monday + 20 * hour, at: monday + hours * hour })
  t.match((await at(23)).period, { statusMessages: 0, statusMessagesWithoutCallPercent: null, messagesSent: 1 })
  t.match((await at(25)).period, { statusMessages: 1, statusMessagesWithoutCallPercent: 100 })
})

t.test('an opt-out is held against the last message of the two days before it', async (t) => {
  const line = await office(t)
  await line.ticket(marta, monday)
  await line.delivers(1_000)
  await line.writes(marta, 'STOP', monday + 3 * day)
  await line.writes(marta, 'STOP', monday + 3 * day + hour)
  const { period, templates } = await line.records.smsReport(week)
  t.equal(period.optOuts, 1, 'who says it twice said it once')
  t.match(
    templates.find(({ template }) => template === 'ticket.received'),
    { sent: 1, optOuts: 0, optOutPercent: 0 },
    'three days later it was something else',
  )
})

t.test('two who ask at once are answered one after the other; nothing is left open', async (t) => {
  const line = await office(t)
  const reports = await Promise.all([line.records.smsReport(week), line.records.smsReport(week)])
  t.same(reports[0], reports[1])
  t.equal(line.connectionsInUse, 0, 'and no connection was taken from the calls')
  await until('their connections to be gone', async () => {
    const { rowCount } = await line.query(
      `SELECT FROM pg_stat_activity WHERE application_name = 'pforte report' AND datname = current_database()`,
    )
    return rowCount === 0
  })
  const refused = t.rejects(line.records.smsReport(week), { name: 'StoreUnavailable' }, 'one that is under way when Pforte ends is cut off')
  await line.close()
  await refused
})

t.test('percents as people compare them', async (t) => {
  t.same([percentOf(1, 3), percentOf(0, 3), percentOf(0, 0)], [33.3, 0, null])
  t.same([changePercent(7, 10), changePercent(10, 7), changePercent(3, 3), changePercent(0, 4)], [-30, 42.9, 0, -100])
  t.same([changePercent(3, 0), changePercent(null, 3), changePercent(3, null)], [null, null, null])
  t.equal(JSON.stringify(changePercent(9999, 10_000)), '0', 'never a minus zero')
})
