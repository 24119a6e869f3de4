import t from 'tap'
import { PhoneNumbers } from '../../src/store/phone-numbers.ts'
import { limits, rules, testStore } from '../support/postgres.ts'
import { callRow, monday, question, serviceWith, valueOf } from '../support/stories.ts'

t.test('a number without a country code is one of the country that pforte.yaml names', (t) => {
  const numbers = new PhoneNumbers('AT')
  t.equal(numbers.caller('0664 1234567'), '+436641234567')
  t.equal(numbers.caller('+49621555100'), '+49621555100', 'with one it is what it says')
  numbers.useCountry('DE')
  t.equal(numbers.caller('0664 1234567'), '+496641234567', 'after a reload another one, whatever was read before')
  numbers.useCountry('XX')
  t.equal(numbers.caller('0664 1234567'), '0664 1234567', 'a country that there is not says nothing about a number')
  t.equal(numbers.caller('+436641234567'), '+436641234567')
  t.end()
})

t.test('an Austrian hotline: who calls, who guesses, who left a message are the customer, however the trunk writes it', async (t) => {
  const store = await testStore(t, { country: 'AT' })
  await serviceWith(store, ['anna'])
  const { calls, records, query } = store
  const customer = valueOf(
    await records.createCustomer({ name: 'Wirt am Eck', numbers: ['0664 1234567'], language: 'de', timeZone: 'Europe/Vienna' }, monday),
  )
  t.strictSame(customer.numbers, ['+436641234567'])

  const caller = '06641234567'
  await calls.saveCalls([callRow('call-1', { caller })])
  await calls.enterQueue({ callId: 'call-2', row: callRow('call-2', { caller }), queue: 'emergency', priority: 0, at: monday })
  const { rows } = await query<{ caller: string }>('SELECT DISTINCT caller FROM calls')
  t.strictSame(rows, [{ caller: '+436641234567' }])

  for (let guess = 0; guess < limits.perCallerStop; guess += 1) await calls.checkPin(question('11112', { caller }))
  t.equal((await calls.checkPin(question('11112', { caller: '+43 664 1234567' }))).result.is, 'limited', 'one caller')

  const kept = await calls.keepVoicemail({
    recording: 'pforte-call-1',
    callId: null,
    line: 'hotline',
    caller,
    at: monday,
    wav: Buffer.alloc(100),
    durationMs: 1000,
    language: 'de',
  })
  t.match(await records.ticket(kept.ticketId), { customerId: customer.id, caller: '+436641234567' })
})

t.test('the country is taken over at a reload', async (t) => {
  const store = await testStore(t)
  store.useRules({ ...rules, country: 'AT' })
  const customer = { name: 'Wirt am Eck', numbers: ['0664 1234567'], language: 'de', timeZone: 'Europe/Vienna' }
  t.strictSame(valueOf(await store.records.createCustomer(customer, monday)).numbers, ['+436641234567'])
})
