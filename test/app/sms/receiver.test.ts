import t, { type Test } from 'tap'
import { SmsReceiver } from '../../../src/app/sms/receiver.ts'
import type { Log } from '../../../src/app/ports/log.ts'
import type { Incoming } from '../../../src/app/ports/smsc.ts'
import { StoreUnavailable } from '../../../src/app/ports/store.ts'
import { Connections } from '../../../src/store/connections.ts'
import { SmsIntents } from '../../../src/store/sms/intents.ts'
import { takeReceipts } from '../../../src/store/sms/receipts.ts'
import { takeReplies } from '../../../src/store/sms/replies.ts'
import { freshDatabase, ownPostgres, quiet } from '../../support/postgres.ts'

type Batch = { incoming: readonly Incoming[]; settle(error: Error | null): void }

/** A store that answers when it is told to. */
class Store {
  readonly batches: Batch[] = []
  answersAtOnce = false
  refuses: (incoming: Incoming) => boolean = () => false
  readonly #waiting: { count: number; resolve(): void }[] = []

  takeIncoming(incoming: readonly Incoming[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.batches.push({ incoming, settle: (error) => (error === null ? resolve() : reject(error)) })
      for (const { count, resolve: reached } of this.#waiting) if (this.batches.length >= count) reached()
      if (!this.answersAtOnce) return
      if (incoming.some(this.refuses)) reject(new Error(`a bug about ${JSON.stringify(incoming)}`))
      else resolve()
    })
  }

  /** Settles once so many batches came. */
  asked(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.batches.length >= count) resolve()
      else this.#waiting.push({ count, resolve })
    })
  }

  answer(batch: number): void {
    this.batches[batch]!.settle(null)
  }

  fail(batch: number, error: Error): void {
    this.batches[batch]!.settle(error)
  }
}

class Carrier {
  deliver: (incoming: Incoming) => Promise<void> = () => Promise.reject(new Error('nobody listens'))

  onIncoming(take: (incoming: Incoming) => Promise<void>): void {
    this.deliver = take
  }
}

t.test('the carrier hears that we have it once the store has it', async (t) => {
  const { deliver, store } = receiving(t)
  let isTaken = false
  const taking = deliver(reply('Hallo')).then(() => (isTaken = true))
  await store.asked(1)
  t.notOk(isTaken)
  store.answer(0)
  await taking
  t.ok(isTaken)
})

t.test('what comes in one piece goes to the store in one piece, and so does what comes meanwhile', async (t) => {
  const { deliver, store } = receiving(t)
  const first = [deliver(receipt('1')), deliver(receipt('2'))]
  await store.asked(1)
  const second = [deliver(receipt('3')), deliver(receipt('4')), deliver(receipt('5'))]
  t.equal(store.batches.length, 1, 'one at a time')
  store.answer(0)
  await Promise.all(first)
  await store.asked(2)
  store.answer(1)
  await Promise.all(second)
  t.same(
    store.batches.map(({ incoming }) => incoming.length),
    [2, 3],
  )
})

t.test('receipts do not wait for replies', async (t) => {
  const { deliver, store } = receiving(t)
  const replying = deliver(reply('STATUS'))
  await store.asked(1)
  const receipts = deliver(receipt('1'))
  await store.asked(2)
  store.answer(1)
  await receipts
  store.answer(0)
  await replying
})

t.test('a thousand at once go in pieces', async (t) => {
  const { deliver, store } = receiving(t)
  store.answersAtOnce = true
  await Promise.all(Array.from({ length: 1000 }, (_, place) => deliver(receipt(String(place)))))
  t.ok(store.batches.length > 1)
  t.same(
    store.batches.flatMap(({ incoming }) => incoming.map((one) => (one.kind === 'receipt' ? one.carrierIds[0] : ''))),
    Array.from({ length: 1000 }, (_, place) => String(place)),
    'in the order in which they came',
  )
})

t.test('the store is away: the carrier is asked to come again, and is taken when it does', async (t) => {
  const { deliver, store, told } = receiving(t)
  const refused = [deliver(reply('Hallo')), deliver(reply('Ist da wer?'))]
  await store.asked(1)
  store.fail(0, new StoreUnavailable('away'))
  for (const one of refused) await t.rejects(one, StoreUnavailable)
  store.answersAtOnce = true
  await Promise.all([deliver(reply('Hallo')), deliver(reply('Ist da wer?'))])
  t.same(told, ['refused', 'refused', 'stored', 'stored'])
})

t.test('one that cannot be stored keeps no other from being stored, and nothing of it is in the log', async (t) => {
  const logged: unknown[] = []
  const log: Log = { ...quiet, error: (...said) => logged.push(said) }
  const { deliver, store } = receiving(t, log)
  store.answersAtOnce = true
  store.refuses = (incoming) => incoming.kind === 'reply' && incoming.text === 'poison'
  const taken = await Promise.allSettled(['eins', 'poison', 'drei'].map((text) => deliver(reply(text))))
  t.same(
    taken.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  t.equal(logged.length, 1)
  t.notMatch(JSON.stringify(logged), /poison|\+49/)
})

t.test('it is stopped: what it has is stored, and nothing more is taken', async (t) => {
  const { deliver, store, receiver } = receiving(t)
  const taking = deliver(receipt('1'))
  await store.asked(1)
  const closing = receiver.close()
  await t.rejects(deliver(receipt('2')), StoreUnavailable)
  store.answer(0)
  await taking
  await closing
  t.equal(store.batches.length, 1)
})

t.test('Postgres is stopped while the carrier delivers: nothing is lost and nothing is taken twice', { timeout: 60_000 }, async (t) => {
  const postgres = await ownPostgres(t)
  const database = await freshDatabase(postgres.url)
  const connections = new Connections(database.url, quiet, { connectMs: 300, statementMs: 1000, idleInTransactionMs: 5000 })
  t.teardown(() => connections.close())
  const sms = new SmsIntents(connections, { onDue: [], onAlarm: [] }, quiet)
  const carrier = new Carrier()
  new SmsReceiver({
    smsc: carrier,
    log: quiet,
    now: Date.now,
    outbox: {
      async takeIncoming(incoming, at) {
        for (const one of incoming) {
          if (one.kind === 'receipt') await takeReceipts(connections, [one], at)
          else await takeReplies(connections, sms, [one], at)
        }
      },
    },
  })
  const texts = Array.from({ length: 60 }, (_, place) => `Text ${place}`)
  const back = Promise.withResolvers<void>()
  /** As a carrier does it: again, until it is acknowledged. */
  const delivering = texts.map(async (text) => {
    for (;;) {
      const taken = await Promise.allSettled([carrier.deliver(reply(text)), carrier.deliver(receipt(text))])
      if (taken.every(({ status }) => status === 'fulfilled')) return
      await back.promise
    }
  })
  await postgres.stop()
  await t.rejects(carrier.deliver(reply('Hallo?')), StoreUnavailable)
  await postgres.start()
  back.resolve()
  await Promise.all(delivering)
  const rows = await connections.kysely.selectFrom('messages').select('body').execute()
  t.same(rows.map(({ body }) => body).sort(), [...texts].sort())
  const receipts = await connections.kysely.selectFrom('receipts').select('carrier_ids').distinct().execute()
  t.equal(receipts.length, texts.length)
})

function receiving(t: Test, log = quiet) {
  const store = new Store()
  const carrier = new Carrier()
  const told: string[] = []
  const receiver = new SmsReceiver({
    outbox: store,
    smsc: carrier,
    log,
    now: Date.now,
    onIncoming: () => told.push('stored'),
    onRefused: () => told.push('refused'),
  })
  t.teardown(() => receiver.close())
  return { deliver: carrier.deliver, store, told, receiver }
}

function receipt(id: string): Incoming {
  return { kind: 'receipt', route: 'carrier', to: '+491701234567', carrierIds: [id], state: 'delivered', error: null, doneAt: null }
}

function reply(text: string): Incoming {
  return { kind: 'reply', route: 'carrier', from: '+491701234567', to: '+49621555100', text, concatenation: null }
}
