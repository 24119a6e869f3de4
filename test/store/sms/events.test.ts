/** What other systems report comes in by the thousand: many share a transaction, and each ends as if it had come alone. */
import fc from 'fast-check'
import t from 'tap'
import type { EventRecord, EventRequest, Result } from '../../../src/app/ports/records.ts'
import { Connections } from '../../../src/store/connections.ts'
import { newId } from '../../../src/store/ids.ts'
import { Consents } from '../../../src/store/sms/consents.ts'
import { SmsEvents } from '../../../src/store/sms/events.ts'
import { SmsIntents } from '../../../src/store/sms/intents.ts'
import { quiet } from '../../support/postgres.ts'
import { monday } from '../../support/stories.ts'
import { definition, marta, outgoing, statusLine } from './status-line.ts'

const hour = 3_600_000
const ben = '+491707654321'
const optedOut = '+491701111111'
const landline = '+4962155512345'
const asked: EventRequest = {
  keyId: 'shop',
  type: 'payment.received',
  to: marta,
  customerId: null,
  data: { amount: '49,90 €', invoice: '2026-117' },
  idempotencyKey: null,
}

t.test('events that come together end as the same events one after the other', { timeout: 120_000 }, async (t) => {
  const rules = definition((sms) => {
    // At once after the opening, so that the same event is held until the same moment.
    sms['spread'] = '0s'
    sms['caps']['per_recipient'] = [{ most: 2, in: '1d' }]
  })
  const line = await statusLine(t, rules)
  const known = await line.customer([landline, ben], 'en')
  await new Consents(line.connections, line.sms).setConsent({ number: optedOut, purpose: 'all', is: 'out' }, monday)
  const event = fc.record<EventRequest>({
    keyId: fc.constantFrom('shop', 'bank'),
    type: fc.constantFrom('payment.received', 'payment.received', 'appointment.reminder', 'ticket.received'),
    to: fc.constantFrom(marta, ben, optedOut, landline, '+33612345678', null),
    customerId: fc.constantFrom(null, null, known, newId(), 'Marta'),
    data: fc.constantFrom(asked.data, { amount: 'x'.repeat(40), invoice: '👍' }, { date: '5.3.', time: '10' }),
    idempotencyKey: fc.constantFrom(null, null, '117', '118'),
  })
  const story = fc.record({ events: fc.array(event, { minLength: 2, maxLength: 12 }), at: fc.constantFrom(monday, monday + 12 * hour) })
  await fc.assert(
    fc.asyncProperty(story, async ({ events, at }) => {
      const alone = await ends(async (store) => {
        const answers: Result<EventRecord>[] = []
        for (const [place, each] of events.entries()) answers.push(await store.post(each, at + place))
        return answers
      })
      const together = await ends((store) => Promise.all(events.map((each, place) => store.post(each, at + place))))
      t.same(together, alone)
    }),
    { numRuns: 25 },
  )

  /** Answers and rows, with each id as the place where it came up first. */
  async function ends(post: (store: SmsEvents) => Promise<Result<EventRecord>[]>): Promise<unknown> {
    await line.rows('TRUNCATE events, messages')
    // Two more today would be too many for her, and for nobody else.
    for (let sent = 0; sent < 2; sent++) await outgoing(line, { state: 'submitted' })
    const answers = await post(new SmsEvents(line.connections, line.sms))
    const messages = await line.rows(
      `SELECT id, recipient, sender, body, state, template, customer_id, due_at, parts, trace, created_at, time_zone
       FROM messages WHERE dedupe_key IS NOT NULL ORDER BY created_at, id`,
    )
    const events = await line.rows(
      `SELECT id, type, encode(idempotency_digest, 'hex') AS key, message_ids, created_at FROM events ORDER BY created_at, id`,
    )
    const places = new Map<string, string>()
    const text = JSON.stringify({ answers, messages, events }).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => {
      if (id === known) return 'known'
      if (!places.has(id)) places.set(id, `id ${places.size}`)
      return places.get(id)!
    })
    return JSON.parse(text)
  }
})

t.test('an event that cannot be written costs the others nothing', async (t) => {
  const usual = definition()
  const { 'payment.received': payment, ...others } = usual.templates
  // Nothing that a request can bring about: Postgres takes no NUL.
  const broken = { ...usual, templates: { ...others, 'payment.received': { ...payment!, sender: '\0' } } }
  const line = await statusLine(t, broken)
  const store = new SmsEvents(line.connections, line.sms)
  const reminder = { ...asked, type: 'appointment.reminder', data: { date: '5.3.', time: '10:00' } }
  const posted = await Promise.allSettled([reminder, asked, reminder, asked, reminder].map((event) => store.post(event, monday)))
  t.same(
    posted.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  )
  t.equal((await line.messages()).length, 3)
  t.equal((await line.rows('SELECT FROM events')).length, 3, 'and no event without its message')
})

t.test('two processes that get the same keys in another order tell each event once', async (t) => {
  const line = await statusLine(t)
  const other = new Connections(line.url, quiet)
  t.teardown(() => other.close())
  const stores = [line.connections, other].map(
    (connections) =>
      new SmsEvents(
        connections,
        Object.assign(new SmsIntents(connections, { onDue: [], onAlarm: [] }, quiet), { definition: definition() }),
      ),
  )
  const events = Array.from({ length: 120 }, (_, place) => ({ ...asked, idempotencyKey: `payment ${place}` }))
  const [here, there] = await Promise.all([
    Promise.all(events.map((event) => stores[0]!.post(event, monday))),
    Promise.all(events.toReversed().map((event) => stores[1]!.post(event, monday))),
  ])
  const idOf = (answer: Result<EventRecord>): string => (answer.ok ? answer.value.id : answer.refusal.message)
  t.same(here.map(idOf), there.toReversed().map(idOf))
  t.equal((await line.messages()).length, events.length)
})
