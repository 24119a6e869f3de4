import t from 'tap'
import type { CallStore, Offer } from '../../src/app/ports/store.ts'
import { testStore } from '../support/postgres.ts'
import { agent, callRow, definitions, monday, serviceWith } from '../support/stories.ts'

const minute = 60_000

t.test('a caller who enters while agents are free is offered the one who has been idle longest', async (t) => {
  const { calls } = await hotline(t, ['anna', 'ben', 'cem'])
  t.strictSame(await enter(calls, 'call-1'), [{ callId: 'call-1', agentId: 'anna', endpoint: 'sip-anna', offer: 1 }])
  t.strictSame(
    (await enter(calls, 'call-2')).map(({ agentId }) => agentId),
    ['ben'],
  )
})

t.test('callers wait by priority and time: the higher priority overtakes, but nobody waits for ever', async (t) => {
  const { calls, records } = await hotline(t, ['anna'])
  const [first] = await enter(calls, 'first')
  // Each step of priority is worth a minute of waiting.
  await enter(calls, 'patient', { priority: 0, at: monday })
  await enter(calls, 'late', { priority: 0, at: monday + 4 * minute })
  await enter(calls, 'premium', { priority: 5, at: monday + 4 * minute })
  await enter(calls, 'desperate', { priority: 5, at: monday + 6 * minute })
  const [queue] = (await records.queues(monday)).filter(({ name }) => name === 'emergency')
  t.strictSame(
    queue!.waiting.map(({ callId, position }) => [callId, position]),
    [
      ['premium', 1],
      ['first', 2],
      ['patient', 3],
      ['desperate', 4],
      ['late', 5],
    ],
  )
  const served: string[] = []
  let offer = first!
  for (let at = monday + 10 * minute; served.length < 4; at += minute) {
    await calls.acceptOffer(offer, null, at)
    await calls.releaseAgent({ ...offer, next: { state: 'available' }, backToQueue: false, queue: null, at })
    offer = (await calls.dispatch('emergency', at)).offers[0]!
    served.push(offer.callId)
  }
  t.strictSame(served, ['premium', 'patient', 'desperate', 'late'])
})

t.test('entering twice is entering once, and the offer that stands is told again', async (t) => {
  const { calls, query } = await hotline(t, ['anna', 'ben'])
  const first = await enter(calls, 'call-1')
  t.strictSame(await enter(calls, 'call-1'), first, 'the answer was lost, say')
  t.equal((await query('SELECT FROM queue_entries')).rowCount, 1)
  await calls.acceptOffer(first[0]!, null, monday)
  t.strictSame(await enter(calls, 'call-1'), [], 'a conversation is no offer')
})

t.test('an agent who does not answer rests, and the caller keeps the place; offers are numbered on', async (t) => {
  const { calls, records } = await hotline(t, ['anna', 'ben'])
  const [offer] = await enter(calls, 'call-1')
  await rings(calls, offer!, monday + 100)
  t.match((await records.agents())[0], { id: 'anna', state: 'ringing', callId: 'call-1' })
  const at = monday + 15_000
  await calls.releaseAgent({ ...offer!, next: { state: 'resting', untilAt: at + 30_000 }, backToQueue: true, queue: null, at })
  const next = await calls.dispatch('emergency', at)
  t.strictSame(next.offers, [{ callId: 'call-1', agentId: 'ben', endpoint: 'sip-ben', offer: 2 }])
  t.equal(next.nextChangeAt, at + 30_000, 'when anna counts as free again')
  await calls.releaseAgent({ ...next.offers[0]!, next: { state: 'resting', untilAt: at + 60_000 }, backToQueue: true, queue: null, at })
  t.strictSame(await calls.dispatch('emergency', at + 29_999), { offers: [], nextChangeAt: at + 30_000 })
  t.match((await calls.dispatch('emergency', at + 30_000)).offers, [{ agentId: 'anna', offer: 3 }], 'rest ends without a write')
})

t.test('wrap-up follows a conversation, and its end brings the next caller', async (t) => {
  const { calls, records } = await hotline(t, ['anna'])
  const [offer] = await enter(calls, 'call-1')
  await calls.acceptOffer(offer!, null, monday)
  await enter(calls, 'call-2')
  await calls.releaseAgent({
    ...offer!,
    next: { state: 'wrap_up', untilAt: monday + 20_000 },
    backToQueue: false,
    queue: null,
    at: monday + 5000,
  })
  t.match((await records.queues(monday + 6000)).find(({ name }) => name === 'emergency')!.agents, [{ id: 'anna', state: 'wrap_up' }])
  t.strictSame(await calls.dispatch('emergency', monday + 6000), { offers: [], nextChangeAt: monday + 20_000 })
  t.match((await calls.dispatch('emergency', monday + 20_000)).offers, [{ callId: 'call-2', agentId: 'anna', offer: 1 }])
})

t.test('whoever lets an agent go hears whether anybody waits for them, and when somebody else is free again', async (t) => {
  const { calls } = await hotline(t, ['anna', 'ben'])
  const [first] = await enter(calls, 'call-1')
  const [second] = await enter(calls, 'call-2')
  const ends = { backToQueue: false, queue: 'emergency', at: monday + 5000 } as const
  const wrapUp = { state: 'wrap_up', untilAt: monday + 20_000 } as const
  t.strictSame(await calls.releaseAgent({ ...first!, ...ends, next: wrapUp }), { nothingToDo: true, nextChangeAt: monday + 20_000 })
  t.strictSame(await enter(calls, 'call-3'), [], 'both are busy')
  t.match(await calls.releaseAgent({ ...second!, ...ends, next: { state: 'available' } }), { nothingToDo: false })
  t.match((await calls.dispatch('emergency', monday + 5000)).offers, [{ callId: 'call-3', agentId: 'ben' }])
  t.match(await calls.releaseAgent({ ...second!, ...ends, queue: 'no such queue', next: { state: 'available' } }), { nothingToDo: false })
})

t.test('a queue whose rules change is entered by the new ones', async (t) => {
  const store = await hotline(t, [])
  const entered = (callId: string) => store.calls.enterQueue({ callId, queue: 'emergency', priority: 1, at: monday })
  t.match(await entered('call-1'), { entered: true })
  await store.query(`UPDATE queues SET max_waiting = 2, priority_weight_ms = 1000 WHERE name = 'emergency'`)
  t.match(await entered('call-2'), { entered: true })
  t.match(await entered('call-3'), { entered: false }, 'two are the most')
  const { rows } = await store.query(
    `SELECT call_id, (extract(epoch FROM entered_at - sort_at) * 1000)::integer AS ahead FROM queue_entries ORDER BY call_id`,
  )
  t.match(rows, [{ ahead: minute }, { ahead: 1000 }])
})

t.test('whoever is late loses: an offer that has gone to somebody else cannot be accepted', async (t) => {
  const { calls, records } = await hotline(t, ['anna', 'ben'])
  const [offer] = await enter(calls, 'call-1')
  await calls.releaseAgent({ ...offer!, next: { state: 'resting', untilAt: monday + minute }, backToQueue: true, queue: null, at: monday })
  await calls.dispatch('emergency', monday)
  await rings(calls, offer!, monday)
  t.not((await records.agents())[0]!.state, 'ringing', 'anna rings no more')
  t.notOk(await calls.acceptOffer(offer!, null, monday), 'anna picks up too late')
  const before = await calls.dispatch('emergency', monday)
  await calls.releaseAgent({ ...offer!, next: { state: 'available' }, backToQueue: true, queue: null, at: monday })
  t.strictSame(await calls.dispatch('emergency', monday), before, 'a release that comes twice changes nothing')
})

t.test('the caller hangs up while the agent’s phone rings: whoever picks up then gets nobody', async (t) => {
  const { calls, records } = await hotline(t, ['anna'])
  const [offer] = await enter(calls, 'call-1')
  await rings(calls, offer!, monday)
  await calls.leaveQueue('call-1', monday + 1000)
  t.notOk(await calls.acceptOffer(offer!, null, monday + 1001))
  await calls.releaseAgent({ ...offer!, next: { state: 'available' }, backToQueue: false, queue: null, at: monday + 1002 })
  t.match((await records.agents())[0], { state: 'available', callId: null })
  t.strictSame((await records.queues(monday))[1]!.waiting, [])
})

t.test('a caller who leaves frees the agent who was reserved and not rung yet', async (t) => {
  const { calls, records } = await hotline(t, ['anna'])
  await enter(calls, 'call-1')
  await enter(calls, 'call-2')
  await calls.leaveQueue('call-1', monday)
  t.match((await records.agents())[0], { state: 'available', callId: null })
  t.match((await calls.dispatch(null, monday)).offers, [{ callId: 'call-2', agentId: 'anna' }])
})

t.test('twenty dispatches at once give nobody two callers and nobody two agents', async (t) => {
  const { calls, records } = await hotline(t, [])
  const agents = ['anna', 'ben', 'cem', 'dora', 'emil']
  for (let call = 0; call < 8; call += 1) await enter(calls, `call-${call}`, { at: monday + call })
  await serviceWith({ calls, records } as Parameters<typeof serviceWith>[0], agents, { hash: 'file-2' })
  const offers = (await Promise.all(Array.from({ length: 20 }, () => calls.dispatch('emergency', monday + minute)))).flatMap(
    (dispatched) => dispatched.offers,
  )
  t.strictSame(offers.map(({ agentId }) => agentId).toSorted(), agents)
  t.strictSame(offers.map(({ callId }) => callId).toSorted(), ['call-0', 'call-1', 'call-2', 'call-3', 'call-4'], 'the first five')
})

t.test('callers, agents, pauses and hang-ups at once: every offer stands for one agent and one caller', async (t) => {
  const agents = ['anna', 'ben', 'cem', 'dora', 'emil']
  const { calls, records, query } = await hotline(t, agents)
  const given: Offer[] = []
  const oneCall = async (call: number): Promise<void> => {
    const callId = `call-${call}`
    given.push(
      ...(await calls.enterQueue({ callId, queue: call % 3 === 0 ? 'billing' : 'emergency', priority: call % 4, at: monday + call }))
        .offers,
    )
    if (call % 5 === 0) await calls.leaveQueue(callId, monday + call + 1)
    if (call % 7 === 0) await records.setAgentState(agents[call % 5]!, call % 2 === 0 ? 'paused' : 'available', 'coffee', monday + call)
    const offer = given.shift()
    if (offer === undefined) return
    const talked = await calls.acceptOffer(offer, null, monday + call + 2)
    await calls.releaseAgent({
      ...offer,
      next: { state: 'available' },
      backToQueue: !talked && offer.callId !== callId,
      queue: null,
      at: monday + call + 3,
    })
    given.push(...(await calls.dispatch(null, monday + call + 3)).offers)
  }
  await Promise.all(Array.from({ length: 60 }, (_, call) => oneCall(call)))
  const { rows } = await query<{ doubled: number }>(
    `SELECT count(*)::int AS doubled FROM agents a JOIN agents b ON a.call_id = b.call_id AND a.id < b.id`,
  )
  t.equal(rows[0]!.doubled, 0)
  const { rows: held } =
    await query(`SELECT a.id FROM agents a LEFT JOIN queue_entries e ON e.call_id = a.call_id AND e.agent_id = a.id AND e.offers = a.offer AND e.state IN ('offered', 'talking')
    WHERE a.call_id IS NOT NULL AND e.call_id IS NULL`)
  t.strictSame(held, [], 'nobody is reserved for a caller who knows nothing of it')
  t.equal(new Set(given.map(({ agentId }) => agentId)).size, given.length)
})

t.test('a full queue takes nobody in; one that has vanished neither', async (t) => {
  const { calls } = await hotline(t, ['anna'])
  for (const call of ['call-1', 'call-2'])
    t.match(await calls.enterQueue({ callId: call, queue: 'sales', priority: 0, at: monday }), { entered: true, offers: [] })
  t.match(await calls.enterQueue({ callId: 'call-3', queue: 'sales', priority: 9, at: monday }), { entered: false, offers: [] })
  t.match(await calls.enterQueue({ callId: 'call-2', queue: 'sales', priority: 0, at: monday }), { entered: true }, 'whoever is in is in')
  await calls.leaveQueue('call-1', monday)
  t.match(await calls.enterQueue({ callId: 'call-3', queue: 'sales', priority: 0, at: monday }), { entered: true })
  t.match(await calls.enterQueue({ callId: 'call-4', queue: 'gone', priority: 0, at: monday }), { entered: false })
})

t.test('an agent gets callers of their own queues only', async (t) => {
  const { calls } = await testStore(t)
  await calls.syncDefinitions(definitions([agent('anna', ['billing']), agent('ben', ['emergency']), agent('sara', ['sales'])]), monday)
  t.match(await enter(calls, 'call-1', { queue: 'emergency' }), [{ agentId: 'ben' }])
  t.match(await enter(calls, 'call-2', { queue: 'emergency' }), [])
  t.match(
    await enter(calls, 'call-3', { queue: 'billing' }),
    [{ callId: 'call-3', agentId: 'anna' }],
    'the one before is passed over and waits on',
  )
})

t.test('a pause asked for during a conversation comes after it', async (t) => {
  const { calls, records } = await hotline(t, ['anna'])
  const [offer] = await enter(calls, 'call-1')
  await calls.acceptOffer(offer!, null, monday)
  t.match(await records.setAgentState('anna', 'paused', 'lunch', monday), {
    ok: true,
    value: { state: 'talking', reason: 'lunch', callId: 'call-1' },
  })
  await calls.releaseAgent({
    ...offer!,
    next: { state: 'wrap_up', untilAt: monday + 20_000 },
    backToQueue: false,
    queue: null,
    at: monday + 1000,
  })
  t.match((await records.agents())[0], { state: 'paused', reason: 'lunch', since: monday + 1000, callId: null })
  t.strictSame(await enter(calls, 'call-2'), [])
  t.match(await records.setAgentState('anna', 'available', null, monday + 5000), {
    ok: true,
    value: { state: 'available', reason: null, since: monday + 5000 },
  })
  t.match((await calls.dispatch('emergency', monday + 5000)).offers, [{ callId: 'call-2' }])
  t.match(await records.setAgentState('nobody', 'paused', null, monday), { ok: false, refusal: { refused: 'not_found' } })
})

t.test('after a restart whoever is held by no call is let go, and callers keep their place', async (t) => {
  const { calls, records } = await hotline(t, ['anna', 'ben', 'cem', 'dora'])
  const offers: Offer[] = []
  for (const call of ['talking', 'ringing', 'untold', 'gone']) offers.push(...(await enter(calls, call, { at: monday + offers.length })))
  const [talking, ringing] = offers
  await calls.acceptOffer(talking!, null, monday)
  await rings(calls, ringing!, monday)
  await enter(calls, 'waiting', { at: monday + 10 })
  await enter(calls, 'hung-up', { at: monday + 11 })
  await calls.saveCalls([callRow('elsewhere', { asterisk: 'other-pbx' })])
  await enter(calls, 'elsewhere', { at: monday + 12 })
  const freed = await calls.releaseStrays(
    'pbx',
    [
      { callId: 'talking', agentId: 'anna' },
      { callId: 'ringing', agentId: 'ben' },
      { callId: 'untold', agentId: null },
      { callId: 'waiting', agentId: null },
    ],
    monday + minute,
  )
  t.equal(freed, 4, 'two agents, two places')
  const emergency = (await records.queues(monday)).find(({ name }) => name === 'emergency')!
  t.strictSame(emergency.agents, [
    { id: 'anna', state: 'talking' },
    { id: 'ben', state: 'ringing' },
    { id: 'cem', state: 'available' },
    { id: 'dora', state: 'available' },
  ])
  t.strictSame(
    emergency.waiting.map(({ callId }) => callId),
    ['ringing', 'untold', 'waiting', 'elsewhere'],
  )
  t.match((await calls.dispatch(null, monday + minute)).offers, [
    { callId: 'untold', offer: 2 },
    { callId: 'waiting', offer: 1 },
  ])
})

async function hotline(t: Parameters<typeof testStore>[0], agents: string[]) {
  const store = await testStore(t, { now: () => monday })
  await serviceWith(store, agents)
  return store
}

async function enter(
  calls: Awaited<ReturnType<typeof hotline>>['calls'],
  callId: string,
  { queue = 'emergency', priority = 0, at = monday } = {},
): Promise<Offer[]> {
  return (await calls.enterQueue({ callId, queue, priority, at })).offers
}

/** The row of a call whose agent's phone rings. */
function rings({ saveCalls }: Pick<CallStore, 'saveCalls'>, { callId, ...offer }: Offer, at: number): Promise<void> {
  return saveCalls([callRow(callId, { rings: { ...offer, at } })])
}
