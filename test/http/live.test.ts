/** Watching: what changes is told as it changes, to everybody once. */
import t from 'tap'
import { definition } from '../store/sms/status-line.ts'
import { type Heard, Watcher } from '../support/watcher.ts'
import { KEY, runHttp } from './running.ts'
import { callRow, definitionsWith, watching } from './watching.ts'

t.test('whoever comes is told how things stand, and then what changes', async (t) => {
  const { ask, watch } = await watching(t)
  const watcher = await watch()
  const { headers } = watcher.response
  t.match(headers, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': /no-store/, 'x-accel-buffering': 'no' })
  t.ok(watcher.retryMs! >= 2_000, 'a browser that loses the line comes back by itself')
  t.strictSame(
    watcher.heard.map(({ event, id, data }) => [event, id === null ? null : 'an id', data.name ?? data.resumed]),
    [
      ['queue.changed', null, 'service'],
      ['agent.changed', null, 'Anna'],
      ['agent.changed', null, 'Ben'],
      ['announcement.changed', null, 'outage'],
      ['ready', 'an id', false],
    ],
  )
  const [queues, agents] = [(await ask('GET', '/v1/queues')).body.items, (await ask('GET', '/v1/agents')).body.items]
  t.strictSame(
    watcher.heard.slice(0, 3).map(({ data }) => data),
    [...queues, ...agents],
    'as their routes show them',
  )
})

t.test('a change reaches all who watch, each once, and as its own route shows it', async (t) => {
  const { ask, watch, makeTicket } = await watching(t)
  const watchers = [await watch(), await watch(), await watch('?types=ticket.changed')]
  const ticket = await makeTicket('Anschluss gestört')
  for (const watcher of watchers) t.strictSame((await watcher.next('ticket.changed')).data, ticket)
  await ask('PATCH', `/v1/tickets/${ticket.id}`, { status: 'in_progress' })
  for (const watcher of watchers) await watcher.next('ticket.changed', ({ status }) => status === 'in_progress')
  await ask('POST', `/v1/tickets/${ticket.id}/comments`, { text: 'Techniker bestellt' })
  for (const watcher of watchers) await watcher.next('ticket.changed', ({ id }) => id === ticket.id)
  const last = await makeTicket('Zweiter Anschluss')
  for (const watcher of watchers) {
    await watcher.next('ticket.changed', ({ id }) => id === last.id)
    t.strictSame(
      watcher.heard.filter(({ event }) => event === 'ticket.changed').map(({ data }) => [data.subject, data.status]),
      [
        ['Anschluss gestört', 'received'],
        ['Anschluss gestört', 'in_progress'],
        ['Anschluss gestört', 'in_progress'],
        ['Zweiter Anschluss', 'received'],
      ],
      'a comment is news of its ticket, too',
    )
  }
  const ids = new Set(watchers.map(({ lastEventId }) => lastEventId))
  t.equal(ids.size, 1, 'all have the same ids')
})

t.test('agents, announcements and messages are told, too', async (t) => {
  const { ask, watch, store, makeTicket } = await watching(t)
  await store.outbox.useSms(definition(), Date.now())
  const watcher = await watch()
  const paused = (await ask('PUT', '/v1/agents/anna/state', { state: 'paused', reason: 'lunch' })).body
  const [agent, queue] = await watcher.together(
    ['agent.changed', ({ state }) => state === 'paused'],
    ['queue.changed', ({ agents }) => agents[0].state === 'paused'],
  )
  t.strictSame(agent!.data, paused)
  t.strictSame((await ask('GET', '/v1/queues')).body.items, [queue!.data])

  const outage = (await ask('PUT', '/v1/announcements/outage', { on: true, text: 'Eine Störung.' })).body
  t.strictSame((await watcher.next('announcement.changed')).data, outage)

  const ticket = await makeTicket('Störung', '0170 1234567')
  const { data: message } = await watcher.next('message.changed', ({ ticketId }) => ticketId === ticket.id)
  t.strictSame((await ask('GET', `/v1/messages/${message.id}`)).body, message)

  await ask('PUT', '/v1/agents/anna/state', { state: 'paused', reason: 'lunch' })
  const last = await makeTicket('Noch eine')
  await watcher.next('ticket.changed', ({ id }) => id === last.id)
  const ofAnna = watcher.heard.filter(({ event, data }) => event === 'agent.changed' && data.id === 'anna')
  t.equal(ofAnna.length, 2, 'what is as before is not told again')
})

t.test('a message is told of at each of its steps, from its making to the receipt', async (t) => {
  const { watch, store, makeTicket } = await watching(t)
  const always = definition((sms) => {
    sms.window = 'always'
  })
  await store.outbox.useSms(always, Date.now())
  const watcher = await watch('?types=message.changed')
  await makeTicket('Störung', '0170 1234567')
  await watcher.next('message.changed', ({ state }) => state === 'queued')

  const reservation = { bind: 'bind 1', route: 'carrier', epoch: 1, sequence: 1, parts: 1 }
  const { submitting } = await store.outbox.claim({
    at: Date.now(),
    sender: 'a sender',
    most: 10,
    take: () => ({ reservation }),
    untake: () => {},
  })
  await watcher.next('message.changed', ({ state }) => state === 'submitting')
  const [{ message }] = submitting as [(typeof submitting)[number]]
  const result = { messageId: message.id, part: 0, reservation, is: 'accepted', carrierId: '2A3F', late: false } as const
  await store.outbox.record([{ attempt: message.attempt, result }], Date.now())
  await watcher.next('message.changed', ({ state }) => state === 'submitted')

  const receipt = { kind: 'receipt', route: 'carrier', to: message.to, carrierIds: ['2A3F'], state: 'delivered', error: null, doneAt: null }
  await store.outbox.takeIncoming([receipt as never], Date.now())
  const { data } = await watcher.next('message.changed', ({ state }) => state === 'delivered')
  t.match(data, { id: message.id, parts: [{ messageId: '2A3F', state: 'delivered' }] })

  const reply = { kind: 'reply', route: 'carrier', from: message.to, to: message.from, text: 'Danke!', concatenation: null }
  await store.outbox.takeIncoming([reply as never], Date.now())
  t.match((await watcher.next('message.changed')).data, { direction: 'in', text: 'Danke!' })
})

t.test('only what was asked for is told', async (t) => {
  const { ask, watch, makeTicket } = await watching(t)
  const agents = await watch('?types=agent.changed')
  const several = await watch('?types=queue.changed,%20ticket.changed')
  const ticket = await makeTicket('Störung')
  await ask('PUT', '/v1/agents/ben/state', { state: 'offline' })
  await agents.next('agent.changed')
  await several.next('ticket.changed', ({ id }) => id === ticket.id)
  await several.next('queue.changed', (queue) => queue.agents[1].state === 'offline')
  const kinds = ({ heard }: Watcher): string[] => [...new Set(heard.map(({ event }) => event))].sort()
  t.strictSame(kinds(agents), ['agent.changed', 'ready'])
  t.strictSame(kinds(several), ['queue.changed', 'ready', 'ticket.changed'])
})

t.test('a mistake in the question is named', async (t) => {
  const { ask, url } = await runHttp(t)
  t.match(await ask('GET', '/v1/live?types=tickets'), {
    status: 400,
    body: { code: 'invalid_field', errors: [{ in: 'query', field: 'types', message: /ticket\.changed/ }] },
  })
  t.match(await ask('GET', '/v1/live?kinds=all'), { status: 400, body: { errors: [{ field: 'kinds' }] } })
  const head = await fetch(`${url}/v1/live`, { method: 'HEAD', headers: { authorization: `Bearer ${KEY}` } })
  t.equal(head.status, 405, 'it has no head that one could ask for alone')
  t.match(await ask('POST', '/v1/live', {}), { status: 405 })
})

t.test('a dispatch shows as it happens: into the queue, a ringing phone, the conversation, its end', async (t) => {
  const { watch, store, ask } = await watching(t)
  const watcher = await watch('?types=queue.changed,agent.changed,call.changed')
  const { calls } = store
  await ask('PUT', '/v1/agents/ben/state', { state: 'offline' })
  const row = callRow('call-1')
  const at = Date.now()
  const { offers } = await calls.enterQueue({ callId: 'call-1', queue: 'service', priority: 0, at, row: { ...row, queuedAt: at } })
  const isAnna = (state: string) => (agent: any) => agent.id === 'anna' && agent.state === state
  // Queues and agents are also looked at between the times, so either may be told first.
  const entered = await watcher.together(['call.changed', ({ id }) => id === 'call-1'], ['agent.changed', isAnna('reserved')])
  t.match(
    entered.map(({ data }) => data),
    [
      { endedAt: null, agentId: null },
      { id: 'anna', callId: 'call-1' },
    ],
  )
  // Nobody else is free, so whoever comes second waits.
  await calls.enterQueue({ callId: 'call-2', queue: 'service', priority: 5, at, row: { ...callRow('call-2'), queuedAt: at } })
  const isWaiting = ({ waiting }: any): boolean => waiting.length === 2
  t.match((await watcher.next('queue.changed', isWaiting)).data.waiting, [{ position: 1 }, { position: 2 }])

  const [offer] = offers as [(typeof offers)[number]]
  await calls.saveCalls([{ ...row, queuedAt: at, rings: { agentId: 'anna', offer: offer.offer, at } }])
  await watcher.next('agent.changed', isAnna('ringing'))

  await calls.acceptOffer(offer, { ...row, queuedAt: at, agentId: 'anna', connectedAt: at + 3_000 }, at + 3_000)
  const [talks] = await watcher.together(
    ['call.changed', ({ agentId }) => agentId === 'anna'],
    ['queue.changed', ({ waiting, agents }) => waiting.length === 1 && agents[0].state === 'talking'],
    ['agent.changed', isAnna('talking')],
  )
  t.match(talks!.data, { id: 'call-1', waitMs: 3_000, talkMs: null })

  const over = { ...row, queuedAt: at, agentId: 'anna', connectedAt: at + 3_000, endedAt: at + 63_000, outcome: 'connected' as const }
  await calls.releaseAgent({ ...offer, next: { state: 'available' }, backToQueue: false, row: over, queue: 'service', at: at + 63_000 })
  const [ended] = await watcher.together(['call.changed', ({ outcome }) => outcome === 'connected'], ['agent.changed', isAnna('available')])
  t.match(ended!.data, { id: 'call-1', talkMs: 60_000 })
  t.strictSame((await ask('GET', '/v1/calls/call-1')).body, ended!.data)
  const dispatched = await calls.dispatch('service', at + 63_000)
  t.match(dispatched.offers, [{ callId: 'call-2', agentId: 'anna' }])
  await watcher.next('agent.changed', ({ callId }) => callId === 'call-2')
  await calls.leaveQueue('call-2', at + 64_000)
  await watcher.together(['queue.changed', ({ waiting }) => waiting.length === 0], ['agent.changed', isAnna('available')])
  t.ok(inOrder(watcher.heard), 'and all of it in one order')
})

t.test('an agent who is no longer in pforte.yaml: everybody begins anew', async (t) => {
  const { watch, store } = await watching(t)
  const watcher = await watch('?types=agent.changed')
  await store.calls.syncDefinitions(definitionsWith(['anna']), Date.now())
  await watcher.next('reset')
  await watcher.next('ready')
  t.strictSame(
    watcher.heard.slice(watcher.heard.findIndex(({ event }) => event === 'reset')).map(({ event, data }) => [event, data.id]),
    [
      ['reset', undefined],
      ['agent.changed', 'anna'],
      ['ready', undefined],
    ],
  )
})

t.test('when Pforte stops, those who watch are told so in order, and nobody keeps it waiting', async (t) => {
  const { watch, close } = await watching(t)
  const watchers = [await watch(), await watch(), await watch()]
  await close()
  t.strictSame(await Promise.all(watchers.map(({ ended }) => ended)), [true, true, true], 'to the last chunk: none was cut')
})

t.test('without a key nobody watches', async (t) => {
  const { url } = await runHttp(t)
  await t.rejects(Watcher.open(url, `${KEY}x`), { message: 'status 401' })
})

/** Ids of one stream, each one more than the one before. */
function inOrder(heard: readonly Heard[]): boolean {
  const numbers = heard.flatMap(({ id }) => (id === null ? [] : [Number(id.split('-')[1])]))
  return numbers.every((number, place) => place === 0 || number > numbers[place - 1]!)
}
