/** A sender dies, or a carrier does not answer: what was being written is uncertain, is not sent again blindly, and is not forgotten. */
import t, { type Test } from 'tap'
import { Leases } from '../../../src/store/lease.ts'
import { recordResults } from '../../../src/store/sms/results.ts'
import { takeSenderLease } from '../../../src/store/sms/sender-lease.ts'
import { rescue, settleUncertain } from '../../../src/store/sms/uncertain.ts'
import { newId } from '../../../src/store/ids.ts'
import { quiet } from '../../support/postgres.ts'
import { monday } from '../../support/stories.ts'
import { until } from '../../support/until.ts'
import { answer, exactly, Hand, says, stands, traceOf } from './sending.ts'
import { marta, ours, route, statusLine } from './status-line.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
/** As pforte.yaml has it. */
const resendAfter = 10 * minute

type Line = Awaited<ReturnType<typeof statusLine>>

t.test('a sender dies in the middle: what it was writing is uncertain; what a living one writes is not touched', async (t) => {
  const { line, senders } = await withSenders(t, 3)
  const [dies, lives, rescuer] = senders
  const lost = await submittedBy(line, dies!.sender, 3)
  const kept = await submittedBy(line, lives!.sender, 2)
  const own = await submittedBy(line, rescuer!.sender, 1)
  t.same(await rescue(line.connections, rescuer!.sender, monday), { uncertain: 0 }, 'all are alive')

  await endLease(line, dies!)
  t.same(await rescue(line.connections, rescuer!.sender, monday + second), { uncertain: 3 })
  t.same(await rescue(line.connections, rescuer!.sender, monday + second), { uncertain: 0 }, 'once')
  for (const row of await stands(line, `id = ANY ('{${lost}}')`)) {
    t.match(row, { state: 'uncertain', due_at: monday + second, sending_by: null })
    t.same(row.trace, [{ at: monday + second, what: 'uncertain', why: 'its sender died while it was being written' }])
  }
  for (const row of await stands(line, `id = ANY ('{${kept},${own}}')`)) t.match(row, { state: 'submitting', trace: [] })
})

t.test('two come to the rescue at the same moment: each message is found once', async (t) => {
  const { line, senders } = await withSenders(t, 3)
  const [dies, first, second] = senders
  await submittedBy(line, dies!.sender, 20)
  await endLease(line, dies!)
  const rescued = await Promise.all([first, second].map((one) => rescue(line.connections, one!.sender, monday)))
  t.equal(rescued[0]!.uncertain + rescued[1]!.uncertain, 20)
  for (const row of await stands(line)) t.equal(row.trace.length, 1)
})

t.test('a sender that lost its lease and has another is dead under its old name', async (t) => {
  const { line, senders, leases } = await withSenders(t, 1)
  const [before] = senders
  await submittedBy(line, before!.sender, 1)
  await endLease(line, before!)
  const after = await takeSenderLease(leases)
  t.not(after.sender, before!.sender)
  t.same(await rescue(line.connections, after.sender, monday), { uncertain: 1 })
  await after.release()
})

t.test('a template that prefers a gap to a repeat: it is left as it is, and says so', async (t) => {
  const line = await statusLine(t)
  const [id] = await uncertain(line, 'ticket.received', 1)
  t.same(await settleUncertain(line.connections, line.sms.definition!, monday), { nextAt: null })
  t.same(await settleUncertain(line.connections, line.sms.definition!, monday + hour), { nextAt: null })
  const [row] = await stands(line)
  t.match(row, { state: 'uncertain', due_at: null })
  t.same(traceOf(row!), ['left uncertain: the template prefers a gap to a repeat'])
  await recordResults(line.connections, [answer(id!, says.takes('A1', true))], monday + hour)
  exactly(t, await stands(line), [{ state: 'submitted', due_at: null }], 'and a late answer is heeded all the same')
})

t.test('one that prefers a repeat: it waits for an answer, and is repeated once', async (t) => {
  const line = await statusLine(t)
  const [id] = await uncertain(line, 'payment.received', 1)
  t.same(await settleUncertain(line.connections, line.sms.definition!, monday), { nextAt: monday + resendAfter })
  t.same(await settleUncertain(line.connections, line.sms.definition!, monday + resendAfter - 1), { nextAt: monday + resendAfter })
  exactly(t, await stands(line), [{ state: 'uncertain', due_at: monday + resendAfter }])
  t.same(await settleUncertain(line.connections, line.sms.definition!, monday + resendAfter), { nextAt: null })
  exactly(t, await stands(line), [{ state: 'queued', due_at: monday + resendAfter }])

  const hand = new Hand(line)
  exactly(t, (await hand.claim(monday + resendAfter)).submitting, [{ message: { id, attempt: 2 } }])
  await recordResults(line.connections, [answer(id!, says.nothing, { attempt: 2 })], monday + hour)
  t.same(await settleUncertain(line.connections, line.sms.definition!, monday + hour), { nextAt: null })
  const [row] = await stands(line)
  t.match(row, { state: 'uncertain', due_at: null })
  t.same(traceOf(row!), [
    'queued again: the template prefers a repeat to a gap',
    'submitting: within the delivery window',
    'uncertain: written, but not answered: no answer within 30000 ms',
    'left uncertain: it was repeated once already',
  ])
})

t.test('an answer while it waits saves the repeat', async (t) => {
  const line = await statusLine(t)
  const [id] = await uncertain(line, 'payment.received', 1)
  await settleUncertain(line.connections, line.sms.definition!, monday)
  await recordResults(line.connections, [answer(id!, says.takes('A1', true))], monday + minute)
  t.same(await settleUncertain(line.connections, line.sms.definition!, monday + resendAfter), { nextAt: null })
  exactly(t, await stands(line), [{ state: 'submitted', due_at: null }])
})

t.test('no repeat at night, nor after STOP', async (t) => {
  const line = await statusLine(t)
  const closing = monday + 11 * hour
  await uncertain(line, 'payment.received', 1, closing - minute)
  await settleUncertain(line.connections, line.sms.definition!, closing + resendAfter)
  await new Hand(line).claim(closing + resendAfter)
  exactly(t, await stands(line), [
    { state: 'held', trace: [{ what: 'queued again' }, { what: 'held', why: 'outside the delivery window' }] },
  ])

  await line.rows(`INSERT INTO sms_consents (number, purpose, is_in, said_at, said_over) VALUES ($1, 'all', false, now(), 'api')`, [marta])
  await new Hand(line).claim(monday + 26 * hour)
  exactly(t, await stands(line), [{ state: 'suppressed', due_at: null }])
})

t.test('of a long message only those parts are repeated of which nobody knows', async (t) => {
  const line = await statusLine(t)
  const [id] = await uncertain(line, 'payment.received', 1, monday, 3)
  await recordResults(line.connections, [answer(id!, says.takes('A2', true), { part: 1, parts: 3 })], monday)
  await settleUncertain(line.connections, line.sms.definition!, monday)
  await settleUncertain(line.connections, line.sms.definition!, monday + resendAfter)
  const { submitting } = await new Hand(line).claim(monday + resendAfter)
  t.same(
    submitting.map(({ message }) => message.settledParts),
    [[1]],
  )
})

t.test('after a crash there may be many of them: all are settled at the first look', async (t) => {
  const line = await statusLine(t)
  await uncertain(line, 'ticket.received', 250)
  t.same(await settleUncertain(line.connections, line.sms.definition!, monday), { nextAt: null })
  t.same(await line.rows('SELECT jsonb_array_length(trace) AS steps, count(*)::int FROM messages GROUP BY 1'), [{ steps: 1, count: 250 }])
})

async function withSenders(t: Test, count: number) {
  const line = await statusLine(t)
  const leases = new Leases(line.url, quiet)
  t.teardown(() => leases.close())
  const senders = await Promise.all(Array.from({ length: count }, () => takeSenderLease(leases)))
  return { line, leases, senders }
}

/** The connection that carries the lease ends, as it does when a process is killed. */
async function endLease({ rows }: Line, { sender, lost }: { sender: string; lost: Promise<string> }): Promise<void> {
  const name = `pforte lease sms ${sender}`
  const ours = 'application_name = $1 AND datname = current_database()'
  await rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${ours}`, [name])
  await lost
  await until('Postgres to have let it go', async () => (await rows(`SELECT FROM pg_stat_activity WHERE ${ours}`, [name])).length === 0)
}

async function submittedBy(line: Line, sender: string, count: number): Promise<string[]> {
  return insert(line, { state: 'submitting', template: 'ticket.received', count, at: monday, parts: 1, sender })
}

function uncertain(line: Line, template: string, count: number, at = monday, parts = 1): Promise<string[]> {
  return insert(line, { state: 'uncertain', template, count, at, parts, sender: null })
}

type Written = { state: string; template: string; count: number; at: number; parts: number; sender: string | null }

async function insert({ rows }: Line, { state, template, count, at, parts, sender }: Written): Promise<string[]> {
  const ids = Array.from({ length: count }, newId)
  await rows(
    `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, time_zone, attempt, parts, sending_by, route,
       sent_at, uncertain_at, due_at, created_at)
     SELECT id, 'out', $2, $3, 'Ihre Zahlung ist da.', $4, $5, $6, 'Europe/Berlin', 1, $7, $8, $9, $6,
       CASE WHEN $4 = 'uncertain' THEN $6::timestamptz END, CASE WHEN $4 = 'uncertain' THEN $6::timestamptz END, $6 FROM unnest($1::uuid[]) id`,
    [ids, marta, ours, state, template, new Date(at), parts, sender, route],
  )
  return ids
}
