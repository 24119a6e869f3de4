import t, { type Test } from 'tap'
import type { AuditFilter, AuditRecord } from '../../src/app/ports/records.ts'
import { testStore } from '../support/postgres.ts'
import { callRow, customerWithPin, monday, serviceWith, valueOf } from '../support/stories.ts'

const crm = { keyId: 'crm', name: 'the CRM' }

async function hotline(t: Test) {
  const store = await testStore(t)
  await serviceWith(store, ['anna'])
  const audit = async (filter: AuditFilter = {}): Promise<AuditRecord[]> =>
    (await store.records.audit(filter, { limit: 200, cursor: null })).items.reverse()
  return { store, audit }
}

const told = ({ action, object, before, after }: AuditRecord) => ({ action, object, before, after })

t.test('who made a customer with a contract and a PIN, and with which values; the PIN is not among them', async (t) => {
  const { store, audit } = await hotline(t)
  const { customer, contract, pin } = await store.writing.asOne(crm, () =>
    customerWithPin(store.records, '48213', { number: '+491701234567' }),
  )
  const rows = await audit({ customerId: customer.id })
  t.strictSame(
    rows.map(({ action, object, objectId }) => [action, object, objectId]),
    [
      ['created', 'customer', customer.id],
      ['created', 'phone_number', '+491701234567'],
      ['created', 'contract', contract.id],
      ['created', 'pin', pin.id],
    ],
  )
  for (const { actor, requestId } of rows) t.strictSame([actor, requestId], [crm, null])
  t.match(rows[0], { before: null, after: { name: 'Marta Weber', language: 'de', timeZone: 'Europe/Berlin' } })
  t.match(rows[2], { after: { customerId: customer.id, slaMinutes: 480 } })
  t.match(rows[3], { after: { contractId: contract.id, createdAt: '2026-03-02T08:00:00+00:00', revokedAt: null } })
  const all = JSON.stringify(rows)
  t.notMatch(all, /\b48213\b|digest/)
})

t.test('a change tells only what changed, and one that changes nothing tells nothing', async (t) => {
  const { store, audit } = await hotline(t)
  const { pin } = await customerWithPin(store.records, '48213')
  const ticket = valueOf(
    await store.records.createTicket({ subject: 'Störung', caller: '+491701234567', customerId: null, status: 'received' }, monday),
  )
  await store.writing.asOne(crm, async () => {
    valueOf(await store.records.revokePin(pin.id, monday + 1000))
    valueOf(await store.records.changeTicket(ticket.id, { status: 'in_progress' }, monday + 1000))
    valueOf(await store.records.changeTicket(ticket.id, { status: 'in_progress' }, monday + 2000))
    valueOf(await store.records.comment(ticket.id, { author: 'Ida', text: 'Der Techniker ist unterwegs.' }, monday + 3000))
    valueOf(await store.records.revokePin(pin.id, monday + 4000))
  })
  t.strictSame((await audit({ actor: 'crm' })).map(told), [
    { action: 'changed', object: 'pin', before: { revokedAt: null }, after: { revokedAt: '2026-03-02T08:00:01+00:00' } },
    {
      action: 'changed',
      object: 'ticket',
      before: { status: 'received', version: 1 },
      after: { status: 'in_progress', version: 2 },
    },
    {
      action: 'created',
      object: 'comment',
      before: null,
      after: {
        id: (await audit({ object: 'comment' }))[0]!.objectId,
        author: 'Ida',
        text: 'Der Techniker ist unterwegs.',
        ticketId: ticket.id,
        createdAt: '2026-03-02T08:00:03+00:00',
      },
    },
  ])
})

t.test('what is undone was never done', async (t) => {
  const { store, audit } = await hotline(t)
  const before = (await audit()).length
  await t.rejects(
    store.writing.asOne(crm, async () => {
      await customerWithPin(store.records, '48213')
      throw new Error('refused')
    }),
  )
  t.equal((await audit()).length, before)
})

t.test('agents: what people did to them, and nothing of what calls do', async (t) => {
  const { store, audit } = await hotline(t)
  await store.writing.asOne(crm, () => store.records.setAgentState('anna', 'paused', 'lunch', monday))
  await store.writing.asOne(crm, () => store.records.setAgentState('anna', 'available', null, monday + 1000))
  await store.calls.saveCalls([callRow('call-1')])
  const { offers } = await store.calls.enterQueue({ callId: 'call-1', queue: 'emergency', priority: 0, at: monday + 2000 })
  t.equal(offers.length, 1)
  t.ok(await store.calls.acceptOffer(offers[0]!, null, monday + 3000))
  await store.writing.asOne(crm, () => store.records.setAgentState('anna', 'offline', 'goes home', monday + 3500))
  await store.calls.releaseAgent({
    ...{ agentId: 'anna', callId: 'call-1', offer: offers[0]!.offer, queue: 'emergency', backToQueue: false },
    ...{ next: { state: 'available' }, at: monday + 4000 },
  })
  await store.writing.asOne({ cli: 'root' }, () =>
    store.newAgentPassword({ id: 'anna', name: 'Anna', endpoint: 'sip-anna', queues: [], skills: [] }),
  )
  const rows = await audit({ object: 'agent' })
  t.strictSame(rows.map(told), [
    {
      ...{ action: 'changed', object: 'agent' },
      ...{ before: { state: 'available', reason: null }, after: { state: 'paused', reason: 'lunch' } },
    },
    {
      ...{ action: 'changed', object: 'agent' },
      ...{ before: { state: 'paused', reason: 'lunch' }, after: { state: 'available', reason: null } },
    },
    {
      ...{ action: 'changed', object: 'agent' },
      ...{ before: { askedState: null, askedReason: null }, after: { askedState: 'offline', askedReason: 'goes home' } },
    },
    // That it is another one, and neither of the two.
    {
      ...{ action: 'changed', object: 'agent' },
      ...{ before: { sealedPassword: '•••••' }, after: { sealedPassword: '•••••' } },
    },
  ])
  t.strictSame(rows.at(-1)!.actor, { cli: 'root' })
})

t.test('announcements; and what Pforte does by itself', async (t) => {
  const { store, audit } = await hotline(t)
  const announcement = { name: 'outage', on: true, text: { de: 'Störung in Speyer' }, prompts: { de: 'abc' }, endsAt: null }
  await store.writing.asOne(crm, () => store.records.putAnnouncement(announcement, monday))
  await store.calls.keepVoicemail({
    ...{ recording: 'call-1.3', callId: null, line: 'hotline', caller: '+4962112345', at: monday },
    ...{ wav: Buffer.alloc(100), durationMs: 1000, language: 'de' },
  })
  t.match(await audit({ object: 'announcement', actor: 'crm' }), [
    { objectId: 'outage', before: { isOn: false, text: {} }, after: { isOn: true, text: { de: 'Störung in Speyer' } } },
  ])
  t.match(await audit({ object: 'ticket' }), [{ action: 'created', actor: { pforte: 'hotline' }, after: { source: 'voicemail' } }])
  t.match(await audit({ object: 'announcement', actor: 'service' }), [{ action: 'created', objectId: 'outage' }], 'out of pforte.yaml')
})

t.test('who erases writes down that it was done, and not once more what was erased', async (t) => {
  const { store, audit } = await hotline(t)
  const { customer } = await customerWithPin(store.records, '48213')
  await store.query('BEGIN; SET LOCAL pforte.audit_values = none; UPDATE customers SET name = $$erased$$; COMMIT')
  t.strictSame((await audit({ objectId: customer.id, object: 'customer' })).at(-1)!.after, { name: null })
  t.strictSame((await audit({ objectId: customer.id, object: 'customer' })).at(-1)!.before, { name: null })
})

t.test('pages go on where the one before ended, even within one transaction', async (t) => {
  const { store, audit } = await hotline(t)
  await store.writing.asOne(crm, async () => {
    for (let one = 0; one < 7; one += 1) await customerWithPin(store.records, `4821${one}`)
  })
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof store.records.audit>> = await store.records.audit({ actor: 'crm' }, { limit: 4, cursor })
    seen.push(...page.items.map(({ id }) => id))
    cursor = page.next
  } while (cursor !== null)
  t.equal(seen.length, 21)
  t.strictSame(
    seen.reverse(),
    (await audit({ actor: 'crm' })).map(({ id }) => id),
  )
  const [{ at }] = (await audit({ actor: 'crm' })) as [AuditRecord]
  t.equal((await audit({ actor: 'crm', from: at, to: at + 1 })).length, 21)
  t.strictSame(await audit({ actor: 'crm', from: at + 1 }), [])
  t.strictSame(await audit({ actor: 'crm', to: at }), [])
  t.strictSame(await audit({ customerId: 'none' }), [])
})

t.test('a filter finds its rows by an index, however long the log is', async (t) => {
  const { store } = await hotline(t)
  await store.query(`INSERT INTO audit (at, actor, action, object, object_id, customer_id)
    SELECT to_timestamp(n), jsonb_build_object('keyId', n % 500), 'changed', 'ticket', n % 5000, CASE WHEN n % 2 = 0 THEN
      ('00000000-0000-7000-8000-' || lpad((n % 5000)::text, 12, '0'))::uuid END FROM generate_series(1, 50000) n; ANALYZE audit`)
  for (const [where, index] of [
    ['true', 'audit_pkey'],
    [`object_id = '77'`, 'audit_by_object_id'],
    [`object = 'announcement'`, 'audit_by_object'],
    [`actor_id = '77'`, 'audit_by_actor'],
    [`customer_id = '00000000-0000-7000-8000-000000000042'`, 'audit_by_customer'],
  ]) {
    const { rows } = await store.query(`EXPLAIN SELECT id FROM audit WHERE ${where} ORDER BY at DESC, id DESC LIMIT 50`)
    t.match(rows.map((row) => row['QUERY PLAN']).join('\n'), new RegExp(`Scan (Backward using|on) ${index}\\b`), where!)
  }
})
