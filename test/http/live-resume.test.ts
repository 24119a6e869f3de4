/** Whoever loses the line misses nothing, or is told that they did. */
import t from 'tap'
import { defaultLiveLimits } from '../../src/app/live/limits.ts'
import { defaultRingLimits } from '../../src/app/live/ring.ts'
import { HandTimers } from '../support/hand-timers.ts'
import { freshDatabase, ownPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import type { Watcher } from '../support/watcher.ts'
import { callRow, watching } from './watching.ts'

const { beatEveryMs, gatherMs, lingerMs, lookEveryMs } = defaultLiveLimits
const resuming = ({ lastEventId }: Pick<Watcher, 'lastEventId'>): Record<string, string> => ({ 'last-event-id': lastEventId })
const kinds = ({ heard }: Watcher): string[] => heard.map(({ event }) => event)
const subjects = ({ heard }: Watcher): string[] => heard.flatMap(({ event, data }) => (event === 'ticket.changed' ? [data.subject] : []))

t.test('whoever lost the line is told what came meanwhile, and nothing twice, though nobody else was watching', async (t) => {
  const { watch, makeTicket } = await watching(t)
  const first = await watch('?types=ticket.changed')
  await makeTicket('one')
  await first.next('ticket.changed')
  first.leave()
  await first.ended
  await makeTicket('two')
  await makeTicket('three')
  const second = await watch('?types=ticket.changed', resuming(first))
  t.strictSame([...kinds(second), subjects(second).toSorted()], ['ticket.changed', 'ticket.changed', 'ready', ['three', 'two']])
  t.match(second.heard.at(-1)!.data, { resumed: true })
  await makeTicket('four')
  await second.next('ticket.changed', ({ subject }) => subject === 'four')
  const byQuery = await watch(`?types=ticket.changed&lastEventId=${first.lastEventId}`)
  t.strictSame(subjects(byQuery).toSorted(), ['four', 'three', 'two'])
  const both = await watch(`?types=ticket.changed&lastEventId=${first.lastEventId}`, resuming(second))
  t.strictSame(kinds(both), ['ready'], 'what a browser sends of itself is newer than the address it comes back to')
})

t.test('whoever comes back is told how things are now, and nothing of what was erased meanwhile', async (t) => {
  const { watch, ask, makeTicket } = await watching(t)
  const first = await watch('?types=ticket.changed')
  const numbers = ['+49621555017']
  const customer = (await ask('POST', '/v1/customers', { name: 'Marta Weber', numbers })).body
  const ticket = await makeTicket('Anschluss von Marta Weber', numbers[0])
  const before = { ...first }
  await first.next('ticket.changed', ({ caller }) => caller === numbers[0])
  t.equal((await ask('DELETE', `/v1/customers/${customer.id}`)).status, 204)
  await first.next('ticket.changed', ({ id, caller }) => id === ticket.id && caller !== numbers[0])
  const second = await watch('?types=ticket.changed', resuming(before))
  t.strictSame(kinds(second), ['ticket.changed', 'ready'])
  t.notMatch(JSON.stringify(second.heard), /Marta|55017/)
})

t.test('whoever was away for too long begins anew', async (t) => {
  let at = Date.now()
  const limits = { ...defaultLiveLimits, ring: { ...defaultRingLimits, events: 2 } }
  const { watch, makeTicket } = await watching(t, () => ({ limits, now: () => at }))
  const first = await watch('?types=ticket.changed,agent.changed')
  const stays = await watch('?types=ticket.changed')
  first.leave()
  for (const subject of ['one', 'two']) {
    await makeTicket(subject)
    await stays.next('ticket.changed')
  }
  const inTime = await watch('?types=ticket.changed', resuming(first))
  t.strictSame(kinds(inTime), ['ticket.changed', 'ticket.changed', 'ready'], 'two are kept')
  const seen = resuming(inTime)
  await makeTicket('three')
  await stays.next('ticket.changed')
  const late = await watch('?types=ticket.changed,agent.changed', resuming(first))
  t.strictSame(kinds(late), ['reset', 'agent.changed', 'agent.changed', 'ready'], 'and then all that stands')
  t.match(late.heard.at(-1)!.data, { resumed: false })
  at += limits.ring.ageMs
  t.strictSame(kinds(await watch('?types=ticket.changed', seen)), ['reset', 'ready'], 'what is old goes, too')
  t.strictSame(kinds(await watch('?types=ticket.changed', resuming(stays))), ['ready'], 'whoever has seen all has missed nothing')
})

t.test('after a restart of the process nobody can tell what was missed, and it is said', async (t) => {
  const database = await freshDatabase()
  t.teardown(() => database.drop())
  const before = await watching(t, undefined, database.url)
  const first = await before.watch('?types=ticket.changed')
  await before.makeTicket('one')
  await first.next('ticket.changed')
  await before.close()
  t.equal(await first.ended, true)
  const after = await watching(t, undefined, database.url)
  t.strictSame(kinds(await after.watch('?types=ticket.changed', resuming(first))), ['reset', 'ready'])
  for (const id of ['unknown', `${'x'.repeat(500)}-1`, first.lastEventId.replace(/\d+$/, '99999')])
    t.strictSame(kinds(await after.watch('?types=ticket.changed', { 'last-event-id': id })), ['reset', 'ready'], id)
})

t.test('nobody wanted to hear of tickets then; whoever wants to now is told that some are missing', async (t) => {
  const { watch, makeTicket, ask } = await watching(t)
  const first = await watch('?types=agent.changed')
  const { lastEventId } = first
  await makeTicket('one')
  await ask('PUT', '/v1/agents/anna/state', { state: 'paused' })
  await first.next('agent.changed')
  const other = await watch('?types=ticket.changed')
  await makeTicket('two')
  await other.next('ticket.changed', ({ subject }) => subject === 'two')
  t.strictSame(kinds(await watch('?types=ticket.changed', resuming({ lastEventId }))), ['reset', 'ready'])
  t.strictSame(kinds(await watch('?types=agent.changed', resuming({ lastEventId }))), ['agent.changed', 'ready'])
})

t.test('a heartbeat keeps the line alive, and whoever hears of nothing else resumes after it', async (t) => {
  const timers = new HandTimers()
  const limits = { ...defaultLiveLimits, ring: { ...defaultRingLimits, events: 2 } }
  const { watch, makeTicket } = await watching(t, () => ({ timers, limits, now: () => 0 }))
  const quiet = await watch('?types=announcement.changed')
  const busy = await watch('?types=ticket.changed')
  const begun = quiet.lastEventId
  for (const subject of ['one', 'two', 'three']) {
    await makeTicket(subject)
    t.equal(timers.fire(gatherMs), 1)
    await busy.next('ticket.changed')
  }
  const beaten = Promise.all([quiet.beat(), busy.beat()])
  t.equal(timers.fire(beatEveryMs), 1, 'one timer for all')
  await beaten
  t.not(quiet.lastEventId, begun)
  t.equal(quiet.lastEventId, busy.lastEventId)
  t.strictSame(kinds(await watch('?types=announcement.changed', resuming(quiet))), ['ready'])
  t.strictSame(kinds(await watch('?types=ticket.changed', { 'last-event-id': begun })), ['reset', 'ready'])
})

t.test('nobody watches any more: for a while it is remembered what was changed, and then nothing is', async (t) => {
  const timers = new HandTimers()
  const { watch, makeTicket } = await watching(t, () => ({ timers, now: () => 0 }))
  const first = await watch('?types=ticket.changed')
  first.leave()
  await until('it to be seen that nobody is there', () => timers.fire(lookEveryMs) === 0)
  t.equal(timers.count, 1, 'only the end of that while is waited for')
  await makeTicket('one')
  const second = await watch('?types=ticket.changed', resuming(first))
  t.strictSame(subjects(second), ['one'])
  second.leave()
  await until('the while to begin', () => timers.fire(lingerMs) === 1)
  t.equal(timers.count, 0)
  t.strictSame(kinds(await watch('?types=ticket.changed', resuming(second))), ['reset', 'ready'])
})

t.test('what other processes do to queues and agents, and what time alone does, is seen by looking', async (t) => {
  const timers = new HandTimers()
  let at = Date.now()
  const { watch, query, store } = await watching(t, () => ({ timers, now: () => at }))
  const watcher = await watch('?types=agent.changed,queue.changed')
  await query(`UPDATE agents SET state = 'paused', reason = 'by another process' WHERE id = 'ben'`)
  timers.fire(lookEveryMs)
  t.match((await watcher.next('agent.changed')).data, { id: 'ben', reason: 'by another process' })

  const { offers } = await store.calls.enterQueue({ callId: 'call-1', queue: 'service', priority: 0, at, row: callRow('call-1') })
  const [offer] = offers as [(typeof offers)[number]]
  await store.calls.acceptOffer(offer, null, at)
  const wrapUp = { state: 'wrap_up' as const, untilAt: at + 10_000 }
  await store.calls.releaseAgent({ ...offer, next: wrapUp, backToQueue: false, queue: null, at })
  timers.fire(gatherMs)
  t.match((await watcher.next('agent.changed')).data, { id: 'anna', state: 'wrap_up' })
  at += 10_000
  timers.fire(lookEveryMs)
  t.match((await watcher.next('agent.changed')).data, { id: 'anna', state: 'available' })
})

t.test('Postgres goes away and comes back: who watches stays, and is told what comes then', async (t) => {
  const postgres = await ownPostgres(t)
  const { watch, ask, makeTicket } = await watching(t, undefined, (await freshDatabase(postgres.url)).url)
  const watcher = await watch('?types=ticket.changed,agent.changed')
  const first = await makeTicket('one')
  await watcher.next('ticket.changed')
  await postgres.stop()
  t.equal((await ask('PATCH', `/v1/tickets/${first.id}`, { status: 'in_progress' })).status, 503)
  const another = await watch('?types=agent.changed')
  t.strictSame(kinds(another), ['agent.changed', 'agent.changed', 'ready'], 'as it was known last')
  await postgres.start()
  await until('a ticket to be made', async () => (await makeTicket('two')).id)
  await watcher.next('ticket.changed', ({ subject }) => subject === 'two')
})

t.test('while Postgres is away nobody can begin to watch, and is told so', async (t) => {
  const postgres = await ownPostgres(t)
  const { ask, watch } = await watching(t, undefined, (await freshDatabase(postgres.url)).url)
  await postgres.stop()
  t.match(await ask('GET', '/v1/live'), { status: 503, body: { code: 'store_unavailable' } })
  await postgres.start()
  await until('somebody to watch', async () => await watch().catch(() => null))
})
