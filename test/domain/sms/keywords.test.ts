import t from 'tap'
import fc from 'fast-check'
import { type KeywordSets, defaultKeywords, keywordsOf, readOrder } from '../../../src/domain/sms/keywords.ts'

const { keywords } = keywordsOf(defaultKeywords)
const orders = (reply: string): string | null => readOrder(reply, keywords)?.order ?? null

t.test('whoever writes STOP, in whatever way, is not written to again', async (t) => {
  for (const reply of [
    'STOP',
    'stop',
    'Stop.',
    ' Stopp! ',
    '"STOP"',
    '„Stop“',
    '«stop»',
    '»STOP«',
    '(Stop)',
    '- stop -',
    '*STOP*',
    'STOP!!!',
    '…stop…',
    'ＳＴＯＰ',
    '´stop´',
    'Ende',
    'ABMELDEN',
    'abmelden\n',
    'Unsubscribe',
    'Cancel',
    'quit',
    'STOPALL',
    'End.',
    'stop 😡',
    '🛑 STOP ✋🏽',
    'stop ❤️',
    'STOP\u0000',
    '\u200bstop\u00ad',
  ])
    t.equal(orders(reply), 'opt_out', reply)
})

t.test('a Turkish phone’s I is an I', async (t) => {
  for (const reply of ['QUİT', 'quıt', 'qui\u0307t', 'UNSUBSCRİBE', 'unsubscrıbe']) t.equal(orders(reply), 'opt_out', reply)
})

t.test('START and STATUS are understood as well', async (t) => {
  for (const reply of ['START', 'start!', 'Anmelden', 'unstop']) t.equal(orders(reply), 'opt_in', reply)
  for (const reply of ['STATUS', 'Status?', 'status.', '„Status“']) t.equal(orders(reply), 'status', reply)
  t.strictSame(readOrder('„Stopp!“', keywords), { order: 'opt_out', word: 'STOPP' })
})

t.test('what says more than the word is read by a person', async (t) => {
  for (const reply of [
    'bitte stop',
    'Stop by on Monday',
    'ST OP',
    'STOP 1',
    'nonstop',
    'Bushaltestelle STOP',
    'Weekend',
    'Status 57249',
    '',
    '!!!',
    '😡',
    `STOP${' '.repeat(500)}`,
    '1',
  ])
    t.equal(orders(reply), null, reply)
})

t.test('words of one’s own, ß and two words among them', async (t) => {
  const { keywords, problems } = keywordsOf({ ...defaultKeywords, opt_out: ['schluß', 'kein  SMS', 'стоп', 'ΤΕΛΟΣ'] })
  t.strictSame(problems, [])
  for (const reply of [
    'Schluss!',
    'SCHLUSS',
    'SCHLUẞ',
    'schluß',
    'Kein SMS',
    'kein\nsms',
    'Стоп',
    'τέλος'.normalize('NFD').replace('\u0301', ''),
    'τελοσ',
  ])
    t.equal(readOrder(reply, keywords)?.order, 'opt_out', reply)
  t.equal(readOrder('STOP', keywords), null)
})

t.test('a word that orders two things, or nothing, is told when it is configured', async (t) => {
  const { keywords, problems } = keywordsOf({ opt_out: ['STOP', 'stop', '!'], opt_in: ['Stop.', 'x'.repeat(41)], status: ['Status'] })
  t.strictSame(
    problems.map(({ order, index, message }) => ({ order, index, message })),
    [
      { order: 'opt_out', index: 2, message: 'a word has no letters' },
      { order: 'opt_in', index: 0, message: 'Stop. stands under opt_out as well' },
      { order: 'opt_in', index: 1, message: 'a word is longer than 40 characters' },
    ],
  )
  t.equal(readOrder('STOP', keywords)?.order, 'opt_out', 'nobody is kept from stopping')
})

t.test('each word is known whatever its case and whatever stands around it, and never within another', async () => {
  const around = fc.string({ unit: fc.constantFrom(' ', '"', '„', '“', '.', '!', '?', '\n', '😀', '\u200b', '(', '…'), maxLength: 8 })
  const words = (Object.keys(defaultKeywords) as (keyof KeywordSets)[]).flatMap((order) =>
    defaultKeywords[order].map((word) => ({ order, word })),
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...words),
      around,
      around,
      fc.func(fc.boolean()),
      fc.stringMatching(/^[a-zäß0-9]{1,5}$/),
      (known, before, after, upper, more) => {
        const word = [...known.word].map((letter, index) => (upper(index) ? letter : letter.toLowerCase())).join('')
        return orders(before + word + after) === known.order && orders(`${word} ${more}`) === null && orders(`${more} ${word}`) === null
      },
    ),
  )
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (reply) => readOrder(reply, keywords) === null))
})
