import t from 'tap'
import { Consents, consentsOf } from '../../../src/store/sms/consents.ts'
import { Leases } from '../../../src/store/lease.ts'
import { PhoneNumbers } from '../../../src/store/phone-numbers.ts'
import { PostgresOutbox } from '../../../src/store/sms/outbox.ts'
import { recordResults } from '../../../src/store/sms/results.ts'
import { quiet } from '../../support/postgres.ts'
import { monday } from '../../support/stories.ts'
import { keys, marta, ours, outgoing, route, statusLine, unanswered } from './status-line.ts'

const minute = 60_000
/** 23:30 in Berlin. */
const night = monday + 14.5 * 60 * minute

t.test('somebody says on the phone that they want no more texts: what waits does not go', async (t) => {
  const line = await statusLine(t)
  const consents = new Consents(line.connections, line.sms)
  const customerId = await line.customer([marta])
  const ticket = await line.ticket({ customerId, caller: marta }, night)
  t.match(await line.messages(), [{ state: 'held' }])
  t.same(await consents.setConsent({ number: marta, purpose: 'all', is: 'out' }, night + minute), { changes: true })
  t.match(await line.messages(), [
    {
      state: 'suppressed',
      ticket_id: ticket.id,
      due_at: null,
      trace: [{}, { at: night + minute, what: 'suppressed', why: 'the recipient opted out' }],
    },
  ])
  t.same(await consents.of(marta), [
    { purpose: 'all', is: 'out', word: null, messageId: null, over: 'api', evidence: null, at: night + minute },
  ])
  t.same(await consents.of('+491700000000'), [])
})

t.test('STOP stops, however the carrier writes the number that it came from', async (t) => {
  const line = await statusLine(t)
  const outbox = outboxOf(line)
  for (const from of [marta, '1701234567', '01701234567']) {
    await line.rows('TRUNCATE messages, sms_consents CASCADE')
    await line.ticket({ caller: marta }, night)
    const reply = { kind: 'reply', route, from, to: ours, text: 'STOP', concatenation: null } as const
    await outbox.takeIncoming([reply], night + minute)
    t.match(await line.messages(`template = 'ticket.received'`), [{ state: 'suppressed' }], from)
    t.match(await consentsOf(line.connections.kysely, marta), [{ is: 'out', purpose: 'all' }], from)
    t.match(await line.messages(`direction = 'in'`), [{ sender: marta }])
  }
  for (const from of ['12345', 'InfoSMS', '123456789012345']) {
    await outbox.takeIncoming([{ kind: 'reply', route, from, to: ours, text: 'Hallo', concatenation: null }], night)
    t.equal((await line.messages(`sender = '${from}'`)).length, 1, 'what is no number at home stays as it is written')
  }
})

t.test('a receipt tells of a number as the carrier dials it: it is the one that we know', async (t) => {
  const line = await statusLine(t)
  const id = await outgoing(line)
  await recordResults(line.connections, [unanswered(id)], monday)
  const outbox = outboxOf(line)
  const receipt = { kind: 'receipt', route, to: '01701234567', carrierIds: ['A1'], state: 'delivered', error: null, doneAt: null } as const
  await outbox.takeIncoming([receipt], monday + minute)
  t.match(await line.messages(), [{ state: 'delivered' }])
})

t.test('what was said is added to and never changed; saying it again adds nothing', async (t) => {
  const line = await statusLine(t)
  const consents = new Consents(line.connections, line.sms)
  const said = [
    ['all', 'out', true],
    ['all', 'out', false],
    ['appointment', 'in', true],
    ['appointment', 'in', false],
    ['all', 'out', true],
    ['all', 'in', true],
    ['appointment', 'out', true],
  ] as const
  for (const [purpose, is, changes] of said) {
    t.same(await consents.setConsent({ number: marta, purpose, is }, monday), { changes }, `${is} of ${purpose}`)
  }
  t.same(
    (await consents.of(marta)).map(({ purpose, is }) => `${is} ${purpose}`),
    ['out all', 'in appointment', 'out all', 'in all', 'out appointment'],
  )
})

t.test('many say the same at once: one of them changes it', async (t) => {
  const line = await statusLine(t)
  const consents = new Consents(line.connections, line.sms)
  const said = await Promise.all(Array.from({ length: 8 }, () => consents.setConsent({ number: marta, purpose: 'all', is: 'out' }, monday)))
  t.equal(said.filter(({ changes }) => changes).length, 1)
  t.equal((await consentsOf(line.connections.kysely, marta)).length, 1)
})

t.test('only what is for the purpose, for the number, and still here is held back', async (t) => {
  const line = await statusLine(t)
  const consents = new Consents(line.connections, line.sms)
  const insert = (to: string, template: string | null, state: string) =>
    line.rows(
      `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, due_at, created_at)
        VALUES (gen_random_uuid(), 'out', $1, $2, 'x', $3, $4, $5, $5, $5)`,
      [to, ours, state, template, new Date(monday)],
    )
  for (const state of ['held', 'queued', 'submitting', 'uncertain', 'submitted']) await insert(marta, 'appointment.reminder', state)
  await insert(marta, 'ticket.completed', 'held')
  // An answer was asked for, and of one whose template has gone from pforte.yaml nobody knows what it was for.
  await insert(marta, 'status.reply', 'queued')
  await insert(marta, 'gone.by', 'held')
  await insert('+491700000000', 'appointment.reminder', 'held')
  await consents.setConsent({ number: marta, purpose: 'appointment', is: 'out' }, monday)
  t.equal((await line.messages(`state = 'suppressed'`)).length, 2)
  await consents.setConsent({ number: marta, purpose: 'all', is: 'out' }, monday)
  t.same((await line.messages(`state IN ('held', 'queued')`)).map(({ recipient, template }) => `${template} to ${recipient}`).sort(), [
    'appointment.reminder to +491700000000',
    `gone.by to ${marta}`,
    `status.reply to ${marta}`,
  ])
})

function outboxOf({ connections, sms, url }: Awaited<ReturnType<typeof statusLine>>): PostgresOutbox {
  return new PostgresOutbox(connections, keys, new Leases(url, quiet), sms, { onDue: [], onAlarm: [] }, new PhoneNumbers('DE'))
}
