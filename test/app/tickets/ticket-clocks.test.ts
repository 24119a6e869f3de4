/** The job that tells what falls due with tickets: to webhooks and, where it is switched on, to customers; each thing once. */
import t from 'tap'
import type { Test } from 'tap'
import { ticketClocks } from '../../../src/app/tickets/ticket-clocks.ts'
import type { Hours } from '../../../src/domain/call/flow.ts'
import { plainTicketRules, type TicketRules } from '../../../src/domain/ticket/clocks.ts'
import { definition } from '../../store/sms/status-line.ts'
import { quiet, rules, testStore } from '../../support/postgres.ts'
import { monday, serviceWith, valueOf } from '../../support/stories.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const marta = '+491701234567'
const business: Hours = {
  timeZone: 'Europe/Berlin',
  weekly: ([1, 2, 3, 4, 5] as const).map((weekday) => ({ day: weekday, fromMinute: 480, toMinute: 1080 })),
  holidays: [],
}
const ticketRules: TicketRules = { ...plainTicketRules, timeZone: 'Europe/Berlin', hours: { business } }
/** Midnight of that many days after the Monday, in Berlin. */
const dayAfter = (days: number): number => Date.UTC(2026, 2, 2 + days) - hour

async function service(t: Test, tickets: TicketRules = ticketRules) {
  let now = monday
  const store = await testStore(t, { now: () => now, tickets })
  await serviceWith(store, ['anna'])
  await store.outbox.useSms(definition(), monday)
  await store.query(
    `INSERT INTO webhooks (id, url, events, secret, created_at) VALUES (gen_random_uuid(), 'https://crm.example.com', '{ticket.due_soon,ticket.overdue,ticket.notice_due,ticket.compensation_due}', '\\x00', now())`,
  )
  const job = ticketClocks({ store: store.ticketClocks, log: quiet, now: () => now })
  const { records } = store
  const customer = valueOf(
    await records.createCustomer({ name: 'Marta', numbers: [marta], language: 'de', timeZone: 'Europe/Berlin' }, monday),
  )
  return {
    ...store,
    customer,
    at: (moment: number) => void (now = moment),
    run: (moment: number) => {
      now = moment
      return job.run(moment, AbortSignal.timeout(30_000))
    },
    contract: async (slaMinutes: number, hours = 'always') =>
      valueOf(
        await records.createContract(
          {
            customerId: customer.id,
            service: 'Entstörung',
            queue: 'emergency',
            priority: 0,
            hours,
            slaMinutes,
            validFrom: null,
            validTo: null,
          },
          monday,
        ),
      ),
    ticket: async (about: { fault?: boolean; customerId?: string | null } = {}, at = monday) =>
      valueOf(await records.createTicket({ subject: 'Störung', caller: null, customerId: customer.id, status: 'received', ...about }, at)),
    change: async (id: string, change: object, at: number) => valueOf(await records.changeTicket(id, change, at)),
    events: async () =>
      (
        await store.query<{ type: string; object_id: string; data: any }>(
          'SELECT type, object_id, data FROM webhook_deliveries ORDER BY seq',
        )
      ).rows,
    messages: async (template: string) =>
      (
        await store.query<{ state: string; body: string; trace: { why: string }[] }>(
          'SELECT state, body, trace FROM messages WHERE template = $1 ORDER BY created_at',
          [template],
        )
      ).rows,
  }
}

t.test('a promise runs short, and then it is broken: both are told as they happen, each once', async (t) => {
  const { contract, ticket, run, events } = await service(t)
  await contract(600, 'business')
  const { id, number } = await ticket()
  await run(monday + 8 * hour - 1)
  t.same(await events(), [], 'not before its time')
  await run(monday + 8 * hour)
  await run(monday + 8 * hour + minute)
  t.match(await events(), [
    {
      type: 'ticket.due_soon',
      object_id: id,
      data: { id, number, version: 1, sla: { state: 'running', remainingMs: 2 * hour, dueAt: '2026-03-03T08:00:00.000Z' } },
    },
  ])
  await run(monday + 26 * hour)
  await run(monday + 90 * hour)
  t.same(
    (await events()).map(({ type }) => type),
    ['ticket.due_soon', 'ticket.overdue'],
  )
  t.match((await events())[1], { data: { version: 1, sla: { state: 'overdue' } } }, 'that time passes is no change of the ticket')
})

t.test('whoever was away tells what is still so', async (t) => {
  const { contract, ticket, run, events } = await service(t)
  await contract(60)
  await ticket()
  await ticket()
  await run(monday + day)
  t.same(
    (await events()).map(({ type }) => type),
    ['ticket.overdue', 'ticket.overdue'],
  )
})

t.test('completed in time or paused, nothing is told', async (t) => {
  const { contract, ticket, change, run, events } = await service(t)
  await contract(60)
  const [a, b] = [await ticket(), await ticket({ fault: true })]
  await change(a.id, { slaPaused: true, pausedReason: 'niemand zu Hause' }, monday + minute)
  await change(b.id, { status: 'in_progress' }, monday + minute)
  await change(b.id, { status: 'completed' }, monday + 2 * minute)
  await run(monday + 9 * day)
  t.same(await events(), [])
  await change(a.id, { slaPaused: false }, monday + 9 * day)
  await run(monday + 9 * day + hour)
  t.same(
    (await events()).map(({ type }) => type),
    ['ticket.overdue'],
  )
})

t.test('many processes look at once: each thing is told once', async (t) => {
  const { contract, ticket, ticketClocks: clocks, events } = await service(t)
  await contract(60)
  for (let count = 0; count < 30; count++) await ticket({ fault: true })
  const tell = async (): Promise<void> => {
    for (let isMore = true; isMore; ) ({ isMore } = await clocks.tellDue(monday + 6 * day, 4))
  }
  await Promise.all(Array.from({ length: 5 }, tell))
  await tell()
  const told = await events()
  t.equal(told.length, 30 * 4, 'overdue, the notice, day 3 and day 5')
  t.equal(new Set(told.map(({ type, object_id, data }) => `${type} ${object_id} ${data.day}`)).size, told.length)
})

t.test('a fault of Monday: the next day, the third and the fifth', async (t) => {
  const { ticket, run, events, messages } = await service(t)
  const { id } = await ticket({ fault: true })
  for (const days of [1, 2, 3, 4, 5, 6]) {
    await run(dayAfter(days) - 1)
    await run(dayAfter(days))
  }
  t.match(await events(), [
    { type: 'ticket.notice_due', object_id: id, data: { day: 1, legal: { noticeDueAt: '2026-03-03T23:00:00.000Z', noticeSentAt: null } } },
    { type: 'ticket.compensation_due', data: { day: 3, legal: { compensationFromAt: '2026-03-04T23:00:00.000Z' } } },
    { type: 'ticket.compensation_due', data: { day: 5 } },
  ])
  t.equal((await events()).length, 3)
  t.same([await messages('ticket.notice'), await messages('ticket.compensation')], [[], []], 'SMS are not switched on')
})

t.test('the customer was told by telephone: nobody is reminded of the notice, but of what the fault costs', async (t) => {
  const { ticket, change, run, events, records } = await service(t)
  const { id } = await ticket({ fault: true })
  const { id: other } = await ticket({ fault: true })
  await change(id, { noticeSentAt: monday + hour }, monday + hour)
  await change(other, { noticeSentAt: monday + hour }, monday + hour)
  await change(other, { noticeSentAt: null }, monday + 2 * hour)
  await run(dayAfter(1))
  t.match(await events(), [{ type: 'ticket.notice_due', object_id: other }], 'where it was taken back, somebody is')
  t.equal((await events()).length, 1)
  await change(other, { status: 'in_progress' }, dayAfter(1) + hour)
  await change(other, { status: 'completed' }, dayAfter(1) + hour)
  await run(dayAfter(3))
  t.match((await events()).slice(1), [{ type: 'ticket.compensation_due', object_id: id, data: { day: 3 } }])
  t.equal((await events()).length, 2)

  const late = await ticket({ fault: true })
  const early = await ticket({ fault: true })
  await change(early.id, { noticeSentAt: monday + hour }, monday + hour)
  valueOf(await records.mergeTicket(early.id, late.id, undefined, monday + hour))
  t.match(await records.ticket(late.id), { legal: { noticeSentAt: monday + hour } }, 'and a merge forgets nothing of it')
})

t.test('a fault of long ago is reopened: what it costs now is told, and not what passed', async (t) => {
  const { ticket, change, run, events, records } = await service(t)
  const old = await ticket({ fault: true })
  const again = await ticket({ fault: true })
  for (const { id } of [old, again]) {
    await change(id, { status: 'in_progress' }, monday + hour)
    await change(id, { status: 'completed' }, monday + 2 * hour)
  }
  await run(dayAfter(3))
  t.same(await events(), [])
  await change(old.id, { status: 'in_progress' }, dayAfter(3) + hour)
  await run(dayAfter(3) + hour + minute)
  t.match(await events(), [{ type: 'ticket.compensation_due', object_id: old.id, data: { day: 3 } }])
  t.equal((await events()).length, 1)
  await change(again.id, { status: 'in_progress' }, dayAfter(30))
  await run(dayAfter(30) + minute)
  const told = (await events()).map(({ object_id, data }) => `${object_id === old.id ? 'old' : 'again'} ${data.day}`)
  t.same(told.sort(), ['again 5', 'old 3', 'old 5'])

  const third = await ticket({ fault: true })
  await change(third.id, { status: 'in_progress' }, monday + hour)
  await change(third.id, { status: 'completed' }, monday + 2 * hour)
  const fresh = await ticket({}, dayAfter(31))
  valueOf(await records.mergeTicket(third.id, fresh.id, undefined, dayAfter(31)))
  await run(dayAfter(31) + minute)
  t.match((await events()).slice(3), [{ type: 'ticket.compensation_due', object_id: fresh.id, data: { day: 5 } }], 'the same by a merge')
  t.equal((await events()).length, 4)
})

const bySms: TicketRules = { ...ticketRules, tkg58: { on: true, sms: true } }

t.test('where it is switched on, the customer is told too: by day, and once', async (t) => {
  const { ticket, run, messages, records, query } = await service(t, bySms)
  const { id, number } = await ticket({ fault: true })
  await run(dayAfter(1))
  t.match(await messages('ticket.notice'), [{ state: 'held', body: new RegExp(number), trace: [{ why: 'outside the delivery window' }] }])
  await query(`UPDATE messages SET state = 'submitted', sent_at = $1 WHERE template = 'ticket.notice'`, [new Date(dayAfter(1) + 9 * hour)])
  t.match((await records.ticket(id))?.legal, { noticeSentAt: dayAfter(1) + 9 * hour })
  await run(dayAfter(3))
  await run(dayAfter(5))
  t.match(await messages('ticket.compensation'), [{ state: 'held', body: /5 € oder 10 %/ }])
  t.equal((await messages('ticket.notice')).length, 1)
})

t.test('fixed before anybody has read of it: the notice is not sent any more', async (t) => {
  const { ticket, change, run, messages } = await service(t, bySms)
  const { id } = await ticket({ fault: true })
  await change(id, { status: 'in_progress' }, monday + hour)
  await run(dayAfter(1))
  await change(id, { status: 'completed' }, dayAfter(1) + hour)
  t.match(await messages('ticket.notice'), [{ state: 'superseded', trace: [{}, { why: 'the fault was fixed' }] }])
})

t.test('told already, too late, or wanted by nobody: no notice by SMS', async (t) => {
  const { ticket, change, run, messages, records } = await service(t, bySms)
  const told = await ticket({ fault: true })
  await change(told.id, { noticeSentAt: monday + hour }, monday + hour)
  await ticket({ fault: true }, monday - 4 * day)
  await run(dayAfter(1))
  t.same(await messages('ticket.notice'), [])
  t.match(await records.ticket(told.id), { legal: { noticeSentAt: monday + hour } })
  t.equal((await messages('ticket.compensation')).length, 1, 'but what it costs is told')
})

t.test('whoever opted out gets no notice, and the ticket tells that none was sent', async (t) => {
  const { ticket, run, messages, records, outbox } = await service(t, bySms)
  const { id } = await ticket({ fault: true })
  await outbox.takeIncoming(
    [{ kind: 'reply', route: 'r', from: marta, to: '+49621555100', text: 'STOP', concatenation: null }],
    monday + minute,
  )
  await run(dayAfter(1))
  t.match(await messages('ticket.notice'), [{ state: 'suppressed', trace: [{ why: 'the recipient opted out' }] }])
  t.match((await records.ticket(id))?.legal, { noticeSentAt: null })
})

t.test('other hours in pforte.yaml: the clocks of open tickets go by them from the next look on', async (t) => {
  const { contract, ticket, run, events, records, useRules, query } = await service(t)
  await contract(600, 'business')
  const { id } = await ticket()
  await run(monday + minute)
  const longDay = { ...business, weekly: business.weekly.map((span) => ({ ...span, toMinute: 1440 })) }
  useRules({ ...rules, tickets: { ...ticketRules, hours: { business: longDay } } })
  await run(monday + 2 * minute)
  t.match((await records.ticket(id, monday + 2 * minute))?.sla, { dueAt: monday + 10 * hour, remainingMs: 10 * hour - 2 * minute })
  t.same((await query('SELECT count(*)::int AS rows FROM ticket_clock_rules')).rows, [{ rows: 1 }])
  await run(monday + 8 * hour)
  t.same(
    (await events()).map(({ type }) => type),
    ['ticket.due_soon'],
  )
  useRules({ ...rules, tickets: { ...ticketRules, dueSoonPercent: 95, hours: { business: longDay } } })
  await run(monday + 8 * hour + minute)
  await run(monday + 9 * hour + 30 * minute)
  t.same(
    (await events()).map(({ type }) => type),
    ['ticket.due_soon', 'ticket.due_soon'],
    'soon is another moment now',
  )
})

t.test('one ticket that cannot be told of holds up no other', async (t) => {
  const { contract, ticket, run, events, query } = await service(t)
  await contract(60)
  const bad = await ticket()
  for (let count = 0; count < 3; count++) await ticket()
  await query(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON webhook_deliveries FOR EACH ROW WHEN (NEW.object_id = '${bad.id}') EXECUTE FUNCTION refuse()`)
  await run(monday + day)
  t.equal((await events()).length, 3)
  await query('DROP TRIGGER refuse ON webhook_deliveries')
  await run(monday + day + 2 * hour)
  t.match((await events()).at(-1), { type: 'ticket.overdue', object_id: bad.id }, 'and it comes later')
})
