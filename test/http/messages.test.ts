import t from 'tap'
import type { Incoming } from '../../src/app/ports/smsc.ts'
import { monday } from '../support/stories.ts'
import { definition } from '../store/sms/status-line.ts'
import { runHttp } from './running.ts'

const ours = '+49621555100'
const marta = '+491701234567'
const hour = 3_600_000

function reply(from: string, text: string): Incoming {
  return { kind: 'reply', route: 'carrier', from, to: ours, text, concatenation: null }
}

t.test('a message can be followed: how it stands, and why', async (t) => {
  const night = monday + 14 * hour
  const { ask, store } = await runHttp(t, { now: () => night })
  await store.outbox.useSms(definition(), monday)
  const { body: ticket } = await ask('POST', '/v1/tickets', { subject: 'Störung', caller: marta })
  const { body } = await ask('GET', '/v1/messages')
  t.equal(body.items.length, 1)
  const [message] = body.items
  t.match(message, {
    direction: 'out',
    to: marta,
    from: ours,
    text: new RegExp(`Ticket ${ticket.number}`),
    template: 'ticket.received',
    ticketId: ticket.id,
    customerId: null,
    state: 'held',
    trace: [{ at: '2026-03-02T22:00:00.000Z', what: 'held', why: String }],
    createdAt: '2026-03-02T22:00:00.000Z',
  })
  t.same(message.parts, [{ messageId: null, state: 'held' }], 'the carrier has not heard of it yet')
  t.same((await ask('GET', `/v1/messages/${message.id}`)).body, message)
  t.match(await ask('GET', `/v1/messages/${ticket.id}`), { status: 404, body: { code: 'not_found' } })
  t.equal((await ask('GET', '/v1/messages/4711')).status, 404)
})

t.test('each part shows where its last try stands, and under which id the carrier has it', async (t) => {
  const running = await runHttp(t, { now: () => monday })
  const { ask, store } = running
  await store.outbox.useSms(definition(), monday)
  await ask('POST', '/v1/tickets', { subject: 'Störung', caller: marta })
  const [message] = (await ask('GET', '/v1/messages')).body.items
  await running.query(`UPDATE messages SET parts = 3, state = 'submitted', attempt = 2 WHERE id = $1`, [message.id])
  await running.query(
    `INSERT INTO message_parts (message_id, attempt, part, state, route, carrier_id, submitted_at) VALUES
      ($1, 1, 0, 'delivered', 'r', 'A1', now()), ($1, 1, 1, 'uncertain', 'r', NULL, now()), ($1, 2, 1, 'submitted', 'r', 'A2', now())`,
    [message.id],
  )
  t.same((await ask('GET', `/v1/messages/${message.id}`)).body.parts, [
    { messageId: 'A1', state: 'delivered' },
    { messageId: 'A2', state: 'submitted' },
    { messageId: null, state: 'submitted' },
  ])
})

t.test('messages of a ticket, to a number, from one, of a direction, a state, a template, a time', async (t) => {
  let at = monday
  const { ask, store } = await runHttp(t, { now: () => at })
  await store.outbox.useSms(definition(), monday)
  const { body: customer } = await ask('POST', '/v1/customers', { name: 'Marta', numbers: [marta] })
  const { body: mine } = await ask('POST', '/v1/tickets', { subject: 'Störung', caller: marta })
  at += hour
  const { body: other } = await ask('POST', '/v1/tickets', { subject: 'Störung', caller: '+491707654321' })
  await ask('PATCH', `/v1/tickets/${other.id}`, { status: 'in_progress' })
  await store.outbox.takeIncoming([reply(marta, 'Es rauscht noch.')], monday + 2 * hour)

  const told = async (query: string) =>
    (await ask('GET', `/v1/messages?${query}`)).body.items.map(({ template, to, direction }: any) => template ?? `${direction} ${to}`)
  const all = [`in ${ours}`, 'ticket.in_progress', 'ticket.received', 'ticket.received']
  t.same(await told(''), all, 'newest first')
  t.same(await told(`ticketId=${mine.id}`), [`in ${ours}`, 'ticket.received'])
  t.same(await told(`customerId=${customer.id}`), [`in ${ours}`, 'ticket.received'], 'of both directions')
  t.same(await told(`customerId=${customer.id}&direction=in`), [`in ${ours}`])
  t.same(await told(`customerId=${mine.id}`), [], 'a ticket is no customer')
  t.same(await told(`to=${encodeURIComponent(marta)}`), ['ticket.received'])
  t.same(await told('to=0170-1234567'), ['ticket.received'], 'as people write it')
  t.same(await told(`from=${encodeURIComponent(marta)}`), [`in ${ours}`])
  t.same(await told(`from=${encodeURIComponent(ours)}`), all.slice(1))
  t.same(await told(`from=${encodeURIComponent(marta)}&direction=out`), [])
  t.same(await told('direction=in'), [`in ${ours}`])
  t.same(await told('direction=out'), all.slice(1))
  t.same(await told('state=received'), [`in ${ours}`])
  t.same(await told('state=superseded'), ['ticket.received'])
  t.same(await told('state=queued&direction=in'), [])
  t.same(await told('template=ticket.received'), ['ticket.received', 'ticket.received'])
  t.same(await told('template=ticket.received&state=queued'), ['ticket.received'])
  t.same(await told('since=2026-03-02T09:00:00Z&until=2026-03-02T10:00:00Z'), ['ticket.in_progress', 'ticket.received'])
  t.same(await told('from=2026-03-02T09:00:00Z&to=2026-03-02T10:00:00Z'), ['ticket.in_progress', 'ticket.received'], 'as in other lists')
  t.same(await told(`from=2026-03-02T09:00:00Z&to=${encodeURIComponent(marta)}`), [])
  t.same(await told(`ticketId=${'01890000-0000-7000-8000-000000000000'}`), [])

  const seen: string[] = []
  for (let next: string | null = ''; next !== null; ) {
    const page: any = (await ask('GET', `/v1/messages?limit=1${next === '' ? '' : `&cursor=${next}`}`)).body
    seen.push(...page.items.map(({ id }: any) => id))
    next = page.next
  }
  t.same(
    seen,
    (await ask('GET', '/v1/messages')).body.items.map(({ id }: any) => id),
    'page by page',
  )
})

t.test('a query that cannot be is refused, with its field', async (t) => {
  const { ask } = await runHttp(t)
  for (const [query, field] of [
    ['ticketId=10471', 'ticketId'],
    ['customerId=10471', 'customerId'],
    ['state=sent', 'state'],
    ['direction=both', 'direction'],
    ['since=yesterday', 'since'],
    ['from=2026-13-01T00:00:00Z', 'from'],
    ['from=2026-03-01T00:00:00Z&since=2026-03-01T00:00:00Z', 'from'],
    ['from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z', 'to'],
    ['cursor=nonsense', 'cursor'],
    ['caller=1', 'caller'],
  ] as const) {
    const answer = await ask('GET', `/v1/messages?${query}`)
    t.equal(answer.status, 400, query)
    t.match(answer.body.errors, [{ field }], query)
  }
})
