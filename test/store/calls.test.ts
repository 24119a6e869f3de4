import t from 'tap'
import { BadCursor } from '../../src/app/ports/records.ts'
import { testStore } from '../support/postgres.ts'
import { callRow, customerWithPin, definitions, flow, monday, serviceWith } from '../support/stories.ts'

t.test('a call is written down as it goes, and found again after a restart', async (t) => {
  const { calls } = await testStore(t)
  await calls.saveCalls([callRow('call-1'), callRow('call-2', { asterisk: 'other-pbx' })])
  await calls.saveCalls([callRow('call-1', { state: { phase: 'active', step: 'queue' }, queuedAt: monday + 5000, language: 'en' })])
  t.strictSame(await calls.openCalls('pbx'), [
    {
      row: callRow('call-1', { state: { phase: 'active', step: 'queue' }, queuedAt: monday + 5000, language: 'en' }),
      known: { customerName: null, service: null },
    },
  ])
  await calls.saveCalls([callRow('call-1', { endedAt: monday + 9000, outcome: 'abandoned' })])
  t.strictSame(await calls.openCalls('pbx'), [])
})

t.test('whoever waits is found again with what the agent’s phone shows of them', async (t) => {
  const store = await testStore(t)
  await serviceWith(store, [])
  const { contract, customer } = await customerWithPin(store.records, '48213')
  await store.calls.saveCalls([callRow('call-1', { contractId: contract.id, customerId: customer.id }), callRow('call-2')])
  t.strictSame(
    (await store.calls.openCalls('pbx')).map(({ known }) => known),
    [
      { customerName: 'Marta Weber', service: 'Entstörung 8 h' },
      { customerName: null, service: null },
    ],
  )
  await store.query('DELETE FROM customers')
  t.match((await store.calls.openCalls('pbx'))[0], { known: { customerName: null } }, 'a customer who was erased meanwhile is nobody')
})

t.test('a batch holds the newest state of each call; an empty one is nothing', async (t) => {
  const { calls, records } = await testStore(t)
  await calls.saveCalls([])
  await calls.saveCalls([callRow('call-1'), callRow('call-2'), callRow('call-1', { endedAt: monday + 10, outcome: 'informed' })])
  t.match(await records.call('call-1'), { outcome: 'informed', endedAt: monday + 10 })
  t.match(await records.call('call-2'), { outcome: null, endedAt: null })
})

t.test('a late write of a call that has ended does not bring it back', async (t) => {
  const { calls, records } = await testStore(t)
  await calls.saveCalls([
    callRow('call-1', { endedAt: monday + 9000, outcome: 'connected', connectedAt: monday + 3000, queuedAt: monday + 1000 }),
  ])
  await calls.saveCalls([callRow('call-1')])
  t.match(await records.call('call-1'), { outcome: 'connected', endedAt: monday + 9000, waitMs: 2000, talkMs: 6000 })
  t.strictSame(await calls.openCalls('pbx'), [])
})

t.test('garbage in a caller’s number costs neither the call nor the batch', async (t) => {
  const { calls, records } = await testStore(t)
  await calls.saveCalls([
    callRow('good'),
    callRow('nul', { caller: 'a\0b' }),
    callRow('half', { dialled: 'x\ud800y', trunk: 'tr\0unk' }),
    callRow('long', { caller: '9'.repeat(5000) }),
    callRow('quote', { caller: `'); DROP TABLE calls; --` }),
    callRow('none', { caller: null }),
    callRow('anonymous', { caller: 'Anonymous' }),
    callRow('national', { caller: '0621 / 12345' }),
  ])
  t.equal((await calls.openCalls('pbx')).length, 8)
  t.equal((await records.call('nul'))?.caller, 'ab')
  t.equal((await records.call('anonymous'))?.caller, null)
  t.equal((await records.call('national'))?.caller, '+4962112345')
})

t.test('calls are listed newest first, page by page, while new ones come in', async (t) => {
  const { calls, records } = await testStore(t)
  await calls.saveCalls(
    Array.from({ length: 7 }, (_, place) =>
      callRow(`call-${place}`, { startedAt: monday + Math.floor(place / 2), line: place === 3 ? 'other' : 'hotline' }),
    ),
  )
  const first = await records.calls({}, { limit: 3, cursor: null })
  t.strictSame(
    first.items.map(({ id }) => id),
    ['call-6', 'call-5', 'call-4'],
  )
  await calls.saveCalls([callRow('call-9', { startedAt: monday + 100 })])
  const second = await records.calls({}, { limit: 3, cursor: first.next })
  t.strictSame(
    second.items.map(({ id }) => id),
    ['call-3', 'call-2', 'call-1'],
  )
  t.strictSame(await records.calls({}, { limit: 3, cursor: second.next }).then(({ items, next }) => [items.map(({ id }) => id), next]), [
    ['call-0'],
    null,
  ])
  t.strictSame(
    (await records.calls({ line: 'other' }, { limit: 9, cursor: null })).items.map(({ id }) => id),
    ['call-3'],
  )
  t.strictSame(
    (await records.calls({ from: monday + 1, to: monday + 2, caller: '+4962112345' }, { limit: 9, cursor: null })).items.map(
      ({ id }) => id,
    ),
    ['call-3', 'call-2'],
  )
  for (const cursor of [
    'nonsense',
    Buffer.from('5').toString('base64url'),
    Buffer.from('99999999999999999999 x').toString('base64url'),
    '\0',
  ]) {
    await t.rejects(records.calls({}, { limit: 3, cursor }), BadCursor)
    await t.rejects(records.tickets({}, { limit: 3, cursor }), BadCursor)
  }
  await t.rejects(records.tickets({}, { limit: 3, cursor: Buffer.from('5 not-an-id').toString('base64url') }), BadCursor)
  t.equal(await records.call('no\0such'), null)
})

t.test('a flow is kept as long as a call walks it', async (t) => {
  const store = await testStore(t)
  await serviceWith(store, [])
  await store.calls.saveCalls([callRow('call-1', { flowHash: 'flow-1' })])
  const newer = { hash: 'file-2', flows: [{ hash: 'flow-2', flow, prompts: {} }] }
  const day = 24 * 3600 * 1000
  await serviceWith(store, [], newer)
  await store.calls.syncDefinitions(definitions([], newer), monday + 2 * day)
  t.match(await store.calls.flowByHash('flow-1'), { flow: { name: 'hotline' }, prompts: { welcome: { de: 'abc' } } })
  await store.calls.saveCalls([callRow('call-1', { endedAt: monday, outcome: 'informed' })])
  await store.calls.syncDefinitions(definitions([], newer), monday + 2 * day)
  t.equal(await store.calls.flowByHash('flow-1'), null)
  t.not(await store.calls.flowByHash('flow-2'), null)
})
