/**
 * Deliveries to real receivers: in order, again and again, and for nobody else's account. Time is what the story says it is;
 * nobody waits for it.
 */
import t, { type Test } from 'tap'
import { drain, type DrainDeps } from '../../../src/app/webhooks/drain.ts'
import { WebhookLoop } from '../../../src/app/webhooks/loop.ts'
import { HttpSender } from '../../../src/webhooks/sender.ts'
import type { DeliveryRecord } from '../../../src/app/ports/webhooks.ts'
import { quiet, testStore } from '../../support/postgres.ts'
import { valueOf } from '../../support/stories.ts'
import { receiver, type Receiver } from '../../webhooks/receiver.ts'

const minute = 60_000
const hour = 60 * minute
const never = new AbortController().signal

async function open(t: Test) {
  const store = await testStore(t)
  const sender = new HttpSender({ allowPrivate: () => true })
  t.teardown(() => sender.close())
  const clock = { at: Date.now() }
  const logged: object[] = []
  const note = (fields: object, message: string): void => void logged.push({ ...fields, message })
  const log = { ...quiet, info: note, warn: note, error: note }
  const deps = { outbox: store.deliveries, sender, log, now: () => clock.at, random: () => 0 }
  const webhookTo = async ({ url }: Receiver, events = ['*']) =>
    valueOf(await store.webhooks.create({ url, description: '', events }, clock.at))
  return {
    store,
    clock,
    deps,
    logged,
    webhookTo,
    /** Delivers what is due by the story's clock. Answers when it is to go on. */
    drain: (id: string, signal = never) => drain(id, deps, signal),
    /** Goes on by the clock until nothing waits any more. Answers at which times something was tried, in ms from now. */
    async drainToTheEnd(id: string): Promise<number[]> {
      const from = clock.at
      const times: number[] = []
      for (;;) {
        times.push(clock.at - from)
        const nextAt = await drain(id, deps, never)
        if (nextAt === null) return times
        clock.at = nextAt
      }
    },
    async tell(object: string, data: object, type = 'ticket.changed'): Promise<void> {
      await store.query('SELECT webhook_event($1, $2, $3, $4)', [type, 'ticket', object, JSON.stringify(data)])
      // Postgres has a clock of its own.
      clock.at = Math.max(clock.at, Date.now())
    },
    deliveries: async (id: string, state?: 'pending' | 'delivered' | 'dead'): Promise<DeliveryRecord[]> =>
      (await store.webhooks.deliveries(id, state === undefined ? {} : { state }, { limit: 200, cursor: null }))!.items,
  }
}

const stepsOf = ({ received }: Receiver, object?: string): string[] =>
  received
    .map(({ payload }) => payload.data)
    .filter((data) => object === undefined || data.id === object)
    .map(({ id, step }) => `${id}${step}`)

t.test('what happened is delivered once, signed, and as it is shown', async (t) => {
  const { webhookTo, tell, drain, deliveries } = await open(t)
  const crm = await receiver(t)
  const webhook = await webhookTo(crm)
  await tell('a', { id: 'a', step: 1 })
  t.equal(await drain(webhook.id), null)
  t.equal(await drain(webhook.id), null)
  t.equal(crm.received.length, 1)
  const [one] = crm.received
  crm.verify(one!, webhook.secret)
  const [shown] = await deliveries(webhook.id)
  t.match(shown, { id: one!.id, state: 'delivered', attempts: 1, lastStatus: 204, lastError: null, nextTryAt: null, objectId: 'a' })
  t.strictSame(one!.payload, shown!.payload)
  t.match(one!.payload, { type: 'ticket.changed', timestamp: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/, data: { id: 'a', step: 1 } })
})

t.test('each object is told in order, whatever fails; those that do not fail wait for nobody', async (t) => {
  const { webhookTo, tell, drainToTheEnd, deliveries } = await open(t)
  let refusals = 3
  const crm = await receiver(t, ({ payload: { data } }, response) => {
    // The second step of a is not understood at first.
    const isRefused = data.id === 'a' && data.step === 2 && refusals-- > 0
    response.writeHead(isRefused ? 500 : 200).end()
  })
  const webhook = await webhookTo(crm)
  for (const step of [1, 2, 3, 4]) for (const id of ['a', 'b', 'c']) await tell(id, { id, step })
  const times = await drainToTheEnd(webhook.id)
  t.strictSame(stepsOf(crm, 'a'), ['a1', 'a2', 'a2', 'a2', 'a2', 'a3', 'a4'])
  t.strictSame(stepsOf(crm, 'b'), ['b1', 'b2', 'b3', 'b4'])
  t.strictSame(stepsOf(crm, 'c'), ['c1', 'c2', 'c3', 'c4'])
  t.ok(stepsOf(crm).indexOf('c4') < stepsOf(crm).lastIndexOf('a2'), 'c was through before a went on')
  t.strictSame(times, [0, 5_000, 15_000, 35_000])
  const ids = new Set(crm.received.filter(({ payload }) => payload.data.id === 'a' && payload.data.step === 2).map(({ id }) => id))
  t.equal(ids.size, 1, 'the same webhook-id at every try')
  t.equal((await deliveries(webhook.id, 'delivered')).length, 12)
})

t.test('objects are told side by side', async (t) => {
  const { webhookTo, tell, drain } = await open(t)
  let atOnce = 0
  let most = 0
  const crm = await receiver(t, async (_one, response) => {
    most = Math.max(most, ++atOnce)
    if (most < 8) await new Promise((resolve) => setTimeout(resolve, 20))
    atOnce--
    response.end()
  })
  const webhook = await webhookTo(crm)
  for (let place = 0; place < 30; place++) await tell(`t${place}`, { id: `t${place}`, step: 1 })
  await drain(webhook.id)
  t.equal(crm.received.length, 30)
  t.equal(most, 8)
})

t.test('what nobody takes is tried for a day with growing delay, then given up; what comes after it is told', async (t) => {
  const { webhookTo, tell, drain, drainToTheEnd, deliveries } = await open(t)
  const crm = await receiver(t, ({ payload: { data } }, response) => void response.writeHead(data.step === 1 ? 503 : 200).end())
  const webhook = await webhookTo(crm)
  await tell('a', { id: 'a', step: 1 })
  const times = await drainToTheEnd(webhook.id)
  t.strictSame(
    times.slice(0, 4).map((ms) => Math.round(ms / 1000)),
    [0, 5, 15, 35],
  )
  // A receiver that has failed so often rests for five minutes between two tries.
  t.ok(times.at(-1)! > 24 * hour - 5_000 && times.at(-1)! < 24 * hour + 5 * minute, `the last try is after ${times.at(-1)} ms`)
  t.ok(times.length < 30, `${times.length} tries`)
  t.match(await deliveries(webhook.id, 'dead'), [
    { state: 'dead', attempts: crm.received.length, lastStatus: 503, lastError: 'it answered 503', nextTryAt: null },
  ])
  await tell('a', { id: 'a', step: 2 })
  t.equal(await drain(webhook.id), null)
  t.match(await deliveries(webhook.id, 'delivered'), [{ payload: { data: { step: 2 } } }])
})

t.test('what was given up can be sent again, from the start', async (t) => {
  const { store, webhookTo, tell, clock, drain, drainToTheEnd, deliveries } = await open(t)
  const crm = await receiver(t, 500)
  const webhook = await webhookTo(crm)
  await tell('a', { id: 'a', step: 1 })
  await drainToTheEnd(webhook.id)
  const [dead] = await deliveries(webhook.id)
  crm.answer(200)
  t.match(valueOf(await store.webhooks.resend(webhook.id, dead!.id, clock.at)), { state: 'pending', attempts: 0, nextTryAt: clock.at })
  t.equal(await drain(webhook.id), null)
  t.match(await deliveries(webhook.id), [{ id: dead!.id, state: 'delivered', attempts: 1 }])
  t.equal(crm.received.at(-1)!.id, dead!.id)
  valueOf(await store.webhooks.resend(webhook.id, dead!.id, clock.at))
  await drain(webhook.id)
  t.match(await deliveries(webhook.id), [{ state: 'delivered' }], 'one that was delivered, too')
})

t.test('a test event comes whatever is subscribed to, and waits for nothing that fails', async (t) => {
  const { store, webhookTo, tell, clock, drain } = await open(t)
  const crm = await receiver(t, ({ payload }, response) => void response.writeHead(payload.type === 'webhook.test' ? 200 : 500).end())
  const webhook = await webhookTo(crm, ['ticket.changed'])
  await tell('a', { id: 'a', step: 1 })
  await drain(webhook.id)
  const test = valueOf(await store.webhooks.test(webhook.id, clock.at))
  t.match(test, { type: 'webhook.test', state: 'pending', payload: { type: 'webhook.test', data: { webhookId: webhook.id } } })
  await drain(webhook.id)
  crm.verify(crm.received.at(-1)!, webhook.secret)
  t.equal(crm.received.at(-1)!.payload.type, 'webhook.test')
})

t.test('while secrets overlap a delivery is signed with both, afterwards with the new one', async (t) => {
  const { store, webhookTo, tell, clock, drain } = await open(t)
  const crm = await receiver(t)
  const before = await webhookTo(crm)
  const after = valueOf(await store.webhooks.rotate(before.id, 24 * hour, clock.at))
  await tell('a', { id: 'a', step: 1 })
  await drain(before.id)
  crm.verify(crm.received[0]!, before.secret)
  crm.verify(crm.received[0]!, after.secret)
  clock.at += 24 * hour
  valueOf(await store.webhooks.test(before.id, clock.at))
  await drain(before.id)
  const last = crm.received.at(-1)!
  const now = { ...last, headers: { ...last.headers } }
  t.equal(now.headers['webhook-signature']!.split(' ').length, 1)
})

t.test('a receiver that is gone (410) is told nothing any more', async (t) => {
  const { store, webhookTo, tell, clock, drain, deliveries, logged } = await open(t)
  const crm = await receiver(t, 410)
  const webhook = await webhookTo(crm)
  for (const id of ['a', 'a', 'a']) await tell(id, { id, step: 1 })
  t.equal(await drain(webhook.id), null)
  t.equal(crm.received.length, 1)
  t.match(await store.webhooks.get(webhook.id, clock.at), { active: false, disabledWhy: 'gone' })
  t.strictSame(
    (await deliveries(webhook.id)).map(({ state, lastError }) => [state, lastError]),
    Array(3).fill(['dead', 'the receiver is gone: it answered 410']),
  )
  await tell('b', { id: 'b', step: 1 })
  t.equal((await deliveries(webhook.id)).length, 3, 'nothing is written for it any more')
  t.match(logged, [{ webhook: webhook.id, message: /gone/ }])
  crm.answer(200)
  valueOf(await store.webhooks.change(webhook.id, { active: true }, clock.at))
  await tell('b', { id: 'b', step: 1 })
  await drain(webhook.id)
  t.equal((await deliveries(webhook.id, 'delivered')).length, 1)
})

t.test('a receiver that takes nothing is left alone and then asked with one; back again, it gets everything', async (t) => {
  const { webhookTo, tell, clock, drain, deliveries, logged } = await open(t)
  const crm = await receiver(t, 502)
  const webhook = await webhookTo(crm)
  for (let place = 0; place < 100; place++) await tell(`t${place}`, { id: `t${place}`, step: 1 })
  const restsUntil = await drain(webhook.id)
  const asked = crm.received.length
  t.ok(asked >= 10 && asked <= 18, `${asked} of 100`)
  t.ok(restsUntil! > clock.at)
  t.match(logged, [{ message: /takes nothing/ }], 'told once')
  t.equal(await drain(webhook.id), restsUntil, 'whoever comes before finds it resting')
  clock.at = restsUntil!
  await drain(webhook.id)
  t.equal(crm.received.length, asked + 1, 'one, to see whether it is back')
  crm.answer(200)
  clock.at += 10 * minute
  t.equal(await drain(webhook.id), null)
  t.equal((await deliveries(webhook.id, 'delivered')).length, 100)
})

t.test('a receiver takes nothing, and what is known of it is written slowly: the last word stands', async (t) => {
  const { webhookTo, tell, deps } = await open(t)
  const crm = await receiver(t, 502)
  const webhook = await webhookTo(crm)
  for (let place = 0; place < 100; place++) await tell(`t${place}`, { id: `t${place}`, step: 1 })
  const { outbox } = deps
  const slowly: DrainDeps['outbox'] = {
    target: (...asked) => outbox.target(...asked),
    due: (...asked) => outbox.due(...asked),
    nextAt: (...asked) => outbox.nextAt(...asked),
    record: (...what) => outbox.record(...what),
    keepHealth: async (...health) => {
      // The earlier the word, the longer it is held up on its way to the database.
      if (health[2] === null) await new Promise((resolve) => setTimeout(resolve, 30 - 3 * health[1]))
      await outbox.keepHealth(...health)
    },
  }
  const restsUntil = await drain(webhook.id, { ...deps, outbox: slowly }, never)
  const asked = crm.received.length
  t.ok(asked >= 10 && asked <= 18, `${asked} of 100`)
  t.equal((await outbox.target(webhook.id, deps.now()))?.restsUntil, restsUntil)
  t.equal(await drain(webhook.id, deps, never), restsUntil)
  t.equal(crm.received.length, asked)
})

t.test('what waits behind a receiver that takes nothing is given up after a day as well', async (t) => {
  const { store, webhookTo, tell, clock, deps, drain, deliveries } = await open(t)
  const crm = await receiver(t, 502)
  const webhook = await webhookTo(crm)
  for (let place = 0; place < 100; place++) await tell(`t${place}`, { id: `t${place}`, step: 1 })
  const loop = new WebhookLoop({ ...deps, orders: store.jobs })
  await drain(webhook.id)
  await loop.lookForWork()
  t.equal((await deliveries(webhook.id, 'dead')).length, 0)
  clock.at += 25 * hour
  await loop.lookForWork()
  t.equal((await deliveries(webhook.id, 'pending')).length, 0)
  t.match((await deliveries(webhook.id, 'dead'))[0], { lastError: /it answered 502|takes nothing/ })
})

t.test('what waits for a webhook that was switched off is given up after a day, and is not told months later', async (t) => {
  const { store, webhookTo, tell, clock, deps, drain, deliveries } = await open(t)
  const crm = await receiver(t)
  const webhook = await webhookTo(crm)
  await tell('a', { id: 'a', step: 1 })
  valueOf(await store.webhooks.change(webhook.id, { active: false }, clock.at))
  clock.at += 25 * hour
  await new WebhookLoop({ ...deps, orders: store.jobs }).lookForWork()
  t.equal((await deliveries(webhook.id, 'pending')).length, 0)
  valueOf(await store.webhooks.change(webhook.id, { active: true }, clock.at))
  await drain(webhook.id)
  t.equal(crm.received.length, 0)
})

t.test('what was cut short because Pforte ended is tried again, and counts as no failure', async (t) => {
  const { webhookTo, tell, drain, deliveries } = await open(t)
  const crm = await receiver(t, () => {})
  const webhook = await webhookTo(crm)
  await tell('a', { id: 'a', step: 1 })
  const ending = new AbortController()
  const draining = drain(webhook.id, ending.signal)
  await crm.count(1)
  ending.abort()
  t.equal(await draining, null)
  t.match(await deliveries(webhook.id), [{ state: 'pending', attempts: 0, lastError: null }])
  crm.answer(200)
  await drain(webhook.id)
  t.match(await deliveries(webhook.id), [{ state: 'delivered', attempts: 1 }])
})

t.test('a webhook that somebody takes away is told nothing more, and what it was to be told goes', async (t) => {
  const { store, webhookTo, tell, clock, deps, drain } = await open(t)
  const crm = await receiver(t)
  const webhook = await webhookTo(crm)
  await tell('a', { id: 'a', step: 1 })
  valueOf(await store.webhooks.remove(webhook.id, clock.at))
  t.equal(await drain(webhook.id), null)
  t.strictSame(crm.received, [])
  await new WebhookLoop({ ...deps, orders: store.jobs }).lookForWork()
  t.equal((await store.query('SELECT FROM webhook_deliveries')).rowCount, 0)
})

t.test('neither the log nor a delivery quotes what a receiver says, nor a secret', async (t) => {
  const { store, webhookTo, tell, clock, drainToTheEnd, logged } = await open(t)
  const crm = await receiver(t, (_one, response) => void response.writeHead(500, 'the PIN is 48213', { 'x-pin': '48213' }).end('48213'))
  const webhook = await webhookTo(crm)
  for (let place = 0; place < 12; place++) await tell(`t${place}`, { id: `t${place}`, step: 1 })
  await drainToTheEnd(webhook.id)
  const { rows } = await store.query('SELECT * FROM webhook_deliveries')
  const all = JSON.stringify([rows, logged, await store.webhooks.list({ limit: 10, cursor: null }, clock.at)])
  t.notMatch(all, /48213/)
  t.notOk(all.includes(webhook.secret.slice('whsec_'.length)))
})
