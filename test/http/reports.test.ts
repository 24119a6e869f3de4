import t, { type Test } from 'tap'
import { prefers } from '../../src/http/accept.ts'
import { toCsv } from '../../src/domain/csv.ts'
import { callRow, monday } from '../support/stories.ts'
import { definition, marta } from '../store/sms/status-line.ts'
import { runHttp } from './running.ts'

const hour = 3_600_000
const day = 24 * hour

/** A ticket, its message, and one call in which its owner asks how it stands; seen three days later. */
async function office(test: Test) {
  let at = monday
  const running = await runHttp(test, { now: () => at })
  const { ask, store, query } = running
  await store.outbox.useSms(definition(), monday)
  await ask('POST', '/v1/tickets', { subject: 'Störung', caller: marta })
  await query(
    `UPDATE messages SET state = 'delivered', route = 'carrier, "the first"', sent_at = created_at, done_at = created_at + interval '2500 ms', due_at = NULL`,
  )
  await store.calls.saveCalls([callRow('call-1', { caller: marta, startedAt: monday + 30 * hour, endedAt: monday + 31 * hour })])
  at = monday + 3 * day
  return running
}

t.test('the report of the last 30 days, as JSON', async (t) => {
  const { ask } = await office(t)
  const { status, body, headers } = await ask('GET', '/v1/reports/sms')
  t.equal(status, 200)
  t.equal(headers.get('cache-control'), 'no-store')
  t.match(body, {
    timeZone: 'Europe/Berlin',
    period: {
      from: '2026-02-03T08:00:00.000Z',
      to: '2026-03-05T08:00:00.000Z',
      ticketsCreated: 1,
      ticketsAskedAbout: 1,
      ticketsAskedAboutPercent: 100,
      enquiries: 1,
      calls: 1,
      replies: 0,
      statusMessages: 1,
      statusMessagesWithoutCall: 1,
      messagesSent: 1,
      messagesDelivered: 1,
      optOuts: 0,
      complaints: 0,
    },
    before: { from: '2026-01-04T08:00:00.000Z', to: '2026-02-03T08:00:00.000Z', calls: 0, ticketsAskedAboutPercent: null },
    changePercent: { calls: null, ticketsCreated: null },
    templates: [{ template: 'ticket.received', messages: 1, states: { delivered: 1 }, sent: 1, optOutPercent: 0 }],
    routes: [{ route: 'carrier, "the first"', delivered: 1, deliveredPercent: 100, deliveryP50Ms: 2500, deliveryP95Ms: 2500 }],
  })
  t.equal(body.days.length, 31)
  t.match(body.days.at(-3), { date: '2026-03-03', enquiries: 1, calls: 1, replies: 0, statusWords: 0 })
})

t.test('the same as CSV, a line for each figure', async (t) => {
  const { ask } = await office(t)
  const query = '/v1/reports/sms?from=2026-03-02T00:00:00%2B01:00&to=2026-03-04T00:00:00%2B01:00'
  const answer = await ask('GET', query, undefined, { accept: 'text/csv' })
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-type'), /^text\/csv; charset=utf-8/)
  t.equal(answer.headers.get('content-disposition'), 'attachment; filename="sms-2026-03-01-2026-03-03.csv"')
  t.equal(answer.headers.get('vary'), 'accept')
  const lines = answer.body.split('\r\n')
  t.equal(lines[0], 'of,name,figure,value,before,changePercent')
  for (const line of [
    'period,,from,2026-03-01T23:00:00.000Z,2026-02-27T23:00:00.000Z,',
    'period,,calls,1,0,',
    'period,,ticketsAskedAboutPercent,100,,',
    'day,2026-03-03,calls,1,,',
    'template,ticket.received,state delivered,1,,',
    'route,"carrier, ""the first""",deliveryP95Ms,2500,,',
  ]) {
    t.ok(lines.includes(line), line)
  }
  t.equal((await ask('GET', `${query}&format=csv`)).body, answer.body, 'for a browser, which cannot choose what it accepts')
  t.match((await ask('GET', `${query}&format=json`, undefined, { accept: 'text/csv' })).body, { period: { calls: 1 } })
})

t.test('what has not happened yet is left out; what cannot be is refused', async (t) => {
  const { ask } = await office(t)
  t.match((await ask('GET', '/v1/reports/sms?from=2026-03-01T00:00:00Z&to=2027-01-01T00:00:00Z')).body, {
    period: { to: '2026-03-05T08:00:00.000Z' },
    before: { to: '2026-03-01T00:00:00.000Z' },
  })
  t.match((await ask('GET', '/v1/reports/sms?to=2026-02-01T00:00:00Z')).body, { period: { from: '2026-01-02T00:00:00.000Z' } })
  for (const [query, field] of [
    ['from=2026-03-06T00:00:00Z', 'from'],
    ['from=2026-03-06T00:00:00Z&to=2026-03-07T00:00:00Z', 'from'],
    ['from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z', 'to'],
    ['from=2024-01-01T00:00:00Z', 'from'],
    ['from=yesterday', 'from'],
    ['format=xlsx', 'format'],
    ['timeZone=UTC', 'timeZone'],
  ] as const) {
    const answer = await ask('GET', `/v1/reports/sms?${query}`)
    t.equal(answer.status, 400, query)
    t.match(answer.body.errors, [{ field }], query)
  }
})

t.test('what a client would rather have', async (t) => {
  const csv = (accept: string | undefined) => prefers(accept, 'text/csv', 'application/json')
  for (const accept of [
    'text/csv',
    'text/*',
    'text/csv, */*',
    'application/json;q=0.5, text/csv',
    'TEXT/CSV;header=present',
    'text/csv;q=0.1',
  ]) {
    t.ok(csv(accept), accept)
  }
  for (const accept of [
    undefined,
    '',
    '*/*',
    'application/json',
    'application/json, text/csv',
    'text/csv;q=0, */*',
    'text/html, */*;q=0.8',
    'image/png',
    'text/csv;q=banana',
    ',;,',
  ]) {
    t.notOk(csv(accept), String(accept))
  }
})

t.test('no cell breaks its line, and none is a formula', async (t) => {
  t.equal(
    toCsv(
      ['a', 'b'],
      [
        ['x,y', 'say "so"\n'],
        ['=1+1', -3],
        [null, '@SUM'],
      ],
    ),
    'a,b\r\n"x,y","say ""so""\n"\r\n\'=1+1,-3\r\n,\'@SUM\r\n',
  )
})
