/**
 * Every operation that the OpenAPI document names, with input made from the
 * document: what it asks for is taken, and whatever else comes is refused with
 * a problem document that names the field. A new route is tested by being there.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { startSimulator } from '../../src/local/smsc/simulator.ts'
import { showSimulator } from '../../src/main/simulated-carrier.ts'
import { definition } from '../store/sms/status-line.ts'
import { goodBody, fits, operationsOf, SQL, VALUES, type Operation, type Parameter } from './generated.ts'
import { runHttp, type Answer, type Running } from './running.ts'

t.setTimeout(600_000)

const nobody = '01890000-0000-7000-8000-000000000000'
const running = await open(t)
const { ask } = running
const things = await thingsOf(running)
const operations = operationsOf((await ask('GET', '/openapi.json')).body)
/** Those that change nothing come first, and what takes things away last; with a customer goes what is theirs. */
const order = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE']
const isErasing = ({ method, path }: Operation): boolean => method === 'DELETE' && path === '/v1/customers/{id}'
operations.sort((a, b) => order.indexOf(a.method) - order.indexOf(b.method) || Number(isErasing(a)) - Number(isErasing(b)))
const writes = operations.filter(({ body }) => body !== null)
/** Side by side: most of it is waiting. */
const ofEach = (some: readonly Operation[], story: (operation: Operation) => Promise<void>) => Promise.all(some.map(story))

t.test('the document has what there is', async (t) => {
  t.ok(operations.length >= 50)
  t.ok(writes.length >= 16)
})

t.test('a body with one wrong field is refused by that name', async (t) => {
  await ofEach(writes, async (operation) => {
    const { properties = {}, required = [] } = operation.body!
    const good = goodBody(operation.body!, goodFields())
    for (const [field, schema] of Object.entries(properties)) {
      for (const value of VALUES.filter((each) => !fits(schema, each))) {
        refusedFor(t, await send(operation, { ...good, [field]: value }), field, `${titleOf(operation)}: ${field} is ${said(value)}`)
      }
      // What a schema calls sound may still be nothing that there is; nothing is found of it, or it is done.
      for (const value of VALUES.filter((each) => fits(schema, each))) {
        sound(t, await send(operation, { ...good, [field]: value }, nobodyFor), `${titleOf(operation)}: ${field} is ${said(value)}`)
      }
    }
    for (const field of required) {
      const { [field]: _, ...without } = good
      refusedFor(t, await send(operation, without), field, `${titleOf(operation)} without ${field}`)
    }
    refusedFor(t, await send(operation, { ...good, unheard_of: 1 }), 'unheard_of', `${titleOf(operation)} with an unknown field`)
    for (const number of ['1e400', '-1e400']) {
      for (const [field, schema] of Object.entries(properties)) {
        if (!['integer', 'number'].includes(String([schema.type].flat()[0]))) continue
        const text = JSON.stringify({ ...good, [field]: 'HERE' }).replace('"HERE"', number)
        refusedFor(t, await send(operation, text), field, `${titleOf(operation)}: ${field} is ${number}`)
      }
    }
    t.pass(titleOf(operation))
  })
})

t.test('what is no JSON object at all is said to be so', async (t) => {
  await ofEach(writes, async (operation) => {
    const title = titleOf(operation)
    const refused: [what: string, body: unknown, headers: Record<string, string>, status: number][] = [
      ['half a document', '{"a":', {}, 400],
      ['a list', '[]', {}, 400],
      ['a text', '"x"', {}, 400],
      ['a number', '1', {}, 400],
      ['null', 'null', {}, 400],
      ['not a number', '{"a":NaN}', {}, 400],
      ['Latin-1', Buffer.from('{"a":"ü"}', 'latin1'), {}, 400],
      ['half a surrogate pair', '{"a":"\\ud83d"}', {}, 400],
      ['a NUL', '{"a":"\\u0000"}', {}, 400],
      ['a prototype', '{"__proto__":{"admin":true}}', {}, 400],
      ['30,000 levels', `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, {}, 400],
      ['XML', '<a/>', { 'content-type': 'application/xml' }, 415],
      ['a form', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
      ['text', '{}', { 'content-type': 'text/plain' }, 415],
      ['too much', `{"a":"${'x'.repeat(70_000)}"}`, {}, 413],
    ]
    for (const [what, body, headers, status] of refused) {
      const answer = await send(operation, body, undefined, headers)
      t.equal(answer.status, status, `${title}: ${what}`)
      isProblem(t, answer, `${title}: ${what}`)
    }
  })
})

t.test('a query with one wrong field is refused by that name', async (t) => {
  await ofEach(operations, async (operation) => {
    const query = operation.parameters.filter((parameter) => parameter.in === 'query')
    if (query.length === 0) return
    for (const parameter of query) {
      for (const text of VALUES.filter((value): value is string => typeof value === 'string')) {
        const answer = await send(operation, undefined, undefined, {}, `${parameter.name}=${encodeURIComponent(text)}`)
        const what = `${titleOf(operation)}?${parameter.name}=${said(text)}`
        if (fits(parameter.schema, readAs(parameter, text))) sound(t, answer, what)
        else refusedFor(t, answer, parameter.name, what)
      }
      const twice = await send(operation, undefined, undefined, {}, `${parameter.name}=1&${parameter.name}=2`)
      refusedFor(t, twice, parameter.name, `${titleOf(operation)} with ${parameter.name} twice`)
    }
    refusedFor(t, await send(operation, undefined, undefined, {}, 'order=asc'), 'order', `${titleOf(operation)} with an unknown filter`)
    sound(
      t,
      await send(operation, undefined, undefined, {}, `${query[0]!.name}=%ff%fe`),
      `${titleOf(operation)} with bytes that are no UTF-8`,
    )
  })
})

t.test('an id that is none, or of another kind, leads nowhere', async (t) => {
  const { into: _, ...others } = things
  const ids = [...new Set(Object.values(others)), nobody, 'x', '0', '-1', '4711', SQL, 'x'.repeat(90), 'x'.repeat(3000), '%', 'null']
  await ofEach(operations, async (operation) => {
    const [parameter] = operation.parameters.filter((each) => each.in === 'path')
    if (parameter === undefined) return
    const own = things[kindOf(operation)]
    for (const id of ids.filter((each) => each !== own)) {
      const body = operation.body === null ? undefined : goodBody(operation.body, goodFields())
      const answer = await send(operation, body, () => id)
      // What is said about a number needs no number that we know; and nothing is said of people without one.
      const isKnown = answer.status < 300 && kindOf(operation) === 'consents'
      t.ok(isKnown || (answer.status >= 400 && answer.status < 500), `${titleOf(operation)} of ${said(id)}: ${answer.status}`)
      if (!isKnown) isProblem(t, answer, `${titleOf(operation)} of ${said(id)}`)
    }
    for (const encoded of ['%zz', '%ff', '%00'])
      sound(t, await ask(operation.method, operation.path.replace(/\{\w+\}/, encoded)), `${titleOf(operation)} of ${encoded}`)
  })
})

t.test('whatever JSON comes, the answer is never a 500', async (t) => {
  await ofEach(writes, async (operation) => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.integer().map(String),
      fc.constantFrom(...Object.values(goodFields()), ...VALUES),
    )
    const fields = Object.fromEntries(Object.keys(operation.body!.properties ?? {}).map((field) => [field, value]))
    const body = fc.oneof({ weight: 1, arbitrary: fc.jsonValue() }, { weight: 4, arbitrary: fc.record(fields, { requiredKeys: [] }) })
    await fc.assert(
      fc.asyncProperty(body, async (given) => {
        const answer = await send(operation, JSON.stringify(given), nobodyFor)
        return answer.status < 500 && (answer.status < 300 || answer.body.status === answer.status)
      }),
      { numRuns: 60 },
    )
    t.pass(titleOf(operation))
  })
})

t.test('and what the document asks for is taken', async (t) => {
  for (const operation of operations) {
    const body = operation.body === null ? undefined : goodBody(operation.body, goodFields())
    const answer = await send(operation, body)
    const isDone = answer.status < 300 || EXPECTED[titleOf(operation)] === answer.status
    t.ok(isDone, `${titleOf(operation)} with ${JSON.stringify(body)}: ${answer.status} ${isDone ? '' : JSON.stringify(answer.body)}`)
  }
})

t.test('through all of that, nothing was a mistake of ours, and no table is gone', async (t) => {
  const mistakes = running
    .logged()
    .split('\n')
    .filter((line) => line.includes('"level":50'))
  t.same(mistakes.slice(0, 3), [])
  await t.resolves(running.query('SELECT FROM customers'))
})

/** What this test's own surroundings have nothing for. */
const EXPECTED: Record<string, number> = { 'GET /prompts/{hash}.wav': 404, 'GET /v1/tickets/{id}/voicemail': 404 }

// ---------------------------------------------------------------- asking

async function open(test: Parameters<typeof runHttp>[0]): Promise<Running> {
  const smsc = await startSimulator()
  test.teardown(() => smsc.close())
  const running = await runHttp(test, {
    simulator: showSimulator(smsc),
    demoAgent: { keep: async () => ({ username: 'u', password: 'p', server: 's' }), dismiss: async () => {} },
  })
  await running.store.outbox.useSms(definition(), Date.now())
  return running
}

/** One of each kind, by the first word of its path; of what stands further on in a path, by the name that it has there. */
async function thingsOf({ ask, query }: Running): Promise<Record<string, string>> {
  const made = async (path: string, body: unknown): Promise<any> => {
    const answer = await ask('POST', path, body)
    assert(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const customer = await made('/v1/customers', { name: 'Anna', numbers: ['+491701234567'] })
  const contract = await made(`/v1/customers/${customer.id}/contracts`, { service: 'x' })
  const pin = await made(`/v1/contracts/${contract.id}/pins`, {})
  const ticket = await made('/v1/tickets', { subject: 'x', customerId: customer.id })
  const other = await made('/v1/tickets', { subject: 'x', customerId: customer.id })
  const { items } = (await ask('GET', '/v1/messages')).body
  const webhook = await made('/v1/webhooks', { url: 'https://crm.example.com/hook', events: ['ticket.created'] })
  await made(`/v1/webhooks/${webhook.id}/test`, undefined)
  const deliveries = (await ask('GET', `/v1/webhooks/${webhook.id}/deliveries`)).body
  const key = await made('/v1/keys', { name: 'CRM', scopes: ['read'] })
  await query(
    `INSERT INTO calls (id, asterisk, leg, line, dialled, language, flow_hash, started_at, path) VALUES ('call-1', 'pbx', 'leg', 'hotline', 'x', 'de', 'flow', now(), '[]')`,
  )
  return {
    customers: customer.id,
    contracts: contract.id,
    pins: pin.id,
    tickets: ticket.id,
    into: other.id,
    webhooks: webhook.id,
    keys: key.id,
    deliveryId: deliveries.items[0].id,
    messages: items[0].id,
    calls: 'call-1',
    agents: 'anna',
    announcements: 'outage',
    consents: '+491701234567',
    prompts: 'hash',
  }
}

/** By field name: what goes with the things that there are. */
function goodFields(): Record<string, unknown> {
  return {
    name: 'Anna',
    subject: 'Anschluss gestört',
    caller: '+491701234567',
    customerId: things['customers'],
    language: 'de',
    timeZone: 'Europe/Berlin',
    service: 'Entstörung',
    queue: 'service',
    hours: 'always',
    type: 'payment.received',
    to: '+491701234567',
    from: '+491701234567',
    data: { amount: '49,90 €', invoice: '2026-117' },
    text: 'Der Techniker kommt.',
    on: false,
    kind: 'drop',
    url: 'https://crm.example.com/hook',
    events: ['ticket.created'],
    scopes: ['read'],
    reason: 'lunch',
    into: things['into'],
  }
}

function send(
  operation: Operation,
  body?: unknown,
  idFor: (kind: string) => string = (kind) => things[kind] ?? nobody,
  headers: Record<string, string> = {},
  query = '',
): Promise<Answer> {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(things[name] ?? idFor(kindOf(operation))))
  return ask(operation.method, query === '' ? path : `${path}?${query}`, body, headers)
}

const nobodyFor = (): string => nobody
const kindOf = ({ path }: Operation): string => path.split('/').filter((word) => word !== 'v1')[1] ?? ''
const titleOf = ({ method, path }: Operation): string => `${method} ${path}`
const said = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 60)
/** In a query everything is text, of which whole numbers and `true` and `false` are read. */
const readAs = ({ schema }: Parameter, text: string): unknown =>
  ([schema.type].flat().includes('integer') && /^-?\d{1,15}$/.test(text)) || (schema.type === 'boolean' && /^(true|false)$/.test(text))
    ? JSON.parse(text)
    : text

// ---------------------------------------------------------------- judging

function refusedFor(test: Test, answer: Answer, field: string, what: string): void {
  isProblem(test, answer, what)
  const named = (answer.body?.errors ?? []).map((error: { field: string }) => error.field)
  const isNamed = named.some((name: string) => name === field || name.startsWith(`${field}.`))
  if (!isNamed || ![400, 404, 409, 422].includes(answer.status))
    test.fail(`${what} is refused by name`, { status: answer.status, body: answer.body })
}

function sound(test: Test, answer: Answer, what: string): void {
  if (answer.status >= 500) test.fail(`${what}: ${answer.status}`)
  if (answer.status >= 400) isProblem(test, answer, what)
}

function isProblem(test: Test, { status, headers, body }: Answer, what: string): void {
  const isOne =
    status >= 400 &&
    status < 500 &&
    headers.get('content-type')?.startsWith('application/problem+json') === true &&
    body.status === status &&
    typeof body.code === 'string' &&
    body.detail.length > 0
  if (!isOne) test.fail(`${what} gets a problem document`, { status, body })
}
