/** Tickets whose contract promises a time, and faults to which TKG § 58 applies, as the API shows them. */
import t from 'tap'
import type { Hours } from '../../src/domain/call/flow.ts'
import { plainTicketRules } from '../../src/domain/ticket/clocks.ts'
import { definition } from '../store/sms/status-line.ts'
import { rules } from '../support/postgres.ts'
import { monday } from '../support/stories.ts'
import { runHttp, type Running } from './running.ts'

const minute = 60_000
const hour = 60 * minute
const iso = (at: number): string => new Date(at).toISOString()
const nobody = '01890000-0000-7000-8000-000000000000'

/** Monday to Friday, eight to six. */
const business: Hours = {
  timeZone: 'Europe/Berlin',
  weekly: ([1, 2, 3, 4, 5] as const).map((day) => ({ day, fromMinute: 480, toMinute: 1080 })),
  holidays: [],
}
const ticketRules = { ...plainTicketRules, timeZone: 'Europe/Berlin', hours: { business } }

type Office = Running & {
  /** Epoch ms; it is nine on a Monday. */
  at(moment: number): void
  customer(numbers: string[]): Promise<{ id: string }>
  contract(customerId: string, about: object): Promise<{ id: string; queue: string }>
  ticket(about: object): Promise<any>
  numbers(query: string): Promise<string[]>
}

async function office(test: Parameters<typeof runHttp>[0]): Promise<Office> {
  let now = monday
  const running = await runHttp(test, { now: () => now })
  running.store.useRules({ ...rules, tickets: ticketRules })
  await running.store.outbox.useSms(definition(), monday)
  const made = async (path: string, body: object) => {
    const answer = await running.ask('POST', path, body)
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
    return answer.body
  }
  return {
    ...running,
    at: (moment) => void (now = moment),
    customer: (numbers) => made('/v1/customers', { name: 'Marta', numbers }),
    contract: (customerId, about) => made(`/v1/customers/${customerId}/contracts`, { service: 'Entstörung', ...about }),
    ticket: (about) => made('/v1/tickets', { subject: 'Anschluss gestört', ...about }),
    numbers: async (query) => (await running.ask('GET', `/v1/tickets?${query}`)).body.items.map(({ number }: { number: string }) => number),
  }
}

t.test('the contract is the one that is named, else the customer’s that is valid and promises most', async (t) => {
  const { customer, contract, ticket, ask } = await office(t)
  const marta = await customer(['+491701234567'])
  t.match(await ticket({ caller: '+491701234567' }), { customerId: marta.id, contractId: null, sla: null }, 'nobody promised anything')
  await contract(marta.id, { slaMinutes: 60, validTo: iso(monday - 1) })
  await contract(marta.id, { slaMinutes: 30, validFrom: iso(monday + hour) })
  await contract(marta.id, {})
  const day = await contract(marta.id, { slaMinutes: 1440 })
  const fast = await contract(marta.id, { slaMinutes: 240, hours: 'business' })
  const found = await ticket({ caller: '+491701234567' })
  t.match(found, {
    contractId: fast.id,
    sla: { minutes: 240, state: 'running', dueAt: iso(monday + 4 * hour), remainingMs: 4 * hour, pausedReason: null },
  })
  t.match(
    await ticket({ contractId: day.id }),
    { customerId: marta.id, contractId: day.id, sla: { minutes: 1440 } },
    'a contract has a customer',
  )
  t.match(await ticket({ caller: '+496215550999' }), { customerId: null, contractId: null, sla: null }, 'nobody knows this number')

  const otto = await customer(['+491707654321'])
  t.match(await ask('POST', '/v1/tickets', { subject: 'x', customerId: otto.id, contractId: day.id }), {
    status: 409,
    body: { errors: [{ field: 'contractId' }] },
  })
  t.match(await ask('POST', '/v1/tickets', { subject: 'x', contractId: nobody }), {
    status: 404,
    body: { errors: [{ field: 'contractId' }] },
  })
  t.match(await ticket({ caller: '+491707654321', contractId: day.id }), { customerId: marta.id }, 'from somebody else’s phone')
})

t.test('a voicemail is of the contract whose PIN was typed; an SMS is of the customer’s', async (t) => {
  const { customer, contract, ask, store, query } = await office(t)
  const marta = await customer(['+491701234567'])
  const fast = await contract(marta.id, { slaMinutes: 60 })
  const slow = await contract(marta.id, { slaMinutes: 1440 })
  await query(
    `INSERT INTO calls (id, asterisk, leg, line, dialled, language, flow_hash, customer_id, contract_id, started_at, path)
     VALUES ('call-1', 'pbx', 'leg', 'hotline', 'x', 'de', 'f', $1, $2, now(), '[]')`,
    [marta.id, slow.id],
  )
  const voicemail = { callId: null, line: 'hotline', at: monday, wav: Buffer.alloc(100), durationMs: 9, language: 'de' }
  const withPin = await store.calls.keepVoicemail({ ...voicemail, recording: 'a', callId: 'call-1', caller: null })
  t.match((await ask('GET', `/v1/tickets/${withPin.ticketId}`)).body, { customerId: marta.id, contractId: slow.id, sla: { minutes: 1440 } })
  const byNumber = await store.calls.keepVoicemail({ ...voicemail, recording: 'b', caller: '0170 1234567' })
  t.match((await ask('GET', `/v1/tickets/${byNumber.ticketId}`)).body, { customerId: marta.id, contractId: fast.id })

  await query(`UPDATE tickets SET status = 'completed'`)
  const reply = {
    kind: 'reply',
    route: 'r',
    from: '+491701234567',
    to: '+49621555100',
    text: 'Es geht wieder nicht',
    concatenation: null,
  } as const
  await store.outbox.takeIncoming([reply], monday + hour)
  t.match((await ask('GET', '/v1/tickets?status=received')).body.items, [
    { source: 'sms', customerId: marta.id, contractId: fast.id, sla: { minutes: 60 } },
  ])
})

t.test('while it waits for the customer nothing passes; completed it is met, reopened it goes on', async (t) => {
  const { customer, contract, ticket, ask, at } = await office(t)
  const marta = await customer(['+491701234567'])
  await contract(marta.id, { slaMinutes: 240, hours: 'business' })
  const { id } = await ticket({ customerId: marta.id, status: 'in_progress' })
  const path = `/v1/tickets/${id}`
  const change = async (body: object) => (await ask('PATCH', path, body)).body

  at(monday + hour)
  const waits = await change({ slaPaused: true, pausedReason: ' niemand zu Hause ' })
  t.match(waits, { version: 2, sla: { state: 'paused', dueAt: null, remainingMs: 3 * hour, pausedReason: 'niemand zu Hause' } })
  at(monday + 30 * hour)
  t.match((await ask('GET', path)).body.sla, { state: 'paused', remainingMs: 3 * hour })
  t.match(await change({ slaPaused: true }), { version: 2 }, 'it is')
  t.match(await change({ pausedReason: 'Ersatzteil' }), { version: 3, sla: { pausedReason: 'Ersatzteil', remainingMs: 3 * hour } })

  at(monday + 24 * hour)
  t.match(await change({ slaPaused: false }), { version: 4, sla: { state: 'running', dueAt: iso(monday + 27 * hour), pausedReason: null } })
  at(monday + 25 * hour)
  t.match(await change({ status: 'completed' }), { sla: { state: 'met', remainingMs: 2 * hour, dueAt: iso(monday + 27 * hour) } })
  at(monday + 32 * hour)
  t.match((await ask('GET', path)).body.sla, { state: 'met', remainingMs: 2 * hour })
  t.match(
    await change({ status: 'in_progress' }),
    { sla: { state: 'running', dueAt: iso(monday + 48 * hour) } },
    'an hour today, one tomorrow',
  )
  at(monday + 49 * hour)
  t.match((await ask('GET', path)).body.sla, { state: 'overdue', remainingMs: -hour })
  t.match(await change({ status: 'completed' }), { sla: { state: 'missed' } })
})

t.test('what the clock cannot do is refused, with the field that is wrong', async (t) => {
  const { customer, contract, ticket, ask } = await office(t)
  const marta = await customer(['+491701234567'])
  const none = await ticket({ customerId: marta.id })
  await contract(marta.id, { slaMinutes: 60 })
  const open = await ticket({ customerId: marta.id })
  const done = await ticket({ customerId: marta.id, status: 'completed' })
  t.match(done.sla, { state: 'met', remainingMs: hour })
  const otto = await customer(['+491707654321'])
  const ottos = await contract(otto.id, {})
  const stories: [what: string, ticket: { id: string }, change: object, status: number, field: string][] = [
    ['nothing was promised', none, { slaPaused: true, pausedReason: 'x' }, 409, 'slaPaused'],
    ['it stands already', done, { slaPaused: true, pausedReason: 'x' }, 409, 'slaPaused'],
    ['without a reason', open, { slaPaused: true }, 400, 'pausedReason'],
    ['a reason for nothing', open, { pausedReason: 'x' }, 400, 'pausedReason'],
    ['a reason of spaces', open, { slaPaused: true, pausedReason: ' ' }, 400, 'pausedReason'],
    ['not yes or no', open, { slaPaused: 'yes' }, 400, 'slaPaused'],
    ['a contract that is not there', open, { contractId: nobody }, 404, 'contractId'],
    ['somebody else’s contract', open, { contractId: ottos.id }, 409, 'contractId'],
    ['what is yet to come', open, { noticeSentAt: iso(monday + hour) }, 400, 'noticeSentAt'],
    ['no time', open, { noticeSentAt: 'tomorrow' }, 400, 'noticeSentAt'],
  ]
  for (const [what, { id }, change, status, field] of stories) {
    t.match(await ask('PATCH', `/v1/tickets/${id}`, change), { status, body: { errors: [{ field }] } }, what)
  }
  for (const { id, version } of [none, open, done])
    t.match((await ask('GET', `/v1/tickets/${id}`)).body, { version }, 'and nothing was changed')
  t.match((await ask('PATCH', `/v1/tickets/${none.id}`, { slaPaused: false })).body, { version: 1 }, 'what is so is so')
})

t.test('another contract makes another promise, from the time that was spent on', async (t) => {
  const { customer, contract, ticket, ask, at } = await office(t)
  const marta = await customer(['+491701234567'])
  const { id } = await ticket({ caller: '+496215550999' })
  const fast = await contract(marta.id, { slaMinutes: 120, queue: 'service' })
  const office24 = await contract(marta.id, { slaMinutes: 600, hours: 'business' })
  at(monday + hour)
  const path = `/v1/tickets/${id}`
  t.match((await ask('PATCH', path, { contractId: fast.id })).body, {
    customerId: marta.id,
    contractId: fast.id,
    version: 2,
    sla: { remainingMs: hour },
  })
  t.match((await ask('PATCH', path, { contractId: fast.id })).body, { version: 2 })
  at(monday + 3 * hour)
  t.match((await ask('GET', path)).body.sla, { state: 'overdue' })
  t.match((await ask('PATCH', path, { contractId: office24.id })).body.sla, { minutes: 600, state: 'running', remainingMs: 7 * hour })
  t.match((await ask('PATCH', path, { contractId: null })).body, { customerId: marta.id, contractId: null, sla: null })
})

t.test('whose it is turns out later: with the customer come their contract and its promise', async (t) => {
  const { customer, contract, ticket, ask, at } = await office(t)
  const [marta, otto] = [await customer(['+491701234567']), await customer(['+491707654321'])]
  const slow = await contract(marta.id, { slaMinutes: 1440 })
  const fast = await contract(marta.id, { slaMinutes: 120 })
  const { id } = await ticket({ caller: '+496215550999' })
  const path = `/v1/tickets/${id}`
  at(monday + hour)
  const found = await ask('PATCH', path, { customerId: marta.id })
  t.match(found.body, { customerId: marta.id, contractId: fast.id, version: 2, sla: { minutes: 120, remainingMs: hour } })
  t.equal(found.headers.get('etag'), '"2"')
  t.match((await ask('PATCH', path, { customerId: marta.id.toUpperCase() })).body, { version: 2 }, 'whose it is already')
  t.match((await ask('GET', `/v1/tickets?customerId=${marta.id}`)).body, { items: [{ id }] })

  const stories: [what: string, change: object, status: number, field: string][] = [
    ['nobody', { customerId: nobody }, 404, 'customerId'],
    ['no id', { customerId: '10471' }, 400, 'customerId'],
    ['a contract of the customer before', { customerId: otto.id, contractId: fast.id }, 409, 'contractId'],
    ['a contract without its customer', { customerId: null, contractId: slow.id }, 409, 'contractId'],
    ['a contract that is not there', { customerId: otto.id, contractId: nobody }, 404, 'contractId'],
  ]
  for (const [what, change, status, field] of stories)
    t.match(await ask('PATCH', path, change), { status, body: { errors: [{ field }] } }, what)
  t.match((await ask('GET', path)).body, { version: 2, customerId: marta.id }, 'and nothing was changed')

  t.match((await ask('PATCH', path, { customerId: otto.id })).body, { customerId: otto.id, contractId: null, sla: null, version: 3 })
  const named = (await ask('PATCH', path, { customerId: marta.id, contractId: slow.id })).body
  t.match(named, { customerId: marta.id, contractId: slow.id, sla: { minutes: 1440 }, version: 4 }, 'with a contract of theirs')
  t.match((await ask('PATCH', path, { customerId: null })).body, { customerId: null, contractId: null, sla: null, version: 5 })
  t.match((await ask('PATCH', path, { customerId: null, contractId: slow.id })).status, 409, 'nobody has no contract')
  t.match((await ask('PATCH', path, { customerId: marta.id, contractId: null })).body, {
    customerId: marta.id,
    contractId: null,
    sla: null,
  })
})

t.test('a promise that was made stays, whatever becomes of its contract', async (t) => {
  const { customer, contract, ticket, ask } = await office(t)
  const marta = await customer(['+491701234567'])
  const fast = await contract(marta.id, { slaMinutes: 120 })
  const { id } = await ticket({ contractId: fast.id })
  t.equal((await ask('PATCH', `/v1/contracts/${fast.id}`, { slaMinutes: 10 })).status, 200)
  t.match((await ask('GET', `/v1/tickets/${id}`)).body.sla, { minutes: 120 })
})

t.test('a fault has the dates of TKG § 58, and the proof that its report was confirmed', async (t) => {
  const { ticket, ask, at, query } = await office(t)
  const fault = await ticket({ caller: '+491701234567', fault: true })
  t.same(fault.legal, {
    confirmationSentAt: null,
    confirmationDeliveredAt: null,
    noticeDueAt: '2026-03-03T23:00:00.000Z',
    noticeSentAt: null,
    compensationFromAt: '2026-03-04T23:00:00.000Z',
    raisedCompensationFromAt: '2026-03-06T23:00:00.000Z',
  })
  const path = `/v1/tickets/${fault.id}`
  await query(`UPDATE messages SET state = 'submitted', sent_at = $1`, [new Date(monday + minute)])
  t.match((await ask('GET', path)).body.legal, { confirmationSentAt: iso(monday + minute), confirmationDeliveredAt: null })
  await query(`UPDATE messages SET state = 'delivered', done_at = $1`, [new Date(monday + 2 * minute)])
  t.match((await ask('GET', path)).body.legal, {
    confirmationSentAt: iso(monday + minute),
    confirmationDeliveredAt: iso(monday + 2 * minute),
  })
  at(monday + 30 * hour)
  t.match((await ask('PATCH', path, { noticeSentAt: iso(monday + 29 * hour) })).body, {
    version: 2,
    legal: { noticeSentAt: iso(monday + 29 * hour) },
  })
  t.match((await ask('PATCH', path, { fault: false })).body, { version: 3, fault: false, legal: null }, 'it was none')
  const none = await ticket({ caller: '+491701234567' })
  t.match(none, { fault: false, legal: null })
})

t.test('where everybody who calls has a fault, each ticket is one; where the law does not apply, none has dates', async (t) => {
  const { ticket, store, ask } = await office(t)
  store.useRules({ ...rules, tickets: { ...ticketRules, faultByDefault: true } })
  const fault = await ticket({ caller: '+491701234567' })
  t.match(fault, { fault: true, legal: {} })
  t.match(await ticket({ caller: '+491701234567', fault: false }), { fault: false, legal: null })
  store.useRules({ ...rules, tickets: { ...ticketRules, tkg58: { on: false, sms: false } } })
  t.match((await ask('GET', `/v1/tickets/${fault.id}`)).body, { fault: true, legal: null })
})

t.test('tickets by number, queue, fault, and those that are overdue', async (t) => {
  const { customer, contract, ticket, numbers, ask, at, store, query } = await office(t)
  const marta = await customer(['+491701234567'])
  const { id: contractId, queue } = await contract(marta.id, { slaMinutes: 60 })
  const first = await ticket({ contractId, fault: true })
  at(monday + minute)
  const second = await ticket({ contractId, status: 'in_progress' })
  const third = await ticket({ customerId: marta.id, contractId, status: 'completed', fault: true })
  const fourth = await ticket({ caller: '+496215550999', fault: true })
  t.same(await numbers(`number=${first.number}`), [first.number])
  t.same(await numbers(`number=${[...first.number].join('%20')}`), [first.number], 'as it was read out')
  t.match(
    await ask('GET', `/v1/tickets?number=${Number(first.number) + 1}`),
    { status: 400, body: { errors: [{ field: 'number' }] } },
    'misheard',
  )
  t.same(
    await numbers(`queue=${queue}`),
    [third, second, first].map(({ number }) => number),
  )
  t.same(await numbers(`queue=${queue}&status=in_progress`), [second.number])
  t.same(await numbers('queue=nobody'), [])
  t.same(
    await numbers('fault=true'),
    [fourth, third, first].map(({ number }) => number),
  )
  t.same(await numbers('fault=true&status=received'), [fourth.number, first.number])
  t.same(await numbers('fault=false'), [second.number])
  t.same(await numbers(`fault=true&from=${iso(monday + minute)}`), [fourth.number, third.number])

  t.same(await numbers('overdue=true'), [])
  at(monday + hour)
  t.same(await numbers('overdue=true'), [first.number], 'to the millisecond')
  at(monday + 2 * hour)
  // Written as overdue, and found by what its row says.
  await ask('PATCH', `/v1/tickets/${first.id}`, { subject: 'Anschluss noch immer gestört' })
  t.same(await numbers('overdue=true'), [second.number, first.number])
  t.same(await numbers(`overdue=true&queue=${queue}&status=received`), [first.number])
  t.same(await numbers('overdue=false'), [fourth.number, third.number])
  await ask('PATCH', `/v1/tickets/${second.id}`, { status: 'completed' })
  t.same(await numbers('overdue=true'), [first.number], 'what is done is missed, not overdue')

  const pages: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: any = (await ask('GET', `/v1/tickets?queue=${queue}&limit=1${cursor}`)).body
    pages.push(...page.items.map(({ number }: { number: string }) => number))
    cursor = page.next === null ? null : `&cursor=${page.next}`
  }
  t.same(
    pages,
    [third, second, first].map(({ number }) => number),
    'page by page, each once',
  )

  await query(`INSERT INTO queues SELECT 'heir', group_name, max_waiting, wrap_up_ms, priority_weight_ms FROM queues WHERE name = $1`, [
    queue,
  ])
  await query(`INSERT INTO queue_replacements (old_name, queue) VALUES ($1, 'heir')`, [queue])
  t.same(await numbers('queue=heir&status=received'), [first.number], 'a queue has the tickets of those that it took the place of')
  t.equal(store.connectionsInUse, 0)
})
