import t from 'tap'
import { runHttp } from './running.ts'

const another = '01890000-0000-7000-8000-000000000000'

t.test('somebody rings the office: their customer is found by number, by customer number, by name', async (t) => {
  const { ask } = await runHttp(t)
  const names = ['Bäckerei Sommer', 'Bäder Müller', 'Anna 100 %', 'anna_beispiel']
  const [sommer, baeder, percent, anna] = await Promise.all(
    names.map(async (name, place) => (await ask('POST', '/v1/customers', { name, numbers: [`+4962155501${place}`] })).body),
  )
  const found = async (query: string) => {
    const { status, body } = await ask('GET', `/v1/customers?${query}`)
    t.equal(status, 200, query)
    return body.items
  }
  t.same(await found('number=0621%2055501%200'), [sommer], 'however the number is written')
  t.same(await found('number=+49621555011'), [baeder], 'with a + that nobody escaped')
  t.same(await found('number=%2B4930999999'), [])
  t.same(await found(`customerNumber=${anna.customerNumber}`), [anna])
  t.same(new Set((await found('name=b%C3%84')).map((one: { name: string }) => one.name)), new Set(['Bäckerei Sommer', 'Bäder Müller']))
  t.same(await found('name=anna%20100%20%25'), [percent], 'what is a pattern elsewhere is text here')
  t.same(await found('name=anna_'), [anna])
  t.same(await found('name=sommer'), [], 'a name is looked for by its beginning')
  t.same(await found(`name=anna&customerNumber=${sommer.customerNumber}`), [], 'filters narrow each other')
  t.equal((await found('from=2099-01-01T00:00:00Z')).length, 0)
})

t.test('the list of customers is read page by page, newest first, whoever comes in meanwhile', async (t) => {
  const { ask } = await runHttp(t)
  const made: string[] = []
  for (let one = 0; one < 5; one++) made.unshift((await ask('POST', '/v1/customers', { name: `Kunde ${one}` })).body.id)
  const first = (await ask('GET', '/v1/customers?limit=2')).body
  await ask('POST', '/v1/customers', { name: 'Kunde 5' })
  const second = (await ask('GET', `/v1/customers?limit=2&cursor=${first.next}`)).body
  const third = (await ask('GET', `/v1/customers?limit=2&cursor=${second.next}`)).body
  const read = [first, second, third].flatMap(({ items }) => items.map((one: { id: string }) => one.id))
  t.same(read, made)
  t.equal(third.next, null)
})

t.test('a customer moves and changes their number', async (t) => {
  const { ask } = await runHttp(t)
  const made = await ask('POST', '/v1/customers', { name: 'Anna Beispiel', numbers: ['+496215550120', '+491725550120'] })
  const path = `/v1/customers/${made.body.id}`
  const changed = await ask('PATCH', path, { name: ' Anna Muster ', numbers: ['0172 5550120', '030 5550120'], timeZone: 'Europe/Vienna' })
  t.equal(changed.status, 200)
  t.match(changed.body, { name: 'Anna Muster', numbers: ['+491725550120', '+49305550120'], timeZone: 'Europe/Vienna', language: 'de' })
  t.same((await ask('GET', path)).body, changed.body)
  t.same((await ask('PATCH', path, {})).body, changed.body, 'what is not given stays')

  const freed = await ask('POST', '/v1/customers', { name: 'Ben', numbers: ['+496215550120'], customerNumber: '4711' })
  t.equal(freed.status, 201, 'the number that was given up is free')
  for (const [what, body, status, field] of [
    ["another's number", { numbers: ['+496215550120'] }, 409, 'numbers'],
    ["another's customer number", { customerNumber: '4711' }, 409, 'customerNumber'],
    ['a customer number that nobody could type', { customerNumber: '1234567' }, 400, 'customerNumber'],
    ['a number that is none', { numbers: ['+49', 'call me'] }, 400, 'numbers.0'],
    ['no name', { name: '' }, 400, 'name'],
    ['a language that is none', { language: '!' }, 400, 'language'],
    ['what no customer has', { demo: true }, 400, 'demo'],
    ['null', { name: null }, 400, 'name'],
  ] as const) {
    const refused = await ask('PATCH', path, body)
    t.equal(refused.status, status, what)
    t.match(refused.body.errors, [{ field }], what)
  }
  t.same((await ask('GET', path)).body, changed.body, 'and nothing of what was refused is written')
  t.equal((await ask('PATCH', `/v1/customers/${another}`, { name: 'x' })).status, 404)
})

t.test('a contract is upgraded, and ends: its PINs open nothing any more', async (t) => {
  const { ask, store } = await runHttp(t)
  const customer = (await ask('POST', '/v1/customers', { name: 'Anna Beispiel' })).body
  const contract = (await ask('POST', `/v1/customers/${customer.id}/contracts`, { service: 'Concierge', slaMinutes: 480 })).body
  const concierge = await ask('GET', `/v1/contracts/${contract.id}`)
  t.same(concierge.body, contract)
  await ask('POST', `/v1/contracts/${contract.id}/pins`, { pin: '48291' })
  const judged = async () => {
    const question = { callId: 'call', line: 'hotline', trunk: null, caller: null, customerNumber: null, at: Date.now(), pin: '48291' }
    return (await store.calls.checkPin(question)).result.is
  }
  t.equal(await judged(), 'right')

  const path = `/v1/contracts/${contract.id}`
  const changed = await ask('PATCH', path, { priority: 9, hours: 'business', slaMinutes: null, pinBySms: true })
  t.equal(changed.status, 200)
  t.match(changed.body, { service: 'Concierge', priority: 9, hours: 'business', slaMinutes: null, pinBySms: true, queue: 'service' })
  t.equal(await judged(), 'right')
  const ended = await ask('PATCH', path, { validTo: '2026-01-01T00:00:00+01:00' })
  t.equal(ended.body.validTo, '2025-12-31T23:00:00.000Z')
  t.equal(await judged(), 'wrong')
  t.equal((await ask('PATCH', path, { validTo: null })).body.validTo, null)
  t.equal(await judged(), 'right', 'whoever ended it by mistake takes it back')

  for (const [what, body, field] of [
    ['a queue that nobody defined', { queue: 'nowhere' }, 'queue'],
    ['hours that nobody defined', { hours: 'sundays' }, 'hours'],
    ['a beginning after the end', { validFrom: '2026-02-03T00:00:00Z', validTo: '2026-02-02T00:00:00Z' }, 'validTo'],
    ['another customer', { customerId: customer.id }, 'customerId'],
    ['a word for a yes', { pinBySms: 'yes' }, 'pinBySms'],
  ] as const) {
    const refused = await ask('PATCH', path, body)
    t.equal(refused.status, 400, what)
    t.match(refused.body.errors, [{ field }], what)
  }
  await ask('PATCH', path, { validFrom: '2026-03-01T00:00:00Z' })
  t.match((await ask('PATCH', path, { validTo: '2026-02-01T00:00:00Z' })).body.errors, [{ field: 'validTo' }], 'against what it has')

  const second = (await ask('POST', `/v1/customers/${customer.id}/contracts`, { service: 'Fault clearance' })).body
  const list = (await ask('GET', `/v1/customers/${customer.id}/contracts`)).body
  t.same(
    list.items.map((one: { id: string }) => one.id),
    [second.id, contract.id],
  )
  t.equal(list.next, null)
  const none = (await ask('POST', '/v1/customers', { name: 'Ben' })).body
  t.same((await ask('GET', `/v1/customers/${none.id}/contracts`)).body, { items: [], next: null })
})

t.test('what is told of PINs is when they count, and never their digits', async (t) => {
  const { ask } = await runHttp(t)
  const customer = (await ask('POST', '/v1/customers', { name: 'Anna Beispiel' })).body
  const contract = (await ask('POST', `/v1/customers/${customer.id}/contracts`, { service: 'Concierge' })).body
  const path = `/v1/contracts/${contract.id}/pins`
  const first = (await ask('POST', path, { pin: '48291' })).body
  const second = (await ask('POST', path, { validTo: '2099-01-01T00:00:00Z' })).body
  await ask('DELETE', `/v1/pins/${first.id}`)
  const list = await ask('GET', path)
  t.match(list.body, {
    items: [
      { id: second.id, contractId: contract.id, validTo: '2099-01-01T00:00:00.000Z', revokedAt: null, messageId: null },
      { id: first.id, revokedAt: /^20/, validFrom: null },
    ],
    next: null,
  })
  t.notMatch(JSON.stringify(list.body), /48291|digest|"pin"/)
  t.equal((await ask('GET', `${path}?limit=1`)).body.items.length, 1)
  for (const path of [`/v1/contracts/${another}/pins`, `/v1/customers/${another}/contracts`, `/v1/contracts/${another}`]) {
    t.equal((await ask('GET', path)).status, 404, path)
  }
})
