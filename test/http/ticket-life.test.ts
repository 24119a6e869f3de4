/** Tickets that other systems make and change, and what their customers are told of it. */
import t from 'tap'
import { monday } from '../support/stories.ts'
import { definition } from '../store/sms/status-line.ts'
import { runHttp, type Running } from './running.ts'

/** An hour of the trade, so that SMS are due at once; each question comes a minute after the one before. */
async function office(test: Parameters<typeof runHttp>[0]): Promise<Running & { messages(ticketId: string): Promise<any[]> }> {
  let minutes = -1
  const running = await runHttp(test, { now: () => monday + 60_000 * minutes })
  const ask: Running['ask'] = (...question) => {
    minutes += 1
    return running.ask(...question)
  }
  await running.store.outbox.useSms(definition(), monday)
  const messages = async (ticketId: string) => (await running.ask('GET', `/v1/messages?ticketId=${ticketId}`)).body.items.toReversed()
  return { ...running, ask, messages }
}

t.test('a CRM makes a ticket and works on it; each status is told', async (t) => {
  const { ask, messages } = await office(t)
  const made = await ask('POST', '/v1/tickets', { subject: ' Anschluss gestört ', caller: '0170 1234567' })
  t.equal(made.status, 201)
  t.equal(made.headers.get('location'), `/v1/tickets/${made.body.id}`)
  t.match(made.body, {
    number: /^\d+$/,
    customerId: null,
    caller: '+491701234567',
    subject: 'Anschluss gestört',
    status: 'received',
    source: 'api',
    version: 1,
    createdAt: '2026-03-02T08:00:00.000Z',
    voicemail: null,
  })
  t.same((await ask('GET', `/v1/tickets/${made.body.id}`)).body, made.body)

  const path = `/v1/tickets/${made.body.id}`
  const begun = await ask('PATCH', path, { status: 'in_progress' })
  t.equal(begun.status, 200)
  t.match(begun.body, { status: 'in_progress', version: 2, subject: 'Anschluss gestört' })
  t.ok(begun.body.updatedAt > made.body.updatedAt)
  t.match((await ask('PATCH', path, { status: 'completed', subject: 'Kabel', version: 2 })).body, { version: 3, subject: 'Kabel' })
  t.match((await ask('PATCH', path, { status: 'in_progress' })).body, { status: 'in_progress', version: 4 }, 'and it is reopened')

  t.match(
    (await messages(made.body.id)).map(({ template, to, direction }: any) => [template, to, direction]),
    ['received', 'in_progress', 'completed', 'in_progress'].map((status) => [`ticket.${status}`, '+491701234567', 'out']),
  )
})

t.test('what is made as completed is told as completed, and as nothing else', async (t) => {
  const { ask, messages } = await office(t)
  const { body } = await ask('POST', '/v1/tickets', { subject: 'Rückruf', caller: '+491701234567', status: 'completed' })
  t.match(body, { status: 'completed', version: 1 })
  const told = await messages(body.id)
  t.match(told, [{ template: 'ticket.completed', state: 'queued', ticketId: body.id, parts: [{ messageId: null, state: 'queued' }] }])
  t.equal(told.length, 1)
})

t.test('a change that changes nothing does nothing', async (t) => {
  const { ask, messages } = await office(t)
  const { body } = await ask('POST', '/v1/tickets', { subject: 'Rückruf', caller: '+491701234567' })
  for (const change of [{}, { status: 'received' }, { subject: 'Rückruf' }, { status: 'received', subject: ' Rückruf ', version: 1 }]) {
    t.match(await ask('PATCH', `/v1/tickets/${body.id}`, change), { status: 200, body }, JSON.stringify(change))
  }
  t.match((await ask('PATCH', `/v1/tickets/${body.id}`, { subject: 'Rückruf am Montag' })).body, { version: 2, status: 'received' })
  t.equal((await messages(body.id)).length, 1, 'another subject is no news')
})

t.test('two who complete a ticket at once complete it once', async (t) => {
  const { ask, messages } = await office(t)
  const { body } = await ask('POST', '/v1/tickets', { subject: 'Rückruf', caller: '+491701234567', status: 'in_progress' })
  const path = `/v1/tickets/${body.id}`
  const answers = await Promise.all(Array.from({ length: 6 }, () => ask('PATCH', path, { status: 'completed' })))
  t.same(
    answers.map(({ status, body: { version } }) => [status, version]),
    answers.map(() => [200, 2]),
  )
  t.equal((await messages(body.id)).length, 2)

  const both = await Promise.all(['a', 'b'].map((subject) => ask('PATCH', path, { subject, version: 2 })))
  t.same(both.map(({ status }) => status).sort(), [200, 409], 'of two who saw the same version, the second is told')
})

t.test('whose number it is, and who is named instead', async (t) => {
  const { ask, messages } = await office(t)
  const marta = (await ask('POST', '/v1/customers', { name: 'Marta', numbers: ['+496215550123', '+491701234567'], language: 'en' })).body
  const otto = (await ask('POST', '/v1/customers', { name: 'Otto', numbers: ['+491707654321'] })).body
  const subject = 'Störung'
  const fromLandline = (await ask('POST', '/v1/tickets', { subject, caller: '0621 5550123' })).body
  t.equal(fromLandline.customerId, marta.id, 'whoever has the number owns the ticket')
  t.match(await messages(fromLandline.id), [{ to: '+491701234567', text: /We have received/, customerId: marta.id }])
  const forMarta = (await ask('POST', '/v1/tickets', { subject, customerId: marta.id })).body
  t.match(forMarta, { customerId: marta.id, caller: null })
  t.match(await messages(forMarta.id), [{ to: '+491701234567' }])
  const forOtto = (await ask('POST', '/v1/tickets', { subject, customerId: otto.id, caller: '+491701234567' })).body
  t.match(forOtto, { customerId: otto.id, caller: '+491701234567' }, 'called from another phone')
})

t.test('what is said about a ticket is kept beside it', async (t) => {
  const { ask, messages } = await office(t)
  const { body: ticket } = await ask('POST', '/v1/tickets', { subject: 'Störung', caller: '+491701234567' })
  const path = `/v1/tickets/${ticket.id}/comments`
  const first = await ask('POST', path, { text: 'Techniker\nkommt am Dienstag', author: 'Anna' })
  t.equal(first.status, 201)
  t.match(first.body, { ticketId: ticket.id, author: 'Anna', text: 'Techniker\nkommt am Dienstag', createdAt: String })
  t.match((await ask('POST', path, { text: 'Kabel bestellt' })).body, { author: 'api' })
  t.match((await ask('GET', path)).body, { items: [{ text: 'Kabel bestellt' }, first.body], next: null })
  const page = (await ask('GET', `${path}?limit=1`)).body
  t.match((await ask('GET', `${path}?limit=1&cursor=${page.next}`)).body, { items: [first.body], next: null })
  t.equal((await ask('GET', `/v1/tickets/${ticket.id}`)).body.version, 1)
  t.equal((await messages(ticket.id)).length, 1)
})

t.test('what cannot be is refused, with the field that is wrong', async (t) => {
  const { ask, messages } = await office(t)
  const nobody = '01890000-0000-7000-8000-000000000000'
  const { body: ticket } = await ask('POST', '/v1/tickets', { subject: 'Störung', caller: '+491701234567' })
  const path = `/v1/tickets/${ticket.id}`
  const stories: [what: string, method: string, path: string, body: unknown, status: number, field: string | null][] = [
    ['a ticket of nobody', 'POST', '/v1/tickets', { subject: 'x' }, 400, 'caller'],
    ['without a subject', 'POST', '/v1/tickets', { caller: '+491701234567' }, 400, 'subject'],
    ['a subject of spaces', 'POST', '/v1/tickets', { subject: '  ', caller: '+491701234567' }, 400, 'subject'],
    ['a number that is none', 'POST', '/v1/tickets', { subject: 'x', caller: 'anonymous' }, 400, 'caller'],
    ['an unknown customer', 'POST', '/v1/tickets', { subject: 'x', customerId: nobody }, 404, 'customerId'],
    ['a status that is none', 'POST', '/v1/tickets', { subject: 'x', caller: '+491701234567', status: 'open' }, 400, 'status'],
    ['a source of its own', 'POST', '/v1/tickets', { subject: 'x', caller: '+491701234567', source: 'voicemail' }, 400, 'source'],
    ['no step back', 'PATCH', path, { status: 'completed' }, 409, 'status'],
    ['another version', 'PATCH', path, { status: 'in_progress', version: 7 }, 409, 'version'],
    ['a version in words', 'PATCH', path, { status: 'in_progress', version: '1' }, 400, 'version'],
    ['another caller', 'PATCH', path, { caller: '+491701234568' }, 400, 'caller'],
    ['a ticket that is not there', 'PATCH', `/v1/tickets/${nobody}`, { status: 'in_progress' }, 404, null],
    ['an id that is none', 'PATCH', '/v1/tickets/10471', { status: 'in_progress' }, 404, 'id'],
    ['an empty comment', 'POST', `${path}/comments`, { text: ' \n' }, 400, 'text'],
    ['a comment on nothing', 'POST', `/v1/tickets/${nobody}/comments`, { text: 'x' }, 404, null],
    ['comments of nothing', 'GET', `/v1/tickets/${nobody}/comments`, undefined, 404, null],
  ]
  for (const [what, method, address, body, status, field] of stories) {
    const answer = await ask(method, address, body)
    t.equal(answer.status, status, what)
    if (field !== null) t.match(answer.body.errors, [{ field }], `${what}: names ${field}`)
  }
  t.match((await ask('PATCH', path, { status: 'completed' })).body.detail, /received cannot become completed, only in_progress/)
  t.match(await ask('GET', path), { body: ticket }, 'and nothing was changed')
  t.equal((await messages(ticket.id)).length, 1)
})
