import { createRequire } from 'node:module'
import t from 'tap'
import fc from 'fast-check'
import { escapedCharacter, fromSeptets, gsm7Characters, septetsFor, toSeptets } from '../../../src/domain/sms/gsm7.ts'
import { transliterate, transliterations } from '../../../src/domain/sms/transliterate.ts'

/** npm smpp's codec: somebody else's reading of the same table. */
const theirs: { encode(text: string): Buffer; decode(octets: Uint8Array): string } = createRequire(import.meta.url)('smpp').encodings.ASCII

t.test('a German text stays GSM-7, umlauts, ß and all', async (t) => {
  t.strictSame([...toSeptets('ÄÖÜäöüß@')!], [0x5b, 0x5c, 0x5e, 0x7b, 0x7c, 0x7e, 0x1e, 0x00])
  t.equal(toSeptets('Größe: 5 m, § 3 (Übergrößenträger)')!.length, 34)
})

t.test('the euro sign and braces cost two, what the alphabet lacks nothing but the answer that it does', async (t) => {
  t.strictSame([...toSeptets('5 €')!], [0x35, 0x20, 0x1b, 0x65])
  t.equal(septetsFor('€'.charCodeAt(0)), 2)
  t.equal(septetsFor('e'.charCodeAt(0)), 1)
  for (const lacking of ['ç', 'ł', 'á', '„', '`', '\u001b', '\u0000', 'И', '😀']) {
    t.equal(toSeptets(`5${lacking}`), null, lacking)
    t.equal(septetsFor(lacking.charCodeAt(0)), 0, lacking)
  }
})

t.test('each of its 137 characters comes back as it went, and another codec agrees on the octets', async (t) => {
  t.equal(new Set(gsm7Characters).size, 127 + 10)
  for (const character of gsm7Characters) {
    const septets = toSeptets(character)!
    t.equal(fromSeptets(septets), character)
    t.equal(septets.length, septetsFor(character.charCodeAt(0)))
    t.strictSame([...septets], [...theirs.encode(character)], character)
    t.equal(theirs.decode(septets), character)
  }
})

t.test('octets that are no text of ours are shown as the specification wants it', async (t) => {
  t.equal(fromSeptets(Uint8Array.of(0x1b, 0x41)), 'A', 'no such extension: the character itself')
  t.equal(fromSeptets(Uint8Array.of(0x1b, 0x1b, 0x65)), ' e', 'an escape into a table that does not exist yet')
  t.equal(fromSeptets(Uint8Array.of(0x35, 0x1b)), '5\u001b', 'an escape at the end waits for what comes')
  t.equal(fromSeptets(Uint8Array.of(0xe4, 0x1b, 0xff)), '\ufffd\ufffd', 'an octet is no septet')
  t.equal(escapedCharacter('e'), '€')
  t.equal(escapedCharacter('ł'), 'ł')
})

t.test('no octets break the decoder', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      const text = fromSeptets(octets)
      return text.length <= octets.length && text.isWellFormed()
    }),
  )
})

t.test('only punctuation, spaces and what is not seen are rewritten, always to GSM-7', async (t) => {
  const sameLetters = new Map([
    ['ﬀ', 'ff'],
    ['ﬁ', 'fi'],
    ['ﬂ', 'fl'],
    ['ﬃ', 'ffi'],
    ['ﬄ', 'ffl'],
    ['ẞ', 'SS'],
    ['ʼ', "'"],
  ])
  for (const [character, written] of transliterations) {
    t.not(toSeptets(written), null)
    t.equal(toSeptets(character), null, 'what GSM-7 has is left alone')
    if (/[\p{L}\p{N}]/u.test(character)) t.equal(written, sameLetters.get(character), 'no letter becomes another')
    else t.match(written, /^(?:["'x/ -]|\.\.\.|\((?:C|R|TM)\))?$/)
  }
})

t.test('a text from a word processor loses its ornaments and nothing else', async (t) => {
  t.equal(
    transliterate('„Störung“ – 24\u202fh\u00a0… l’été ‚jetzt‘ » ‹x› 3\u2009×\u20094'),
    "\"Störung\" - 24 h ... l'été 'jetzt' \" 'x' 3 x 4",
  )
  t.equal(transliterate('Auf\u200clage, Strom\u00adnetz \u2068Anna\u2069'), 'Auflage, Stromnetz Anna')
  t.equal(transliterate('França, Łódź, Ελλάδα, 😀, ½, °'), 'França, Łódź, Ελλάδα, 😀, ½, °')
})
