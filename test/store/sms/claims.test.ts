/** What is due is claimed: looked at once more, each by one sender, and only as much as there is room for. */
import t from 'tap'
import { StoreUnavailable } from '../../../src/app/ports/store.ts'
import { Connections } from '../../../src/store/connections.ts'
import { claim } from '../../../src/store/sms/claims.ts'
import { SmsIntents } from '../../../src/store/sms/intents.ts'
import { quiet } from '../../support/postgres.ts'
import { monday } from '../../support/stories.ts'
import { definition, keys, marta, ours, outgoing, route, statusLine } from './status-line.ts'
import { exactly, Hand, stands } from './sending.ts'

const minute = 60_000
const hour = 60 * minute
const night = monday + 12 * hour
const morning = monday + 23 * hour
/** 20:00 in Berlin. */
const closing = monday + 11 * hour

t.test('a message is claimed: before it is written, its row says under which number, and by whom', async (t) => {
  const line = await statusLine(t)
  await line.ticket({ caller: marta })
  const [message] = await stands(line)
  const hand = new Hand(line)
  const { submitting, isMore, nextDueAt } = await hand.claim(monday + minute)
  exactly(t, submitting, [
    {
      message: { id: message?.id, attempt: 1, to: marta, from: ours, text: message?.body, settledParts: [] },
      taken: { reservation: { sequence: 1 } },
      validUntil: closing,
    },
  ])
  t.same([isMore, nextDueAt], [false, null])
  const [row] = await stands(line)
  t.match(row, {
    state: 'submitting',
    due_at: null,
    sending_by: 'a sender',
    bind: 'bind 1',
    route,
    epoch: '1',
    sequence: '1',
    attempt: 1,
    sent_at: monday + minute,
  })
  t.same(row?.trace.slice(1), [{ at: monday + minute, what: 'submitting', why: 'within the delivery window' }])
  t.same((await hand.claim(monday + minute)).submitting, [], 'once')
})

t.test('the status of the morning: of three changes in the night one goes out, at its time', async (t) => {
  const line = await statusLine(t)
  const { id } = await line.ticket({ caller: marta }, night)
  await line.enter(id, 'in_progress', night + hour)
  await line.enter(id, 'completed', night + 2 * hour)
  const hand = new Hand(line)
  const { submitting, nextDueAt } = await hand.claim(night + 3 * hour)
  t.same(submitting, [])
  const dueAt = (await stands(line, `state = 'held'`))[0]!.due_at!
  t.equal(nextDueAt, dueAt, 'and the sender knows when to look again')
  t.same((await hand.claim(dueAt - 1)).submitting, [])
  exactly(t, (await hand.claim(dueAt)).submitting, [{ validUntil: closing + 24 * hour }])
  t.same(
    (await stands(line)).map(({ template, state }) => `${template} ${state}`),
    ['ticket.received superseded', 'ticket.in_progress superseded', 'ticket.completed submitting'],
  )
})

t.test('between the event and its moment things happen: the claim looks once more', async (t) => {
  for (const { what, happens, at = monday + minute, state, why } of [
    {
      what: 'somebody opted out',
      happens: `INSERT INTO sms_consents (number, purpose, is_in, said_at, said_over) VALUES ('${marta}', 'all', false, now(), 'api')`,
      state: 'suppressed',
      why: 'the recipient opted out',
    },
    {
      what: 'the ticket has moved on',
      happens: `INSERT INTO ticket_changes (ticket_id, version, status, changed_at) SELECT id, 2, 'in_progress', now() FROM tickets`,
      state: 'superseded',
      why: 'the ticket has moved on',
    },
    { what: 'the window has closed', happens: '', at: closing + minute, state: 'held', why: 'outside the delivery window' },
    { what: 'the window is about to close', happens: '', at: closing - 30_000, state: 'held', why: 'outside the delivery window' },
    { what: 'days have passed', happens: '', at: monday + 4 * 24 * hour, state: 'suppressed', why: 'too late to be of use' },
    {
      what: 'its template has gone',
      happens: `UPDATE messages SET template = 'ticket.forgotten'`,
      state: 'suppressed',
      why: 'its template is no longer in pforte.yaml',
    },
    {
      what: 'its country is not served any more',
      happens: `UPDATE messages SET recipient = '+33612345678'`,
      state: 'suppressed',
      why: 'numbers of this country get no messages',
    },
  ]) {
    const line = await statusLine(t)
    await line.ticket({ caller: marta })
    if (happens !== '') await line.rows(happens)
    const hand = new Hand(line)
    t.same((await hand.claim(at)).submitting, [], what)
    t.same(hand.offered, [], 'no room is taken for it')
    const [row] = await stands(line)
    t.match(row, { state, attempt: 0, sent_at: null, sending_by: null }, what)
    t.same(row?.trace.slice(1), [{ at, what: state, why }], what)
    if (state === 'held') t.ok(row!.due_at! >= morning)
    else t.equal(row?.due_at, null)
  }
})

t.test('the answer to a voicemail that could not leave at once: at night it is no answer any more, and waits', async (t) => {
  const line = await statusLine(t)
  await line.ticket({ caller: marta, source: 'voicemail', line: 'hotline' }, night)
  const hand = new Hand(line, { room: 0 })
  await hand.claim(night)
  exactly(t, await stands(line), [{ state: 'queued' }])
  await hand.claim(night + 2 * hour)
  exactly(t, await stands(line), [{ state: 'held', trace: [{}, { what: 'held', why: 'outside the delivery window' }] }])
})

t.test('what was held for long and left a moment ago counts for the caps before what was made later', async (t) => {
  const line = await statusLine(
    t,
    definition((sms) => (sms['caps']['per_recipient'] = [{ most: 2, in: '1d' }])),
  )
  const afternoon = monday + 5 * hour
  for (const [madeAt, sentAt] of [
    [-10 * hour, -minute],
    [-3 * hour, -3 * hour],
    [-2 * hour, -2 * hour],
  ] as const) {
    const id = await outgoing(line, { state: 'submitted' })
    await line.rows('UPDATE messages SET created_at = $2, sent_at = $3 WHERE id = $1', [
      id,
      new Date(afternoon + madeAt),
      new Date(afternoon + sentAt),
    ])
  }
  await line.ticket({ caller: marta }, afternoon)
  exactly(t, await stands(line, `template = 'ticket.received'`), [{ state: 'held', due_at: afternoon - 2 * hour + 24 * hour }])
})

t.test('a cap holds within one batch, and over several', async (t) => {
  const line = await statusLine(
    t,
    definition((sms) => (sms['caps']['per_recipient'] = [{ most: 2, in: '1d' }])),
  )
  for (let place = 0; place < 4; place++) await line.ticket({ caller: marta }, monday + place)
  await line.ticket({ caller: '+491707654321' }, monday + 4)
  const { submitting } = await new Hand(line).claim(monday + minute)
  t.same(
    submitting.map(({ message }) => message.to),
    [marta, marta, '+491707654321'],
  )
  const held = await stands(line, `state = 'held'`)
  exactly(t, held, [
    { due_at: monday + minute + 24 * hour, trace: [{}, { why: 'cap: enough messages to this recipient for now' }] },
    { due_at: monday + minute + 24 * hour },
  ])
  await line.ticket({ caller: marta }, monday + hour)
  await line.ticket({ caller: marta, source: 'voicemail', line: 'hotline' }, monday + hour)
  t.same(
    (await stands(line))
      .slice(-2)
      .map(({ template, state }) => `${template} ${state}`)
      .sort(),
    ['ticket.received held', 'voicemail.received queued'],
    'answers have a cap of their own',
  )
  t.equal((await new Hand(line).claim(monday + minute + 24 * hour)).submitting.length, 3)
})

t.test('without room nothing is touched, and those behind wait their turn', async (t) => {
  const line = await statusLine(t)
  for (let place = 0; place < 5; place++) await line.ticket({ caller: marta }, monday + place)
  const before = await stands(line)
  const hand = new Hand(line, { room: 2 })
  const { submitting, isMore } = await hand.claim(monday + minute)
  t.equal(isMore, true)
  t.same(
    submitting.map(({ message }) => message.id),
    before.slice(0, 2).map(({ id }) => id),
  )
  t.equal(hand.offered.length, 3, 'nothing is asked for behind the one that has no room')
  t.same((await stands(line)).slice(2), before.slice(2), 'not a column of them changed')
  t.same(hand.released, [])
})

t.test('no more than was asked for is looked at', async (t) => {
  const line = await statusLine(t)
  for (let place = 0; place < 5; place++) await line.ticket({ caller: marta }, monday + place)
  const hand = new Hand(line)
  const claimed = [await hand.claim(monday + minute, { most: 2 }), await hand.claim(monday + minute, { most: 2 })]
  claimed.push(await hand.claim(monday + minute, { most: 2 }))
  t.same(
    claimed.map(({ submitting, isMore }) => [submitting.length, isMore]),
    [
      [2, true],
      [2, true],
      [1, false],
    ],
  )
})

t.test('what the link cannot carry has failed, and says why', async (t) => {
  const line = await statusLine(t)
  await line.ticket({ caller: marta })
  const { submitting } = await claimUnsendable(line, monday)
  t.same(submitting, [])
  exactly(t, await stands(line), [{ state: 'failed', due_at: null, attempt: 0, trace: [{}, { what: 'failed', why: 'it takes 5 parts' }] }])
})

t.test('a claim that collides with another begins anew, and gives back what it had taken', async (t) => {
  const line = await statusLine(t)
  await line.ticket({ caller: marta })
  await failOnce(line, '40001')
  const hand = new Hand(line)
  const { submitting } = await hand.claim(monday)
  exactly(t, submitting, [{ taken: { reservation: { sequence: 2 } } }])
  exactly(t, hand.released, [{ reservation: { sequence: 1 } }])
  exactly(t, await stands(line), [{ state: 'submitting', sequence: '2', attempt: 1, trace: [{}, { what: 'submitting' }] }])
})

t.test('a claim that fails gives back all that it had taken, and changes nothing', async (t) => {
  const line = await statusLine(t)
  for (let place = 0; place < 3; place++) await line.ticket({ caller: marta }, monday + place)
  const before = await stands(line)
  await failOnce(line, '57014')
  const hand = new Hand(line)
  await t.rejects(hand.claim(monday + minute), StoreUnavailable)
  exactly(t, hand.released, [{}, {}, {}])
  t.same(await stands(line), before)
  t.equal((await hand.claim(monday + minute)).submitting.length, 3)
})

t.test('two senders work off one outbox: each message is claimed by one of them, in the order in which they are due', async (t) => {
  const line = await statusLine(t)
  await line.rows(
    `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, due_at, time_zone, created_at)
     SELECT gen_random_uuid(), 'out', '+4915112' || 300000 + n, 'Pforte', 'Ihre Zahlung ist da.', 'queued', 'payment.received', $1::timestamptz,
       $1::timestamptz + n * interval '1 ms', 'Europe/Berlin', $1 FROM generate_series(1, 600) n`,
    [new Date(monday)],
  )
  const other = new Connections(line.url, quiet)
  t.teardown(() => other.close())
  const hands = [
    new Hand(line, { sender: 'first' }),
    new Hand(
      { connections: other, sms: Object.assign(new SmsIntents(other, { onDue: [], onAlarm: [] }, quiet), { definition: definition() }) },
      { sender: 'second' },
    ),
  ]
  const claimed = await Promise.all(
    hands.map(async (hand) => {
      const tos: string[] = []
      for (;;) {
        const { submitting } = await hand.claim(monday + minute, { most: 7 })
        if (submitting.length === 0) return tos
        tos.push(...submitting.map(({ message }) => message.to))
      }
    }),
  )
  for (const tos of claimed) t.same(tos, tos.toSorted(), 'each in order')
  t.equal(new Set(claimed.flat()).size, 600)
  t.equal(claimed.flat().length, 600, 'no message twice')
  for (const tos of claimed) t.ok(tos.length > 0, 'and neither waits for the other')
  t.same(await line.rows(`SELECT DISTINCT attempt, state FROM messages`), [{ attempt: 1, state: 'submitting' }])
})

t.test('a row that somebody else holds is passed over, not waited for', async (t) => {
  const line = await statusLine(t)
  for (let place = 0; place < 3; place++) await line.ticket({ caller: marta }, monday + place)
  const ids = (await stands(line)).map(({ id }) => id)
  await line.connections.kyselyTransaction(async (transaction) => {
    await transaction.selectFrom('messages').select('id').where('id', '=', ids[0]!).forUpdate().execute()
    const { submitting } = await new Hand(line).claim(monday + minute)
    t.same(
      submitting.map(({ message }) => message.id),
      ids.slice(1),
    )
  })
  exactly(t, (await new Hand(line).claim(monday + minute)).submitting, [{ message: { id: ids[0] } }])
})

type Line = Awaited<ReturnType<typeof statusLine>>

/** The next change of a message fails in Postgres; sequences do not roll back, so it is one. */
async function failOnce({ rows }: Line, code: string): Promise<void> {
  await rows('CREATE SEQUENCE tries')
  await rows(`CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF nextval('tries') = 1 THEN RAISE EXCEPTION 'for the test' USING ERRCODE = '${code}'; END IF; RETURN NEW; END $$`)
  await rows('CREATE TRIGGER fail_once BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION fail_once()')
}

async function claimUnsendable(line: Line, at: number) {
  const take = () => ({ unsendable: 'it takes 5 parts' })
  return claim(line.connections, keys, definition(), { at, sender: 'a sender', most: 10, take, untake: () => t.fail('nothing was taken') })
}
