/** Whose number it was is nobody's business who reads the log. */
import { Writable } from 'node:stream'
import fc from 'fast-check'
import pino from 'pino'
import t, { type Test } from 'tap'
import { hideNumbers, hidingNumbers, type NumbersInLog } from '../../src/main/log-numbers.ts'
import { runHttp } from '../http/running.ts'
import { definition, ours } from '../store/sms/status-line.ts'
import { callRow, monday, question } from '../support/stories.ts'

const mobile = '+491701234567'

t.test('a number stands as country and last two digits, or not at all', async (t) => {
  for (const [line, masked, none] of [
    ['"caller":"+491701234567"', '"caller":"+49…67"', '"caller":"<number>"'],
    ['"msg":"rings +1 202-555-0123 now"', '"msg":"rings +1…23 now"', '"msg":"rings <number> now"'],
    ['"to":"+423 235 09 09."', '"to":"+423…09."', '"to":"<number>."'],
    ['Key (number)=(+4962155500) already exists', 'Key (number)=(+49…00) already exists', 'Key (number)=(<number>) already exists'],
    ['sip:01701234567@192.0.2.7:5060', 'sip:…67@192.0.2.7:5060', 'sip:<number>@192.0.2.7:5060'],
    ['"from":"00491701234567"', '"from":"0049…67"', '"from":"<number>"'],
    ['"caller":"491701234567"', '"caller":"…67"', '"caller":"<number>"'],
    ['"numbers":["+491701234567","0170 7654321"]', '"numbers":["+49…67","0170 …21"]', '"numbers":["<number>","0170 <number>"]'],
    [
      '"recording":"pforte-fallback-1772438400-17-p491701234567-hotline"',
      '"recording":"pforte-fallback-1772438400-17-p49…67-hotline"',
      '"recording":"pforte-fallback-1772438400-17-<number>-hotline"',
    ],
  ] as const) {
    t.equal(hideNumbers(line, 'masked'), masked)
    t.equal(hideNumbers(line, 'none'), none)
    t.equal(hideNumbers(line, 'full'), line)
  }
})

t.test('what is no number stays', async (t) => {
  for (const line of [
    '{"level":30,"time":1772438400123,"durationMs":1234567,"msg":"answered"}',
    '{"call":"01906123-4567-7abc-8def-012345678901","leg":"1772438400.1234567"}',
    '{"at":"2026-03-02T08:00:00.000Z","hash":"0a1b2c3d4e5f60718293a4b5c6d7e8f9"}',
    '{"port":5060,"error":"42P01","url":"http://127.0.0.1:8080/v1/calls?limit=20","chance":0.0123456}',
    '{"to":"anna","from":"InfoSMS","caller":null}',
    '{"ticket":"100014","messages":12345}',
  ]) {
    t.equal(hideNumbers(line, 'masked'), line)
    t.equal(hideNumbers(line, 'none'), line)
  }
})

t.test('wherever a number stands in a line, it does not stand there whole, and the line stays JSON', async () => {
  const number = fc.tuple(fc.constantFrom('49', '1', '43', '423', '7', '351'), fc.stringMatching(/^[1-9][0-9]{6,9}$/))
  const text = fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', '\n', 'ü', '(', ':', '/', '=', 'Z'), maxLength: 8 })
  fc.assert(
    fc.property(number, text, text, fc.constantFrom<NumbersInLog>('masked', 'none'), ([country, rest], before, after, how) => {
      const said = `${before}+${country}${rest}${after}`
      const line = JSON.stringify({ level: 30, caller: said, err: { message: said, stack: said }, msg: said })
      const hidden = hideNumbers(line, how)
      return !hidden.includes(rest) && JSON.parse(hidden).level === 30
    }),
  )
})

/** A log as Pforte makes it, into a list. */
function logged(numbers: () => NumbersInLog): { log: pino.Logger; lines: string[] } {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  return { log: pino({ level: 'trace', base: null, hooks: hidingNumbers(numbers) }, sink), lines }
}

t.test('children of the log and errors are no way around it; another setting holds at once', async (t) => {
  let how: NumbersInLog = 'masked'
  const { log, lines } = logged(() => how)
  const quotes = Object.assign(new Error(`duplicate key for ${mobile}`), { detail: `Key (number)=(${mobile}) already exists.` })
  const child = log.child({ caller: mobile })
  child.error({ err: quotes, to: [mobile] }, `cannot be reached: ${mobile}`)
  t.equal(lines.length, 1)
  t.notMatch(lines.join(''), '1701234567')
  t.equal(lines[0]!.split('+49…67').length > 5, true)
  t.match(JSON.parse(lines[0]!), { level: 50, caller: '+49…67', err: { detail: 'Key (number)=(+49…67) already exists.' } })
  how = 'none'
  child.info({}, 'x')
  t.match(JSON.parse(lines[1]!), { caller: '<number>' })
  how = 'full'
  child.info({}, 'x')
  t.match(JSON.parse(lines[2]!), { caller: mobile })
})

t.test('a day of the hotline at the finest level: calls, SMS, requests, mistakes', async (t: Test) => {
  const { log, lines } = logged(() => 'masked')
  const { ask, store, query } = await runHttp(t, { log, now: () => monday })
  await store.outbox.useSms(definition(), monday)
  const customer = (await ask('POST', '/v1/customers', { name: 'Marta Weber', numbers: [mobile, '0621 555 01 23'] })).body
  await ask('POST', '/v1/customers', { name: 'Marta Weber', numbers: [mobile] })
  await ask('POST', '/v1/tickets', { subject: `Rückruf an ${mobile}`, caller: mobile })
  await ask('GET', `/v1/calls?caller=${encodeURIComponent(mobile)}`)
  await ask('GET', `/v1/consents/${encodeURIComponent(mobile)}`)
  await store.calls.checkPin(question('11111', { caller: mobile }))
  await store.calls.saveCalls([callRow('call-1', { caller: mobile, endedAt: monday })])
  await store.outbox.takeIncoming([{ kind: 'reply', route: 'r', from: mobile, to: ours, text: 'Hallo', concatenation: null }], monday)
  // A mistake of ours, which Postgres answers with what it could not write.
  await query(`ALTER TABLE tickets ADD CHECK (caller IS NULL OR caller <> '${mobile}') NOT VALID`)
  t.equal((await ask('POST', '/v1/tickets', { subject: 'x', caller: mobile })).status, 500)
  t.equal((await ask('DELETE', `/v1/customers/${customer.id}`)).status, 204)
  const text = lines.join('')
  t.match(text, /"level":50/)
  t.match(text, /"msg":"answered"/)
  for (const part of ['1701234567', '6215550123']) t.notMatch(text, part)
  for (const line of lines) t.ok(JSON.parse(line))
})
