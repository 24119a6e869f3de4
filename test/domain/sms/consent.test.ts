import t from 'tap'
import fc from 'fast-check'
import { changesConsent, everyPurpose, mayReceive, type ConsentChange } from '../../../src/domain/sms/consent.ts'

const said = (...words: string[]): ConsentChange[] =>
  words.map((word, at) => {
    const [is, purpose] = word.split(' ')
    return { purpose: purpose ?? everyPurpose, is: is as 'out' | 'in', at }
  })

t.test('who says STOP gets nothing more, whatever it is for', async (t) => {
  t.ok(mayReceive([], 'status'))
  t.notOk(mayReceive(said('out'), 'status'))
  t.notOk(mayReceive(said('out'), 'shipping'))
})

t.test('one purpose can be left, and come back to', async (t) => {
  const noReminders = said('out appointment')
  t.notOk(mayReceive(noReminders, 'appointment'))
  t.ok(mayReceive(noReminders, 'status'))
  t.ok(mayReceive(said('out appointment', 'in appointment'), 'appointment'))
  t.ok(mayReceive(said('out', 'in status'), 'status'), 'out of all, and into one again')
  t.notOk(mayReceive(said('out', 'in status'), 'payment'))
  t.ok(mayReceive(said('out appointment', 'in'), 'appointment'), 'START is for all')
})

t.test('who says it twice is told once', async (t) => {
  const stop = { purpose: everyPurpose, is: 'out' } as const
  t.ok(changesConsent([], stop))
  t.notOk(changesConsent(said('out'), stop))
  t.notOk(changesConsent([], { purpose: everyPurpose, is: 'in' }), 'START from somebody who never left')
  t.ok(changesConsent(said('out', 'in'), stop))
  t.ok(changesConsent(said('out', 'in status'), stop), 'one purpose was open')
  t.notOk(changesConsent(said('out'), { purpose: 'status', is: 'out' }))
})

const change = fc.record<ConsentChange>({
  purpose: fc.constantFrom('status', 'payment', everyPurpose),
  is: fc.constantFrom('in', 'out'),
  at: fc.constant(0),
})
t.test('the last word on a purpose counts, and what changes nothing for nobody is no change', async () => {
  fc.assert(
    fc.property(fc.array(change), change, (before, last) => {
      const after = [...before, last]
      const changed = ['status', 'payment', 'another'].some((purpose) => mayReceive(before, purpose) !== mayReceive(after, purpose))
      const isHeard = mayReceive(after, last.purpose === everyPurpose ? 'another' : last.purpose) === (last.is === 'in')
      return isHeard && changed === changesConsent(before, last)
    }),
  )
})
