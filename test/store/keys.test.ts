import { createHmac, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { Keys } from '../../src/store/keys.ts'

const secret = Buffer.from('a secret of a test, and long enough')

t.test('a PIN is kept as its HMAC-SHA-256 under a key that is for PINs only', async (t) => {
  const keys = new Keys(secret)
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'pforte pin digests', 32))
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 64 }), (typed) => {
      t.ok(keys.pinDigest(typed).equals(createHmac('sha256', key).update(typed).digest()))
    }),
  )
})

t.test('another secret makes another digest, and is told apart', async (t) => {
  const other = new Keys(Buffer.from('another secret of a test, as long'))
  const keys = new Keys(secret)
  t.notOk(keys.pinDigest('12345').equals(other.pinDigest('12345')))
  t.not(keys.id, other.id)
})
