/** Many who watch cost what one does; one who does not read costs nobody anything. */
import t from 'tap'
import { defaultLiveLimits } from '../../src/app/live/limits.ts'
import type { LiveStore } from '../../src/app/ports/live.ts'
import { HandTimers } from '../support/hand-timers.ts'
import { until } from '../support/until.ts'
import { Watcher } from '../support/watcher.ts'
import { watching } from './watching.ts'

const MANY = 500

type Asked = { tickets: number; calls: number; messages: number; queues: number; agents: number; announcements: number }

/** What is read, counted: each is a query, but `queues`, which is three that leave together. */
function counted(store: LiveStore): { asked: Asked; store: LiveStore } {
  const asked: Asked = { tickets: 0, calls: 0, messages: 0, queues: 0, agents: 0, announcements: 0 }
  const counting = <Given extends unknown[], Read>(name: keyof Asked, read: (...given: Given) => Read) => {
    return (...given: Given): Read => {
      asked[name] += 1
      return read(...given)
    }
  }
  return {
    asked,
    store: {
      ...store,
      tickets: counting('tickets', store.tickets),
      calls: counting('calls', store.calls),
      messages: counting('messages', store.messages),
      queues: counting('queues', store.queues),
      agents: counting('agents', store.agents),
      announcements: counting('announcements', store.announcements),
    },
  }
}

t.test(`nobody watches, and nothing is read; ${MANY} watch, and a change is read once`, async (t) => {
  let asked: Asked | null = null
  const { watch, makeTicket, ask } = await watching(t, (given) => {
    const counts = counted(given.live)
    asked = counts.asked
    return { store: counts.store }
  })
  const before = (): Asked => ({ ...asked! })
  await makeTicket('unwatched')
  await ask('PUT', '/v1/agents/anna/state', { state: 'paused', reason: 'lunch' })
  t.strictSame(before(), { tickets: 0, calls: 0, messages: 0, queues: 0, agents: 0, announcements: 0 })

  const watchers: Watcher[] = await Promise.all(Array.from({ length: MANY }, () => watch()))
  const come = before()
  t.strictSame([come.tickets, come.calls, come.messages], [0, 0, 0])
  t.ok(come.agents < 30, 'whoever comes is told what is known, and asks for nothing')

  const first = await makeTicket('watched')
  const heard = await Promise.all(watchers.map((watcher) => watcher.next('ticket.changed')))
  t.ok(heard.every(({ data }) => data.id === first.id))
  t.equal(new Set(heard.map(({ id }) => id)).size, 1)
  t.strictSame([asked!.tickets, asked!.calls, asked!.messages], [1, 0, 0], 'one query for all of them')

  for (const watcher of watchers) watcher.leave()
  await Promise.all(watchers.map(({ ended }) => ended))
  const left = await until('nothing to be read any more', async () => {
    const then = before()
    await makeTicket('unwatched again')
    return then.agents === asked!.agents && then
  })
  await makeTicket('and again')
  t.strictSame(before(), left)
})

t.test('much at once is told piece by piece, and too much is not told at all: everybody begins anew', async (t) => {
  const timers = new HandTimers()
  let isTooMuch = false
  const { watch, makeTicket } = await watching(t, ({ live }) => ({
    timers,
    now: () => 0,
    limits: { ...defaultLiveLimits, atOnce: 2 },
    store: { ...live, take: () => ({ ...live.take(), isTooMuch }) },
  }))
  const watcher = await watch('?types=ticket.changed,queue.changed')
  for (const subject of ['1', '2', '3', '4', '5']) await makeTicket(subject)
  const told: string[] = []
  for (const many of [2, 2, 1]) {
    await until('the next piece', () => timers.fire(defaultLiveLimits.gatherMs) === 1)
    for (let place = 0; place < many; place += 1) told.push((await watcher.next('ticket.changed')).data.subject)
  }
  t.strictSame(told, ['1', '2', '3', '4', '5'])

  isTooMuch = true
  await makeTicket('6')
  await until('the next piece', () => timers.fire(defaultLiveLimits.gatherMs) === 1)
  await watcher.next('ready')
  t.strictSame(
    watcher.heard.slice(-3).map(({ event }) => event),
    ['reset', 'queue.changed', 'ready'],
  )
})

t.test('one who does not read is cut off; all others are told everything meanwhile', async (t) => {
  const { watch, store, logged } = await watching(t)
  const [stuck, filtered, well] = [await watch('?types=announcement.changed'), await watch('?types=agent.changed'), await watch()]
  stuck.stopReading()
  filtered.stopReading()
  // Larger than what the sockets of a machine take by themselves, piece by piece.
  const text = 'Störung. '.repeat(110_000)
  let told = 0
  while (!logged().includes('reads too slowly')) {
    const announcement = { name: 'outage', on: true, text: { de: `${told} ${text}` }, prompts: {}, endsAt: null }
    await store.records.putAnnouncement(announcement, Date.now())
    const { data } = await well.next('announcement.changed')
    t.ok(data.text.de.startsWith(`${told} `))
    told += 1
    if (told > 60) throw new Error('nobody was cut off')
  }
  stuck.readOn()
  filtered.readOn()
  t.equal(await stuck.ended, false, 'it has got what was on its way, and no more')
  t.ok(stuck.heard.length < told + 2)
  await store.records.setAgentState('ben', 'offline', null, Date.now())
  await filtered.next('agent.changed', ({ id, state }) => id === 'ben' && state === 'offline')
  await well.next('agent.changed', ({ id, state }) => id === 'ben' && state === 'offline')

  const back = await watch('?types=announcement.changed', { 'last-event-id': stuck.lastEventId })
  t.strictSame(
    back.heard.map(({ event }) => event),
    ['reset', 'announcement.changed', 'ready'],
    'so much was missed that what stands now is the shorter story',
  )
})

t.test('whoever does not read keeps no stop waiting', async (t) => {
  const { watch, store, close } = await watching(t)
  const [stuck, well] = [await watch(), await watch()]
  stuck.stopReading()
  const text = 'Störung. '.repeat(110_000)
  for (let told = 0; told < 8; told += 1) {
    await store.records.putAnnouncement(
      { name: 'outage', on: true, text: { de: `${told} ${text}` }, prompts: {}, endsAt: null },
      Date.now(),
    )
    await well.next('announcement.changed')
  }
  await close()
  t.equal(await well.ended, true)
  stuck.readOn()
  await stuck.ended
})

t.test('a key that is revoked watches no more', async (t) => {
  const { url, ask, watch, makeTicket } = await watching(t)
  const made = (await ask('POST', '/v1/keys', { name: 'wallboard', scopes: ['read'] })).body
  const writer = (await ask('POST', '/v1/keys', { name: 'CRM', scopes: ['tickets'] })).body
  await t.rejects(Watcher.open(url, writer.key), { message: 'status 403' }, 'watching is reading')
  const watcher = await Watcher.open(url, made.key)
  const other = await watch()
  await watcher.next('ready')
  await ask('DELETE', `/v1/keys/${made.id}`)
  t.equal(await watcher.ended, true)
  await t.rejects(Watcher.open(url, made.key), { message: 'status 401' })
  await makeTicket('one')
  await other.next('ticket.changed')
})
