/** What a plain phone shows: a wrong letter must be seen here, or nobody sees it. */
import fc from 'fast-check'
import defs from 'smpp/lib/defs.js'
import { strict as assert } from 'node:assert'
import t from 'tap'
import { codingFor, show, typed } from '../../../src/local/smsc/phone-text.ts'
import { ShownMessage } from '../../../src/local/smsc/phones.ts'
import { parts, userDataOf } from '../../../src/local/smsc/user-data.ts'

t.test('every septet shows as npm smpp reads it, alone and after an escape', async (t) => {
  for (let code = 0; code < 0x80; code++) {
    if (code === 0x1b) continue
    t.equal(show(Buffer.of(code), 0), defs.gsmCoder.decode(Buffer.of(code), 0), `0x${code.toString(16)}`)
  }
  for (const [code, character] of [
    [0x0a, '\f'],
    [0x14, '^'],
    [0x28, '{'],
    [0x29, '}'],
    [0x2f, '\\'],
    [0x3c, '['],
    [0x3d, '~'],
    [0x3e, ']'],
    [0x40, '|'],
    [0x65, '€'],
  ] as const) {
    t.equal(show(Buffer.of(0x1b, code), 0), character)
    t.equal(defs.gsmCoder.decode(Buffer.of(0x1b, code), 0), character)
  }
  t.equal(show(Buffer.of(0x1b, 0x41), 0), 'A', 'an escape that leads nowhere is passed over')
})

t.test('a sender who labels one alphabet as another is found out', async (t) => {
  t.equal(show(Buffer.from('Größe 5€', 'utf8'), 0), 'Gr\ufffd\ufffd\ufffd\ufffde 5\ufffd\ufffd\ufffd')
  t.equal(show(Buffer.from([0x47, 0x72, 0x7c, 0x1e, 0x65]), 1), 'Gr|\u001ee', 'septets that are said to be ASCII')
  t.equal(show(Buffer.from('Grün', 'latin1'), 3), 'Grün')
  t.equal(show(Buffer.from([0xd8, 0x3d, 0xde, 0x00]), 8), '😀')
  t.equal(show(Buffer.from([0xd8, 0x3d]), 8), '\ufffd')
  t.equal(show(Buffer.of(1, 0xff), 4), '01ff')
  t.equal(show(Buffer.from('Grün', 'latin1'), 0, 'latin1'), 'Grün', 'where the carrier takes 0 to be Latin-1')
})

t.test('a pair that the sender cut in two shows wrong, as on a plain phone', async (t) => {
  const part = (place: number, ...octets: number[]) => ({
    split: { reference: 1, part: place, of: 2 },
    octets: Buffer.from(octets),
    from: 'Pforte',
    to: '+49151',
    coding: 0,
    messageId: String(place),
    at: 0,
  })
  t.equal(new ShownMessage([part(1, 0x35, 0x1b), part(2, 0x65, 0x21)], 'gsm7').text, '5 e!')
  const smile = [0xd8, 0x3d, 0xde, 0x00]
  const cut = [part(1, ...smile.slice(0, 2)), part(2, ...smile.slice(2))].map((each) => ({ ...each, coding: 8 }))
  t.equal(new ShownMessage(cut, 'gsm7').text, '\ufffd\ufffd')
})

t.test('what a phone types comes back as it was typed, in every form and coding', async () => {
  const characters = fc.constantFrom(...'abcÄÖÜäöüß €[]{}~^|\\@$£é')
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.oneof({ weight: 9, arbitrary: characters }, { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 1 }) }),
        maxLength: 400,
      }),
      fc.constantFrom('udh8', 'udh16', 'sar', 'payload'),
      fc.boolean(),
      (text, form, wide) => {
        const plain = text.replaceAll('\u001b', '').toWellFormed()
        const coding = wide ? 'ucs2' : codingFor(plain)
        const bodies = parts(typed(plain, coding), coding === 'gsm7' ? 7 : 8, form, 300)
        const shown = bodies.map((body, index) => {
          const { octets, split } = userDataOf(body, body.tlvs)
          assert.ok(body.short_message.length <= 160)
          if (bodies.length > 1)
            assert.deepEqual(split, { reference: form === 'udh8' ? 300 & 0xff : 300, part: index + 1, of: bodies.length })
          return show(octets, coding === 'ucs2' ? 8 : 0)
        })
        assert.equal(shown.join(''), plain)
      },
    ),
    { numRuns: 500 },
  )
})

t.test('a phone uses the small alphabet where it can, and refuses to type what a coding lacks', async (t) => {
  t.equal(codingFor('Größe: 5 €'), 'gsm7')
  t.equal(codingFor('„Größe“'), 'ucs2')
  t.throws(() => typed('„geheim“', 'gsm7'), { name: 'RangeError', message: /^(?!.*geheim)/ })
})

t.test('a header that is none is shown, so that its sender sees it', async (t) => {
  const fields = (octets: number[]) => ({ esm_class: 0x40, short_message: Buffer.from(octets) })
  t.same(userDataOf(fields([200, 1, 2]), {}), { octets: Buffer.of(200, 1, 2), split: null })
  t.same(userDataOf(fields([]), {}), { octets: Buffer.alloc(0), split: null })
  t.same(userDataOf(fields([5, 0, 3, 1, 2, 3, 0x41]), {}), { octets: Buffer.of(0x41), split: null }, 'part 3 of 2')
  t.same(userDataOf(fields([3, 0, 9, 1, 0x41]), {}), { octets: Buffer.of(0x41), split: null }, 'an element longer than its header')
  t.match(
    userDataOf(fields([9, 5, 2, 0, 1, 0, 3, 7, 2, 1, 0x41]), {}),
    { split: { reference: 7, part: 1, of: 2 } },
    'after another element',
  )
})
