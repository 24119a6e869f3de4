import t from 'tap'
import { rules, testStore } from '../support/postgres.ts'
import { monday, serviceWith, valueOf } from '../support/stories.ts'

const weber = { name: 'Marta Weber', numbers: ['+49 621 12345', '0171/1234567', '+4962112345'], language: 'de', timeZone: 'Europe/Berlin' }
const noSuchId = '018f0000-0000-7000-8000-000000000000'

t.test('a customer is entered with numbers in one form and a customer number to type', async (t) => {
  const { records } = await testStore(t)
  const customer = valueOf(await records.createCustomer(weber, monday))
  t.match(customer, { name: 'Marta Weber', numbers: ['+4962112345', '+491711234567'], customerNumber: '100001', createdAt: monday })
  t.strictSame(await records.customer(customer.id), customer)
  t.equal(await records.customer(noSuchId), null)
  t.equal(await records.customer('nonsense'), null)
})

t.test('customer numbers are drawn around those that were given', async (t) => {
  const { records } = await testStore(t)
  for (const customerNumber of ['100001', '100002'])
    valueOf(await records.createCustomer({ ...weber, numbers: [], customerNumber }, monday))
  t.equal(valueOf(await records.createCustomer({ ...weber, numbers: [] }, monday)).customerNumber, '100003')
  t.match(await records.createCustomer({ ...weber, numbers: [], customerNumber: '100002' }, monday), {
    ok: false,
    refusal: { refused: 'conflict', field: 'customerNumber' },
  })
  t.match(await records.createCustomer({ ...weber, numbers: [], customerNumber: '12 34' }, monday), {
    ok: false,
    refusal: { refused: 'invalid', field: 'customerNumber' },
  })
})

t.test('a customer number is one that can be typed: no longer than the file lets callers type', async (t) => {
  const store = await testStore(t, { customerNumberLength: 8 })
  const { records } = store
  const lena = { ...weber, numbers: [], customerNumber: '20260302' }
  valueOf(await records.createCustomer(lena, monday))
  t.strictSame(await records.untypableCustomerNumbers(), { customers: 0, longest: 0 })

  store.useRules({ ...rules, customerNumberLength: 6 })
  t.match(await records.createCustomer({ ...lena, customerNumber: '2026030' }, monday), {
    ok: false,
    refusal: { refused: 'invalid', field: 'customerNumber', message: /At most 6 digits/ },
  })
  valueOf(await records.createCustomer({ ...lena, customerNumber: '4711' }, monday))
  t.strictSame(await records.untypableCustomerNumbers(), { customers: 1, longest: 8 }, 'who was entered before is told of')

  store.useRules({ ...rules, customerNumberLength: 4 })
  const drawn = valueOf(await records.createCustomer({ ...weber, numbers: [] }, monday)).customerNumber
  t.match(drawn, /^[0-9]{4}$/, 'and a drawn one can be typed too')
})

t.test('when all customer numbers of that length are out, it says which setting makes room', async (t) => {
  const { records, query } = await testStore(t, { customerNumberLength: 4 })
  await query(`SELECT setval('customer_numbers_drawn', 109999)`)
  t.match(await records.createCustomer(weber, monday), {
    ok: false,
    refusal: { refused: 'conflict', message: /customer_number_length/ },
  })
})

t.test('a number speaks for one customer, and must be one', async (t) => {
  const { records, query } = await testStore(t)
  valueOf(await records.createCustomer(weber, monday))
  const other = await records.createCustomer({ ...weber, name: 'Jens Ott', numbers: ['0621 12345'] }, monday)
  t.match(other, { ok: false, refusal: { refused: 'conflict', field: 'numbers' } })
  t.notMatch(JSON.stringify(other), /Weber/, 'it does not say whose')
  t.match(await records.createCustomer({ ...weber, numbers: ['Hallo\0'] }, monday), {
    ok: false,
    refusal: { refused: 'invalid', field: 'numbers' },
  })
  t.equal((await query('SELECT FROM customers')).rowCount, 1, 'nothing is left of what was refused')
})

t.test('a contract needs a customer, a queue and an end after its beginning', async (t) => {
  const store = await testStore(t)
  await serviceWith(store, [])
  const { records } = store
  const customer = valueOf(await records.createCustomer(weber, monday))
  const contract = {
    customerId: customer.id,
    service: 'Premium',
    queue: 'emergency',
    priority: 10,
    hours: 'always',
    slaMinutes: null,
    validFrom: monday,
    validTo: monday + 1,
  }
  t.match(await records.createContract(contract, monday), { ok: true, value: contract })
  t.match(await records.createContract({ ...contract, customerId: noSuchId }, monday), { ok: false, refusal: { refused: 'not_found' } })
  t.match(await records.createContract({ ...contract, customerId: 'x' }, monday), { ok: false, refusal: { refused: 'not_found' } })
  t.match(await records.createContract({ ...contract, queue: 'nowhere' }, monday), {
    ok: false,
    refusal: { refused: 'invalid', field: 'queue' },
  })
  t.match(await records.createContract({ ...contract, validTo: monday }, monday), {
    ok: false,
    refusal: { refused: 'invalid', field: 'validTo' },
  })
})
