import t from 'tap'
import fc from 'fast-check'
import { decodeText, joinParts } from '../../../src/domain/sms/decode.ts'
import { gsm7Characters } from '../../../src/domain/sms/gsm7.ts'
import { type EncodedText, encodeText, partsAtMost, sayUnsendable } from '../../../src/domain/sms/segments.ts'
import { transliterations } from '../../../src/domain/sms/transliterate.ts'

const limits = { mostParts: 10 }

function encoded(text: string, options: Parameters<typeof encodeText>[1] = limits): EncodedText {
  const result = encodeText(text, options)
  if (!result.ok) throw new Error(sayUnsendable(result))
  return result
}

const shownOnThePhone = ({ parts, coding }: EncodedText): string => joinParts(parts.map((part) => decodeText(part, coding)))
const lengths = (text: string, options = limits): number[] => encoded(text, options).parts.map((part) => part.length)

t.test('160 characters go in one message, one more makes it two parts of 153', async (t) => {
  t.strictSame(lengths('ä'.repeat(160)), [160])
  t.strictSame(lengths('ä'.repeat(161)), [153, 8])
  t.strictSame(lengths('ä'.repeat(306)), [153, 153])
  t.strictSame(lengths('ä'.repeat(307)), [153, 153, 1])
  t.match(encoded('ä'.repeat(161)), { coding: 'gsm7', characters: 161, units: 161 })
})

t.test('one letter that GSM-7 lacks makes it 70, or 67 a part', async (t) => {
  t.strictSame(lengths('ł'.repeat(70)), [140])
  t.strictSame(lengths('ł'.repeat(71)), [134, 8])
  t.strictSame(lengths('ł'.repeat(135)), [134, 134, 2])
  t.match(encoded(`${'a'.repeat(70)}ł`), { coding: 'ucs2', characters: 71, units: 71 })
})

t.test('a 16-bit reference takes an octet more of each part', async (t) => {
  t.strictSame(
    encoded('a'.repeat(305), { mostParts: 3, referenceBits: 16 }).parts.map((part) => part.length),
    [152, 152, 1],
  )
  t.strictSame(
    encoded('ł'.repeat(133), { mostParts: 3, referenceBits: 16 }).parts.map((part) => part.length),
    [132, 132, 2],
  )
  t.strictSame(
    encoded('a'.repeat(160), { mostParts: 3, referenceBits: 16 }).parts.map((part) => part.length),
    [160],
    'one part has none',
  )
})

t.test('the euro sign is not cut in two: its part is one shorter', async (t) => {
  t.strictSame(lengths('€'.repeat(80)), [160])
  t.strictSame(lengths(`${'a'.repeat(152)}€${'b'.repeat(10)}`), [152, 12])
  t.equal(encoded(`${'a'.repeat(152)}€${'b'.repeat(10)}`).units, 164)
})

t.test('an emoji is not cut in two', async (t) => {
  t.strictSame(lengths(`${'a'.repeat(66)}😀${'b'.repeat(10)}`), [132, 24])
  t.match(encoded('😀😀'), { coding: 'ucs2', characters: 2, units: 4 })
})

t.test('what a customer wrote in another script arrives as it was written', async (t) => {
  for (const text of [
    'Привет, „друг“…',
    'مرحبا 123',
    'שלום (עולם)',
    '👩‍🔧 kommt um 8 – „pünktlich“',
    'नमस्ते',
    '你好',
    'Łódź\u00a0–\u00a0Gdańsk',
  ]) {
    const result = encoded(text)
    t.equal(result.coding, 'ucs2')
    t.equal(result.text, text)
    t.equal(shownOnThePhone(result), text)
  }
})

t.test('typographic quotes and dashes alone do not cost half the room', async (t) => {
  const result = encoded('„Störung“ – wir kümmern uns…\r\nIhr Team\u00a0Süd\t(24\u202fh)')
  t.equal(result.coding, 'gsm7')
  t.equal(result.text, '"Störung" - wir kümmern uns...\nIhr Team Süd (24 h)')
  t.equal(shownOnThePhone(result), result.text)
})

t.test('an umlaut typed as a letter and two dots is the umlaut', async (t) => {
  t.match(encoded('Gro\u0308ße A\u0308nderung, 300 \u212a'), { coding: 'gsm7', text: 'Größe Änderung, 300 K' })
})

t.test('nothing to read is not sent', async (t) => {
  for (const text of ['', ' ', '\r\n\t ', '\u200b\u00ad', '\ufeff', '\u00a0\u3000', '\ufe0f']) {
    t.strictSame(encodeText(text, limits), { ok: false, why: 'empty' }, JSON.stringify(text))
  }
})

t.test('a text of 2,000 characters says how many parts it would take', async (t) => {
  t.strictSame(encodeText('a'.repeat(2000), limits), { ok: false, why: 'too_long', parts: 14, mostParts: 10 })
  t.strictSame(encodeText('😀'.repeat(1000), limits), { ok: false, why: 'too_long', parts: 31, mostParts: 10 })
  t.equal(encodeText('a'.repeat(255 * 153), { mostParts: 255 }).ok, true)
  t.match(encodeText('a'.repeat(255 * 153 + 1), { mostParts: 255 }), { ok: false, why: 'too_long', parts: 256 })
  t.match(encodeText('ł'.repeat(10_000_000), limits), { ok: false, why: 'too_long' }, 'however long')
})

t.test('what no phone shows is refused, and where it stands is said', async (t) => {
  const refused = (text: string) => encodeText(text, limits)
  t.strictSame(refused('ab\u0000c'), { ok: false, why: 'control_character', codePoint: 'U+0000', at: 2 })
  t.strictSame(refused('\u001b'), { ok: false, why: 'control_character', codePoint: 'U+001B', at: 0 })
  t.strictSame(refused('\f'), { ok: false, why: 'control_character', codePoint: 'U+000C', at: 0 })
  t.strictSame(refused('a\u0080'), { ok: false, why: 'control_character', codePoint: 'U+0080', at: 1 })
  t.strictSame(refused('😀\ud83d'), { ok: false, why: 'lone_surrogate', codePoint: 'U+D83D', at: 2 })
  t.strictSame(refused('\ude00a'), { ok: false, why: 'lone_surrogate', codePoint: 'U+DE00', at: 0 })
  t.strictSame(refused('\ufffe'), { ok: false, why: 'noncharacter', codePoint: 'U+FFFE', at: 0 }, 'it would turn the bytes around')
  t.match(refused('\u{1ffff}'), { why: 'noncharacter', codePoint: 'U+1FFFF' })
})

t.test('why a text was not sent is said without the text', async (t) => {
  const said = ['', 'geheim'.repeat(400), 'geheim\u0000', 'geheim\ud800', 'geheim\ufffe'].map((text) => {
    const result = encodeText(text, limits)
    return result.ok ? '' : sayUnsendable(result)
  })
  t.strictSame(said, [
    'the text is empty',
    'the text takes 16 parts, 10 are allowed',
    'the text holds the control character U+0000',
    'the text holds half a character (U+D800)',
    'the text holds U+FFFE, which is no character',
  ])
})

t.test('a limit of parts that cannot be is a bug', async (t) => {
  for (const mostParts of [0, 256, 1.5]) t.throws(() => encodeText('a', { mostParts }))
})

/** What is in texts of the trade, and what makes trouble in it. */
const anyText = fc.oneof(
  fc.string({ unit: fc.constantFrom(...gsm7Characters), maxLength: 700 }),
  fc.string({ unit: fc.constantFrom(...gsm7Characters, ...transliterations.keys(), '\r\n', '\t', 'a\u0308'), maxLength: 700 }),
  fc.string({ unit: fc.constantFrom('a', '€', 'ł', '😀', '👩‍🔧', '–', 'ü'), maxLength: 700 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 20 }),
)
const referenceBits = fc.constantFrom(8 as const, 16 as const)

t.test('whatever the text: parts fit, none ends in half a character, and together they are what was meant', async () => {
  fc.assert(
    fc.property(anyText, referenceBits, (text, bits) => {
      const result = encodeText(text, { mostParts: 255, referenceBits: bits })
      if (!result.ok) return true
      const { parts, coding, units } = result
      const headerOctets = parts.length === 1 ? 0 : bits === 8 ? 6 : 7
      const room = coding === 'gsm7' ? Math.floor(((140 - headerOctets) * 8) / 7) : 140 - headerOctets
      return (
        parts.every((part) => part.length > 0 && part.length <= room) &&
        parts.every((part) => joinParts([decodeText(part, coding)]) === decodeText(part, coding).replaceAll('\r', '\n')) &&
        parts.reduce((sum, part) => sum + part.length, 0) === units * (coding === 'gsm7' ? 1 : 2) &&
        shownOnThePhone(result) === result.text &&
        parts.length <= partsAtMost(units, coding, true, bits) &&
        parts.length >= partsAtMost(units, coding, false, bits)
      )
    }),
    { numRuns: 2000 },
  )
})

t.test('whatever the text: a phone shows the same, but for what the table rewrites', async () => {
  const asTheTableSays = (text: string): string => [...text].map((character) => transliterations.get(character) ?? character).join('')
  fc.assert(
    fc.property(anyText, (text) => {
      const result = encodeText(text, { mostParts: 255 })
      if (!result.ok) return true
      const meant = text
        .replace(/\r\n|[\r\u0085\u2028\u2029]/g, '\n')
        .replace(/\ufeff/g, '')
        .replace(/\t/g, ' ')
        .normalize('NFC')
      return shownOnThePhone(result) === (result.coding === 'gsm7' ? asTheTableSays(meant) : meant)
    }),
    { numRuns: 2000 },
  )
})

t.test('every character of Unicode by itself arrives as itself, as the table says, or not at all', async (t) => {
  const wrong: string[] = []
  // All of the planes that have characters, and some of those that may one day have them.
  for (let code = 0; code <= 0x10ffff; code += code < 0x30000 || code >> 16 === 14 ? 1 : 97) {
    const character = String.fromCodePoint(code)
    const result = encodeText(`a${character}b`, limits)
    const isRefusable = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(character)
    if (!result.ok) {
      if (!isRefusable) wrong.push(`U+${code.toString(16)} refused`)
      continue
    }
    const inside = result.text.slice(1, -1)
    const meant = transliterations.get(character.normalize('NFC')) ?? character.normalize('NFC')
    const isLineEnd = /[\r\n\u0085\u2028\u2029]/.test(character)
    const expected = isLineEnd ? '\n' : character === '\t' ? ' ' : character === '\ufeff' ? '' : meant
    // A combining mark joins the a before it; the whole is what must be the same.
    if (inside !== expected && result.text !== `a${character}b`.normalize('NFC')) wrong.push(`U+${code.toString(16)} → ${inside}`)
    if (shownOnThePhone(result) !== result.text) wrong.push(`U+${code.toString(16)} is shown otherwise`)
  }
  t.strictSame(wrong, [])
})
