import t from 'tap'
import { Consents, consentsOf } from '../../../src/store/sms/consents.ts'
import { monday } from '../../support/stories.ts'
import { marta, ours, statusLine } from './status-line.ts'

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
  t.same(await consents.of(marta), [{ purpose: 'all', is: 'out', word: null, messageId: null, over: 'api', at: night + minute }])
  t.same(await consents.of('+491700000000'), [])
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
