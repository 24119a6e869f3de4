import t from 'tap'
import fc from 'fast-check'
import { highestThreshold, isObviousPin, judge, type Attempt, type GuessLimits } from '../../../src/domain/gate/limits.ts'

const limits: GuessLimits = {
  windowMs: 600_000,
  perCallerSlow: 3,
  perCallerStop: 6,
  perTrunkSlow: 30,
  perTrunkStop: 60,
  perLineAlarm: 100,
  slowDownMs: 500,
}
const calm: Attempt = {
  wrongBefore: { byCaller: 0, byTrunk: 0, byLine: 0 },
  lacksCustomerNumber: false,
  matched: true,
  withCustomerNumber: false,
}
const count = fc.option(fc.nat(200))
const attempts = fc
  .record({
    wrongBefore: fc.record({ byCaller: count, byTrunk: count, byLine: fc.nat(300) }),
    lacksCustomerNumber: fc.boolean(),
    matched: fc.boolean(),
    withCustomerNumber: fc.boolean(),
  })
  .filter((attempt) => !(attempt.lacksCustomerNumber && (attempt.matched || attempt.withCustomerNumber)))

t.test('a calm line: right is right, wrong is wrong, at once', async (t) => {
  t.match(judge(calm, limits), { is: 'right', slowDownMs: 0, reached: { trunk: false, line: false } })
  t.match(judge({ ...calm, matched: false }, limits), { is: 'wrong', slowDownMs: 0 })
})

t.test('a line that steps up says nothing about the PIN, and a number beyond its limit hears what a wrong PIN hears', async (t) => {
  t.match(judge({ ...calm, matched: false, lacksCustomerNumber: true }, limits), { is: 'step_up' })
  t.match(judge({ ...calm, wrongBefore: { ...calm.wrongBefore, byCaller: 6 } }, limits), { is: 'limited' })
})

t.test('on a line that steps up, a number beyond its limit is asked like everybody, and cannot tell that it is limited', async (t) => {
  const beyond = { ...calm, wrongBefore: { byCaller: 20, byTrunk: 20, byLine: 100 } }
  t.match(judge({ ...beyond, matched: false, lacksCustomerNumber: true }, limits), { is: 'step_up' })
  t.match(judge({ ...beyond, withCustomerNumber: true }, limits), { is: 'limited' }, 'and then hears what a wrong PIN hears')
  fc.assert(
    fc.property(
      attempts.filter(({ lacksCustomerNumber }) => lacksCustomerNumber),
      (attempt) => judge(attempt, limits).is === 'step_up',
    ),
  )
})

t.test('a look-up is slowed down step by step, and never by more than pforte.yaml says', async (t) => {
  const after = (wrong: Partial<Attempt['wrongBefore']>) =>
    judge({ ...calm, wrongBefore: { ...calm.wrongBefore, ...wrong } }, { ...limits, slowDownMs: 2_000 }).slowDownMs
  t.strictSame(
    [2, 3, 4, 5, 6, 7, 200].map((byCaller) => after({ byCaller })),
    [0, 250, 500, 1_000, 2_000, 2_000, 2_000],
  )
  t.equal(after({ byTrunk: 100_000 }), 2_000, 'who pays and comes over a trunk that is guessed on waits for two seconds, not for sixteen')
  fc.assert(fc.property(attempts, (attempt) => judge(attempt, limits).slowDownMs <= limits.slowDownMs))
})

t.test('customer number and PIN together pass a limited trunk; a PIN alone does not', async (t) => {
  const limited = { ...calm, wrongBefore: { byCaller: null, byTrunk: 60, byLine: 60 } }
  t.match(judge(limited, limits), { is: 'limited' })
  t.match(judge({ ...limited, withCustomerNumber: true }, limits), { is: 'right' })
  t.match(judge({ ...limited, withCustomerNumber: true, matched: false }, limits), { is: 'limited' })
})

t.test('a line never refuses those who pay, however much is guessed on it', async () => {
  fc.assert(
    fc.property(
      fc.nat(100_000),
      (byLine) => judge({ ...calm, wrongBefore: { byCaller: 0, byTrunk: 0, byLine }, withCustomerNumber: true }, limits).is === 'right',
    ),
  )
})

t.test('where a limit bites, right and wrong PINs are told alike', async () => {
  fc.assert(
    fc.property(attempts, (attempt) => {
      const [right, wrong] = [judge({ ...attempt, matched: true }, limits), judge({ ...attempt, matched: false }, limits)]
      return right.slowDownMs === wrong.slowDownMs && (right.is === 'right' || right.is === wrong.is)
    }),
  )
})

t.test('counting to the highest threshold is counting enough', async (t) => {
  const most = highestThreshold(limits)
  fc.assert(
    fc.property(attempts, (attempt) => {
      const { byCaller, byTrunk, byLine } = attempt.wrongBefore
      const capped = {
        byCaller: byCaller && Math.min(byCaller, most),
        byTrunk: byTrunk && Math.min(byTrunk, most),
        byLine: Math.min(byLine, most),
      }
      t.strictSame(judge({ ...attempt, wrongBefore: capped }, limits), judge(attempt, limits))
      return true
    }),
  )
})

t.test('PINs that people try first are known', async (t) => {
  for (const pin of ['00000', '12345', '54321', '67890', '90123', '0000']) t.ok(isObviousPin(pin), pin)
  for (const pin of ['13579', '48213', '11112']) t.notOk(isObviousPin(pin), pin)
})
