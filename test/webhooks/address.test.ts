/** Whoever may register a webhook must not reach with it what only Pforte's machine reaches. */
import t from 'tap'
import { isPublicAddress, refusalOf } from '../../src/webhooks/address.ts'

t.test('addresses that are not public, in every way to write them', async (t) => {
  const hosts = [
    ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.0.0.1.', '[::1]', '[0:0:0:0:0:0:0:1]'],
    ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[::]', '0.0.0.0', '0'],
    ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '198.18.0.1', '192.0.0.1'],
    ...['169.254.169.254', '[fe80::1]', '[fd00::1]', '[fec0::1]', '[ff02::1]', '[fd00:ec2::254]', '[2001:db8::1]', '[4000::1]'],
    ...['224.0.0.1', '240.0.0.1', '255.255.255.255', '192.0.2.1', '203.0.113.7'],
    ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'postgres', 'db.internal', 'nas.local', 'router.lan', 'x.home.arpa'],
    'metadata.google.internal',
  ]
  for (const host of hosts) {
    t.match(refusalOf(`https://${host}/`, false), /must lead to a public address/, host)
    t.equal(refusalOf(`https://${host}:8443/x?y`, true), null, `${host}, where private ones are allowed`)
  }
})

t.test('addresses that are', async (t) => {
  for (const host of ['crm.example.com', 'example.com.', '93.184.216.34', '[2606:2800:220:1::1]', 'xn--mnchen-3ya.de', 'münchen.de'])
    t.equal(refusalOf(`https://${host}/pforte?key=1`, false), null, host)
  t.ok(isPublicAddress('93.184.216.34'))
  t.notOk(isPublicAddress('2::1'), 'short, but nothing that was given out')
  t.notOk(isPublicAddress('2606:4700::1%eth0'), 'on whichever network that is')
  t.ok(isPublicAddress('::ffff:93.184.216.34'))
  t.notOk(isPublicAddress('::ffff:10.0.0.1'))
  t.notOk(isPublicAddress('crm.example.com'), 'a name is no address')
})

t.test('what is no address of a receiver at all', async (t) => {
  const refused: [string, RegExp][] = [
    ['', /must be a URL/],
    ['crm.example.com', /must be a URL/],
    ['https://', /must be a URL/],
    ['http://crm.example.com/', /must begin with https/],
    ['ftp://crm.example.com/', /must begin with https/],
    ['file:///etc/passwd', /must begin with https/],
    ['javascript:alert(1)', /must begin with https/],
    ['https://anna:quittengelee@crm.example.com/', /must not hold a user or a password/],
    ['https://crm.example.com/#top', /fragment/],
    [`https://crm.example.com/${'x'.repeat(2000)}`, /longer than 2000/],
  ]
  for (const [url, why] of refused) t.match(refusalOf(url, false), why, url.slice(0, 60))
  t.equal(refusalOf('http://crm.intern/', true), null)
  t.match(refusalOf('gopher://crm.intern/', true), /https:\/\/ or http:\/\//)
})
