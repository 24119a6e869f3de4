import { connect } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { runHttp } from './running.ts'

t.test('what is no JSON, no UTF-8, too large or too deep is said to be so', async (t) => {
  const { ask } = await runHttp(t)
  const post = (body: unknown, headers = {}) => ask('POST', '/v1/customers', body, headers)
  const deep = `{"name":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
  const stories: [what: string, body: unknown, headers: Record<string, string>, status: number, code: string][] = [
    ['half a document', '{"name":', {}, 400, 'bad_json'],
    ['text', 'name=Anna', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['a form', 'name=Anna', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported_media_type'],
    ['Latin-1', Buffer.from('{"name":"M\u00fcller"}', 'latin1'), {}, 400, 'bad_encoding'],
    ['a list', '[]', {}, 400, 'invalid_field'],
    ['null', 'null', {}, 400, 'invalid_field'],
    ['nothing', '', {}, 400, 'invalid_field'],
    ['a NUL', '{"name":"a\\u0000b"}', {}, 400, 'invalid_field'],
    ['half of a surrogate pair', '{"name":"\\ud83d"}', {}, 400, 'invalid_field'],
    ['a prototype', '{"name":"a","__proto__":{"numbers":["1"]}}', {}, 400, 'invalid_field'],
    ['deep nesting', deep, {}, 400, 'too_deep'],
    ['a huge body', `{"name":"${'a'.repeat(70_000)}"}`, {}, 413, 'body_too_large'],
  ]
  for (const [what, body, headers, status, code] of stories) {
    const answer = await post(body, headers)
    t.equal(answer.status, status, what)
    t.match(answer.body, { status, code }, what)
  }
})

t.test('a route that is not there, a method that is not possible, an address that is none', async (t) => {
  const { ask } = await runHttp(t)
  t.match(await ask('GET', '/nowhere'), { status: 404, body: { code: 'no_such_route' } })
  t.match(await ask('GET', '/v1/nowhere'), { status: 404, body: { code: 'no_such_route' } })
  const wrongMethod = await ask('PATCH', '/v1/lines')
  t.match(wrongMethod, { status: 405, body: { code: 'method_not_allowed' } })
  t.equal(wrongMethod.headers.get('allow'), 'GET, HEAD')
  t.match(await ask('DELETE', '/v1/customers/4711/contracts'), { status: 405 })
  t.match(await ask('GET', '/v1/customers/%zz'), { status: 400, body: { code: 'bad_url' } })
})

t.test('a query is taken as strictly as a body', async (t) => {
  const { ask } = await runHttp(t)
  const stories: [query: string, field: string][] = [
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=many', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['from=yesterday', 'from'],
    ['from=2026-13-01T00:00:00Z', 'from'],
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'],
    ['status=open', 'status'],
    ['customerId=4711', 'customerId'],
    ['cursor=nonsense', 'cursor'],
    [`cursor=${Buffer.from('99999999999999999999 x').toString('base64url')}`, 'cursor'],
    [`cursor=${Buffer.from('1700000000000 x').toString('base64url')}`, 'cursor'],
    ['caller=%00', 'caller'],
    ['order=asc', 'order'],
  ]
  for (const [query, field] of stories) {
    const answer = await ask('GET', `/v1/tickets?${query}`)
    t.equal(answer.status, 400, query)
    t.equal(answer.body.errors?.[0]?.field, field, `${query} names ${field}`)
  }
})

t.test('SQL in every string is only a string', async (t) => {
  const { ask } = await runHttp(t)
  const sql = "x'; DROP TABLE customers; --"
  const customer = await ask('POST', '/v1/customers', { name: sql })
  t.equal(customer.body.name, sql)
  t.match((await ask('POST', `/v1/customers/${customer.body.id}/contracts`, { service: sql })).body, { service: sql })
  t.equal((await ask('GET', `/v1/calls?caller=${encodeURIComponent(sql)}&line=${encodeURIComponent(sql)}`)).status, 200)
  t.equal((await ask('PUT', `/v1/announcements/${encodeURIComponent(sql)}`, { on: true, text: sql })).status, 404)
  t.equal((await ask('GET', `/v1/customers/${encodeURIComponent(sql)}`)).status, 404)
  t.equal((await ask('GET', `/v1/customers/${customer.body.id}`)).status, 200, 'the customers are still there')
})

t.test('garbage instead of HTTP is answered and hung up on', async (t) => {
  const { url } = await runHttp(t)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end('HELO hotline\r\n\r\n')
  const [first] = await once(socket, 'data')
  t.match(String(first), /^HTTP\/1\.1 400 /)
  socket.destroy()
})
