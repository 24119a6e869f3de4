/** From a change in Postgres to a receiver, through everything in between. */
import pino from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { openBackground } from '../../src/main/jobs.ts'
import type { Service } from '../../src/config.ts'
import { HttpSender } from '../../src/webhooks/sender.ts'
import { freshDatabase, ownPostgres, testStore } from '../support/postgres.ts'
import { valueOf } from '../support/stories.ts'
import { until } from '../support/until.ts'
import { receiver, type Receiver } from '../webhooks/receiver.ts'

async function open(t: Test, databaseUrl?: string) {
  const store = await testStore(t, databaseUrl === undefined ? {} : { databaseUrl })
  const service = { webhooks: { allowPrivate: true } } as Service
  const metrics = new Registry()
  const background = openBackground({
    postgres: { databaseUrl: store.url },
    store,
    sender: new HttpSender({ allowPrivate: () => service.webhooks.allowPrivate }),
    service: () => service,
    metrics,
    log: pino({ level: 'silent' }),
    now: Date.now,
  })
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= background.close())
  t.teardown(close)
  return {
    store,
    close,
    metrics,
    webhookTo: async ({ url }: Receiver) => valueOf(await store.webhooks.create({ url, description: '', events: ['*'] }, Date.now())),
    ticket: async (subject: string) =>
      valueOf(await store.records.createTicket({ subject, caller: null, customerId: null, status: 'received' }, Date.now())),
  }
}

t.test('a ticket is told a moment after it was made, and its changes after it', async (t) => {
  const { store, webhookTo, ticket, metrics } = await open(t)
  const crm = await receiver(t)
  const webhook = await webhookTo(crm)
  const { id } = await ticket('Kein Internet')
  await crm.count(1)
  await store.records.changeTicket(id, { status: 'in_progress' }, Date.now())
  await store.records.changeTicket(id, { status: 'completed' }, Date.now())
  await crm.count(3)
  for (const one of crm.received) crm.verify(one, webhook.secret)
  t.strictSame(
    crm.received.map(({ payload }) => [payload.type, payload.data.id, payload.data.status]),
    [
      ['ticket.created', id, 'received'],
      ['ticket.changed', id, 'in_progress'],
      ['ticket.changed', id, 'completed'],
    ],
  )
  const counts = (): Promise<string> => metrics.getSingleMetricAsString('pforte_webhook_tries_total')
  await until('all three to be counted', async () => (await counts()).includes('{result="delivered"} 3'))
})

t.test('receivers that never answer keep neither the others nor Pforte waiting', async (t) => {
  const { store, webhookTo, ticket } = await open(t)
  const silent = await Promise.all(Array.from({ length: 20 }, () => receiver(t, () => {})))
  for (const one of silent) await webhookTo(one)
  const crm = await receiver(t)
  await webhookTo(crm)
  for (let place = 0; place < 20; place++) await ticket(`Ticket ${place}`)
  // Every silent one holds as many deliveries as may be side by side.
  await Promise.all(silent.map((one) => one.count(8)))
  await crm.count(20)
  const before = crm.received.length
  await ticket('one more')
  await crm.count(before + 1)
  t.equal(silent[0]!.received.length, 8, 'while they still wait')
  t.ok(store.connectionsInUse <= 2, 'and hold no connection')
})

t.test('what failed is tried again by itself', async (t) => {
  const { webhookTo, ticket } = await open(t)
  let tries = 0
  const crm = await receiver(t, (_one, response) => void response.writeHead(tries++ === 0 ? 503 : 204).end())
  await webhookTo(crm)
  await ticket('Kein Internet')
  await crm.count(2)
  t.equal(crm.received[0]!.id, crm.received[1]!.id)
})

t.test('what happened while nobody delivered is delivered by the next who does', async (t) => {
  const yesterday = await open(t)
  const crm = await receiver(t)
  const webhook = await yesterday.webhookTo(crm)
  await yesterday.close()
  await yesterday.ticket('over night')
  const today = await open(t, yesterday.store.url)
  await crm.count(1)
  await today.ticket('in the morning')
  await crm.count(2)
  await until('both to be written down', async () => {
    const page = await today.store.webhooks.deliveries(webhook.id, { state: 'delivered' }, { limit: 10, cursor: null })
    return page!.items.length === 2
  })
})

t.test('closing waits for no receiver, and what was under way is delivered afterwards', async (t) => {
  const yesterday = await open(t)
  const crm = await receiver(t, () => {})
  await yesterday.webhookTo(crm)
  await yesterday.ticket('Kein Internet')
  await crm.count(1)
  await yesterday.close()
  crm.answer(204)
  await open(t, yesterday.store.url)
  await crm.count(2)
  t.equal(crm.received[0]!.id, crm.received[1]!.id)
})

t.test('two processes deliver for one database, and each event comes once and in order', async (t) => {
  const one = await open(t)
  const other = await open(t, one.store.url)
  const crm = await receiver(t)
  await one.webhookTo(crm)
  const tickets = await Promise.all(Array.from({ length: 6 }, (_, place) => (place % 2 === 0 ? one : other).ticket(`Ticket ${place}`)))
  for (const status of ['in_progress', 'completed'] as const)
    await Promise.all(
      tickets.map(({ id }, place) => (place % 2 === 0 ? other : one).store.records.changeTicket(id, { status }, Date.now())),
    )
  await crm.count(18)
  for (const { id } of tickets) {
    const versions = crm.received.map(({ payload }) => payload.data).filter((data) => data.id === id)
    t.strictSame(
      versions.map(({ version }) => version),
      [1, 2, 3],
    )
  }
})

t.test('Postgres goes away and comes back: deliveries go on', { timeout: 60_000 }, async (t) => {
  const postgres = await ownPostgres(t)
  const database = await freshDatabase(postgres.url)
  const { webhookTo, ticket } = await open(t, database.url)
  const crm = await receiver(t)
  await webhookTo(crm)
  await ticket('before')
  await crm.count(1)
  await postgres.kill()
  await postgres.start()
  await until('a ticket to be made', () => ticket('after').catch(() => null))
  await until('it to be told', () => crm.received.some(({ payload }) => payload.data.subject === 'after'), 30_000)
  t.pass('without being told')
})
