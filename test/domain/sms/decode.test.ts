import t from 'tap'
import fc from 'fast-check'
import { decodeText, gapMark, joinParts } from '../../../src/domain/sms/decode.ts'

const octets = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))

t.test('a reply is read in the alphabet that it says it has', async (t) => {
  t.equal(decodeText(octets('7b7c7e1e001b65'), 'gsm7'), 'äöüß@€')
  t.equal(decodeText(octets('00e4d83dde00'), 'ucs2'), 'ä😀')
  t.equal(decodeText(octets('e4f6fc'), 'latin1'), 'äöü')
  t.equal(decodeText(octets('53544f50'), 'latin1'), 'STOP', 'ASCII is in it')
  t.equal(decodeText(octets(''), 'ucs2'), '')
})

t.test('a byte order mark is heeded and not shown', async (t) => {
  t.equal(decodeText(octets('feff00410042'), 'ucs2'), 'AB')
  t.equal(decodeText(octets('fffe41004200'), 'ucs2'), 'AB')
})

t.test('half a unit at the end is seen to be missing', async (t) => {
  t.equal(decodeText(octets('004100'), 'ucs2'), 'A\ufffd')
})

t.test('a phone that cuts the euro sign or an emoji in two is mended', async (t) => {
  t.equal(joinParts([decodeText(octets('351b'), 'gsm7'), decodeText(octets('6521'), 'gsm7')]), '5€!')
  t.equal(joinParts([decodeText(octets('351b'), 'gsm7'), decodeText(octets('41'), 'gsm7')]), '5A')
  t.equal(joinParts([decodeText(octets('0041d83d'), 'ucs2'), decodeText(octets('de000042'), 'ucs2')]), 'A😀B')
})

t.test('half a character that nothing completes is seen as such', async (t) => {
  t.equal(joinParts([decodeText(octets('351b'), 'gsm7')]), '5 ')
  t.equal(joinParts([decodeText(octets('0041d83d'), 'ucs2')]), 'A\ufffd')
  t.equal(joinParts([decodeText(octets('d83d'), 'ucs2'), null, decodeText(octets('de00'), 'ucs2')]), `\ufffd${gapMark}\ufffd`)
  t.equal(joinParts([decodeText(octets('0041001b'), 'ucs2'), 'e']), 'A\ufffde', 'only in GSM-7 does an escape lead anywhere')
})

t.test('what is missing of a long reply is marked, once a gap', async (t) => {
  t.equal(joinParts(['eins ', null, null, ' vier', null]), `eins ${gapMark} vier${gapMark}`)
  t.equal(joinParts([]), '')
})

t.test('padding and control characters do no harm', async (t) => {
  t.equal(joinParts(['STOP\u0000\u0000']), 'STOP')
  t.equal(joinParts(['a\u0000b\u0007\u009f']), 'a\ufffdb\ufffd\ufffd')
  t.equal(joinParts(['a\r', '\nb\rc\fd']), 'a\nb\nc\nd')
})

t.test('no bytes break the decoder, and what it makes of them a database takes', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(fc.tuple(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('gsm7' as const, 'ucs2' as const, 'latin1' as const)))),
      (parts) => {
        const text = joinParts(parts.map((part) => (part === null ? null : decodeText(...part))))
        return text.isWellFormed() && !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text)
      },
    ),
  )
})

t.test('UTF-16 is read as everybody reads it', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const bytes = Buffer.from(text, 'utf16le').swap16()
      return text.startsWith('\ufeff') || text.startsWith('\ufffe') || text.includes('\u001b') || decodeText(bytes, 'ucs2') === text
    }),
  )
})
