import t from 'tap'
import fc from 'fast-check'
import { encodeText } from '../../../src/domain/sms/segments.ts'
import { checkTemplate } from '../../../src/domain/sms/template-check.ts'
import { type Template, parseTemplate, placeholdersIn, renderTemplate } from '../../../src/domain/sms/template.ts'
import { type Placeholders, cutToUnits, fitValue, unitsIn } from '../../../src/domain/sms/values.ts'

const ticket: Placeholders = {
  'ticket.number': { longest: '123456789012' },
  'ticket.subject': { usual: 'Internet gestört', mostUnits: 40 },
  'customer.name': { usual: 'Frau Öztürk', mostUnits: 30 },
  'payment.amount': { longest: '1.234.567,89 €' },
}
const onePart = { mostParts: 1 }
const twoParts = { mostParts: 2 }

function parsed(text: string): Template {
  const result = parseTemplate(text)
  if (!result.ok) throw new Error(result.problems[0]!.message)
  return result.template
}
function rendered(text: string, values: Record<string, string>): string {
  const result = renderTemplate(parsed(text), values, ticket)
  if (!result.ok) throw new Error(result.missing.join())
  return result.text
}
const problems = (text: string, options = twoParts) => checkTemplate(text, ticket, options).problems

t.test('a customer reads the number of their ticket', async (t) => {
  t.equal(rendered('Ihre Störung {ticket.number} ist behoben.\n', { 'ticket.number': '57249' }), 'Ihre Störung 57249 ist behoben.')
  t.equal(rendered('{ ticket.number }/{ticket.number}', { 'ticket.number': '57249' }), '57249/57249')
  t.strictSame(placeholdersIn(parsed('{ticket.number} {customer.name} {ticket.number}')), ['ticket.number', 'customer.name'])
})

t.test('a doubled brace is a brace', async (t) => {
  t.equal(rendered('{{a}} {{{ticket.number}}} }}{{', { 'ticket.number': '1' }), '{a} {1} }{')
})

t.test('a brace in a value is what the customer wrote', async (t) => {
  t.equal(rendered('{ticket.subject}', { 'ticket.subject': '{ticket.number} {{x}} $& $1' }), '{ticket.number} {{x}} $& $1')
})

t.test('a value that the event did not bring is named, an empty one is one', async (t) => {
  const template = parsed('{ticket.number} {customer.name} {ticket.number} {ticket.subject}')
  t.strictSame(renderTemplate(template, { 'ticket.subject': '' }, ticket), { ok: false, missing: ['ticket.number', 'customer.name'] })
  t.equal(rendered('a{ticket.subject}b', { 'ticket.subject': '' }), 'ab')
  t.strictSame(renderTemplate([{ placeholder: 'toString', at: 0 }], {}, {}), { ok: false, missing: ['toString'] })
})

t.test('a subject of many lines goes on one, a long one ends in three dots', async (t) => {
  t.equal(rendered('{ticket.subject}', { 'ticket.subject': '  Kein\r\n\r\n Netz\tseit\u2028gestern ' }), 'Kein Netz seit gestern')
  const long = rendered('{ticket.subject}', { 'ticket.subject': 'Seit gestern Abend geht das Internet im ganzen Haus nicht' })
  t.equal(long, 'Seit gestern Abend geht das Internet…')
  t.equal(unitsIn(long, 'gsm7'), 39)
})

t.test('a number is never cut: half of it would be another', async (t) => {
  t.equal(rendered('{ticket.number}', { 'ticket.number': '1'.repeat(50) }), '1'.repeat(50))
})

t.test('a cut parts no emoji, no family, no accent from its letter', async (t) => {
  t.equal(cutToUnits('😀'.repeat(10), 10), '😀😀😀…')
  t.equal(cutToUnits('👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 15), '👩‍👩‍👧‍👦…')
  t.equal(cutToUnits('👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 10), '…')
  t.equal(cutToUnits('q\u0323'.repeat(10), 9), `${'q\u0323'.repeat(3)}…`)
  t.equal(cutToUnits('€'.repeat(20), 10), '€€€…', 'each takes two septets, the dots three')
  t.equal(cutToUnits('€'.repeat(5), 10), '€€€€€')
  t.throws(() => cutToUnits('a', 3))
})

t.test('an accent without a letter changes none of ours', async (t) => {
  t.equal(rendered('a{ticket.subject}', { 'ticket.subject': '\u0308x' }), 'a \u0308x')
})

t.test('a good template says what it costs', async (t) => {
  t.match(checkTemplate('Ihre Meldung {ticket.number} ist eingegangen.', ticket, onePart), {
    problems: [],
    usual: { coding: 'gsm7', units: 42, parts: 1 },
    worst: { coding: 'gsm7', units: 42, parts: 1 },
    forcesUcs2: [],
    mayForceUcs2: [],
  })
  const told = checkTemplate('Ihre Meldung „{ticket.subject}“ ({ticket.number}) ist eingegangen.', ticket, twoParts)
  t.match(told, {
    problems: [],
    usual: { coding: 'gsm7', units: 63, parts: 1 },
    worst: { coding: 'ucs2', units: 87, parts: 2 },
    forcesUcs2: [],
    mayForceUcs2: ['ticket.subject'],
  })
})

t.test('characters that make it UCS-2 are named', async (t) => {
  const check = checkTemplate('Łódź: {ticket.number} „gut“ ✓ Łódź', ticket, twoParts)
  t.strictSame(check.forcesUcs2, [
    { character: 'Ł', codePoint: 'U+0141', at: 0 },
    { character: 'ó', codePoint: 'U+00F3', at: 1 },
    { character: 'ź', codePoint: 'U+017A', at: 3 },
    { character: '✓', codePoint: 'U+2713', at: 28 },
  ])
  t.match(check, { usual: { coding: 'ucs2' }, worst: { coding: 'ucs2' }, problems: [] })
})

t.test('a template that may take too many parts is not taken', async (t) => {
  t.strictSame(problems(`${'a'.repeat(110)} {ticket.subject} {ticket.number}`, onePart), [
    {
      at: 0,
      length: 143,
      message: 'takes 3 parts at worst (UCS-2), 1 is allowed',
      hint: 'Shorten the text, or allow more parts. A value of {ticket.subject} may hold any character, and then less fits in a part.',
    },
  ])
  t.match(problems('a'.repeat(161), onePart), [
    { message: 'takes 2 parts at worst (GSM-7), 1 is allowed', hint: 'Shorten the text, or allow more parts.' },
  ])
  t.match(problems(`ł${'a'.repeat(140)}`), [
    {
      message: 'takes 3 parts at worst (UCS-2), 2 are allowed',
      hint: 'Shorten the text, or allow more parts. Without ł (U+0142) more would fit in a part.',
    },
  ])
  t.match(problems('a'.repeat(50_000)), [{ message: 'the text takes 327 parts, 255 are allowed' }])
})

t.test('a pair that is not parted may cost a part, and that is foretold', async (t) => {
  const literal = `${'a'.repeat(152)}€${'b'.repeat(152)}`
  t.equal(checkTemplate(literal, {}, { mostParts: 3 }).worst?.parts, 3, '306 septets, and still not two parts')
  t.equal(checkTemplate('a'.repeat(306), {}, { mostParts: 3 }).worst?.parts, 2)
  const text = `${'a'.repeat(60)}{ticket.subject}${'b'.repeat(34)}`
  t.equal(checkTemplate(text, ticket, { mostParts: 3 }).worst?.parts, 3)
  const unlucky = encodeText(rendered(text, { 'ticket.subject': `aaaaaa${'😀'.repeat(17)}` }), { mostParts: 3 })
  t.match(unlucky, { ok: true, units: 134, parts: { length: 3 } }, 'it can happen')
})

t.test('a wrong placeholder is told where it stands, with the one that was meant', async (t) => {
  t.strictSame(problems('Ihr Ticket {ticket.numer}.'), [
    { at: 11, length: 14, message: 'there is no placeholder {ticket.numer}', hint: 'Did you mean {ticket.number}?' },
  ])
  t.match(problems('{weather}'), [{ hint: 'This event brings {ticket.number}, {ticket.subject}, {customer.name}, {payment.amount}.' }])
  t.match(checkTemplate('{x}', {}, onePart).problems, [{ hint: 'This event brings none.' }])
  t.equal(problems('{constructor}{a.b}').length, 2, 'all of them')
})

t.test('braces that do not match are told', async (t) => {
  t.strictSame(
    problems('a {ticket.number b } {} {1x}').map(({ at, message }) => ({ at, message })),
    [
      { at: 2, message: 'ticket.number b is no name of a placeholder' },
      { at: 21, message: 'a placeholder has no name' },
      { at: 24, message: '1x is no name of a placeholder' },
    ],
  )
  t.strictSame(
    problems('{ {ticket.number} } {').map(({ at, message }) => ({ at, message })),
    [
      { at: 0, message: 'a { is not closed' },
      { at: 18, message: 'a } closes nothing' },
      { at: 20, message: 'a { is not closed' },
    ],
  )
})

t.test('an empty template and one with what no phone shows are told', async (t) => {
  for (const empty of ['', ' \n', '\u200b']) t.match(problems(empty), [{ message: 'the text is empty' }])
  t.match(problems('ab\u0000'), [{ at: 2, length: 1, message: 'the text holds the control character U+0000' }])
  t.match(problems('\ud800'), [{ message: 'the text holds half a character (U+D800)' }])
})

const literal = fc.string({ unit: fc.constantFrom('a', 'ü', ' ', '€', '–', '…', '\n', 'Wort', 'ł', '😀', '{{', '}}'), maxLength: 60 })
const plainLiteral = fc.string({ unit: fc.constantFrom('a', 'ü', ' ', '€', '–', '{{', 'Wort'), maxLength: 60 })
const anyTemplate = fc
  .array(fc.oneof(literal, plainLiteral, plainLiteral, fc.constantFrom(...Object.keys(ticket).map((name) => `{${name}}`))), {
    maxLength: 8,
  })
  .map((pieces) => pieces.join(''))
const anyValue = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '€', '…', ' ', '™', 'ﬃ'), maxLength: 90 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.constantFrom('\u0301', '\u0323', '😀', '\u200d', '\n', 'a'), maxLength: 60 }),
)
const exactValue = (longest: string) => fc.nat(longest.length).map((length) => longest.slice(longest.length - length))

t.test('what was foretold of a template holds for all values', async () => {
  let judged = 0
  fc.assert(
    fc.property(
      anyTemplate,
      anyValue,
      anyValue,
      exactValue('123456789012'),
      exactValue('1.234.567,89 €'),
      fc.constantFrom(8 as const, 16 as const),
      (text, subject, name, number, amount, referenceBits) => {
        const { template, worst } = checkTemplate(text, ticket, { mostParts: 20, referenceBits })
        if (template === null || worst === null) return true
        const values = { 'ticket.subject': subject, 'customer.name': name, 'ticket.number': number, 'payment.amount': amount }
        const result = renderTemplate(template, values, ticket)
        if (!result.ok) return false
        const encoded = encodeText(result.text, { mostParts: 255, referenceBits })
        if (!encoded.ok) return encoded.why !== 'too_long'
        judged += 1
        return encoded.parts.length <= worst.parts
      },
    ),
    { numRuns: 3000 },
  )
  if (judged < 1000) throw new Error(`only ${judged} were judged`)
})

t.test('a value fits where it was said to, and loses nothing but its end', async () => {
  fc.assert(
    fc.property(anyValue, fc.integer({ min: 6, max: 60 }), (value, mostUnits) => {
      const fitted = fitValue(value, { usual: '', mostUnits })
      const whole = fitValue(value, { longest: '' })
      return (
        unitsIn(fitted, 'gsm7') <= mostUnits &&
        unitsIn(fitted, 'ucs2') <= mostUnits &&
        (fitted.isWellFormed() || !whole.isWellFormed()) &&
        (fitted === whole || (fitted.endsWith('…') && whole.startsWith(fitted.slice(0, -1))))
      )
    }),
    { numRuns: 2000 },
  )
})

t.test('parsing puts every text in pieces or says why not, and never throws', async () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('{', '}', 'a', '.', ' ', '\n', '😀'), maxLength: 40 }), (text) => {
      const result = parseTemplate(text)
      if (!result.ok) return result.problems.every(({ at, length }) => at >= 0 && at + length <= text.length)
      const back = result.template
        .map((piece) => ('text' in piece ? piece.text.replace(/[{}]/g, '$&$&') : `{${piece.placeholder}}`))
        .join('')
      return back === text.trim().replace(/\{ *([a-z.]+) *\}/g, '{$1}') || text.includes('{{') || text.includes('}}')
    }),
  )
})
