import t from 'tap'
import fc from 'fast-check'
import {
  afterReceipt,
  afterResult,
  aggregate,
  mayBecome,
  messageStates,
  type PartResult,
  type PartState,
  type ReceiptState,
} from '../../../src/domain/sms/message-state.ts'

const receipts: ReceiptState[] = ['enroute', 'accepted', 'delivered', 'expired', 'deleted', 'undeliverable', 'rejected', 'unknown']
const results: PartResult[] = [
  { is: 'accepted' },
  { is: 'rejected', kind: 'permanent' },
  { is: 'rejected', kind: 'throttled' },
  { is: 'rejected', kind: 'queue_full' },
  { is: 'rejected', kind: 'temporary' },
  { is: 'unanswered' },
  { is: 'unwritten' },
]
const partStates: PartState[] = ['queued', 'submitting', 'uncertain', 'submitted', 'delivered', 'expired', 'undeliverable', 'failed']
const hasEnded = (part: PartState): boolean => ['delivered', 'expired', 'undeliverable', 'failed'].includes(part)

t.test('the usual life: held by night, queued, submitting, submitted, delivered', async (t) => {
  const life = ['held', 'queued', 'submitting', 'submitted', 'delivered'] as const
  for (const [index, state] of life.entries()) {
    const following = life[index + 1]
    if (following !== undefined) t.ok(mayBecome(state, following), `${state} → ${following}`)
  }
})

t.test('the carrier said nothing, and a late answer settles it', async (t) => {
  const unsettled = afterResult('submitting', { is: 'unanswered' })
  t.equal(unsettled, 'uncertain')
  t.equal(afterResult(unsettled, { is: 'accepted' }), 'submitted')
  t.equal(afterResult(unsettled, { is: 'rejected', kind: 'permanent' }), 'failed')
  t.equal(afterResult(unsettled, { is: 'rejected', kind: 'throttled' }), 'queued', 'refused for certain, so it may be sent again')
  t.equal(afterReceipt(unsettled, 'delivered'), 'delivered', 'or a receipt does')
  t.equal(afterReceipt(unsettled, 'enroute'), 'submitted', 'even one that only says that the carrier has it')
})

t.test('what never left is sent again', async (t) => {
  t.equal(afterResult('submitting', { is: 'unwritten' }), 'queued')
  t.equal(afterResult('uncertain', { is: 'unwritten' }), 'uncertain', 'but not on the word of another attempt')
})

t.test('a receipt that is faster than the answer', async (t) => {
  t.equal(afterReceipt('submitting', 'delivered'), 'delivered')
  t.equal(afterResult('delivered', { is: 'accepted' }), 'delivered')
  t.equal(afterResult('delivered', { is: 'unanswered' }), 'delivered')
  t.equal(afterReceipt('submitting', 'enroute'), 'submitting', 'the answer will bring its id')
})

t.test('receipts double, late and out of order', async (t) => {
  t.equal(afterReceipt('delivered', 'delivered'), 'delivered')
  t.equal(afterReceipt('delivered', 'enroute'), 'delivered')
  t.equal(afterReceipt('delivered', 'undeliverable'), 'delivered', 'the first end is believed')
  t.equal(afterReceipt('submitted', 'unknown'), 'submitted', 'nobody knows is no end')
  t.equal(afterReceipt('submitted', 'deleted'), 'undeliverable')
  t.equal(afterReceipt('submitted', 'rejected'), 'failed')
})

t.test('a repeat on its way is not disturbed by the attempt that was given up', async (t) => {
  t.equal(afterResult('queued', { is: 'accepted' }, false), 'submitted', 'it was taken after all: no repeat')
  t.equal(afterResult('submitting', { is: 'accepted' }, false), 'submitting', 'too late to stop the repeat')
  t.equal(afterResult('submitting', { is: 'rejected', kind: 'temporary' }, false), 'submitting', 'or it would leave a third time')
  t.equal(afterResult('submitting', { is: 'unanswered' }, false), 'submitting')
})

t.test('a long text has arrived with its last part, and has failed with any', async (t) => {
  t.equal(aggregate(['delivered', 'delivered', 'delivered']), 'delivered')
  t.equal(aggregate(['delivered', 'submitted', 'delivered']), 'submitted')
  t.equal(aggregate(['submitted', 'uncertain']), 'uncertain')
  t.equal(aggregate(['submitted', 'queued']), 'queued', 'one part was throttled')
  t.equal(aggregate(['delivered', 'expired']), 'expired')
  t.equal(aggregate(['expired', 'undeliverable', 'failed', 'submitted']), 'failed', 'the gravest is told')
})

t.test('a part that has ended stays so, and receipts only lead forward', async () => {
  const rank = (part: PartState): number => (hasEnded(part) ? 4 : partStates.indexOf(part))
  fc.assert(
    fc.property(fc.constantFrom(...partStates), fc.array(fc.constantFrom(...receipts)), (start, script) => {
      let part = start
      for (const receipt of script) {
        const after = afterReceipt(part, receipt)
        if (rank(after) < rank(part) || (hasEnded(part) && after !== part)) return false
        part = after
      }
      return true
    }),
  )
})

const event = fc.oneof(
  fc.record({ receipt: fc.constantFrom(...receipts) }),
  fc.record({ result: fc.constantFrom(...results), ofThisAttempt: fc.boolean() }),
  fc.constantFrom({ policy: 'resend' } as const, { policy: 'claim' } as const),
)

t.test('whatever happens to its parts, a message only does what the table of states allows, and no end is taken back', async (t) => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(fc.tuple(fc.nat(2), event), { maxLength: 30 }), (count, script) => {
      const parts = Array.from({ length: count }, (): PartState => 'queued')
      let state = aggregate(parts as [PartState])
      for (const [which, happened] of script) {
        const index = which % count
        const part = parts[index] ?? 'queued'
        if ('receipt' in happened) parts[index] = afterReceipt(part, happened.receipt)
        else if ('result' in happened) parts[index] = afterResult(part, happened.result, happened.ofThisAttempt)
        else if (happened.policy === 'resend') parts[index] = part === 'uncertain' ? 'queued' : part
        // All that wait of one message are claimed together.
        else for (const [place, waiting] of parts.entries()) parts[place] = waiting === 'queued' ? 'submitting' : waiting
        if (hasEnded(part) && parts[index] !== part) throw new Error(`a part went from ${part} to ${parts[index]}`)
        const after = aggregate(parts as [PartState])
        if (after !== state && !mayBecome(state, after)) throw new Error(`${state} → ${after}`)
        if (state === 'delivered' && after !== 'delivered') throw new Error('delivered, and then not')
        state = after
        seen.add(state)
      }
    }),
    { numRuns: 5_000 },
  )
  t.same([...seen].sort(), partStates.toSorted(), 'every state was come by')
})

t.test('the same receipts in any order tell the same end, where each part has one', async () => {
  const perPart = fc.array(fc.constantFrom(...receipts), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(perPart, fc.array(fc.nat()), (ends, order) => {
      const play = (places: number[]): PartState => {
        const parts = ends.map((): PartState => 'submitted')
        for (const place of places) parts[place] = afterReceipt(parts[place] ?? 'submitted', ends[place] ?? 'unknown')
        return aggregate(parts as [PartState])
      }
      const places = ends.map((_, place) => place)
      const shuffled = places.toSorted((a, b) => (order[a] ?? 0) - (order[b] ?? 0))
      return play(places) === play(shuffled)
    }),
  )
})

t.test('nothing follows upon suppressed and superseded, and nobody stays in their state by a change', async (t) => {
  for (const to of messageStates) {
    t.notOk(mayBecome('suppressed', to) || mayBecome('superseded', to) || mayBecome('failed', to) || mayBecome('delivered', to))
    t.notOk(mayBecome(to, to))
  }
})
