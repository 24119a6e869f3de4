/** Writing down what the carrier answered: slowly, late, while closing, and beside what cannot be written down. */
import t, { type Test } from 'tap'
import type { Outbox, TryResult } from '../../../src/app/ports/outbox.ts'
import type { PartResult } from '../../../src/app/ports/smsc.ts'
import { SmsSender } from '../../../src/app/sms/sender.ts'
import { Tries } from '../../../src/app/sms/tries.ts'
import { startSimulator, type SimulatorOptions } from '../../../src/local/smsc/simulator.ts'
import { quiet } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { SendingSide, type SendingOptions } from './sending-side.ts'

const marta = '+491701234567'
const WINDOW = 10

async function sending(t: Test, { smsc: simulated = {}, ...options }: SendingOptions & { smsc?: SimulatorOptions } = {}) {
  const smsc = await startSimulator(simulated)
  t.teardown(() => smsc.close())
  const side = await SendingSide.start(t, smsc, options)
  return { smsc, side }
}

t.test('answers are written down slowly: no more than a window is ever being submitted', async (t) => {
  for (const longEvery of [Number.MAX_SAFE_INTEGER, 4]) {
    const { side } = await sending(t, { link: { window: WINDOW } })
    const most = watched(side)
    await side.pile(60, { longEvery })
    await side.allBecome(({ delivered }) => delivered === 60)
    t.ok(most.submitting > 0 && most.submitting <= WINDOW, `${most.submitting} of a window of ${WINDOW}`)
  }
})

t.test('one that is longer than the window waits until all before it are written down, and then goes', async (t) => {
  const { smsc, side } = await sending(t, { link: { window: 2 } })
  const stall = stalling(side.store.outbox)
  await side.pile(6, { longEvery: 3 })
  await stall.begun()
  stall.end()
  await side.allBecome(({ delivered }) => delivered === 6)
  t.equal(smsc.counts.submitted, 4 + 2 * 3)
})

t.test('closing: what the carrier answers before the link is closed is written down, however long that took', async (t) => {
  const { smsc, side } = await sending(t, { link: { responseTimeoutMs: 20_000, drainMs: 15_000 } })
  smsc.faults({ kind: 'delay', what: 'response', ms: 2_700, next: 1 })
  const id = await side.tells(marta)
  await until('it to be on the wire', () => smsc.counts.submitted === 1)
  const record = side.store.outbox.record.bind(side.store.outbox)
  const told: TryResult[] = []
  side.store.outbox.record = (results, at) => {
    told.push(...results)
    return record(results, at)
  }
  await side.close()
  t.match(told, [{ result: { is: 'accepted' } }])
  t.match((await side.message(id)).state, /submitted|delivered/)
})

t.test('an answer that cannot be written down costs no other, and the log does not quote it', async (t) => {
  const { side } = await sending(t, { link: { window: 5 } })
  await side.store.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.recipient = '+4915112100003' AND NEW.state = 'submitted' THEN RAISE EXCEPTION 'not %', NEW.body; END IF; RETURN NEW; END $$`)
  await side.store.query('CREATE TRIGGER refuse BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION refuse()')
  await side.pile(20)
  await side.allBecome(({ submitted = 0, delivered = 0 }) => submitted + delivered === 19)
  await until('it to be logged', () => side.logged.length > 0)
  t.match(side.logged, [/cannot be written down/])
  t.notMatch(side.logged, [/Anliegen/])
})

t.test('a lease that is given after closing is given back', async (t) => {
  const given = Promise.withResolvers<Awaited<ReturnType<Outbox['takeSenderLease']>>>()
  const released = Promise.withResolvers<void>()
  const outbox = { onDue: () => {}, takeSenderLease: () => given.promise } as unknown as Outbox
  const smsc = { onRoom: () => {}, onResult: () => {}, close: async () => {}, open: () => t.fail('it is closed'), lanes: () => [] }
  const sender = new SmsSender({
    outbox,
    smsc: smsc as never,
    log: quiet,
    now: Date.now,
    encoding: () => ({ mostParts: 1, referenceBits: 16 }),
  })
  const opening = sender.open()
  await sender.close()
  given.resolve({ sender: 'late', lost: new Promise(() => {}), release: async () => released.resolve() })
  await released.promise
  await opening
})

t.test('a try is known until it is answered, whatever else goes on meanwhile', (t) => {
  const tries = new Tries()
  const result = (sequence: number, said: Pick<PartResult, 'is'>, parts = 1) =>
    ({ reservation: { bind: 'bind 1', route: 'a', epoch: 1, sequence, parts }, part: 0, messageId: `${sequence}`, ...said }) as PartResult
  const slow = result(1, { is: 'unanswered' }, 2)
  tries.begin(slow.reservation, 7)
  for (let sequence = 2; sequence < 50_000; sequence++) {
    const one = result(sequence, { is: 'accepted' })
    tries.begin(one.reservation, 1)
    tries.settle(one)
  }
  t.equal(tries.settle(slow), 7)
  t.equal(tries.late(slow.reservation), 7, 'and its late answer, too')
  t.equal(tries.settle(slow), 7)
  t.throws(() => tries.settle(slow))
  t.equal(tries.late(result(2, { is: 'accepted' }).reservation), null)
  t.end()
})

/** Nothing is written down until it ends. */
function stalling(outbox: Outbox) {
  const record = outbox.record.bind(outbox)
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  outbox.record = async (results, at) => {
    begun.resolve()
    await ended.promise
    return record(results, at)
  }
  return { begun: () => begun.promise, end: () => ended.resolve() }
}

/** Postgres is slow with answers. @returns how many messages were being submitted at most, as it stood after each claim */
function watched({ store }: SendingSide): { submitting: number } {
  const most = { submitting: 0 }
  const { outbox } = store
  const [claim, record] = [outbox.claim.bind(outbox), outbox.record.bind(outbox)]
  outbox.claim = async (request) => {
    const claimed = await claim(request)
    const { rows } = await store.query<{ count: string }>(`SELECT count(*) FROM messages WHERE state = 'submitting'`)
    most.submitting = Math.max(most.submitting, Number(rows[0]!.count))
    return claimed
  }
  outbox.record = async (results, at) => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    return record(results, at)
  }
  return most
}
