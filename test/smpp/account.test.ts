/** `SMPP_URL`, as people write it. */
import t from 'tap'
import { parseAccounts } from '../../src/smpp/account.ts'

t.test('a carrier, with TLS or without, and the registered port where none is said', async (t) => {
  t.same(parseAccounts('smpp://pforte:geheim@smsc.example.net:2776'), [
    {
      route: 'pforte@smsc.example.net:2776',
      host: 'smsc.example.net',
      port: 2776,
      tls: false,
      systemId: 'pforte',
      password: 'geheim',
    },
  ])
  t.match(parseAccounts('smpp://pforte:geheim@smsc.example.net'), [{ port: 2775, tls: false }])
  t.match(parseAccounts('ssmpp://pforte:geheim@smsc.example.net'), [{ port: 3550, tls: true }])
  t.match(parseAccounts('ssmpp://pforte:geheim@[2001:db8::1]:99'), [{ host: '2001:db8::1', route: 'pforte@[2001:db8::1]:99' }])
})

t.test('several stand in order of preference', async (t) => {
  t.match(parseAccounts('smpp://a:x@one.example, ssmpp://a:y@two.example'), [
    { route: 'a@one.example:2775' },
    { route: 'a@two.example:3550' },
  ])
  t.match(parseAccounts('smpp://a:x@one.example,smpp://a:x@one.example:2775'), { problem: /twice \(the 2\. of SMPP_URL\)/ })
})

t.test('a password may hold anything that ASCII has, percent-encoded where a URL needs it', async (t) => {
  t.match(parseAccounts('smpp://pforte:p%40ss%2Cw%3Ard@smsc.example.net'), [{ password: 'p@ss,w:rd' }])
})

t.test('a mistake is named, and the password never with it', async (t) => {
  for (const [url, problem] of [
    ['smsc.example.net:2775', /smpp/],
    ['http://pforte:geheim@smsc.example.net', /http:\/\/ is not known/],
    ['smpp://smsc.example.net', /user is missing/],
    ['smpp://pforte:geheim%00x@smsc.example.net', /password holds a character/],
    ['smpp://pf%C3%B6rte:geheim@smsc.example.net', /user holds a character/],
    ['smpp://pforte:geheim%ZZ@smsc.example.net', /%25/],
    ['smpp://pforte:geheim@smsc.example.net/x', /follow the port/],
    ['smpp://pforte:geheim@smsc.example.net:0', /port 0/],
    [`smpp://pforte:${'geheim'.repeat(20)}@smsc.example.net`, /longer than 64/],
    ['', /URL/],
  ] as const) {
    const parsed = parseAccounts(url)
    t.match(parsed, { problem }, url)
    t.notMatch(JSON.stringify(parsed), /geheim/)
  }
})
