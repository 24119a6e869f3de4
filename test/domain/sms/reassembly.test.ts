import t from 'tap'
import fc from 'fast-check'
import { gapMark } from '../../../src/domain/sms/decode.ts'
import {
  type JoinedReply,
  type Pile,
  type ReplyPart,
  defaultReassemblyLimits,
  expiresAt,
  takeExpired,
  takePart,
} from '../../../src/domain/sms/reassembly.ts'

const limits = { expireAfterMs: 60_000, mostParts: 5, mostPartUnits: 160, mostPiles: 3 }
const part = (number: number, of: number, text: string, more: Partial<ReplyPart> = {}): ReplyPart => ({
  key: 'carrier|+4915100000001|hotline',
  reference: 7,
  part: number,
  of,
  text,
  at: 1000,
  ...more,
})

/** Takes one part after the other, through a row each time. */
function take(...parts: ReplyPart[]): { piles: Pile[]; finished: JoinedReply[]; duplicates: number } {
  let piles: Pile[] = []
  const finished: JoinedReply[] = []
  let duplicates = 0
  for (const one of parts) {
    const taken = takePart(JSON.parse(JSON.stringify(piles)), one, limits)
    piles = taken.piles
    finished.push(...taken.finished)
    if (taken.isDuplicate) duplicates += 1
  }
  return { piles, finished, duplicates }
}
const told = (finished: readonly JoinedReply[]) => finished.map(({ why, text, missing }) => ({ why, text, missing }))

t.test('a long reply is whole when its last part is there, in whatever order they come', async (t) => {
  const { finished } = take(
    part(3, 3, ' fertig?', { at: 1002 }),
    part(1, 3, 'Wann ist', { at: 995 }),
    part(2, 3, ' mein Anschluss', { at: 1009 }),
  )
  t.strictSame(finished, [
    {
      key: 'carrier|+4915100000001|hotline',
      reference: 7,
      why: 'complete',
      text: 'Wann ist mein Anschluss fertig?',
      missing: [],
      firstAt: 995,
      lastAt: 1009,
    },
  ])
})

t.test('nothing comes out before', async (t) => {
  t.strictSame(take(part(1, 3, 'a'), part(3, 3, 'c')).finished, [])
})

t.test('a part that comes twice is known, before and after the reply was whole', async (t) => {
  const { finished, duplicates } = take(part(1, 2, 'a'), part(1, 2, 'a'), part(2, 2, 'b'), part(2, 2, 'b'), part(1, 2, 'a', { at: 50_000 }))
  t.strictSame(told(finished), [{ why: 'complete', text: 'ab', missing: [] }])
  t.equal(duplicates, 3)
})

t.test('what is still missing after the time is marked, and the rest is not lost', async (t) => {
  const { piles } = take(part(2, 3, 'Mitte'))
  t.equal(expiresAt(piles[0]!, limits), 61_000)
  t.strictSame(takeExpired(piles, 60_999, limits), { piles, finished: [], isDuplicate: false })
  const { piles: left, finished } = takeExpired(piles, 61_000, limits)
  t.strictSame(left, [])
  t.strictSame(told(finished), [{ why: 'expired', text: `${gapMark}Mitte${gapMark}`, missing: [1, 3] }])
})

t.test('a part that comes too late finds its reply gone and begins another', async (t) => {
  const { finished, piles } = take(part(1, 2, 'alt'), part(2, 2, 'spät', { at: 61_000 }))
  t.strictSame(told(finished), [{ why: 'expired', text: `alt${gapMark}`, missing: [2] }])
  t.strictSame(piles[0]!.texts, [null, 'spät'])
  t.strictSame(
    takeExpired(take(part(1, 1, 'ganz')).piles, 61_000, limits),
    { piles: [], finished: [], isDuplicate: false },
    'a whole one goes silently',
  )
})

t.test('a reference is used again: the other message begins anew', async (t) => {
  t.strictSame(told(take(part(1, 2, 'eins'), part(1, 3, 'anders'), part(2, 3, 'b'), part(3, 3, 'c')).finished), [
    { why: 'displaced', text: `eins${gapMark}`, missing: [2] },
    { why: 'complete', text: 'andersbc', missing: [] },
  ])
  t.strictSame(told(take(part(1, 2, 'eins'), part(1, 2, 'zwei'), part(2, 2, '!')).finished), [
    { why: 'displaced', text: `eins${gapMark}`, missing: [2] },
    { why: 'complete', text: 'zwei!', missing: [] },
  ])
  t.strictSame(told(take(part(1, 2, 'eins'), part(2, 3, 'b')).finished), [{ why: 'displaced', text: `eins${gapMark}`, missing: [2] }])
  t.strictSame(
    told(take(part(1, 1, 'eins'), part(1, 1, 'zwei')).finished).map(({ text }) => text),
    ['eins', 'zwei'],
    'after a whole one, too',
  )
})

t.test('two messages under way at a time do not mix', async (t) => {
  const other = { reference: 8 }
  t.strictSame(
    told(take(part(1, 2, 'a'), part(1, 2, 'x', other), part(2, 2, 'y', other), part(2, 2, 'b')).finished).map(({ text }) => text),
    ['xy', 'ab'],
  )
})

t.test('numbers that make no sense cost nobody their text', async (t) => {
  for (const senseless of [
    part(0, 2, 'a'),
    part(3, 2, 'a'),
    part(1, 6, 'a'),
    part(1, 0, 'a'),
    part(1.5, 2, 'a'),
    part(1, 2, 'a', { reference: -1 }),
  ]) {
    const { finished, piles } = take(senseless)
    t.strictSame(told(finished), [{ why: 'no_part', text: 'a', missing: [] }])
    t.strictSame(piles, [])
  }
  t.equal(take(part(1, 2, 'x'.repeat(161))).finished[0]!.text.length, 161, 'longer than any part is')
})

t.test('whoever begins message after message and ends none fills no memory', async (t) => {
  const { finished, piles } = take(...[1, 2, 3, 4].map((reference) => part(1, 2, `m${reference}`, { reference, at: reference })))
  t.equal(piles.length, 3)
  t.strictSame(told(finished), [{ why: 'crowded_out', text: `m1${gapMark}`, missing: [2] }])
  const after = take(part(1, 2, 'offen', { reference: 1 }), ...[2, 3, 4].map((reference) => part(1, 1, 'ganz', { reference })))
  t.strictSame(
    after.finished.map(({ why }) => why),
    ['complete', 'complete', 'complete'],
    'whole ones are forgotten before open ones',
  )
  const crowded = take(...[1, 2, 3].map((reference) => part(1, 2, 'offen', { reference })), part(1, 1, 'ganz', { reference: 4 }))
  t.strictSame(
    crowded.finished.map(({ why }) => why),
    ['complete'],
    'even if they have just come',
  )
  t.equal(crowded.piles.length, 3)
})

t.test('an emoji cut in two by the phone is whole again, though a row lay between', async (t) => {
  t.equal(take(part(1, 2, 'gut \ud83d'), part(2, 2, '\ude00!')).finished[0]!.text, 'gut 😀!')
  t.equal(take(part(1, 2, '5\u001b'), part(2, 2, 'e')).finished[0]!.text, '5€')
})

t.test('somebody else’s pile is a bug', async (t) => {
  const { piles } = take(part(1, 2, 'a'))
  t.throws(() => takePart(piles, part(2, 2, 'b', { key: 'another' }), defaultReassemblyLimits))
})

const anyPart = fc.record({
  key: fc.constant('k'),
  reference: fc.integer({ min: -1, max: 5 }),
  part: fc.integer({ min: 0, max: 6 }),
  of: fc.integer({ min: 0, max: 6 }),
  text: fc.uuid(),
  at: fc.integer({ min: 0, max: 200_000 }),
})

t.test('every part’s text comes out exactly once, whatever comes, and never more is kept than the limits say', async () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyPart, fc.integer({ min: 1, max: 2 })), { maxLength: 60 }), (script) => {
      const sent = script.flatMap(([one, times]) => Array.from({ length: times }, () => one))
      let piles: Pile[] = []
      const out: string[] = []
      for (const one of sent) {
        const before = JSON.stringify(piles)
        const taken = takePart(piles, one, limits)
        if (JSON.stringify(piles) !== before) return false
        piles = taken.piles
        if (piles.length > limits.mostPiles || piles.some(({ texts }) => texts.length > limits.mostParts)) return false
        out.push(...taken.finished.map(({ text }) => text))
      }
      out.push(...takeExpired(piles, Number.MAX_SAFE_INTEGER, limits).finished.map(({ text }) => text))
      const all = out.join('|')
      return (
        sent.every(({ text }) => all.includes(text)) &&
        [...all.matchAll(/[0-9a-f-]{36}/g)].length >= new Set(sent.map(({ text }) => text)).size
      )
    }),
    { numRuns: 500 },
  )
})

t.test('parts of one message in any order, with repeats, give its text', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 5 }),
      fc.func(fc.nat()),
      (texts, shuffle) => {
        const parts = texts.map((text, index) => part(index + 1, texts.length, text))
        const shuffled = [...parts, ...parts].toSorted((a, b) => shuffle(a.part) - shuffle(b.part))
        const { finished, duplicates } = take(...shuffled)
        return finished.length === 1 && finished[0]!.text === texts.join('') && duplicates === texts.length
      },
    ),
  )
})
