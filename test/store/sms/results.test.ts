/** What the carrier answered, or did not: where a message stands afterwards, when it is tried again, and how much of it. */
import t from 'tap'
import pg from 'pg'
import type { TryResult } from '../../../src/app/ports/outbox.ts'
import { StoreUnavailable } from '../../../src/app/ports/store.ts'
import { recordResults } from '../../../src/store/sms/results.ts'
import { takeReceipts } from '../../../src/store/sms/receipts.ts'
import { settleUncertain } from '../../../src/store/sms/uncertain.ts'
import { monday } from '../../support/stories.ts'
import { until } from '../../support/until.ts'
import { answer, exactly, Hand, says, stands, traceOf } from './sending.ts'
import { marta, outgoing, route, statusLine } from './status-line.ts'

const second = 1_000
const minute = 60 * second

type Line = Awaited<ReturnType<typeof statusLine>>

/** A line with one message that is being written to the carrier. */
async function submitting(t: Parameters<typeof statusLine>[0], parts = 1) {
  const line = await statusLine(t)
  const id = await outgoing(line, { parts })
  await line.rows(`UPDATE messages SET bind = 'bind 1', epoch = 1, sequence = 1`)
  const record = (...results: TryResult[]) => recordAt(monday, ...results)
  const recordAt = (at: number, ...results: TryResult[]) => recordResults(line.connections, results, at)
  return { line, id, record, recordAt, message: () => messageOf(line, id), parts: () => partsOf(line, id) }
}

t.test('the carrier takes it: once is enough, however often it is told', async (t) => {
  const { id, record, recordAt, message, parts } = await submitting(t)
  const taken = answer(id, says.takes('A1'))
  await record(taken)
  await recordAt(monday + minute, taken)
  await recordAt(monday + minute, taken, taken)
  const row = await message()
  t.match(row, { state: 'submitted', due_at: null, sending_by: null, done_at: null })
  t.same(traceOf(row), ['submitted: the carrier took it'])
  t.same(await parts(), ['1.0 submitted A1'])
})

t.test('a hundred at once, some taken, some not', async (t) => {
  const line = await statusLine(t)
  const ids = await Promise.all(Array.from({ length: 100 }, () => outgoing(line)))
  const results = ids.map((id, place) =>
    answer(id, place % 10 === 0 ? says.refuses('ESME_RINVDSTADR') : place % 10 === 1 ? says.nothing : says.takes(`A${place}`)),
  )
  await recordResults(line.connections, results, monday)
  await recordResults(line.connections, results, monday)
  t.same(
    await line.rows('SELECT state, count(*)::int, max(jsonb_array_length(trace)) AS steps FROM messages GROUP BY state ORDER BY state'),
    [
      { state: 'failed', count: 10, steps: 1 },
      { state: 'submitted', count: 80, steps: 1 },
      { state: 'uncertain', count: 10, steps: 1 },
    ],
  )
})

t.test('a batch of answers and a matching of receipts lock messages in one order, and never wait for each other in a ring', async (t) => {
  const line = await statusLine(t)
  const ids = (await Promise.all(Array.from({ length: 20 }, () => outgoing(line)))).sort()
  const receipts = new pg.Client({ connectionString: line.url })
  await receipts.connect()
  t.teardown(() => receipts.end())
  await receipts.query('BEGIN')
  await receipts.query('SELECT FROM messages WHERE id = $1 FOR NO KEY UPDATE', [ids[0]])
  const recording = recordResults(
    line.connections,
    ids.toReversed().map((id, place) => answer(id, says.takes(`A${place}`))),
    monday,
  )
  await until('the answers to wait for the receipts', async () => {
    const waiting = await line.rows(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
    return waiting.length === 1
  })
  await receipts.query('SELECT FROM messages WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE NOWAIT', [ids])
  await receipts.query('COMMIT')
  await recording
  t.same(await line.rows('SELECT state, count(*)::int FROM messages GROUP BY state'), [{ state: 'submitted', count: 20 }])
})

t.test('others stand in the way at every try: it is no bug, and is tried again later', async (t) => {
  const { line, id, record, message } = await submitting(t)
  await line.rows(`CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'for the test' USING ERRCODE = '40P01'; END $$`)
  await line.rows('CREATE TRIGGER collide BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION collide()')
  await t.rejects(record(answer(id, says.takes('A1'))), StoreUnavailable)
  await line.rows('DROP TRIGGER collide ON messages')
  await record(answer(id, says.takes('A1')))
  t.match(await message(), { state: 'submitted' })
})

t.test('refused for good: it has failed, and the carrier’s reason is kept', async (t) => {
  const { line, id, record, recordAt, message } = await submitting(t)
  const refused = answer(id, says.refuses('ESME_RINVDSTADR'))
  await record(refused)
  await recordAt(monday + minute, refused)
  const row = await message()
  t.match(row, { state: 'failed', due_at: null, sending_by: null, done_at: monday })
  t.same(traceOf(row), ['failed: ESME_RINVDSTADR'])
  t.same(await line.rows('SELECT state, error, carrier_id FROM message_parts'), [
    { state: 'failed', error: 'ESME_RINVDSTADR', carrier_id: null },
  ])
})

t.test('refused for now: it is tried again, each time after a longer pause, until the carrier takes it', async (t) => {
  const line = await statusLine(t)
  await line.ticket({ caller: marta })
  const hand = new Hand(line)
  const id = (await line.messages())[0]!.id
  let at = monday
  const pauses: number[] = []
  for (let attempt = 1; attempt <= 12; attempt++) {
    t.equal((await hand.claim(at)).submitting[0]?.message.attempt, attempt)
    const refused = answer(id, says.refuses('ESME_RTHROTTLED', attempt % 2 === 0 ? 'throttled' : 'queue_full'), { attempt })
    await recordResults(line.connections, [refused], at)
    await recordResults(line.connections, [refused], at + 1)
    const row = await messageOf(line, id)
    t.match(row, { state: 'queued', sending_by: null })
    pauses.push((row.due_at! - at) / second)
    t.same((await hand.claim(row.due_at! - 1)).submitting, [], 'not before')
    at = row.due_at!
  }
  t.same(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
  t.same(traceOf(await messageOf(line, id)).slice(-2), [
    'submitting: within the delivery window',
    'queued: ESME_RTHROTTLED, which may pass',
  ])
  await hand.claim(at)
  await recordResults(line.connections, [answer(id, says.takes('A1'), { attempt: 13 })], at)
  t.same(await line.rows('SELECT state, refusals FROM messages'), [{ state: 'submitted', refusals: 0 }])
})

t.test('the queue of one phone is full: what else waits for it rests as long, and nothing for others does', async (t) => {
  const line = await statusLine(t)
  const refused = await outgoing(line)
  const [soon, later, elsewhere] = [
    await outgoing(line, { state: 'queued', attempt: 0 }),
    await outgoing(line, { state: 'held', attempt: 0 }),
    await outgoing(line, { state: 'queued', attempt: 0, to: '+491707654321' }),
  ]
  await line.rows('UPDATE messages SET due_at = $2 WHERE id = $1', [later, new Date(monday + minute)])
  await recordResults(line.connections, [answer(refused, says.refuses('ESME_RMSGQFUL', 'queue_full'))], monday)
  const dueAt = async (id: string): Promise<number | null> => (await messageOf(line, id)).due_at
  t.equal(await dueAt(refused), monday + second)
  t.equal(await dueAt(soon), monday + second)
  t.equal(await dueAt(later), monday + minute, 'what is to go later anyway stays as it is')
  t.equal(await dueAt(elsewhere), monday)
})

t.test('not a byte of it left: it goes at once, and does not count for the caps', async (t) => {
  const { line, id, recordAt, message } = await submitting(t)
  const unwritten = answer(id, says.unwritten)
  await recordAt(monday + minute, unwritten)
  t.match(await message(), { state: 'queued', due_at: monday + minute })
  t.same(await line.rows('SELECT sent_at FROM messages'), [{ sent_at: null }])
  await new Hand(line).claim(monday + minute)
  await recordAt(monday + 2 * minute, unwritten)
  t.match(await message(), { state: 'submitting' }, 'told again it says nothing of the try that is under way')
  await recordAt(monday + 2 * minute, answer(id, says.unwritten, { attempt: 2, sequence: 7 }))
  t.match(await message(), { state: 'submitting' }, 'nor does what somebody had in mind whose claim failed')
  await recordAt(monday + 2 * minute, answer(id, says.unwritten, { attempt: 2 }))
  t.match(await message(), { state: 'queued' })
})

t.test('no answer: it is uncertain, until one comes late', async (t) => {
  for (const [late, state, due] of [
    [says.takes('A1', true), 'submitted', null],
    [says.refuses('ESME_RINVDSTADR', 'permanent', true), 'failed', null],
    [says.refuses('ESME_RTHROTTLED', 'throttled', true), 'queued', monday + minute + second],
  ] as const) {
    const { line, id, record, recordAt, message } = await submitting(t)
    await record(answer(id, says.nothing))
    await record(answer(id, says.nothing))
    t.match(await message(), { state: 'uncertain', due_at: monday, sending_by: null })
    t.match(await settleUncertain(line.connections, line.sms.definition!, monday + second), { nextAt: null })
    await recordAt(monday + minute, answer(id, late))
    await recordAt(monday + minute, answer(id, late))
    const row = await message()
    t.match(row, { state, due_at: due })
    exactly(t, traceOf(row), [
      'uncertain: written, but not answered: no answer within 30000 ms',
      'left uncertain: the template prefers a gap to a repeat',
      new RegExp(`^${state}: `),
    ])
  }
})

t.test('a message that arrived keeps the time of its arrival, whatever is told again', async (t) => {
  const { line, id, record, recordAt, message } = await submitting(t)
  await record(answer(id, says.takes('A1')))
  const receipt = { kind: 'receipt', route, to: marta, carrierIds: ['A1'], state: 'delivered', error: null, doneAt: null } as const
  await takeReceipts(line.connections, [receipt], monday + minute)
  for (const said of [says.takes('A1'), says.takes('A1', true), says.nothing, says.unwritten, says.refuses('ESME_RSYSERR', 'temporary')])
    await recordAt(monday + 2 * minute, answer(id, said))
  t.match(await message(), { state: 'delivered', done_at: monday + minute, due_at: null })
})

t.test('a long message: while a part of it is on the wire, none of it is sent again', async (t) => {
  const { line, id, record, recordAt, message, parts } = await submitting(t, 3)
  const hand = new Hand(line)
  const of = { parts: 3 }
  await record(answer(id, says.takes('A1'), { ...of, part: 0 }))
  await recordAt(monday + second, answer(id, says.refuses('ESME_RTHROTTLED', 'throttled'), { ...of, part: 1 }))
  t.match(await message(), { state: 'submitting', due_at: null, sending_by: 'a sender' })
  t.same((await hand.claim(monday + minute)).submitting, [])
  await recordAt(monday + minute, answer(id, says.takes('A3'), { ...of, part: 2 }))
  t.match(await message(), { state: 'queued', sending_by: null, due_at: monday + minute + second })
  const [again] = (await hand.claim(monday + 2 * minute)).submitting
  t.match(again, { message: { attempt: 2 } }, 'then the rest of it')
  t.same(again?.message.settledParts, [0, 2])
  await recordAt(monday + 2 * minute, answer(id, says.takes('B2'), { parts: 1, part: 1, attempt: 2 }))
  t.match(await message(), { state: 'submitted' })
  t.same(await parts(), ['1.0 submitted A1', '1.1 queued', '1.2 submitted A3', '2.1 submitted B2'])
  t.same(traceOf(await message()), [
    'submitted: the carrier took it (part 1 of 3)',
    'queued: ESME_RTHROTTLED, which may pass (part 2 of 3)',
    'submitted: the carrier took it (part 3 of 3)',
    'submitting: within the delivery window',
    'submitted: the carrier took it (part 2 of 3)',
  ])
})

t.test('several parts are refused at once, and again: one pause for all of them, longer the second time', async (t) => {
  const { line, id, recordAt, message } = await submitting(t, 3)
  const throttled = (part: number, attempt: number) =>
    answer(id, says.refuses('ESME_RTHROTTLED', 'throttled'), { part, parts: attempt === 1 ? 3 : 2, attempt })
  await recordAt(monday, throttled(1, 1), answer(id, says.takes('A1'), { parts: 3 }))
  await recordAt(monday, throttled(2, 1))
  t.match(await message(), { state: 'queued', due_at: monday + second })
  await new Hand(line).claim(monday + minute)
  await recordAt(monday + minute, throttled(1, 2), throttled(2, 2))
  t.match(await message(), { state: 'queued', due_at: monday + minute + 2 * second })
  await new Hand(line).claim(monday + 2 * minute)
  await recordAt(monday + 2 * minute, answer(id, says.takes('C2'), { part: 1, parts: 2, attempt: 3 }))
  await recordAt(monday + 2 * minute, answer(id, says.takes('C3'), { part: 2, parts: 2, attempt: 3 }))
  t.match(await message(), { state: 'submitted' })
})

t.test('a part that may have arrived is not sent again with one that has not', async (t) => {
  const { line, id, record, recordAt, message } = await submitting(t, 2)
  await record(answer(id, says.nothing, { part: 0, parts: 2 }), answer(id, says.unwritten, { part: 1, parts: 2 }))
  t.match(await message(), { state: 'queued' })
  t.same((await new Hand(line).claim(monday + minute)).submitting[0]?.message.settledParts, [0])
  await recordAt(monday + minute, answer(id, says.takes('B2'), { part: 1, parts: 1, attempt: 2 }))
  t.match(await message(), { state: 'uncertain' })
  await recordAt(monday + minute, answer(id, says.takes('A1', true), { part: 0, parts: 2 }))
  t.match(await message(), { state: 'submitted' })
})

t.test('nor is one of which nobody heard since its sender was given up for dead', async (t) => {
  const { line, id, recordAt, message } = await submitting(t, 2)
  await line.rows(`UPDATE messages SET state = 'uncertain', sending_by = NULL, uncertain_at = $1, due_at = NULL`, [new Date(monday)])
  await recordAt(monday + minute, answer(id, says.refuses('ESME_RTHROTTLED', 'throttled'), { part: 0, parts: 2 }))
  t.match(await message(), { state: 'uncertain', due_at: null })
  t.same((await new Hand(line).claim(monday + 2 * minute)).submitting, [])
  await recordAt(monday + 3 * minute, answer(id, says.takes('A2'), { part: 1, parts: 2 }))
  t.match(await message(), { state: 'queued', due_at: monday + 3 * minute + second })
  t.same((await new Hand(line).claim(monday + 4 * minute)).submitting[0]?.message.settledParts, [1])
})

t.test('one part is refused for good: the message has failed, and it is known of the others that they were taken', async (t) => {
  const { id, record, message, parts } = await submitting(t, 2)
  await record(answer(id, says.refuses('ESME_RINVDSTADR'), { part: 0, parts: 2 }))
  await record(answer(id, says.takes('A2'), { part: 1, parts: 2 }))
  t.match(await message(), { state: 'failed', done_at: monday, due_at: null })
  t.same(await parts(), ['1.0 failed', '1.1 submitted A2'])
})

t.test('the answer to a try that was given up saves the repeat, if that has not left', async (t) => {
  const { line, id, record, recordAt, message } = await submitting(t)
  await record(answer(id, says.nothing))
  await line.rows(`UPDATE messages SET state = 'queued', due_at = $1, repeats = 1`, [new Date(monday + minute)])
  await line.rows(`UPDATE message_parts SET state = 'queued'`)
  await recordAt(monday + second, answer(id, says.takes('A1', true)))
  t.match(await message(), { state: 'submitted', due_at: null })
  t.same((await new Hand(line).claim(monday + minute)).submitting, [])
})

t.test('and if it has, the message is with the carrier, whatever is said of the repeat', async (t) => {
  const { line, id, record, recordAt, message, parts } = await submitting(t)
  await record(answer(id, says.nothing))
  await line.rows(`UPDATE messages SET state = 'queued', due_at = $1, repeats = 1`, [new Date(monday + minute)])
  await line.rows(`UPDATE message_parts SET state = 'queued'`)
  await new Hand(line).claim(monday + minute)
  await recordAt(monday + 2 * minute, answer(id, says.refuses('ESME_RTHROTTLED', 'throttled', true)))
  t.match(await message(), { state: 'submitting' }, 'or it would leave a third time')
  await recordAt(monday + 2 * minute, answer(id, says.takes('A1', true)))
  t.match(await message(), { state: 'submitted' })
  await recordAt(monday + 2 * minute, answer(id, says.nothing, { attempt: 2 }))
  t.match(await message(), { state: 'submitted' })
  await recordAt(monday + 2 * minute, answer(id, says.takes('B1', true), { attempt: 2 }))
  t.match(await message(), { state: 'submitted', due_at: null })
  t.same(await parts(), ['1.0 submitted A1', '2.0 submitted B1'], 'receipts for either will find it')
})

t.test('what waits for its retry is not hurried by old news', async (t) => {
  const { line, id, record, recordAt, message } = await submitting(t, 2)
  await record(
    answer(id, says.nothing, { part: 0, parts: 2 }),
    answer(id, says.refuses('ESME_RMSGQFUL', 'queue_full'), { part: 1, parts: 2 }),
  )
  const due = monday + second
  t.match(await message(), { state: 'queued', due_at: due })
  await line.rows(`UPDATE messages SET due_at = $1`, [new Date(monday + minute)])
  await recordAt(monday + 2 * second, answer(id, says.takes('A1', true), { part: 0, parts: 2 }))
  t.match(await message(), { state: 'queued', due_at: monday + minute })
})

t.test('the answer to a message that was erased meanwhile is nobody’s', async (t) => {
  const { line, id, record } = await submitting(t)
  await line.rows('DELETE FROM messages')
  await record(answer(id, says.takes('A1')), answer(id, says.nothing))
  t.same(await line.messages(), [])
})

async function messageOf(line: Line, id: string) {
  return (await stands(line, `id = '${id}'`))[0]!
}

/** `attempt.part state id`, in their order. */
async function partsOf({ rows }: Line, id: string): Promise<string[]> {
  const found = await rows<{ part: string }>(
    `SELECT concat_ws(' ', attempt || '.' || part, state, carrier_id) AS part FROM message_parts WHERE message_id = $1 ORDER BY attempt, part`,
    [id],
  )
  return found.map(({ part }) => part)
}
