import t from 'tap'
import { runHttp, type Running } from './running.ts'

async function ticket({ ask }: Running): Promise<string> {
  return (await ask('POST', '/v1/tickets', { subject: 'Störung', caller: '+491701234567' })).body.id
}

t.test('two agents do not overwrite each other: the second is told that the ticket is another by now', async (t) => {
  const http = await runHttp(t)
  const { ask } = http
  const path = `/v1/tickets/${await ticket(http)}`
  const [anna, ben] = [await ask('GET', path), await ask('GET', path)]
  const seen = anna.headers.get('etag')!
  t.equal(seen, '"1"')
  t.equal(ben.headers.get('etag'), seen)

  const changed = await ask('PATCH', path, { status: 'in_progress' }, { 'if-match': seen })
  t.equal(changed.status, 200)
  t.equal(changed.headers.get('etag'), '"2"')
  const late = await ask('PATCH', path, { subject: 'Telefon tot' }, { 'if-match': seen })
  t.equal(late.status, 412)
  t.equal(late.body.code, 'precondition_failed')
  t.match(late.body.detail, /version 2/)
  t.equal(late.headers.get('etag'), '"2"', 'with what it is now')
  t.match((await ask('GET', path)).body, { subject: 'Störung', version: 2 })
  t.equal((await ask('PATCH', path, { subject: 'Telefon tot' }, { 'if-match': late.headers.get('etag')! })).status, 200)
})

t.test('of two at the same moment one comes through', async (t) => {
  const http = await runHttp(t)
  const path = `/v1/tickets/${await ticket(http)}`
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, place) => http.ask('PATCH', path, { subject: `Fassung ${place}` }, { 'if-match': '"1"' })),
  )
  t.strictSame(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(412)])
  for (const { status, headers } of answers) t.equal(headers.get('etag'), '"2"', String(status))
})

t.test('a list of ETags and * are understood; a weak one never matches', async (t) => {
  const http = await runHttp(t)
  const path = `/v1/tickets/${await ticket(http)}`
  let version = 1
  const attempt = (ifMatch: string) => http.ask('PATCH', path, { subject: `Fassung nach ${version}` }, { 'if-match': ifMatch })
  for (const good of [() => '*', () => `"${version}"`, () => `"x,y", "${version}" ,W/"7"`, () => `"9",\t"${version}"`]) {
    t.equal((await attempt(good())).status, 200, good())
    version += 1
  }
  for (const other of [`W/"${version}"`, '"99"', '""', `"${version - 1}", "x"`]) t.equal((await attempt(other)).status, 412, other)
  for (const none of [String(version), `"${version}`, `'${version}'`, `"1" "2"`, '*, "1"', ',']) {
    const refused = await attempt(none)
    t.equal(refused.status, 400, none)
    t.match(refused.body, { code: 'invalid_field', errors: [{ in: 'header', field: 'If-Match' }] })
  }
  t.equal((await http.ask('GET', path)).body.version, version)
})

t.test('what somebody has already is not sent again', async (t) => {
  const http = await runHttp(t)
  const path = `/v1/tickets/${await ticket(http)}`
  for (const same of ['"1"', 'W/"1"', '*', '"0", "1"']) {
    const answer = await http.ask('GET', path, undefined, { 'if-none-match': same })
    t.equal(answer.status, 304, same)
    t.equal(answer.headers.get('etag'), '"1"')
    t.equal(answer.body.length, 0)
  }
  const other = await http.ask('GET', path, undefined, { 'if-none-match': '"2"' })
  t.equal(other.status, 200)
  t.equal(other.body.version, 1)
  t.equal((await http.ask('GET', path, undefined, { 'if-none-match': 'x' })).status, 400)
})

t.test('preconditions stand behind what is wrong anyway', async (t) => {
  const http = await runHttp(t)
  const path = `/v1/tickets/${await ticket(http)}`
  const nowhere = '/v1/tickets/01890000-0000-7000-8000-000000000000'
  t.equal((await http.ask('PATCH', nowhere, { subject: 'x' }, { 'if-match': '"1"' })).status, 404)
  t.equal((await http.ask('PATCH', nowhere, { subject: 'x' }, { 'if-match': '*' })).status, 404)
  t.equal((await http.ask('PATCH', path, { subject: 7 }, { 'if-match': '"1"' })).status, 400)
  // The older way, by the body, goes on working.
  t.equal((await http.ask('PATCH', path, { subject: 'Telefon tot', version: 1 }, { 'if-match': '"1"' })).status, 200)
  t.equal((await http.ask('PATCH', path, { subject: 'Telefon geht', version: 1 })).status, 409)
  t.equal((await http.ask('PATCH', path, { subject: 'Telefon geht', version: 1 }, { 'if-match': '"2"' })).status, 409)
})

t.test('a change whose answer was lost is not refused when it comes again with its Idempotency-Key', async (t) => {
  const http = await runHttp(t)
  const path = `/v1/tickets/${await ticket(http)}`
  const headers = { 'if-match': '"1"', 'idempotency-key': 'k' }
  for (const replayed of [null, 'true']) {
    const answer = await http.ask('PATCH', path, { status: 'in_progress' }, headers)
    t.equal(answer.status, 200)
    t.equal(answer.headers.get('etag'), '"2"')
    t.equal(answer.headers.get('idempotency-replayed'), replayed)
  }
})

t.test(
  'who merges a ticket that somebody has changed meanwhile is told so, and the clocks of one that has any are always told',
  async (t) => {
    const http = await runHttp(t)
    const [id, into] = [await ticket(http), await ticket(http)]
    await http.ask('PATCH', `/v1/tickets/${id}`, { status: 'in_progress' })
    const late = await http.ask('POST', `/v1/tickets/${id}/merge`, { into }, { 'if-match': '"1"' })
    t.match(late, { status: 412, body: { code: 'precondition_failed' } })
    t.equal(late.headers.get('etag'), '"2"')
    const merged = await http.ask('POST', `/v1/tickets/${id}/merge`, { into }, { 'if-match': '"2"' })
    t.match(merged, { status: 200, body: { mergedInto: into } })

    const fault = await http.ask('POST', '/v1/tickets', { subject: 'Kein Netz', caller: '+4962155501', fault: true })
    const again = await http.ask('GET', `/v1/tickets/${fault.body.id}`, undefined, { 'if-none-match': fault.headers.get('etag')! })
    t.match(again, { status: 200, body: { legal: {} } })
  },
)
