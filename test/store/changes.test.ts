/** Who watches is told of what is committed, and nobody pays for it where nobody does. */
import t from 'tap'
import type { Touched } from '../../src/app/ports/live.ts'
import { Changes, changedIn, mostTouched } from '../../src/store/changes.ts'
import { Connections } from '../../src/store/connections.ts'
import { freshDatabase, quiet, testStore } from '../support/postgres.ts'
import { callRow, monday, serviceWith } from '../support/stories.ts'

const told = ({ tickets, calls, messages, ...rest }: Touched): object => ({
  tickets: [...tickets],
  calls: [...calls],
  messages: [...messages],
  ...rest,
})
const nothing = { tickets: [], calls: [], messages: [], service: false, announcements: false, isTooMuch: false }

t.test('a change in a transaction is told after its commit, and not if it is undone', async (t) => {
  const database = await freshDatabase()
  const connections = new Connections(database.url, quiet)
  t.teardown(async () => {
    await connections.close()
    await database.drop()
  })
  let calls = 0
  connections.changes.listen(() => (calls += 1))
  await connections.kyselyTransaction(async (transaction) => {
    changedIn(transaction).ticket('a ticket')
    changedIn(transaction).message(['one', 'another'])
    t.same(told(connections.changes.take()), nothing, 'not yet')
  })
  t.equal(calls, 1, 'told once, however much it was')
  t.same(told(connections.changes.take()), { ...nothing, tickets: ['a ticket'], messages: ['one', 'another'] })
  await t.rejects(
    connections.kyselyTransaction(async (transaction) => {
      changedIn(transaction).call('a call')
      throw new Error('undone')
    }),
  )
  t.same(told(connections.changes.take()), nothing)
})

t.test('where nobody listens nothing is kept', async (t) => {
  const changes = new Changes((hook) => hook())
  changes.committed.ticket('a ticket')
  t.same(told(changes.take()), nothing)
  let calls = 0
  changes.listen(() => (calls += 1))
  changes.committed.ticket('a ticket')
  changes.committed.ticket('a ticket')
  changes.committed.queue()
  t.equal(calls, 1)
  t.same(told(changes.take()), { ...nothing, tickets: ['a ticket'], service: true })
  changes.committed.announcement()
  t.equal(calls, 2)
  changes.listen(null)
  t.same(told(changes.take()), nothing, 'what was not taken is gone with whoever listened')
})

t.test('however much is changed, what is kept is bounded', async (t) => {
  const changes = new Changes((hook) => hook())
  changes.listen(() => {})
  for (let n = 0; n < mostTouched; n += 1) changes.committed.message([`message ${n}`])
  changes.committed.message(['message 7'])
  t.equal(changes.take().messages.size, mostTouched)
  for (let n = 0; n <= mostTouched; n += 1) changes.committed.message([`message ${n}`])
  changes.committed.message(['one more'])
  const touched = changes.take()
  t.same(told(touched), { ...nothing, isTooMuch: true })
  changes.putBack(touched)
  t.ok(changes.take().isTooMuch)
  changes.putBack({ ...touched, isTooMuch: false, calls: new Set(['a call']) })
  t.same(told(changes.take()), { ...nothing, calls: ['a call'] })
})

t.test('every way in which calls write tells what it changed', async (t) => {
  const store = await testStore(t, { now: () => monday })
  await serviceWith(store, ['anna'])
  const { calls, records, live } = store
  live.listen(() => {})
  const after = async (work: Promise<unknown>): Promise<object> => {
    await work
    const { tickets, calls, messages, service, announcements } = live.take()
    return {
      ...(tickets.size > 0 && { tickets: tickets.size }),
      ...(calls.size > 0 && { calls: [...calls] }),
      ...(messages.size > 0 && { messages: messages.size }),
      ...(service && { service }),
      ...(announcements && { announcements }),
    }
  }
  t.same(await after(calls.saveCalls([callRow('a'), callRow('b')])), { calls: ['a', 'b'] })
  const entry = { callId: 'a', queue: 'emergency', priority: 1, at: monday }
  const entering = calls.enterQueue({ ...entry, row: callRow('a') })
  t.same(await after(entering), { calls: ['a'], service: true })
  const [offer] = (await entering).offers as [Awaited<typeof entering>['offers'][number]]
  const rings = { ...offer, at: monday }
  t.same(await after(calls.saveCalls([callRow('a', { rings })])), { calls: ['a'], service: true }, 'a phone rings')
  t.same(await after(calls.dispatch('emergency', monday)), {}, 'nobody was offered to anybody')
  t.same(await after(calls.acceptOffer(offer, null, monday)), { service: true })
  const release = { ...offer, next: { state: 'available' as const }, backToQueue: false, queue: null, at: monday }
  t.same(await after(calls.releaseAgent({ ...release, row: callRow('a', { agentId: 'anna' }) })), { calls: ['a'], service: true })
  t.same(await after(calls.enterQueue({ ...entry, callId: 'b' })), { service: true })
  t.same(await after(calls.leaveQueue('b', monday)), { service: true })
  t.same(await after(calls.releaseStrays('pbx', [], monday)), { service: true })
  const voicemail = {
    recording: 'r',
    callId: 'a',
    line: 'hotline',
    caller: null,
    at: monday,
    wav: Buffer.alloc(100),
    durationMs: 5,
    language: 'de',
  }
  t.same(await after(calls.keepVoicemail(voicemail)), { tickets: 1, calls: ['a'] })
  t.same(await after(calls.keepVoicemail(voicemail)), {}, 'the same again')
  t.same(await after(calls.voicemailWasEmpty('b')), { calls: ['b'] })
  t.same(await after(records.setAgentState('anna', 'paused', 'lunch', monday)), { service: true })
  t.same(await after(records.setAgentState('nobody', 'paused', null, monday)), {})
  const outage = { name: 'outage', on: true, text: { de: 'Störung' }, prompts: {}, endsAt: null }
  t.same(await after(records.putAnnouncement(outage, monday)), { announcements: true })
})
