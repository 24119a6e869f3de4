/** A shop, a payment service, a calendar: what happened there is told by SMS, once. */
import t from 'tap'
import { monday } from '../support/stories.ts'
import { definition } from '../store/sms/status-line.ts'
import { runHttp } from './running.ts'

const marta = '+491701234567'
const payment = { type: 'payment.received', to: marta, data: { amount: '49,90 €', invoice: '2026-117' } }

async function open(test: Parameters<typeof runHttp>[0]) {
  const running = await runHttp(test, { now: () => monday })
  await running.store.outbox.useSms(definition(), monday)
  const post = (body: unknown, key?: string) => running.ask('POST', '/v1/events', body, key === undefined ? {} : { 'idempotency-key': key })
  return { ...running, post }
}

t.test('a payment is told to whoever made it', async (t) => {
  const { ask, post } = await open(t)
  const answer = await post({ ...payment, to: '0170 1234567' })
  t.equal(answer.status, 202)
  t.match(answer.body, { id: String, messageIds: [String] })
  t.match((await ask('GET', `/v1/messages/${answer.body.messageIds[0]}`)).body, {
    to: marta,
    template: 'payment.received',
    text: /49,90 € zur Rechnung 2026-117/,
    state: 'queued',
    ticketId: null,
  })
})

t.test('a customer is told on their first mobile number, in their language', async (t) => {
  const { ask, post } = await open(t)
  const customer = (await ask('POST', '/v1/customers', { name: 'Marta', numbers: ['+496215550123', marta], language: 'en' })).body
  const { body } = await post({ type: 'appointment.reminder', customerId: customer.id, data: { date: '5 March', time: '10:00' } })
  t.match((await ask('GET', `/v1/messages/${body.messageIds[0]}`)).body, {
    to: marta,
    customerId: customer.id,
    text: /reminder of your appointment on 5 March at 10:00/,
  })
})

t.test('the same key with the same event tells once; with another one it is a mistake', async (t) => {
  const { ask, post } = await open(t)
  const answers = await Promise.all(Array.from({ length: 4 }, () => post(payment, 'payment 117')))
  for (const answer of answers) t.match(answer, { status: 202, body: answers[0]!.body })
  t.same(answers.map(({ headers }) => headers.get('idempotency-replayed')).sort(), ['true', 'true', 'true', null].sort())
  t.equal((await ask('GET', '/v1/messages')).body.items.length, 1)
  t.match(await post({ ...payment, data: { ...payment.data, amount: '50,90 €' } }, 'payment 117'), {
    status: 422,
    body: { code: 'idempotency_key_reused', errors: [{ in: 'header', field: 'Idempotency-Key' }] },
  })
  t.not((await post(payment, 'payment 118')).body.id, answers[0]!.body.id)
})

t.test('a key counts for a day', async (t) => {
  let at = monday
  const { ask, store } = await runHttp(t, { now: () => at })
  await store.outbox.useSms(definition(), monday)
  const post = () => ask('POST', '/v1/events', payment, { 'idempotency-key': 'payment 117' })
  const first = await post()
  at += 86_399_999
  t.same((await post()).body, first.body)
  at += 1
  const second = await post()
  t.match(second, { status: 202, body: { messageIds: [String] } })
  t.not(second.body.id, first.body.id)
  t.same((await post()).body, second.body, 'it is the key of the newer one now')
})

t.test('what the file has no text for, or not enough data, is refused by name', async (t) => {
  const { post } = await open(t)
  const { data } = payment
  const stories: [what: string, event: unknown, status: number, field: string, says: RegExp][] = [
    [
      'an unknown event',
      { ...payment, type: 'payment.recieved' },
      422,
      'type',
      /payment\.received.*Known: appointment\.reminder, payment\.received/,
    ],
    ['an event of our own', { ...payment, type: 'ticket.completed' }, 422, 'type', /Known: /],
    ['an event of every object', { ...payment, type: 'constructor' }, 422, 'type', /Known: /],
    ['a value that is missing', { ...payment, data: { amount: data.amount } }, 422, 'data.invoice', /is missing/],
    ['a value too many', { ...payment, data: { ...data, currency: 'EUR' } }, 422, 'data.currency', /amount, invoice/],
    ['no data at all', { type: payment.type, to: marta }, 422, 'data.amount', /is missing/],
    ['nobody to tell', { type: payment.type, data }, 400, 'to', /is missing, or customerId/],
    ['a number that is none', { ...payment, to: 'call me' }, 400, 'to', /phone number/],
    ['a customer that is none', { type: payment.type, data, customerId: 'Marta' }, 400, 'customerId', /uuid/],
    ['nobody of this id', { type: payment.type, data, customerId: '01890000-0000-7000-8000-000000000000' }, 404, 'customerId', /no such/],
    ['a value that is no text', { ...payment, data: { ...data, amount: 49.9 } }, 400, 'data.amount', /string/],
    ['a field that is not known', { ...payment, text: 'Hallo' }, 400, 'text', /not a field/],
    ['without a type', { to: marta, data }, 400, 'type', /is missing/],
  ]
  for (const [what, event, status, field, says] of stories) {
    const answer = await post(event)
    t.equal(answer.status, status, what)
    t.match(answer.body.errors, [{ field, message: says }], what)
  }
  for (const key of ['', 'k'.repeat(201), 'tab\tkey']) {
    t.match(await post(payment, key), { status: 400, body: { errors: [{ in: 'header', field: 'idempotency-key' }] } })
  }
})

t.test('where no SMS are sent, that is said', async (t) => {
  const { ask } = await runHttp(t)
  t.match(await ask('POST', '/v1/events', payment), { status: 422, body: { code: 'unprocessable', detail: /no section sms/ } })
})
