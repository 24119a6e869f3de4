import t from 'tap'
import type { ReceivedReply } from '../../../src/app/ports/replies.ts'
import { Connections } from '../../../src/store/connections.ts'
import { SmsIntents } from '../../../src/store/sms/intents.ts'
import { consentsOf } from '../../../src/store/sms/consents.ts'
import { expirePiles, takeReplies, type IncomingReply } from '../../../src/store/sms/replies.ts'
import { quiet } from '../../support/postgres.ts'
import { monday } from '../../support/stories.ts'
import { until } from '../../support/until.ts'
import { marta, ours, route, statusLine } from './status-line.ts'

const minute = 60_000
/** 23:30 in Berlin. */
const night = monday + 14.5 * 60 * minute
const stranger = '+491719999999'

t.test('a reply is a comment on the ticket that the last message spoke of', async (t) => {
  const line = await statusLine(t)
  const customerId = await line.customer([marta])
  const told = await line.ticket({ customerId, caller: marta })
  await line.sent(told.id, monday)
  await line.ticket({ customerId, caller: marta }, monday + minute)
  const { received } = await take(line, [reply('Der Techniker war noch nicht da.')], monday + 2 * minute)
  t.match(await line.comments(told.id), [{ author: marta, text: 'Der Techniker war noch nicht da.' }])
  const [message] = await line.messages(`direction = 'in'`)
  t.match(message, { state: 'received', sender: marta, recipient: ours, ticket_id: told.id, customer_id: customerId })
  t.same(
    message?.trace.map(({ what, why }) => `${what}: ${why}`),
    ['received: in one part', 'comment: on the ticket that the last message spoke of'],
  )
  t.match(
    received,
    [{ messageId: message?.id, became: 'comment', ticketId: told.id, from: marta, to: ours }],
    'and whoever wants to, hears of it',
  )
})

t.test('that ticket is done, so it is the newest open one of the number or of its customer', async (t) => {
  const line = await statusLine(t)
  const landline = '+4962112345'
  const customerId = await line.customer([landline, marta])
  const done = await line.ticket({ customerId, caller: marta })
  await line.sent(done.id, monday + 9 * minute)
  await line.enter(done.id, 'in_progress', monday)
  await line.enter(done.id, 'completed', monday)
  const older = await line.ticket({ caller: marta }, monday + minute)
  const byLandline = await line.ticket({ customerId, caller: landline }, monday + 2 * minute)
  await line.ticket({ caller: stranger }, monday + 3 * minute)
  await take(line, [reply('Es rauscht wieder.')], monday + 10 * minute)
  t.match(await line.comments(byLandline.id), [{ text: 'Es rauscht wieder.' }])
  t.same(await line.comments(older.id), [])
  t.match(await line.messages(`direction = 'in'`), [{ trace: [{}, { why: 'on the newest open ticket of this number' }] }])
})

t.test('nothing is open, and we know the number: a new ticket, which is told of like any other', async (t) => {
  const line = await statusLine(t)
  const customerId = await line.customer([marta])
  const { received } = await take(line, [reply('Mein Anschluss ist tot.')])
  const [ticket] = await line.rows<{ id: string }>('SELECT * FROM tickets')
  t.match(ticket, { source: 'sms', status: 'received', caller: marta, customer_id: customerId, subject: `SMS von ${marta}` })
  t.match(await line.comments(ticket!.id), [{ author: marta, text: 'Mein Anschluss ist tot.' }])
  t.match(await line.messages(`direction = 'out'`), [{ template: 'ticket.received', state: 'queued', recipient: marta }])
  t.match(received, [{ became: 'ticket', ticketId: ticket!.id, customerId }])
  t.ok(line.due.length > 0, 'the sender is told')
  await take(line, [reply('Immer noch.')], monday + minute)
  t.equal((await line.comments(ticket!.id)).length, 2, 'what comes next is about the same')
  t.equal((await line.rows('SELECT FROM tickets')).length, 1)
})

t.test('somebody who had a ticket, or was sent a message, is no stranger', async (t) => {
  const line = await statusLine(t)
  const before = await line.ticket({ caller: marta })
  await line.enter(before.id, 'in_progress', monday)
  await line.enter(before.id, 'completed', monday)
  const { received } = await take(line, [reply('Danke! Aber jetzt geht das Fax nicht.')], monday + minute)
  t.match(received, [{ became: 'ticket', customerId: null }])
})

t.test('a stranger’s text is kept and shown, and nothing comes of it', async (t) => {
  const line = await statusLine(t)
  const { received } = await take(line, [reply('Gewinnen Sie jetzt!', { from: stranger }), reply('Ihr Code ist 1234', { from: 'InfoSMS' })])
  t.match(received, [{ became: 'kept' }, { became: 'kept' }])
  t.same(await line.rows('SELECT FROM tickets'), [])
  t.match(
    (await line.messages()).sort((a, b) => a.sender.localeCompare(b.sender)),
    [
      { sender: stranger, state: 'received', ticket_id: null },
      { sender: 'InfoSMS', state: 'received', ticket_id: null, trace: [{}, { what: 'kept', why: 'nobody is known by this number' }] },
    ],
  )
})

t.test('nothing in it is nothing to read', async (t) => {
  const line = await statusLine(t)
  await line.customer([marta])
  const { received } = await take(line, [reply(' \n ')])
  t.match(received, [{ became: 'kept' }])
  t.same(await line.rows('SELECT FROM tickets'), [])
})

t.test('STATUS by night is answered by night, with the newest open ticket', async (t) => {
  const line = await statusLine(t)
  const customerId = await line.customer([marta])
  await line.ticket({ customerId, caller: marta })
  const newest = await line.ticket({ customerId, caller: marta }, monday + minute)
  await line.enter(newest.id, 'in_progress', monday + 2 * minute)
  await line.rows(`DELETE FROM messages`)
  const { received } = await take(line, [reply('status?!')], night)
  const [answer] = await line.messages(`direction = 'out'`)
  t.match(answer, {
    template: 'status.reply',
    state: 'queued',
    due_at: new Date(night),
    recipient: marta,
    sender: ours,
    ticket_id: newest.id,
  })
  t.match(answer?.body, new RegExp(`^Ticket ${newest.number}: in Arbeit`))
  t.match(received, [{ became: 'status', ticketId: newest.id }])
  t.same(await line.comments(newest.id), [], 'nobody needs to read it')
})

t.test('STATUS with nothing open is answered, too', async (t) => {
  const line = await statusLine(t)
  await line.customer([marta], 'en')
  await take(line, [reply('Status')])
  t.match(await line.messages(`direction = 'out'`), [{ template: 'status.no_ticket', body: /^There is no open request/, ticket_id: null }])
  t.match(await line.messages(`direction = 'in'`), [{ trace: [{}, { what: 'status' }, { what: 'answered', why: 'status.no_ticket' }] }])
})

t.test('STOP ends it at once, with proof and a confirmation', async (t) => {
  const line = await statusLine(t)
  const customerId = await line.customer([marta])
  const ticket = await line.ticket({ customerId, caller: marta }, night)
  await line.enter(ticket.id, 'in_progress', night)
  t.match(await line.messages(`state = 'held'`), [{ template: 'ticket.in_progress' }], 'it waits for the morning')
  const { received } = await take(line, [reply(' „Stopp!“ ')], night + minute)
  t.match(await consentsOf(line.connections.kysely, marta), [
    { purpose: 'all', is: 'out', word: 'STOPP', messageId: received[0]?.messageId, over: `${route} ${ours}`, at: night + minute },
  ])
  const waiting = await line.messages(`template LIKE 'ticket.%'`)
  t.match(
    waiting.map(({ state }) => state),
    waiting.map(({ state }) => (state === 'superseded' ? 'superseded' : 'suppressed')),
    'nothing waits any more',
  )
  t.match(waiting.at(-1)?.trace.at(-1), { what: 'suppressed', why: 'the recipient opted out' })
  t.match(await line.messages(`template = 'opt_out.confirmation'`), [
    { state: 'queued', due_at: new Date(night + minute), body: /START/, sender: ours },
  ])
  t.match(received, [{ became: 'opt_out', ticketId: ticket.id, customerId }])
  t.same(await line.comments(ticket.id), [])
  const later = await line.ticket({ customerId, caller: marta }, night + 2 * minute)
  t.match(await line.messages(`ticket_id = '${later.id}'`), [{ state: 'suppressed' }], 'nor does anything new')
})

t.test('STOP twice is confirmed once; START and STOP again are news', async (t) => {
  const line = await statusLine(t)
  const days = (count: number): number => monday + count * 24 * 60 * minute
  for (const [count, text] of ['STOP', 'Stop.', 'START', 'start', 'STOP'].entries()) await take(line, [reply(text)], days(count))
  const answers = await line.messages(`direction = 'out'`)
  t.same(
    answers.map(({ template }) => template),
    ['opt_out.confirmation', 'opt_in.confirmation', 'opt_out.confirmation'],
  )
  t.match(await consentsOf(line.connections.kysely, marta), [{ is: 'out' }, { is: 'in' }, { is: 'out' }])
  t.equal((await line.messages(`direction = 'in'`)).length, 5)
})

t.test('STOP, START, STOP within a minute: the last word counts, and no STOP is taken for a double', async (t) => {
  const line = await statusLine(t)
  for (const [place, text] of ['STOP', 'START', 'STOP', 'STOP'].entries()) await take(line, [reply(text)], monday + place * 1000)
  t.match(await consentsOf(line.connections.kysely, marta), [{ is: 'out' }, { is: 'in' }, { is: 'out' }])
  t.equal((await line.messages(`direction = 'in'`)).length, 3, 'the fourth came before')
})

t.test('a START that the carrier delivers again does not undo the STOP that came after it', async (t) => {
  const line = await statusLine(t)
  for (const [place, text] of ['START', 'STOP', 'START'].entries()) await take(line, [reply(text)], monday + place * 1000)
  t.match(await consentsOf(line.connections.kysely, marta), [{ is: 'in' }, { is: 'out' }])
})

t.test('START by somebody who never said STOP is proof of consent, and needs no confirmation', async (t) => {
  const line = await statusLine(t)
  await take(line, [reply('Anmelden')])
  t.match(await consentsOf(line.connections.kysely, marta), [{ purpose: 'all', is: 'in', word: 'ANMELDEN' }])
  t.same(await line.messages(`direction = 'out'`), [])
})

t.test('no more appointments, but the tickets', async (t) => {
  const line = await statusLine(t)
  const customerId = await line.customer([marta])
  const ticket = await line.ticket({ customerId, caller: marta }, night)
  await line.enter(ticket.id, 'in_progress', night)
  await line.rows(
    `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, due_at, created_at)
      VALUES (gen_random_uuid(), 'out', $1, $2, 'x', 'held', 'appointment.reminder', $3, $3, $3)`,
    [marta, ours, new Date(night)],
  )
  await take(line, [reply('keine  Termine')], night)
  t.match(await consentsOf(line.connections.kysely, marta), [{ purpose: 'appointment', is: 'out', word: 'KEINE TERMINE' }])
  t.match(await line.messages(`state = 'held'`), [{ template: 'ticket.in_progress' }])
  t.match(await line.messages(`template = 'appointment.reminder'`), [{ state: 'suppressed', due_at: null }])
})

t.test('a sentence with STOP in it is for somebody to read', async (t) => {
  const line = await statusLine(t)
  const { id } = await line.ticket({ caller: marta })
  await take(line, [reply('Stop by on Monday')])
  t.equal((await line.comments(id)).length, 1)
  t.same(await consentsOf(line.connections.kysely, marta), [])
})

t.test('no SMS are sent any more, and a STOP is heard all the same', async (t) => {
  const line = await statusLine(t)
  line.sms.definition = null
  await take(line, [reply('STOP'), reply('Hallo?')])
  t.match(await consentsOf(line.connections.kysely, marta), [{ purpose: 'all', is: 'out', word: 'STOP' }])
  t.match(await line.messages(`body = 'STOP'`), [{ trace: [{}, { what: 'opted out' }, { what: 'not answered' }] }])
  t.equal((await line.messages()).length, 2)
})

t.test('a reply that is delivered again, as our acknowledgement was lost, is taken once', async (t) => {
  const line = await statusLine(t)
  const { id } = await line.ticket({ caller: marta })
  await take(line, [reply('Ja'), reply('Ja')])
  await Promise.all([take(line, [reply('Ja')], monday + minute), take(line, [reply('Ja')], monday + minute)])
  t.equal((await line.comments(id)).length, 1)
  await take(line, [reply('Ja', { over: 'other carrier' }), reply('Ja', { to: '12345' }), reply('ja')], monday + minute)
  t.equal((await line.comments(id)).length, 4, 'what differs in anything is another')
  await take(line, [reply('Ja')], monday + 6 * minute)
  t.equal((await line.comments(id)).length, 5, 'and much later they mean it')
})

t.test('a long reply comes in any order and becomes one comment', async (t) => {
  const line = await statusLine(t)
  const { id } = await line.ticket({ caller: marta })
  const [first, second, third] = [part('Seit gestern ', 1, 3), part('geht das Telefon ', 2, 3), part('nicht mehr.', 3, 3)]
  await take(line, [third], monday)
  await take(line, [first, first], monday + 1000)
  t.same(await line.comments(id), [])
  await take(line, [second], monday + 2000)
  t.match(await line.comments(id), [{ text: 'Seit gestern geht das Telefon nicht mehr.' }])
  t.match(await line.messages(`direction = 'in'`), [
    { parts: 3, trace: [{ what: 'received', why: 'all parts came' }, { what: 'comment' }] },
  ])
  await take(line, [first, second, third], monday + 3000)
  t.equal((await line.comments(id)).length, 1, 'delivered again, it is known')
})

t.test('the parts come over several binds at once', async (t) => {
  const line = await statusLine(t)
  const { id } = await line.ticket({ caller: marta })
  const texts = ['eins ', 'zwei ', 'drei ', 'vier ', 'fünf']
  await Promise.all(texts.map((text, place) => take(line, [part(text, place + 1, 5)])))
  t.match(await line.comments(id), [{ text: 'eins zwei drei vier fünf' }])
})

t.test('half a character at the end of a part is whole with the next one', async (t) => {
  const line = await statusLine(t)
  const { id } = await line.ticket({ caller: marta })
  await take(line, [part('Danke \ud83d', 1, 2)])
  await take(line, [part('\ude00!', 2, 2)])
  t.match(await line.comments(id), [{ text: 'Danke 😀!' }])
})

t.test('the rest never comes: what is there is taken, marked, and never for an order', async (t) => {
  const line = await statusLine(t)
  const { id } = await line.ticket({ caller: marta })
  await take(line, [part('STOP', 1, 2)])
  const { nextAt } = await expirePiles(line.connections, line.sms, monday + minute)
  t.equal(nextAt, monday + 15 * minute)
  const received: ReceivedReply[] = []
  t.same(await expirePiles(line.connections, line.sms, nextAt!, (one) => received.push(one)), { nextAt: null })
  t.match(await line.comments(id), [{ text: 'STOP[…]' }])
  t.same(await consentsOf(line.connections.kysely, marta), [])
  t.match(received, [{ became: 'comment' }])
  t.match(await line.messages(`direction = 'in'`), [{ parts: 2, trace: [{ why: 'the other parts did not come in time' }, {}] }])
  t.same(await line.rows('SELECT FROM reply_piles'), [])
})

t.test('STOP in two parts is STOP', async (t) => {
  const line = await statusLine(t)
  await take(line, [part('OP', 2, 2), part('ST', 1, 2)])
  t.match(await consentsOf(line.connections.kysely, marta), [{ is: 'out' }])
})

t.test('whatever a carrier writes into addresses and texts is kept', async (t) => {
  const line = await statusLine(t)
  const strange = ['', "'; DROP TABLE messages; --", 'x'.repeat(5000), 'A\u0001B', '\u{1f600}\u202e', 'a\ud800b'.toWellFormed()]
  await take(
    line,
    strange.map((text, place) => reply(text, { from: `${text}${place}`, to: text })),
  )
  t.equal((await line.messages()).length, strange.length)
  await take(
    line,
    strange.map((text) => part(text, 1, 2, { from: text, to: text })),
  )
})

t.test('many people write at once', async (t) => {
  const line = await statusLine(t)
  const people = Array.from({ length: 40 }, (_, place) => `+4917012300${place + 10}`)
  for (const caller of people) await line.ticket({ caller })
  await take(
    line,
    people.flatMap((from) => ['eins', 'zwei', 'drei'].map((text) => reply(text, { from }))),
  )
  const rows = await line.rows<{ texts: string }>(
    `SELECT string_agg(body, ' ' ORDER BY id) AS texts FROM messages WHERE direction = 'in' GROUP BY sender`,
  )
  t.same(new Set(rows.map(({ texts }) => texts)), new Set(['eins zwei drei']), 'each in the order of their writing')
  t.equal(rows.length, 40)
})

t.test('with years of data, no reply reads a table from end to end', { timeout: 60_000 }, async (t) => {
  const line = await statusLine(t)
  await line.rows(`
    INSERT INTO tickets (id, number, caller, subject, status, source, version, created_at, updated_at)
      SELECT gen_random_uuid(), 'x' || n, '+49171' || n % 5000, 'x', 'completed', 'voicemail', 1, to_timestamp(1.7e9 + n), to_timestamp(1.7e9 + n)
      FROM generate_series(1, 20000) n;
    INSERT INTO messages (id, direction, recipient, sender, body, state, route, happened_at, sent_at, created_at)
      SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN 'out' ELSE 'in' END, '+49171' || n % 5000, '+49171' || n % 5000, 'x',
        CASE WHEN n % 2 = 0 THEN 'delivered' ELSE 'received' END, 'carrier', to_timestamp(1.7e9 + n), to_timestamp(1.7e9 + n), to_timestamp(1.7e9 + n)
      FROM generate_series(1, 20000) n;
    INSERT INTO sms_consents (number, purpose, is_in, said_at, said_over) SELECT '+49171' || n, 'all', false, now(), 'api' FROM generate_series(1, 20000) n;
    INSERT INTO reply_piles SELECT 'carrier', '+49171' || n, 'x', '[]', '2099-01-01' FROM generate_series(1, 20000) n;
    ANALYZE`)
  const connections = new Connections(line.url, quiet)
  const sms = new SmsIntents(connections, { onDue: [], onAlarm: [] }, quiet)
  sms.definition = line.sms.definition
  const before = await scanned()
  const texts = ['Ja', 'STATUS', 'STOP', 'START']
  for (const from of ['+491711', '+491719999', marta]) {
    await takeReplies(connections, sms, [...texts.map((text) => reply(text, { from })), part('a', 1, 2, { from })], monday)
  }
  await expirePiles(connections, sms, monday + 20 * minute)
  await Promise.all([connections.close(), line.connections.close()])
  await until('its connections to be gone, which brings their counts', async () => {
    const others = await line.rows(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pforte pool'`)
    return others.length === 0
  })
  for (const [table, rows] of await scanned()) {
    const read = rows - (before.get(table) ?? 0)
    t.ok(read < 1000, `${table}: ${read} rows read by scanning`)
  }

  async function scanned(): Promise<Map<string, number>> {
    const rows = await line.rows<{ relname: string; read: string }>(
      `SELECT relname, seq_tup_read AS read FROM pg_stat_user_tables WHERE relname IN ('tickets', 'messages', 'sms_consents', 'reply_piles')`,
    )
    return new Map(rows.map(({ relname, read }) => [relname, Number(read)]))
  }
})

type Line = Awaited<ReturnType<typeof statusLine>>

async function take(line: Line, replies: IncomingReply[], at = monday): Promise<{ received: ReceivedReply[] }> {
  const received: ReceivedReply[] = []
  await takeReplies(line.connections, line.sms, replies, at, (one) => received.push(one))
  return { received }
}

t.test('a long reply that cannot be taken keeps nobody else’s from being taken', async (t) => {
  const line = await statusLine(t)
  for (const caller of [marta, stranger]) await line.ticket({ caller })
  await take(line, [part('Seit gestern ', 1, 2)])
  await take(line, [part('Es rauscht ', 1, 2, { from: stranger })], monday + 1)
  await line.rows(`UPDATE reply_piles SET piles = '[{' WHERE sender = $1`, [marta])
  const received: ReceivedReply[] = []
  const at = monday + 3 * 24 * 60 * minute
  const { nextAt } = await expirePiles(line.connections, line.sms, at, (one) => received.push(one))
  t.match(received, [{ from: stranger, text: /Es rauscht/ }])
  t.equal(nextAt, at + 60 * minute, 'it is tried again later')
})

function reply(text: string, { from = marta, to = ours, over = route } = {}): IncomingReply {
  return { kind: 'reply', route: over, from, to, text, concatenation: null }
}

function part(text: string, place: number, of: number, between: { from?: string; to?: string } = {}): IncomingReply {
  return { ...reply(text, between), concatenation: { reference: 77, part: place, of } }
}
