import t from 'tap'
import fc from 'fast-check'
import { mayBecome, messageStates, type MessageState, type PartState, type ReceiptState } from '../../../src/domain/sms/message-state.ts'
import { applyReceipt, hasEnded, type TriedMessage, type TriedPart } from '../../../src/domain/sms/receipts.ts'

const receiptStates: ReceiptState[] = ['enroute', 'accepted', 'delivered', 'expired', 'deleted', 'undeliverable', 'rejected', 'unknown']

t.test('a message of one part goes where its receipt says', async (t) => {
  const effect = applyReceipt(message('submitted', ['submitted']), { attempt: 1, part: 0, state: 'delivered' })
  t.match(effect, { message: { state: 'delivered' }, changed: [{ attempt: 1, part: 0, state: 'delivered' }] })
  t.same(effect.step, { what: 'delivered', why: 'its receipt says so' })
})

t.test('what is told once is no news the second time', async (t) => {
  const delivered = message('delivered', ['delivered'])
  for (const state of receiptStates) t.match(applyReceipt(delivered, { attempt: 1, part: 0, state }), { changed: [], step: null }, state)
})

t.test('the carrier tries on: the message stands, and somebody who wonders can see why', async (t) => {
  const effect = applyReceipt(message('submitted', ['submitted']), { attempt: 1, part: 0, state: 'enroute' })
  t.match(effect, { message: { state: 'submitted' }, changed: [], step: { what: 'receipt', why: 'enroute' } })
})

t.test('a part that waits to be sent again keeps its message waiting', async (t) => {
  // The second was refused for the moment; the first arrived meanwhile.
  const waiting = message('queued', ['submitted', 'queued'])
  t.match(applyReceipt(waiting, { attempt: 1, part: 0, state: 'delivered' }), { message: { state: 'queued' } })
  // And on its way again, with what was refused still standing in its row.
  const onItsWay = { ...message('submitting', ['submitted', 'queued']), attempt: 2 }
  t.match(applyReceipt(onItsWay, { attempt: 1, part: 0, state: 'delivered' }), { message: { state: 'submitting' } })
  t.match(applyReceipt(onItsWay, { attempt: 1, part: 0, state: 'expired' }), { message: { state: 'expired' } }, 'it was not sent again')
})

t.test('two tries of one part: one delivery is enough, one failure is not', async (t) => {
  const twice: TriedMessage = {
    state: 'submitted',
    attempt: 2,
    parts: 1,
    tried: [
      { attempt: 1, part: 0, state: 'submitted' },
      { attempt: 2, part: 0, state: 'submitted' },
    ],
  }
  t.match(applyReceipt(twice, { attempt: 1, part: 0, state: 'undeliverable' }), { message: { state: 'submitted' }, changed: [] })
  const arrived = applyReceipt(twice, { attempt: 1, part: 0, state: 'delivered' })
  t.same(
    arrived.changed.map(({ attempt, state }) => [attempt, state]),
    [
      [1, 'delivered'],
      [2, 'delivered'],
    ],
    'the latest try has the part’s state',
  )
  t.equal(arrived.message.state, 'delivered')
  t.equal(applyReceipt(twice, { attempt: 2, part: 0, state: 'undeliverable' }).message.state, 'undeliverable')
})

t.test('whatever comes in whatever order, a message only goes where it may, and every part keeps its first end', async (t) => {
  const partState = fc.constantFrom<PartState>('queued', 'uncertain', 'submitted', 'delivered', 'expired', 'undeliverable', 'failed')
  const anyMessage = fc
    .record({
      state: fc.constantFrom<MessageState>(...messageStates),
      attempt: fc.integer({ min: 1, max: 3 }),
      parts: fc.integer({ min: 1, max: 3 }),
      states: fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 }), partState), { minLength: 1, maxLength: 6 }),
    })
    .map(({ state, attempt, parts, states }): TriedMessage => {
      const rows = new Map(
        states.map(([at, part, is]) => [`${at} ${part % parts}`, { attempt: Math.min(at, attempt), part: part % parts, state: is }]),
      )
      const tried = [...new Map([...rows.values()].map((row) => [`${row.attempt} ${row.part}`, row])).values()]
      return { state, attempt, parts, tried }
    })
  fc.assert(
    fc.property(anyMessage, fc.array(fc.tuple(fc.nat(), fc.constantFrom(...receiptStates)), { maxLength: 12 }), (start, receipts) => {
      let now = start
      for (const [choice, state] of receipts) {
        const { attempt, part } = now.tried[choice % now.tried.length]!
        const { message: after, changed } = applyReceipt(now, { attempt, part, state })
        if (after.state !== now.state && !mayBecome(now.state, after.state)) return false
        if (after.state === 'queued' && now.state !== 'queued') return false
        for (const one of changed) if (hasEnded(stateOf(now.tried, one))) return false
        const sameRows =
          after.tried.length === now.tried.length && after.tried.every((one) => now.tried.some((other) => isSame(one, other)))
        if (!sameRows) return false
        now = after
      }
      return true
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

function message(state: MessageState, states: PartState[]): TriedMessage {
  return { state, attempt: 1, parts: states.length, tried: states.map((one, part) => ({ attempt: 1, part, state: one })) }
}

function isSame(one: TriedPart, other: TriedPart): boolean {
  return one.attempt === other.attempt && one.part === other.part
}

function stateOf(tried: readonly TriedPart[], one: TriedPart): PartState {
  return tried.find((other) => isSame(one, other))!.state
}
