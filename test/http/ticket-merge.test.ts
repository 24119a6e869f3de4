/** Two tickets about the same thing: one goes on in the place of the other. */
import t from 'tap'
import { plainTicketRules } from '../../src/domain/ticket/clocks.ts'
import { definition } from '../store/sms/status-line.ts'
import { rules } from '../support/postgres.ts'
import { monday } from '../support/stories.ts'
import { runHttp, type Running } from './running.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const nobody = '01890000-0000-7000-8000-000000000000'

async function office(test: Parameters<typeof runHttp>[0]) {
  let now = monday
  const running = await runHttp(test, { now: () => now })
  running.store.useRules({ ...rules, tickets: { ...plainTicketRules, timeZone: 'Europe/Berlin' } })
  await running.store.outbox.useSms(definition(), monday)
  const { ask } = running
  return {
    ...running,
    at: (moment: number) => void (now = moment),
    ticket: async (about: object): Promise<any> => (await ask('POST', '/v1/tickets', { subject: 'Störung', ...about })).body,
    merge: (id: string, into: string) => ask('POST', `/v1/tickets/${id}/merge`, { into }),
    read: async (id: string): Promise<any> => (await ask('GET', `/v1/tickets/${id}`)).body,
    texts: async (id: string): Promise<string[]> =>
      (await ask('GET', `/v1/tickets/${id}/comments`)).body.items.map(({ text }: { text: string }) => text),
    messages: async (id: string): Promise<any[]> => (await ask('GET', `/v1/messages?ticketId=${id}`)).body.items,
  }
}

/** As if all had left for the carrier. */
async function allSent({ query }: Pick<Running, 'query'>, at: number): Promise<void> {
  await query(`UPDATE messages SET state = 'submitted', attempt = 1, due_at = NULL, sent_at = $1 WHERE state IN ('held', 'queued')`, [
    new Date(at),
  ])
}

t.test('somebody rang twice: the second ticket ends without a word, and what was said moves', async (t) => {
  const { ask, ticket, merge, read, texts, messages, at, store, ...rest } = await office(t)
  const first = await ticket({ caller: '+491701234567' })
  await allSent(rest, monday)
  at(monday + 12 * hour)
  const { ticketId } = await store.calls.keepVoicemail({
    recording: 'r',
    callId: null,
    line: 'hotline',
    caller: '+491707654321',
    at: monday + 12 * hour,
    wav: Buffer.alloc(100),
    durationMs: 4000,
    language: 'de',
  })
  await allSent(rest, monday + 12 * hour)
  await ask('PATCH', `/v1/tickets/${ticketId}`, { status: 'in_progress' })
  await ask('POST', `/v1/tickets/${ticketId}/comments`, { text: 'auch bei ihm geht nichts' })
  t.match(await messages(ticketId), [{ template: 'ticket.in_progress', state: 'held' }, { template: 'voicemail.received' }])

  at(monday + 13 * hour)
  const merged = await merge(ticketId, first.id)
  t.match(merged, {
    status: 200,
    body: { id: ticketId, mergedInto: first.id, status: 'completed', version: 3, voicemail: { durationMs: 4000 } },
  })
  t.match(
    (await messages(ticketId)).map(({ template, state }) => `${template} ${state}`),
    ['ticket.in_progress superseded', 'voicemail.received submitted'],
  )
  t.match((await messages(ticketId))[0].trace.at(-1), { what: 'superseded', why: 'the ticket was merged into another' })
  t.same(await texts(first.id), ['auch bei ihm geht nichts'])
  t.same(await texts(ticketId), [])
  t.match((await ask('GET', `/v1/tickets?mergedInto=${first.id}`)).body.items, [{ id: ticketId, voicemail: { durationMs: 4000 } }])
  t.equal((await ask('GET', `/v1/tickets/${ticketId}/voicemail`)).status, 200, 'the voicemail stays where it is')

  await ask('POST', `/v1/tickets/${ticketId}/comments`, { text: 'noch etwas' })
  t.same(await texts(first.id), ['noch etwas', 'auch bei ihm geht nichts'], 'what is said of the one is said of the other')
  const reply = {
    kind: 'reply',
    route: 'r',
    from: '+491707654321',
    to: '+49621555100',
    text: 'Es geht immer noch nicht',
    concatenation: null,
  } as const
  await store.outbox.takeIncoming([reply], monday + 14 * hour)
  t.equal((await texts(first.id))[0], 'Es geht immer noch nicht', 'and so is what its customer answers')
  const asks = { ...reply, text: 'STATUS' }
  await store.outbox.takeIncoming([asks], monday + 15 * hour)
  const [answer] = (await ask('GET', '/v1/messages?to=%2B491707654321&template=status.reply')).body.items
  t.match(answer, { ticketId: first.id, text: new RegExp(first.number) })
  t.match(await read(first.id), { status: 'received', version: 1 }, 'it goes on as it was')
})

t.test('a merge that was done already does nothing; what cannot be is refused', async (t) => {
  const { ask, ticket, merge, read } = await office(t)
  const caller = '+491701234567'
  const [a, b, c] = [await ticket({ caller }), await ticket({ caller }), await ticket({ caller })]
  const done = await ticket({ caller, status: 'completed' })
  t.match(await merge(a.id, b.id), { status: 200, body: { version: 2 } })
  t.match(await merge(a.id, b.id), { status: 200, body: { version: 2, mergedInto: b.id } })
  const stories: [what: string, id: string, into: unknown, status: number, field: string | null][] = [
    ['into itself', c.id, c.id, 409, 'into'],
    ['back: a circle', b.id, a.id, 409, 'into'],
    ['into one that was merged', c.id, a.id, 409, 'into'],
    ['once more, elsewhere', a.id, c.id, 409, null],
    ['into a completed one', c.id, done.id, 409, 'into'],
    ['into none', c.id, nobody, 404, 'into'],
    ['one that is not there', nobody, c.id, 404, null],
    ['into an id that is none', c.id, '10471', 400, 'into'],
    ['into a number', c.id, 7, 400, 'into'],
  ]
  for (const [what, id, into, status, field] of stories) {
    const answer = await ask('POST', `/v1/tickets/${id}/merge`, { into })
    t.equal(answer.status, status, what)
    if (field !== null) t.match(answer.body.errors, [{ field }], `${what}: names ${field}`)
  }
  t.match((await merge(c.id, a.id)).body.detail, new RegExp(b.number), 'and says which one goes on')
  t.match(await ask('PATCH', `/v1/tickets/${a.id}`, { status: 'in_progress' }), { status: 409, body: { detail: new RegExp(b.number) } })
  t.match(await ask('PATCH', `/v1/tickets/${a.id}`, { status: 'completed' }), { status: 200 }, 'it is')
  t.match(await read(c.id), { version: 1, mergedInto: null })

  t.equal((await merge(b.id, c.id)).status, 200)
  t.match(await read(a.id), { mergedInto: c.id, version: 3 }, 'nobody has to follow a chain')
})

t.test('two who merge crosswise: one merge is done, and nothing is locked for ever', async (t) => {
  const { ticket, merge, read } = await office(t)
  const caller = '+491701234567'
  for (let round = 0; round < 5; round++) {
    const [a, b] = [await ticket({ caller }), await ticket({ caller })]
    const answers = await Promise.all([merge(a.id, b.id), merge(b.id, a.id)])
    t.same(answers.map(({ status }) => status).sort(), [200, 409])
    const left = await Promise.all([read(a.id), read(b.id)])
    t.equal(left.filter(({ mergedInto }) => mergedInto === null).length, 1)
  }
})

t.test('a fault counts from its first report, and an unknown caller’s ticket learns whose it is', async (t) => {
  const { ask, ticket, merge, read, at } = await office(t)
  const marta = (await ask('POST', '/v1/customers', { name: 'Marta', numbers: ['+491701234567'] })).body
  const contract = (await ask('POST', `/v1/customers/${marta.id}/contracts`, { service: 'Entstörung', slaMinutes: 480 })).body
  const early = await ticket({ customerId: marta.id, fault: true })
  at(monday + day)
  const late = await ticket({ caller: '+496215550999' })
  t.match(late, { customerId: null, sla: null, legal: null })
  at(monday + day + hour)
  await merge(early.id, late.id)
  t.match(await read(late.id), {
    customerId: marta.id,
    contractId: contract.id,
    fault: true,
    version: 2,
    sla: { minutes: 480, state: 'overdue', remainingMs: 8 * hour - 25 * hour },
    legal: { noticeDueAt: early.legal.noticeDueAt, compensationFromAt: early.legal.compensationFromAt },
  })
  const later = await ticket({ customerId: marta.id, fault: true })
  await merge(later.id, late.id)
  t.match(await read(late.id), { version: 2, legal: { noticeDueAt: early.legal.noticeDueAt } }, 'a later report changes nothing')
})
