/** A customer asks to be forgotten. What is counted stays; whose it was is found in no table, whichever tables there are. */
import t, { type Test } from 'tap'
import type { Incoming } from '../../../src/app/ports/smsc.ts'
import { testStore } from '../../support/postgres.ts'
import { callRow, customerWithPin, monday, question, serviceWith, valueOf } from '../../support/stories.ts'
import { definition, ours, route } from '../sms/status-line.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const name = 'Zuzanna Quittenbaum'
const mobile = '+491709990001'
const landline = '+4962199900002'
/** Of a friend, whom nobody knows: she called from there with her PIN. */
const friend = '+4930999000033'
const texts = ['Wasserschaden', 'Klingel', 'Rückruf', 'Rechnung-4711']

async function service(t: Test) {
  let at = monday
  const store = await testStore(t, { now: () => at })
  await serviceWith(store, ['anna'])
  await store.outbox.useSms(definition(), monday)
  const rows = async <Row extends object = Record<string, any>>(text: string, values: unknown[] = []): Promise<Row[]> =>
    (await store.query(text, values)).rows as Row[]
  const { records, outbox } = store
  return {
    store,
    records,
    rows,
    on: (time: number) => (at = time),
    reply: async (from: string, text: string, time: number) => {
      const reply: Incoming = { kind: 'reply', route, from, to: ours, text, concatenation: null }
      await outbox.takeIncoming([reply], time)
    },
    delivered: () =>
      rows(`UPDATE messages SET state = 'delivered', attempt = 1, route = 'r', sent_at = created_at, done_at = created_at + interval '2 s', due_at = NULL
        WHERE direction = 'out' AND state IN ('held', 'queued')`),
    report: () => records.smsReport({ from: monday - day, to: monday + 10 * day, timeZone: 'Europe/Berlin', at: monday + 20 * day }),
  }
}

type Service = Awaited<ReturnType<typeof service>>

/** Everything that one customer can leave behind. */
async function aLongHistory({ store, records, rows, reply, delivered }: Service) {
  const { calls } = store
  const hook = { url: 'https://crm.example.com/hook', description: '', events: ['*'] }
  valueOf(await store.webhooks.create(hook, monday))
  const neighbour = await customerWithPin(records, '71924', { number: '+491701110000' })
  const customer = valueOf(
    await records.createCustomer({ name, numbers: [mobile, landline], language: 'de', timeZone: 'Europe/Berlin' }, monday),
  )
  const contract = valueOf(
    await records.createContract(
      {
        customerId: customer.id,
        service: `Notdienst ${name}`,
        queue: 'emergency',
        priority: 5,
        hours: 'always',
        slaMinutes: 480,
        validFrom: null,
        validTo: null,
        pinBySms: true,
      },
      monday,
    ),
  )
  valueOf(await records.issuePin({ contractId: contract.id, pin: '48213' }, monday))
  valueOf(await records.sendPin({ contractId: contract.id }, monday))
  const theirs = { customerId: customer.id, contractId: contract.id }
  await calls.checkPin(question('99999', { caller: mobile }))
  await calls.saveCalls([
    callRow('from-home', { caller: landline, endedAt: monday + minute, outcome: 'abandoned' }),
    callRow('with-pin', { caller: friend, ...theirs, startedAt: monday + hour, endedAt: monday + 2 * hour, outcome: 'connected' }),
    callRow('withheld', { caller: null, ...theirs, startedAt: monday + 3 * hour, endedAt: monday + 4 * hour, outcome: 'connected' }),
    callRow('a-friend-calls', { caller: friend, startedAt: monday + hour, endedAt: monday + 2 * hour, outcome: 'abandoned' }),
    callRow('neighbour', { caller: '+491701110000', endedAt: monday + minute, outcome: 'abandoned' }),
  ])
  const voicemail = await calls.keepVoicemail({
    recording: `pforte-fallback-1772438400-17-${mobile.replace('+', 'p')}-hotline`,
    callId: null,
    line: 'hotline',
    caller: mobile,
    at: monday + hour,
    wav: Buffer.from('Wasserschaden '.repeat(20_000)),
    durationMs: 4000,
    language: 'de',
  })
  const ticket = valueOf(
    await records.createTicket(
      { subject: `Wasserschaden bei ${name}`, caller: null, customerId: customer.id, status: 'received' },
      monday + 2 * hour,
    ),
  )
  const asked = valueOf(
    await records.createTicket({ subject: 'Klingel', caller: friend, customerId: customer.id, status: 'received' }, monday + 2 * hour),
  )
  valueOf(await records.comment(ticket.id, { author: 'Anna', text: `Klingel: Quittenbaum, 2. Stock` }, monday + 3 * hour))
  const ofNeighbour = valueOf(
    await records.createTicket(
      { subject: 'Zaun', caller: mobile, customerId: neighbour.customer.id, status: 'received' },
      monday + 2 * hour,
    ),
  )
  await delivered()
  valueOf(await records.changeTicket(ticket.id, { status: 'in_progress' }, monday + 5 * hour))
  await delivered()
  await reply(mobile, 'Rückruf bitte', monday + 6 * hour)
  await reply(mobile, 'STATUS', monday + 6 * hour + minute)
  valueOf(
    await records.postEvent(
      {
        type: 'payment.received',
        to: mobile,
        customerId: null,
        data: { amount: '49 €', invoice: 'Rechnung-4711' },
        idempotencyKey: null,
        keyId: 'first',
      } as never,
      monday + 7 * hour,
    ),
  )
  await reply(mobile, 'STOP', monday + 8 * hour)
  await delivered()
  await calls.saveCalls([
    callRow('asks-again', { caller: mobile, startedAt: monday + 9 * hour, endedAt: monday + 10 * hour, outcome: 'informed' }),
  ])
  await store.outbox.takeIncoming(
    [{ kind: 'receipt', route, to: mobile, carrierIds: ['of-nobody'], state: 'delivered', error: null, doneAt: null }],
    monday + 9 * hour,
  )
  await rows(`INSERT INTO reply_piles (route, sender, recipient, piles, expires_at) VALUES ('r', $1, 'x', '["Rückruf"]', now())`, [mobile])
  return { customer, contract, ticket, asked, voicemail, neighbour, ofNeighbour }
}

const counted = [
  'calls',
  'tickets',
  'ticket_changes',
  'ticket_comments',
  'messages',
  'recordings',
  'sms_consents',
  'events',
  'customers',
  'customer_phone_numbers',
  'pin_attempts',
  'receipts',
  'webhook_deliveries',
]

async function counts({ rows }: Service): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const table of counted) found[table] = (await rows(`SELECT FROM ${table}`)).length
  return found
}

/** Each row of each table there is, as a text. */
async function dump({ rows }: Service): Promise<{ table: string; row: string }[]> {
  const tables = await rows<{ table: string }>(`
    SELECT format('%I.%I', table_schema, table_name) AS table FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`)
  const all: { table: string; row: string }[] = []
  for (const { table } of tables) {
    for (const { row } of await rows<{ row: string }>(`SELECT to_jsonb(t)::text AS row FROM ${table} t`)) all.push({ table, row })
  }
  return all
}

/** As it stands in a text, and in bytes. */
function findings(all: readonly { table: string; row: string }[], needles: readonly string[]): string[] {
  return all.flatMap(({ table, row }) =>
    needles
      .filter((needle) => row.includes(needle) || row.includes(Buffer.from(needle).toString('hex')))
      .map((needle) => `${table} has ${needle}: ${row.slice(0, 300)}`),
  )
}

const digits = (number: string): string => number.slice(1)

t.test('nothing of the person is found in any table; what is counted and reported is as before', async (t) => {
  const at = await service(t)
  const { records, report, on, store } = at
  const { customer, ticket, asked, voicemail, neighbour, ofNeighbour } = await aLongHistory(at)
  const needles = ['Zuzanna', 'Quittenbaum', digits(mobile), digits(landline), ...texts, customer.customerNumber]
  const before = await dump(at)
  for (const needle of needles) t.not(findings(before, [needle]).length, 0, `the story has ${needle}`)
  const reported = await report()
  t.match(reported.period, { ticketsCreated: 4, replies: 2, optOuts: 1 })
  t.ok(reported.period.calls > 1)
  const numbers = await counts(at)

  on(monday + 11 * day)
  t.same(await records.eraseCustomer(customer.id, monday + 11 * day), { ok: true, value: null })

  const after = await dump(at)
  t.same(findings(after, needles), [])
  const own = after.filter(({ row }) => row.includes(customer.id))
  t.equal(own.length > 0 && own.every(({ table }) => table === 'public.audit'), true, 'its id stands only where its erasure is proved')
  const left = findings(after, [digits(friend)])
  t.equal(left.filter((one) => !one.startsWith('public.webhook_deliveries')).length, 1, left.join('\n'))
  t.match(await records.call('a-friend-calls'), { caller: friend }, 'what is of the friend alone stays')
  t.same(await counts(at), numbers)
  t.same(await report(), reported)

  t.equal(await records.customer(customer.id), null)
  t.match(await records.eraseCustomer(customer.id, monday + 12 * day), { ok: false, refusal: { refused: 'not_found' } })
  t.equal((await store.calls.checkPin(question('48213'))).result.is, 'wrong', 'the PIN opens nothing')
  t.equal(await records.voicemail(voicemail.ticketId), null)
  const anonymous = { caller: /^erased-[a-z]{20}$/, subject: 'erased' }
  t.match(await records.ticket(voicemail.ticketId), { ...anonymous, status: 'received', voicemail: null })
  t.match(await records.ticket(asked.id), { caller: anonymous.caller, subject: 'erased' })
  t.match(await records.ticket(ticket.id), { caller: null, subject: 'erased', status: 'in_progress', number: ticket.number })
  t.match(await records.call('asks-again'), { caller: anonymous.caller, outcome: 'informed' })

  t.same(await at.rows('SELECT FROM messages WHERE sealed_text IS NOT NULL'), [], 'nor does the PIN that was sent by SMS stand anywhere')

  t.match(await records.customer(neighbour.customer.id), { name: 'Marta Weber' })
  t.match(await records.call('neighbour'), { caller: '+491701110000' })
  t.match(await records.ticket(ofNeighbour.id), { subject: 'Zaun', caller: anonymous.caller, customerId: neighbour.customer.id })
  t.equal((await store.calls.checkPin(question('71924'))).result.is, 'right')

  const { items } = await records.audit({ customerId: customer.id }, { limit: 50, cursor: null })
  t.match(items[0], { action: 'deleted', object: 'customer', objectId: customer.id }, 'when, and by whom')
  t.ok(
    items.every(({ before, after }) => [...Object.values(before ?? {}), ...Object.values(after ?? {})].every((value) => value === null)),
    'and no more than that',
  )
})

t.test('who had opted out gets no message after their erasure either, whoever learns their number anew', async (t) => {
  const at = await service(t)
  const { records, rows, reply } = at
  const { customer } = await aLongHistory(at)
  valueOf(await records.eraseCustomer(customer.id, monday + 11 * day))
  const kept = await rows(`SELECT number, purpose, is_in, erased_digest FROM sms_consents`)
  t.match(kept, [{ number: /^erased-/, purpose: 'all', is_in: false, erased_digest: Buffer }])
  const event = { type: 'payment.received', data: { amount: '1', invoice: '2' }, idempotencyKey: null, keyId: 'first' }
  const posted = valueOf(await records.postEvent({ ...event, to: mobile, customerId: null } as never, monday + 12 * day))
  t.match(await records.message(posted.messageIds[0]!), { state: 'suppressed', trace: [{ why: 'the recipient opted out' }] })
  const again = valueOf(
    await records.createCustomer({ name: 'Z. Q.', numbers: [mobile], language: 'de', timeZone: 'Europe/Berlin' }, monday + 12 * day),
  )
  valueOf(await records.createTicket({ subject: 'x', caller: null, customerId: again.id, status: 'received' }, monday + 12 * day))
  t.match(await records.messages({ to: mobile, template: 'ticket.received' }, { limit: 1, cursor: null }), {
    items: [{ state: 'suppressed', trace: [{ why: 'the recipient opted out' }] }],
  })
  t.match(await records.consents(mobile), { purposes: [{ purpose: 'all', mayReceive: false }, ...Array(3).fill({ mayReceive: false })] })

  await reply(mobile, 'START', monday + 13 * day)
  t.match(await records.consents(mobile), { purposes: [{ purpose: 'all', mayReceive: true }, ...Array(3).fill({ mayReceive: true })] })
  const wanted = valueOf(await records.postEvent({ ...event, to: mobile, customerId: null } as never, monday + 13 * day))
  t.match(await records.message(wanted.messageIds[0]!), { state: 'queued' })
  valueOf(await records.eraseCustomer(again.id, monday + 14 * day))
  t.same(await rows(`SELECT FROM sms_consents WHERE erased_digest IS NOT NULL`), [], 'and nothing is kept of who wants them again')
})

t.test('what waited to be sent does not leave; a call that is under way goes on', async (t) => {
  const at = await service(t)
  const { store, records, rows } = at
  const { customer, contract, pin } = await customerWithPin(records, '48213', { number: mobile })
  const night = monday + 14.5 * hour
  const { ticketId } = await store.calls.keepVoicemail({
    recording: 'r-1',
    callId: null,
    line: 'hotline',
    caller: mobile,
    at: night,
    wav: Buffer.alloc(100),
    durationMs: 1000,
    language: 'de',
  })
  valueOf(await records.changeTicket(ticketId, { status: 'in_progress' }, night))
  const running = callRow('running', { caller: mobile, customerId: customer.id, contractId: contract.id, startedAt: night })
  await store.calls.saveCalls([running])
  const { offers } = await store.calls.enterQueue({ callId: 'running', queue: 'emergency', priority: 1, at: night })
  const waiting = (await rows(`SELECT id FROM messages WHERE state IN ('held', 'queued')`)).map(({ id }) => id)
  t.ok(waiting.length > 0)

  valueOf(await records.eraseCustomer(customer.id, night + minute))
  for (const id of waiting) {
    t.match(await records.message(id), { state: 'suppressed', text: '', to: /^erased-/, trace: [{}, { why: 'its customer was erased' }] })
  }
  t.ok(await store.calls.acceptOffer(offers[0]!, { ...running, connectedAt: night + 2 * minute }, night + 2 * minute))
  t.match(await store.calls.openCalls('pbx'), [
    { row: { id: 'running', caller: /^erased-/ }, known: { customerName: null, service: null } },
  ])
  await store.calls.saveCalls([{ ...running, state: null, endedAt: night + 3 * minute, outcome: 'connected' }])
  t.match(await records.call('running'), { outcome: 'connected', caller: /^erased-/ })
  t.match(await records.revokePin(pin.id, night + minute), { ok: false, refusal: { refused: 'not_found' } })
  // Their status moves on, and nobody is told.
  valueOf(await records.changeTicket(ticketId, { status: 'completed' }, night + 4 * minute))
  t.match(await records.messages({ ticketId, template: 'ticket.completed' }, { limit: 1, cursor: null }), {
    items: [{ state: 'suppressed' }],
  })
})

t.test('while one is erased, who writes something of them waits, and then finds nobody', async (t) => {
  const { store, records } = await service(t)
  const { customer } = await customerWithPin(records, '48213', { number: mobile })
  const request = { subject: 'x', caller: null, customerId: customer.id, status: 'received' as const }
  const [erased, ...tickets] = await Promise.all([
    records.eraseCustomer(customer.id, monday),
    ...Array.from({ length: 8 }, () => records.createTicket(request, monday)),
  ])
  t.same(erased, { ok: true, value: null })
  for (const ticket of tickets) {
    if (ticket.ok) t.match(await records.ticket(ticket.value.id), { subject: 'erased', caller: null })
    else t.match(ticket.refusal, { refused: 'not_found', field: 'customerId' })
  }
  t.equal(store.connectionsInUse, 0)
})

t.test('an event for a customer who is being erased finds them, or nobody', async (t) => {
  const { records } = await service(t)
  const event = { type: 'payment.received', to: null, data: { amount: '1', invoice: '2' }, idempotencyKey: null, keyId: 'first' }
  for (let round = 0; round < 5; round += 1) {
    const { customer } = await customerWithPin(records, String(48213 + round * 7), { number: mobile })
    const posting = Array.from({ length: 5 }, (_, place) =>
      new Promise((resolve) => setTimeout(resolve, place)).then(() =>
        records.postEvent({ ...event, customerId: customer.id } as never, monday),
      ),
    )
    valueOf(await records.eraseCustomer(customer.id, monday))
    for (const posted of await Promise.all(posting)) {
      if (!posted.ok) t.match(posted.refusal, { refused: 'not_found', field: 'customerId' })
      else t.match(await records.message(posted.value.messageIds[0]!), { to: /^erased-/, text: '' })
    }
  }
})

t.test('thousands of calls and messages are erased in one transaction, too', { timeout: 60_000 }, async (t) => {
  const at = await service(t)
  const { records, rows } = at
  const { customer } = await customerWithPin(records, '48213', { number: mobile })
  await rows(`INSERT INTO calls (id, asterisk, leg, line, dialled, caller, language, flow_hash, started_at, ended_at, path)
    SELECT 'call-' || n, 'pbx', 'leg', 'hotline', 'x', '${mobile}', 'de', 'flow-1', now(), now(), '[]' FROM generate_series(1, 3000) n`)
  await rows(`INSERT INTO messages (id, direction, recipient, sender, body, state, customer_id, happened_at, created_at)
    SELECT gen_random_uuid(), 'out', '${mobile}', '${ours}', 'Wasserschaden', 'delivered', '${customer.id}', now(), now() FROM generate_series(1, 3000) n`)
  valueOf(await records.eraseCustomer(customer.id, monday))
  t.same(findings(await dump(at), [digits(mobile), 'Wasserschaden']), [])
})
