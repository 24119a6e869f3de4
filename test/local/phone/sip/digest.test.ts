import { createHash } from 'node:crypto'
import t from 'tap'
import { authorization } from '../../../../src/local/phone/sip/digest.ts'
import { SipHeaders } from '../../../../src/local/phone/sip/message.ts'

const challenged = (status: number, ...challenges: string[]) => ({
  status,
  reason: 'Unauthorized',
  body: '',
  headers: new SipHeaders(challenges.map((challenge) => [status === 407 ? 'proxy-authenticate' : 'www-authenticate', challenge])),
})

const mufasa = { user: 'Mufasa', password: 'Circle Of Life' }

function fields(value: string): Record<string, string> {
  return Object.fromEntries([...value.matchAll(/(\w+)="?([^",]*)"?/g)].map(([, name, text]) => [name, text]))
}

t.test('a challenge without quality of protection is answered as in RFC 2069', async (t) => {
  const [name, value] =
    authorization(
      challenged(401, 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc"'),
      'GET',
      '/dir/index.html',
      mufasa,
    ) ?? []
  t.equal(name, 'authorization')
  // The same values as RFC 2617's example, whose response without qop is well known.
  t.match(fields(value ?? ''), { response: '670fd8c2df070c60b045671b8b24ff02', username: 'Mufasa', opaque: '5ccc' })
})

t.test('with quality of protection, MD5 and SHA-256', async (t) => {
  for (const [algorithm, hash] of [
    ['MD5', 'md5'],
    ['SHA-256', 'sha256'],
  ] as const) {
    const [name, value] =
      authorization(
        challenged(407, `Digest realm="r", qop="auth,auth-int", algorithm=${algorithm}, nonce="n"`),
        'INVITE',
        'sip:a@b',
        mufasa,
      ) ?? []
    const { response, cnonce, nc, qop } = fields(value ?? '')
    const digest = (text: string) => createHash(hash).update(text).digest('hex')
    t.equal(name, 'proxy-authorization')
    t.equal(qop, 'auth')
    t.equal(response, digest(`${digest('Mufasa:r:Circle Of Life')}:n:${nc}:${cnonce}:auth:${digest('INVITE:sip:a@b')}`))
    t.notMatch(value, /Circle/)
  }
})

t.test('of several challenges the first that can be answered is taken', async (t) => {
  const [, value] =
    authorization(
      challenged(
        401,
        'Digest realm="r", nonce="1", algorithm=SHA-512-256',
        'Digest realm="r", nonce="2", algorithm=SHA-256',
        'Digest realm="r", nonce="3"',
      ),
      'REGISTER',
      'sip:b',
      mufasa,
    ) ?? []
  t.match(fields(value ?? ''), { nonce: '2', algorithm: 'SHA-256' })
  t.equal(authorization(challenged(401, 'Basic realm="r"'), 'REGISTER', 'sip:b', mufasa), undefined)
})
