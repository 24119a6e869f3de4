import t from 'tap'
import pg from 'pg'
import type { ReceiptState } from '../../../src/app/ports/smsc.ts'
import {
  countUnmatched,
  mostCounted,
  adoptIds,
  findParts,
  findWaiting,
  matchLeft,
  purgeReceipts,
  takeReceipts,
  type IncomingReceipt,
} from '../../../src/store/sms/receipts.ts'
import { recordResults } from '../../../src/store/sms/results.ts'
import { monday } from '../../support/stories.ts'
import { accepted, marta, outgoing, route, statusLine, unanswered } from './status-line.ts'

const minute = 60_000
const day = 24 * 60 * minute

t.test('a message arrives, and its row says when and by what', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line)
  await recordResults(line.connections, [accepted(id, 'A1')], monday)
  await takeReceipts(line.connections, [receipt('A1', 'delivered', { doneAt: monday + minute })], monday + 2 * minute)
  const [message] = await line.messages()
  t.match(message, { state: 'delivered', done_at: new Date(monday + minute), due_at: null, sending_by: null })
  t.same(message?.trace.at(-1), { at: monday + 2 * minute, what: 'delivered', why: 'its receipt says so' })
  t.match(await parts(line, id), [{ state: 'delivered', done_at: new Date(monday + minute) }])
  t.equal(await countUnmatched(line.connections, monday + day), 0)
})

t.test('a carrier whose clock is wrong: what it says of the time is not believed', async (t) => {
  const line = await statusLine(t)
  for (const [carrierId, doneAt] of [
    ['future', monday + day],
    ['past', monday - day],
    ['silent', null],
  ] as const) {
    const id = await outgoing(line)
    await recordResults(line.connections, [accepted(id, carrierId)], monday)
    await takeReceipts(line.connections, [receipt(carrierId, 'delivered', { doneAt })], monday + minute)
    t.match(await line.messages(`id = '${id}'`), [{ done_at: new Date(monday + minute) }], carrierId)
  }
})

t.test('a receipt that is faster than the answer waits for it', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line)
  await takeReceipts(line.connections, [receipt('A1', 'delivered')], monday)
  t.match(await line.messages(), [{ state: 'submitting' }])
  t.equal(await countUnmatched(line.connections, monday), 1)
  await recordResults(line.connections, [accepted(id, 'A1')], monday + 50)
  t.match(await line.messages(), [{ state: 'delivered', sending_by: null }])
  t.equal(await countUnmatched(line.connections, monday + day), 0)
})

t.test('answers and receipts of a hundred messages at the same moment: none of them misses the other', async (t) => {
  const line = await statusLine(t)
  const ids = await Promise.all(Array.from({ length: 100 }, () => outgoing(line)))
  await Promise.all(
    ids.flatMap((id, place) => [
      recordResults(line.connections, [accepted(id, `A${place}`)], monday),
      takeReceipts(line.connections, [receipt(`A${place}`, 'delivered')], monday),
    ]),
  )
  t.match(await line.rows(`SELECT state, count(*)::int FROM messages GROUP BY state`), [{ state: 'delivered', count: 100 }])
  t.equal(await countUnmatched(line.connections, monday + day), 0)
  const [{ most } = { most: 0 }] = await line.rows<{ most: number }>('SELECT max(jsonb_array_length(trace)) AS most FROM messages')
  t.equal(most, 2, 'and each is applied once')
})

t.test('receipts come double and out of order: the first end stands', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line)
  await recordResults(line.connections, [accepted(id, 'A1')], monday)
  const come = ['enroute', 'enroute', 'unknown', 'delivered', 'delivered', 'enroute', 'undeliverable'] as const
  for (const [place, state] of come.entries()) await takeReceipts(line.connections, [receipt('A1', state)], monday + place * minute)
  const [message] = await line.messages()
  t.match(message, { state: 'delivered', done_at: new Date(monday + 3 * minute) })
  t.same(
    message?.trace.map(({ what, why }) => `${what}: ${why}`),
    ['submitted: the carrier took it', 'receipt: enroute', 'receipt: unknown', 'delivered: its receipt says so'],
    'each piece of news once',
  )
  t.equal(await countUnmatched(line.connections, monday + day), 0, 'none is kept waiting')
})

t.test('all of that in one batch', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line)
  await recordResults(line.connections, [accepted(id, 'A1')], monday)
  await takeReceipts(
    line.connections,
    (['enroute', 'expired', 'delivered'] as const).map((state) => receipt('A1', state)),
    monday,
  )
  t.match(await line.messages(), [{ state: 'expired' }])
})

t.test('the carrier could not: the message says so, with the carrier’s error', async (t) => {
  const line = await statusLine(t)
  const ends = { expired: 'expired', deleted: 'undeliverable', undeliverable: 'undeliverable', rejected: 'failed' } as const
  for (const [state, end] of Object.entries(ends) as [ReceiptState, string][]) {
    const id = await outgoing(line)
    await recordResults(line.connections, [accepted(id, state)], monday)
    await takeReceipts(line.connections, [receipt(state, state, { error: '0a1' })], monday + minute)
    const [message] = await line.messages(`id = '${id}'`)
    t.match(message, { state: end, done_at: new Date(monday + minute) })
    t.match(message?.trace.at(-1), { what: end, why: 'its receipt says so, error 0a1' })
    t.match(await parts(line, id), [{ state: end, error: '0a1' }])
  }
})

t.test('hexadecimal in the answer, decimal in the receipt: any of the forms is found, the likeliest first', async (t) => {
  const line = await statusLine(t)
  const hex = await outgoing(line)
  const likelier = await outgoing(line)
  const lessLikely = await outgoing(line)
  await recordResults(line.connections, [accepted(hex, '1F4'), accepted(likelier, '20'), accepted(lessLikely, '14')], monday)
  await takeReceipts(line.connections, [{ ...receipt('500', 'delivered'), carrierIds: ['500', '1f4', '1F4'] }], monday)
  await takeReceipts(line.connections, [{ ...receipt('20', 'delivered'), carrierIds: ['20', '14'] }], monday)
  t.same(await states(line, [hex, likelier, lessLikely]), ['delivered', 'delivered', 'submitted'])
})

t.test('ids are a carrier’s own: the same one of another carrier is another message', async (t) => {
  const line = await statusLine(t)
  const [here, there] = [await outgoing(line), await outgoing(line)]
  await recordResults(line.connections, [accepted(here, '7'), accepted(there, '7', { over: 'other' })], monday)
  await takeReceipts(line.connections, [receipt('7', 'undeliverable', { over: 'other' })], monday)
  t.same(await states(line, [here, there]), ['submitted', 'undeliverable'])
  await takeReceipts(line.connections, [receipt('8', 'delivered', { over: 'other' })], monday)
  const third = await outgoing(line)
  await recordResults(line.connections, [accepted(third, '8')], monday)
  t.same(await states(line, [third]), ['submitted'], 'nor does one wait for it')
})

t.test('a carrier that began to count anew: the receipt is for the message that is still open', async (t) => {
  const line = await statusLine(t)
  const before = await outgoing(line)
  await recordResults(line.connections, [accepted(before, '1')], monday - 9 * day)
  await takeReceipts(line.connections, [receipt('1', 'delivered')], monday - 9 * day)
  await takeReceipts(line.connections, [receipt('1', 'expired')], monday)
  t.equal(await countUnmatched(line.connections, monday), 1, 'an early one is not taken for a late double')
  const open = await outgoing(line)
  await recordResults(line.connections, [accepted(open, '1')], monday)
  t.same(await states(line, [before, open]), ['delivered', 'expired'])
})

t.test('a long text has arrived with its last part, in whatever order they do', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line, { parts: 3 })
  await recordResults(
    line.connections,
    [0, 1, 2].map((part) => accepted(id, `P${part}`, { part, parts: 3 })),
    monday,
  )
  await takeReceipts(line.connections, [receipt('P2', 'delivered', { doneAt: monday + 2 * minute })], monday + 3 * minute)
  await takeReceipts(line.connections, [receipt('P0', 'delivered', { doneAt: monday + minute })], monday + 3 * minute)
  t.same(await states(line, [id]), ['submitted'])
  await takeReceipts(line.connections, [receipt('P1', 'delivered', { doneAt: monday + minute })], monday + 4 * minute)
  const [message] = await line.messages()
  t.match(message, { state: 'delivered', done_at: new Date(monday + 2 * minute) }, 'it was whole when the last one was there')
  t.same(
    message?.trace.slice(1).map(({ what, why }) => `${what}: ${why}`),
    [3, 1, 2].map((part) => `delivered: its receipt says so (part ${part} of 3)`),
  )
})

t.test('one part that is lost is a text that is lost', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line, { parts: 2 })
  await recordResults(
    line.connections,
    [0, 1].map((part) => accepted(id, `P${part}`, { part, parts: 2 })),
    monday,
  )
  await takeReceipts(line.connections, [receipt('P0', 'delivered'), receipt('P1', 'undeliverable', { error: '027' })], monday)
  const [message] = await line.messages()
  t.equal(message?.state, 'undeliverable')
  t.match(message?.trace.at(-1), { why: 'its receipt says so (part 2 of 2), error 027' })
})

t.test('a part arrives while another is not answered yet', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line, { parts: 2 })
  await recordResults(line.connections, [accepted(id, 'P0', { part: 0, parts: 2 })], monday)
  await takeReceipts(line.connections, [receipt('P0', 'delivered')], monday)
  t.same(await states(line, [id]), ['submitting'])
  await recordResults(line.connections, [accepted(id, 'P1', { part: 1, parts: 2 })], monday)
  await takeReceipts(line.connections, [receipt('P1', 'delivered')], monday)
  t.same(await states(line, [id]), ['delivered'])
})

t.test('the carrier took it after all, and it arrives while a repeat waits: it is not sent twice', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line, { state: 'queued', attempt: 1 })
  await line.rows(`INSERT INTO message_parts VALUES ($1, 1, 0, 'submitted', $2, 'A1', NULL, $3)`, [id, route, new Date(monday)])
  await takeReceipts(line.connections, [receipt('A1', 'delivered')], monday)
  t.match(await line.messages(), [{ state: 'delivered', due_at: null }])
})

t.test('a repeat is on its way: that the first try arrived is the end of it, that it did not is none', async (t) => {
  const line = await statusLine(t)
  const [lost, arrived] = [await outgoing(line, { attempt: 2 }), await outgoing(line, { attempt: 2 })]
  for (const [id, carrierId] of [
    [lost, 'L1'],
    [arrived, 'A1'],
  ] as const) {
    await line.rows(`INSERT INTO message_parts VALUES ($1, 1, 0, 'submitted', $2, $3, NULL, $4)`, [id, route, carrierId, new Date(monday)])
  }
  await takeReceipts(line.connections, [receipt('L1', 'expired'), receipt('A1', 'delivered')], monday)
  t.same(await states(line, [lost, arrived]), ['submitting', 'delivered'])
  const [message] = await line.messages(`id = '${lost}'`)
  t.match(message?.trace.at(-1), { what: 'receipt', why: 'expired, of an earlier try' })
  await line.rows(`INSERT INTO message_parts VALUES ($1, 2, 0, 'submitted', $2, 'L2', NULL, $3)`, [lost, route, new Date(monday)])
  await line.rows(`UPDATE messages SET state = 'submitted' WHERE id = $1`, [lost])
  await takeReceipts(line.connections, [receipt('L1', 'delivered')], monday)
  t.same(await states(line, [lost]), ['delivered'], 'whichever try')
})

t.test('somebody opted out before the repeat went: it stays suppressed, and the receipt stands in its trace', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line, { state: 'suppressed' })
  await line.rows(`INSERT INTO message_parts VALUES ($1, 1, 0, 'submitted', $2, 'A1', NULL, $3)`, [id, route, new Date(monday)])
  await takeReceipts(line.connections, [receipt('A1', 'delivered')], monday)
  const [message] = await line.messages()
  t.equal(message?.state, 'suppressed')
  t.match(message?.trace.at(-1), { what: 'delivered' })
})

t.test('the answer was lost, so nobody knows the id: the receipt for the only uncertain message to that number is its own', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line)
  await recordResults(line.connections, [unanswered(id)], monday)
  t.same(await states(line, [id]), ['uncertain'])
  await takeReceipts(line.connections, [receipt('A1', 'delivered', { to: '+491700000000' })], monday + minute)
  t.same(await states(line, [id]), ['uncertain'], 'to another number')
  await takeReceipts(line.connections, [receipt('A2', 'delivered', { to: marta })], monday + minute)
  t.same(await states(line, [id]), ['delivered'])
  const [message] = await line.messages()
  t.match(message?.trace.at(-1), { what: 'delivered' })
})

t.test('a receipt that came before the message left is for another one; so may be one without an id', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line)
  await takeReceipts(line.connections, [receipt('A1', 'delivered', { to: marta })], monday - 1)
  await recordResults(line.connections, [unanswered(id)], monday)
  await matchLeft(line.connections, 0, monday + minute)
  t.same(await states(line, [id]), ['uncertain'])
  await takeReceipts(line.connections, [receipt('', 'delivered', { to: marta })], monday + minute)
  t.same(await states(line, [id]), ['uncertain'])
})

t.test('however many receipts match nothing, counting them at each scrape costs no more than so much', async (t) => {
  const line = await statusLine(t)
  await line.rows(
    `INSERT INTO receipts (route, carrier_ids, state, received_at) SELECT $1, ARRAY ['x' || n], 'delivered', $2 FROM generate_series(1, 10100) n`,
    [route, new Date(monday)],
  )
  t.equal(await countUnmatched(line.connections, monday), mostCounted)
})

t.test('of two uncertain messages to one number nobody can say whose the receipt is', async (t) => {
  const line = await statusLine(t)
  const ids = [await outgoing(line), await outgoing(line)]
  for (const id of ids) await recordResults(line.connections, [unanswered(id)], monday)
  await takeReceipts(line.connections, [receipt('A1', 'delivered', { to: marta })], monday + minute)
  t.same(await states(line, ids), ['uncertain', 'uncertain'])
})

t.test('a receipt that may be for a message on its way there is not taken for an uncertain one’s', async (t) => {
  const line = await statusLine(t)
  const [first, second] = [await outgoing(line), await outgoing(line)]
  await recordResults(line.connections, [unanswered(first)], monday)
  await takeReceipts(line.connections, [receipt('A2', 'delivered', { to: marta })], monday + minute)
  await recordResults(line.connections, [accepted(second, 'A2')], monday + minute)
  t.same(await states(line, [first, second]), ['uncertain', 'delivered'])
})

t.test('a receipt for nothing of ours is kept for some days, counted, and goes', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line)
  await recordResults(line.connections, [accepted(id, 'A1')], monday)
  await takeReceipts(line.connections, [receipt('A1', 'delivered'), receipt('foreign', 'delivered'), receipt('foreign', 'enroute')], monday)
  t.equal(await countUnmatched(line.connections, monday), 2)
  t.equal(await countUnmatched(line.connections, monday - 1), 0, 'those that only just came are not counted yet')
  t.same(await purgeReceipts(line.connections, monday), { purged: 0, unmatched: 0 })
  t.same(await purgeReceipts(line.connections, monday + 1), { purged: 3, unmatched: 2 })
  t.same(await states(line, [id]), ['delivered'])
})

t.test('a process dies between storing a receipt and matching it: another one finds it', async (t) => {
  const line = await statusLine(t)
  const ids: string[] = []
  for (let place = 0; place < 3; place += 1) ids.push(await outgoing(line))
  await recordResults(
    line.connections,
    ids.map((id, place) => accepted(id, `A${place}`)),
    monday,
  )
  // Stored, and no more; among a thousand that match nothing.
  await line.rows(
    `INSERT INTO receipts (route, carrier_ids, state, received_at)
    SELECT $1, ARRAY [CASE WHEN n % 400 = 0 THEN 'A' || n / 400 ELSE 'x' || n END], 'delivered', $2 FROM generate_series(0, 1199) n`,
    [route, new Date(monday)],
  )
  t.equal(await matchLeft(line.connections, monday + 1, monday + minute), 0, 'those before are not looked at')
  t.equal(await matchLeft(line.connections, monday - 1, monday + minute), 3)
  t.same(await states(line, ids), ['delivered', 'delivered', 'delivered'])
  t.equal(await matchLeft(line.connections, 0, monday + minute), 0)
})

t.test('a message that was erased meanwhile keeps nothing from being taken', async (t) => {
  const line = await statusLine(t)
  const [erased, other] = [await outgoing(line), await outgoing(line)]
  await recordResults(line.connections, [accepted(erased, 'A1'), accepted(other, 'A2')], monday)
  await line.rows('DELETE FROM messages WHERE id = $1', [erased])
  await takeReceipts(line.connections, [receipt('A1', 'delivered'), receipt('A2', 'delivered')], monday)
  t.same(await states(line, [other]), ['delivered'])
  t.equal(await countUnmatched(line.connections, monday), 0)
})

t.test('whatever a carrier writes into ids and errors can be stored', async (t) => {
  const line = await statusLine(t)
  const strange = ['\0', '"}{,\\', '\ud800', "'; DROP TABLE receipts; --", 'x'.repeat(2000), 'ä€😀', '']
  await takeReceipts(
    line.connections,
    strange.map((text) => receipt(text, 'delivered', { error: text, doneAt: 8.64e15 })),
    monday,
  )
  const id = await outgoing(line)
  await recordResults(line.connections, [accepted(id, '"}{,\\')], monday)
  t.same(await states(line, [id]), ['delivered'])
})

t.test('thousands in one batch, several a message', async (t) => {
  const line = await statusLine(t)
  const [{ ids } = { ids: [] }] = await line.rows<{ ids: string[] }>(
    `WITH made AS (INSERT INTO messages (id, direction, recipient, sender, body, state, happened_at, parts, created_at)
      SELECT gen_random_uuid(), 'out', 'x', 'x', 'x', 'submitted', $1, 2, $1 FROM generate_series(1, 1000) RETURNING id),
    parts AS (INSERT INTO message_parts SELECT id, 1, part, 'submitted', $2, id || '-' || part, NULL, $1 FROM made, generate_series(0, 1) part)
    SELECT array_agg(id) AS ids FROM made`,
    [new Date(monday), route],
  )
  const twoEach = ids.flatMap((id) => [receipt(`${id}-1`, 'delivered'), receipt(`${id}-0`, 'delivered')])
  await takeReceipts(line.connections, twoEach, monday)
  t.match(await line.rows('SELECT state, count(*)::int FROM messages GROUP BY state'), [{ state: 'delivered', count: 1000 }])
})

t.test('with twenty thousand parts and as many receipts that wait, all looks go by index', async (t) => {
  const line = await statusLine(t)
  await line.rows(
    `INSERT INTO message_parts SELECT gen_random_uuid(), 1, 0, 'submitted', $1, 'A' || n, NULL, now() FROM generate_series(1, 20000) n`,
    [route],
  )
  await line.rows(
    `INSERT INTO receipts (route, carrier_ids, state, received_at) SELECT $1, ARRAY ['B' || n], 'delivered', now() FROM generate_series(1, 20000) n`,
    [route],
  )
  await line.rows(
    `INSERT INTO messages (id, direction, recipient, sender, body, state, happened_at, created_at)
     SELECT gen_random_uuid(), 'out', '+4917' || n, 'Pforte', 'x', 'delivered', now(), now() FROM generate_series(1, 20000) n`,
    [],
  )
  await line.rows('ANALYZE messages, message_parts, receipts')
  for (const [statement, parameter] of [
    [findParts, `'{1,2,3}'::bigint[]`],
    [findWaiting, `'{A1,B2}'::text[]`],
    [adoptIds, `'{1,2,3}'::bigint[]`],
  ] as const) {
    const client = new pg.Client({ connectionString: line.url })
    await client.connect()
    await client.query(`PREPARE look AS ${statement.text}; SET plan_cache_mode = force_generic_plan`)
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN EXECUTE look (${parameter})`)
    await client.end()
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    t.notMatch(plan, /Seq Scan/, `${statement.name}:\n${plan}`)
  }
})

function receipt(
  carrierId: string,
  state: ReceiptState,
  {
    over = route,
    to = '+491709999999',
    error = null,
    doneAt = null,
  }: { over?: string; to?: string; error?: string | null; doneAt?: number | null } = {},
): IncomingReceipt {
  return { kind: 'receipt', route: over, to, carrierIds: [carrierId], state, error, doneAt }
}

type Line = Awaited<ReturnType<typeof statusLine>>

async function states({ rows }: Line, ids: readonly string[]): Promise<string[]> {
  const found = await rows<{ id: string; state: string }>('SELECT id, state FROM messages WHERE id = ANY ($1)', [ids])
  return ids.map((id) => found.find((row) => row.id === id)?.state ?? 'none')
}

function parts({ rows }: Line, id: string): Promise<{ state: string; error: string | null; done_at: Date | null }[]> {
  return rows('SELECT state, error, done_at FROM message_parts WHERE message_id = $1 ORDER BY attempt, part', [id])
}
