/** Whatever a carrier does: every message ends where it should, no phone shows one twice, and the trace tells why. */
import t, { type Test } from 'tap'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../src/local/smsc/simulator.ts'
import { malformedKinds } from '../../../src/local/smsc/malformed.ts'
import { until } from '../../support/until.ts'
import { displays, patient, SendingSide, shownTwice, whys, type SendingOptions } from './sending-side.ts'

t.jobs = 4

const marta = '+491701234567'
const otto = '+491707654321'

async function sending(t: Test, options: SendingOptions & { smsc?: SimulatorOptions } = {}) {
  const smsc = await carrier(t, options.smsc)
  const shown = displays(smsc)
  const side = await SendingSide.start(t, smsc, options)
  return { smsc, shown, side }
}

async function carrier(t: Test, options: SimulatorOptions = {}): Promise<Simulator> {
  const smsc = await startSimulator({ deliverAgainMs: 50, keep: { pdus: 20_000 }, ...options })
  t.teardown(() => smsc.close())
  return smsc
}

t.test('a ticket comes in: its customer reads of it, and the receipt is known', async (t) => {
  const { smsc, side } = await sending(t)
  const phone = smsc.phone(marta)
  const id = await side.tells(marta)
  t.match(await phone.next(), { from: '+49621555100', text: /^Wir haben Ihr Anliegen erhalten/ })
  t.same(whys(await side.becomes(id, 'delivered')), [
    'queued: it has no delivery window',
    'submitting: it has no delivery window',
    'submitted: the carrier took it',
    'delivered: its receipt says so',
  ])
  t.same(side.logged, [])
})

t.test('the carrier throttles: it is sent slower, and everything arrives once', async (t) => {
  const { smsc, shown, side } = await sending(t, { link: patient })
  smsc.faults({ kind: 'throttle', next: 5 })
  await side.pile(30)
  await side.allBecome(({ delivered }) => delivered === 30)
  t.same(shownTwice(shown), [])
  t.equal(shown.size, 30)
  t.equal(smsc.counts.rejected, 5)
  const { rows } = await side.store.query(`SELECT DISTINCT trace -> 1 ->> 'why' AS why FROM messages WHERE attempt > 1`)
  t.same(rows, [{ why: 'ESME_RTHROTTLED, which may pass' }])
})

t.test('the queue of one phone is full: that one waits, others do not', async (t) => {
  const { smsc, side } = await sending(t)
  smsc.faults({ kind: 'queue_full', to: marta, next: 1 })
  const [full, other] = [await side.tells(marta), await side.tells(otto)]
  await side.becomes(other, 'delivered')
  const message = await side.becomes(full, 'delivered')
  t.same(whys(message).slice(2, 4), ['queued: ESME_RMSGQFUL, which may pass', 'submitting: it has no delivery window'])
  t.equal(smsc.inbox(marta).length, 1)
})

t.test('the carrier wants none of it: it has failed, and is not tried again', async (t) => {
  const { smsc, side } = await sending(t)
  smsc.faults({ kind: 'reject', status: 'ESME_RINVDSTADR', to: marta })
  const id = await side.tells(marta)
  t.equal(whys(await side.becomes(id, 'failed')).at(-1), 'failed: ESME_RINVDSTADR')
  await side.becomes(await side.tells(otto), 'delivered')
  t.equal(smsc.counts.submitted, 2)
})

t.test('one is swallowed without an answer: it is uncertain and stays so, or is repeated once, as its template wants', async (t) => {
  const { smsc, side } = await sending(t)
  smsc.faults({ kind: 'drop', to: marta, next: 1 }, { kind: 'drop', to: otto, next: 1 })
  const [left, repeated] = [await side.tells(marta), await side.tellsOfPayment(otto)]
  t.same(whys(await side.becomes(repeated, 'delivered')), [
    'queued: it has no delivery window',
    'submitting: it has no delivery window',
    'uncertain: written, but not answered: no answer within 400 ms',
    'queued again: the template prefers a repeat to a gap',
    'submitting: it has no delivery window',
    'submitted: the carrier took it',
    'delivered: its receipt says so',
  ])
  t.equal(smsc.inbox(otto).length, 1)
  t.same(whys(await side.becomes(left, 'uncertain')).slice(2), [
    'uncertain: written, but not answered: no answer within 400 ms',
    'left uncertain: the template prefers a gap to a repeat',
  ])
  t.same(smsc.inbox(marta), [])
})

t.test('all of a message that may be repeated is swallowed: after the second time it is left', async (t) => {
  const { smsc, side } = await sending(t)
  smsc.faults({ kind: 'drop', to: marta })
  const id = await side.tellsOfPayment(marta)
  const left = await until('it to be left', async () => {
    const message = await side.message(id)
    return message.trace.at(-1)?.what === 'left uncertain' && message
  })
  t.match(left, { state: 'uncertain', trace: { length: 7 } })
  t.equal(whys(left).at(-1), 'left uncertain: it was repeated once already')
  t.equal(smsc.counts.submitted, 2)
})

t.test('answers come late, but they come', async (t) => {
  const { smsc, shown, side } = await sending(t, { link: { window: 2 } })
  smsc.faults({ kind: 'delay', what: 'response', ms: 600, next: 2 })
  await side.pile(10)
  await side.allBecome(({ delivered }) => delivered === 10)
  t.same(shownTwice(shown), [])
  const { rows } = await side.store.query<{ why: string }>(
    `SELECT DISTINCT step ->> 'why' AS why FROM messages, jsonb_array_elements(trace) step WHERE step ->> 'why' LIKE '%it said late%'`,
  )
  t.same(rows, [{ why: 'the carrier took it, as it said late' }])
})

t.test('the connection breaks while messages are on it: those are uncertain, all others arrive once', async (t) => {
  for (const fault of [
    { kind: 'disconnect', how: 'rst', when: 'request', next: 1 },
    { kind: 'disconnect', how: 'fin', when: { afterOctets: 7 }, next: 1 },
    { kind: 'disconnect', how: 'rst', when: { afterOctets: 0 }, next: 1 },
  ] as const) {
    const { smsc, shown, side } = await sending(t)
    await side.pile(5)
    await side.allBecome(({ delivered }) => delivered === 5)
    smsc.faults(fault)
    await side.store.query('DELETE FROM messages')
    shown.clear()
    await side.pile(60, { longEvery: 4 })
    const states = await side.allBecome(({ delivered = 0, uncertain = 0 }) => delivered + uncertain === 60)
    const { uncertain = 0 } = states
    t.ok(uncertain <= 10, `${JSON.stringify(fault)}: ${uncertain} of one window`)
    t.same(shownTwice(shown), [])
    t.ok(shown.size >= 60 - uncertain)
  }
})

t.test('the carrier asks us to leave, and is back in a moment: nothing is uncertain', async (t) => {
  const { smsc, shown, side } = await sending(t)
  await side.pile(200)
  await smsc.phone('+4915112100020').next()
  smsc.faults({ kind: 'unbind' })
  await side.allBecome(({ delivered }) => delivered === 200)
  t.same(shownTwice(shown), [])
})

t.test('the carrier falls mute: what was on its way is uncertain, what was not arrives when it speaks again', async (t) => {
  for (const what of ['answers', 'reads'] as const) {
    const { smsc, shown, side } = await sending(t)
    smsc.faults({ kind: 'mute', what })
    await side.pile(30)
    await side.allBecome(({ uncertain = 0 }) => uncertain > 0)
    smsc.clearFaults()
    const { uncertain = 0 } = await side.allBecome(({ delivered = 0, uncertain = 0 }) => delivered + uncertain === 30)
    t.ok(uncertain <= 10, `mute to ${what}: ${uncertain} of one window`)
    t.same(shownTwice(shown), [])
  }
})

t.test(
  'instead of an answer comes what is none, of every kind: at most what was on the wire is uncertain',
  { timeout: 60_000 },
  async (t) => {
    const { smsc, shown, side } = await sending(t, { link: { window: 3 } })
    for (const how of malformedKinds) {
      smsc.faults({ kind: 'malform', how, when: 'response', next: 1 })
      await side.store.query('DELETE FROM messages')
      shown.clear()
      await side.pile(8)
      const { uncertain = 0 } = await side.allBecome(({ delivered = 0, uncertain = 0 }) => delivered + uncertain === 8)
      t.ok(uncertain <= 3, `${how}: ${uncertain} uncertain`)
      t.same(shownTwice(shown), [], how)
      t.equal(shown.size, 8, 'all of them were taken')
      smsc.clearFaults()
    }
  },
)

t.test('a carrier that counts long messages with 16 bits leaves less room in each part: the last part comes, too', async (t) => {
  const { smsc, side } = await sending(t, { link: { ...patient, concatenation: 'udh16' } })
  const phone = smsc.phone(marta)
  const text = 'Strom '.repeat(51)
  await side.store.query(
    `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, time_zone, due_at, parts, created_at)
     VALUES (gen_random_uuid(), 'out', $1, '+49621555100', $2, 'queued', 'ticket.received', now(), 'Europe/Berlin', now(), 3, now())`,
    [marta, text],
  )
  side.sender.kick()
  t.equal((await phone.next()).text, text, '306 septets')
  await side.allBecome(({ delivered }) => delivered === 1)
  const { rows } = await side.store.query('SELECT part, state FROM message_parts ORDER BY part')
  t.same(
    rows,
    [0, 1, 2].map((part) => ({ part, state: 'delivered' })),
  )
})

t.test('receipts are faster than answers, come twice, and out of order', async (t) => {
  const { smsc, shown, side } = await sending(t, { link: patient })
  smsc.faults({ kind: 'receipts', states: ['ENROUTE', 'DELIVERED', 'ENROUTE'], early: true, times: 2 })
  await side.pile(20, { longEvery: 5 })
  await side.allBecome(({ delivered }) => delivered === 20)
  t.same(shownTwice(shown), [])
  const { rows } = await side.store.query(
    `SELECT id FROM messages WHERE (SELECT count(*) FROM jsonb_array_elements(trace) step WHERE step ->> 'what' = 'delivered') <> parts`,
  )
  t.same(rows, [], 'each end is told once')
})

t.test('the carrier could not deliver: the message says so, with its error', async (t) => {
  const { smsc, side } = await sending(t)
  smsc.faults({ kind: 'receipts', states: ['UNDELIVERABLE'], error: '011', to: marta })
  const message = await side.becomes(await side.tells(marta), 'undeliverable')
  t.equal(whys(message).at(-1), 'undeliverable: its receipt says so, error 011')
})

t.test('a crowd of messages that may not go any more does not stand in the way of one that may', async (t) => {
  const { smsc, side } = await sending(t)
  await side.store.query(
    `INSERT INTO sms_consents (number, purpose, is_in, said_at, said_over)
     SELECT '+4915112' || 100000 + n, 'all', false, now(), 'api' FROM generate_series(1, 45) n`,
  )
  await side.pile(45)
  await side.becomes(await side.tells(marta), 'delivered')
  t.same(await side.states(), { delivered: 1, suppressed: 45 })
  t.equal(smsc.counts.submitted, 1)
})
