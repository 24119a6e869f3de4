import t from 'tap'
import { rules } from '../support/postgres.ts'
import { runHttp } from './running.ts'

t.test('a shop sells the premium service: customer, contract, PIN', async (t) => {
  const { ask, logged, store } = await runHttp(t)

  const customer = await ask('POST', '/v1/customers', {
    name: 'Bäckerei Sommer',
    numbers: ['0621 555-0123', '+49 172 5550123'],
    language: 'de',
    timeZone: 'Europe/Berlin',
  })
  t.equal(customer.status, 201)
  t.match(customer.body, {
    name: 'Bäckerei Sommer',
    numbers: ['+496215550123', '+491725550123'],
    language: 'de',
    timeZone: 'Europe/Berlin',
  })
  t.match(customer.body.customerNumber, /^\d{4,12}$/, 'has a number to type beside the PIN')
  t.equal(customer.headers.get('location'), `/v1/customers/${customer.body.id}`)
  t.same((await ask('GET', `/v1/customers/${customer.body.id}`)).body, customer.body)

  const contract = await ask('POST', `/v1/customers/${customer.body.id}/contracts`, {
    service: 'Fault clearance in 8 hours',
    priority: 5,
    hours: 'business',
    slaMinutes: 480,
    validFrom: '2026-01-01T00:00:00+01:00',
  })
  t.equal(contract.status, 201)
  t.match(contract.body, {
    customerId: customer.body.id,
    queue: 'service',
    priority: 5,
    hours: 'business',
    slaMinutes: 480,
    validFrom: '2025-12-31T23:00:00.000Z',
    validTo: null,
  })

  const drawn = await ask('POST', `/v1/contracts/${contract.body.id}/pins`)
  t.equal(drawn.status, 201)
  t.match(drawn.body.pin, /^\d{5}$/)
  const given = await ask('POST', `/v1/contracts/${contract.body.id}/pins`, { pin: '48291', validTo: '2099-01-01T00:00:00Z' })
  t.match(given.body, { pin: '48291', contractId: contract.body.id, validTo: '2099-01-01T00:00:00.000Z' })

  const question = { callId: 'call', line: 'hotline', trunk: null, caller: null, customerNumber: null, at: Date.now() }
  t.equal((await store.calls.checkPin({ ...question, pin: '48291' })).result.is, 'right', 'opens the gate')

  const revoked = await ask('DELETE', `/v1/pins/${given.body.id}`)
  t.equal(revoked.status, 204)
  t.equal((await store.calls.checkPin({ ...question, pin: '48291', at: Date.now() })).result.is, 'wrong', 'and no longer does')

  t.notMatch(logged(), /48291/)
  t.notMatch(logged(), drawn.body.pin)
  t.notMatch(logged(), /5550123/, 'numbers stay out of the log too')
})

t.test('a customer number that nobody could type is refused, and the field is named', async (t) => {
  const { ask, store } = await runHttp(t)
  const long = await ask('POST', '/v1/customers', { name: 'Bäckerei Sommer', customerNumber: '1234567' })
  t.equal(long.status, 400)
  t.match(long.body, { code: 'invalid_field', errors: [{ in: 'body', field: 'customerNumber', message: /At most 6 digits/ }] })
  store.useRules({ ...rules, customerNumberLength: 7 })
  t.equal(
    (await ask('POST', '/v1/customers', { name: 'Bäckerei Sommer', customerNumber: '1234567' })).status,
    201,
    'once the file allows it',
  )
})

t.test('a contract that says little gets what the service says', async (t) => {
  const { ask } = await runHttp(t)
  const customer = (await ask('POST', '/v1/customers', { name: 'Anna Beispiel' })).body
  t.match(customer, { numbers: [], language: 'de', timeZone: 'Europe/Berlin' })
  const contract = await ask('POST', `/v1/customers/${customer.id}/contracts`, { service: 'Concierge' })
  t.match(contract.body, { queue: 'service', priority: 0, hours: 'always', slaMinutes: null, validFrom: null, validTo: null })
})

t.test('what cannot be is refused, with the field that is wrong', async (t) => {
  const { ask } = await runHttp(t)
  const customer = (await ask('POST', '/v1/customers', { name: 'Anna', numbers: ['+496215550123'] })).body
  const contract = (await ask('POST', `/v1/customers/${customer.id}/contracts`, { service: 'Concierge' })).body
  const contracts = `/v1/customers/${customer.id}/contracts`
  const pins = `/v1/contracts/${contract.id}/pins`
  await ask('POST', pins, { pin: '48291' })
  const another = '01890000-0000-7000-8000-000000000000'

  const stories: [what: string, path: string, body: unknown, status: number, field: string | null][] = [
    ['a number that another customer has', '/v1/customers', { name: 'Ben', numbers: ['0621 5550123'] }, 409, 'numbers'],
    ['a number that is none', '/v1/customers', { name: 'Ben', numbers: ['+4962155501', 'call me'] }, 400, 'numbers.1'],
    ['one number twice', '/v1/customers', { name: 'Ben', numbers: ['+4962155501', '0621 55501'] }, 400, 'numbers.1'],
    ['a customer number that is taken', '/v1/customers', { name: 'Ben', customerNumber: customer.customerNumber }, 409, 'customerNumber'],
    ['a time zone on Mars', '/v1/customers', { name: 'Ben', timeZone: 'Mars/Olympus' }, 400, 'timeZone'],
    ['a language that is none', '/v1/customers', { name: 'Ben', language: 'Hochdeutsch!' }, 400, 'language'],
    ['a misspelt field', '/v1/customers', { name: 'Ben', timezone: 'Europe/Berlin' }, 400, 'timezone'],
    ['a name of spaces', '/v1/customers', { name: '   ' }, 400, 'name'],
    ['a name that nobody can see', '/v1/customers', { name: '\u0001\u007f' }, 400, 'name'],
    ['a number as a number', '/v1/customers', { name: 'Ben', numbers: [49621] }, 400, 'numbers.0'],
    ['a queue that nobody defined', contracts, { service: 'x', queue: 'nowhere' }, 400, 'queue'],
    ['hours that nobody defined', contracts, { service: 'x', hours: 'sundays' }, 400, 'hours'],
    ['a priority in words', contracts, { service: 'x', priority: '5' }, 400, 'priority'],
    ['a day that no calendar has', contracts, { service: 'x', validFrom: '2026-02-30T00:00:00Z' }, 400, 'validFrom'],
    ['a time without a zone', contracts, { service: 'x', validTo: '2026-02-03T00:00:00' }, 400, 'validTo'],
    [
      'an end before the beginning',
      contracts,
      { service: 'x', validFrom: '2026-02-03T00:00:00Z', validTo: '2026-02-02T00:00:00Z' },
      400,
      'validTo',
    ],
    ['a PIN with a letter', pins, { pin: '1234a' }, 400, 'pin'],
    ['a PIN that is too long', pins, { pin: '123456' }, 400, 'pin'],
    ['a PIN that is in use', pins, { pin: '48291' }, 409, 'pin'],
    ['a contract for nobody', `/v1/customers/${another}/contracts`, { service: 'x' }, 404, null],
    ['a PIN for no contract', `/v1/contracts/${another}/pins`, {}, 404, null],
    ["a PIN for a customer's id", `/v1/contracts/${customer.id}/pins`, {}, 404, null],
    ['an id that is none', '/v1/contracts/4711/pins', {}, 404, 'id'],
  ]
  for (const [what, path, body, status, field] of stories) {
    const answer = await ask('POST', path, body)
    t.equal(answer.status, status, what)
    t.match(answer.headers.get('content-type'), /^application\/problem\+json/, `${what}: a problem document`)
    t.match(answer.body, { type: 'about:blank', status, title: String, detail: String, code: String })
    if (field !== null)
      t.ok(
        answer.body.errors.some((error: { field: string }) => error.field === field),
        `${what}: names ${field}`,
      )
    t.notMatch(JSON.stringify(answer.body), /1234a|123456|48291/, 'and does not repeat a PIN')
  }
  t.equal((await ask('GET', `/v1/customers/${another}`)).status, 404)
  t.equal((await ask('DELETE', `/v1/pins/${another}`)).status, 404)
})
