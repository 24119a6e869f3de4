/** A PIN by SMS over the API: what allows it, what refuses it, and that nobody who may use the API reads it. */
import t, { type Test } from 'tap'
import { definition } from '../store/sms/status-line.ts'
import { wholeDatabase } from '../support/database-text.ts'
import { until } from '../support/until.ts'
import { runHttp } from './running.ts'

const mobile = '+491725550123'
/** Whatever time it is where this runs. */
const byDayAndNight = () =>
  definition((sms) => {
    sms.window = 'always'
  })

async function office(t: Test, numbers: string[] = [mobile], sms: ReturnType<typeof definition> | null = byDayAndNight()) {
  const running = await runHttp(t)
  const { ask, store } = running
  await store.outbox.useSms(sms, Date.now())
  const customer = (await ask('POST', '/v1/customers', { name: 'Anna Beispiel', numbers })).body
  const contract = (await ask('POST', `/v1/customers/${customer.id}/contracts`, { service: 'Concierge', pinBySms: true })).body
  const count = async (table: string): Promise<number> => Number((await store.query(`SELECT count(*) FROM ${table}`)).rows[0].count)
  return { ...running, customer, contract, pins: `/v1/contracts/${contract.id}/pins`, count }
}

t.test('the customer is on the phone: their new PIN comes by SMS, and who issued it does not see it', async (t) => {
  const { ask, logged, pins, store } = await office(t)
  const pin = '86420'
  let dueTold = 0
  store.outbox.onDue(() => (dueTold += 1))
  const issued = await ask('POST', pins, { pin, sendBySms: true, validTo: '2099-01-01T00:00:00Z' })
  t.equal(issued.status, 201)
  t.match(issued.body, { id: String, messageId: String, validTo: '2099-01-01T00:00:00.000Z' })
  t.notOk('pin' in issued.body)
  t.equal(dueTold, 1, 'it leaves at once')
  const message = await ask('GET', `/v1/messages/${issued.body.messageId}`)
  t.match(message.body, { to: mobile, template: 'pin.issued', text: /ist •••••\. Bitte/, state: 'queued' })
  t.match((await ask('GET', pins)).body, { items: [{ id: issued.body.id, messageId: issued.body.messageId }] })

  const taken: string[] = []
  await store.outbox.claim({
    at: Date.now(),
    sender: 'the test',
    most: 9,
    take: ({ text }) => {
      taken.push(text)
      return null
    },
    untake: () => {},
  })
  t.match(taken, [/ist 86420\. Bitte/], 'the carrier gets it')
  t.notMatch(
    JSON.stringify([issued.body, message.body, (await ask('GET', '/v1/messages')).body, (await ask('GET', '/v1/audit')).body]),
    pin,
  )
  t.notMatch(logged(), pin)
  t.notMatch((await ask('GET', '/metrics')).body, pin)
})

t.test('no PIN that somebody drew is in a row', async (t) => {
  const { ask, pins, store } = await office(t)
  store.useRules({ ...(await import('../support/postgres.ts')).rules, pinLength: 12 })
  const issued = await ask('POST', pins, { pin: '864209753186', sendBySms: true }, { 'idempotency-key': 'once' })
  t.equal(issued.status, 201)
  t.notMatch(await wholeDatabase(store), '864209753186')
  const again = await ask('POST', pins, { pin: '864209753186', sendBySms: true }, { 'idempotency-key': 'once' })
  t.same(again.body, issued.body, 'and sending it twice is sending it once')
})

t.test('who asks twice sends two PINs, and a revoked one does not go', async (t) => {
  const { ask, pins } = await office(t)
  const first = (await ask('POST', pins, { sendBySms: true })).body
  const second = (await ask('POST', pins, { sendBySms: true })).body
  t.not(first.messageId, second.messageId)
  await ask('DELETE', `/v1/pins/${first.id}`)
  t.match((await ask('GET', `/v1/messages/${first.messageId}`)).body, { state: 'superseded', trace: [{}, { why: 'the PIN was revoked' }] })
  t.match((await ask('GET', `/v1/messages/${second.messageId}`)).body, { state: 'queued' })
})

t.test('a PIN that waits does not go to a number that is the customer’s no longer', async (t) => {
  const { ask, customer, pins } = await office(t, [mobile, '+491725550124'])
  const { messageId } = (await ask('POST', pins, { sendBySms: true })).body
  const path = `/v1/customers/${customer.id}`
  await ask('PATCH', path, { numbers: ['+491725550124', mobile] })
  t.match((await ask('GET', `/v1/messages/${messageId}`)).body, { state: 'queued' }, 'another order is no other number')
  await ask('PATCH', path, { numbers: ['+491725550124'] })
  t.match((await ask('GET', `/v1/messages/${messageId}`)).body, { state: 'superseded', trace: [{}, { why: /no longer the customer's/ }] })
})

t.test('where it cannot be sent, no PIN is drawn, and it is said why', async (t) => {
  const { ask, contract, count, pins, store, customer } = await office(t)
  const refused = async (what: string, says: RegExp) => {
    const answer = await ask('POST', pins, { sendBySms: true })
    t.equal(answer.status, 409, what)
    t.match(answer.body, { code: 'conflict', errors: [{ in: 'body', field: 'sendBySms', message: says }] }, what)
  }
  await ask('PATCH', `/v1/contracts/${contract.id}`, { pinBySms: false })
  await refused('the contract does not allow it', /does not allow PINs by SMS/)
  await ask('PATCH', `/v1/contracts/${contract.id}`, { pinBySms: true })

  await ask('PATCH', `/v1/customers/${customer.id}`, { numbers: [] })
  await refused('no number', /there is no number on file/)
  await ask('PATCH', `/v1/customers/${customer.id}`, { numbers: ['+496215550123'] })
  await refused('a landline', /no mobile number/)
  await ask('PATCH', `/v1/customers/${customer.id}`, { numbers: ['+436641234567'] })
  await refused('a country that gets none', /countries/)

  await ask('PATCH', `/v1/customers/${customer.id}`, { numbers: [mobile] })
  await store.query(`INSERT INTO sms_consents (number, purpose, is_in, said_at, said_over) VALUES ($1, 'all', false, now(), 'api')`, [
    mobile,
  ])
  await refused('they said STOP', /opted out/)

  await store.outbox.useSms(null, Date.now())
  await refused('no SMS at all', /no section sms/)
  await store.outbox.useSms(
    definition((sms) => {
      delete sms.templates['pin.issued']
    }),
    Date.now(),
  )
  await refused('no text for it', /no message pin\.issued/)
  t.equal(await count('pins'), 0)
  t.equal(await count('messages'), 0)
  t.equal((await ask('POST', pins, { sendBySms: 'yes' })).status, 400)
  t.equal((await ask('POST', pins, { sendBySms: false })).body.pin.length, 5)
})

t.test('at night it waits for the morning, as other messages do', async (t) => {
  const { ask, pins } = await office(
    t,
    [mobile],
    definition((sms) => {
      const hour = new Date().getUTCHours()
      // Closed now, wherever now is; an hour that ends the day ends at 24:00.
      const opens = (hour + 12) % 24
      const [from, to] = [opens, opens + 1].map((at) => `${String(at).padStart(2, '0')}:00`)
      sms.time_zone = 'UTC'
      sms.window = `${from}-${to}`
    }),
  )
  const { messageId } = (await ask('POST', pins, { sendBySms: true })).body
  const message = await until('it to be told', async () => (await ask('GET', `/v1/messages/${messageId}`)).body)
  t.match(message, { state: 'held', text: /•••••/, trace: [{ why: 'outside the delivery window' }] })
})
