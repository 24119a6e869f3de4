import t from 'tap'
import fc from 'fast-check'
import { guessChance } from '../../../src/domain/gate/guess-chance.ts'

t.test('without a PIN nobody guesses one', async (t) => {
  t.strictSame(guessChance([], 5), {
    validPins: 0,
    likeliest: { length: 5, validPins: 0, possiblePins: 100_000 },
    chance: 0,
    shortPins: 0,
    cutPins: 0,
  })
})

t.test('PINs of one length: valid ones of all possible ones', async (t) => {
  t.match(guessChance([{ length: 5, validPins: 1_000 }], 5), { validPins: 1_000, chance: 0.01, shortPins: 0, cutPins: 0 })
})

t.test('a few old short PINs are guessed more easily than many new long ones', async (t) => {
  const pins = [
    { length: 4, validPins: 20 },
    { length: 6, validPins: 1_500 },
  ]
  t.match(guessChance(pins, 6), {
    validPins: 1_520,
    likeliest: { length: 4, validPins: 20, possiblePins: 10_000 },
    chance: 0.002,
    shortPins: 20,
  })
})

t.test('what is longer than the entry is cut off: no chance for a guesser, and none for its owner', async (t) => {
  const pins = [
    { length: 4, validPins: 1 },
    { length: 6, validPins: 500_000 },
  ]
  t.match(guessChance(pins, 4), { validPins: 1, chance: 0.0001, shortPins: 0, cutPins: 500_000 })
})

t.test('no length hits more often than the chance says', async () => {
  const pins = fc.uniqueArray(fc.record({ length: fc.integer({ min: 4, max: 12 }), validPins: fc.nat(10_000) }), {
    selector: ({ length }) => length,
  })
  fc.assert(
    fc.property(pins, fc.integer({ min: 4, max: 12 }), (lengths, asked) => {
      const { chance } = guessChance(lengths, asked)
      return lengths.every(({ length, validPins }) => length > asked || validPins / 10 ** length <= chance)
    }),
  )
})
