import t from 'tap'
import type { Decision } from '../../../src/domain/sms/decide.ts'
import { settle } from '../../../src/domain/sms/uncertain.ts'

const resend = { is: 'resend', afterMs: 600_000 } as const
const send: Decision = { do: 'send', validUntil: 9_000_000, what: 'queued', why: 'within the delivery window' }
const never = (): Decision => {
  throw new Error('it is not asked before its time')
}

t.test('a template that prefers a gap leaves it, for somebody to see', async (t) => {
  t.match(settle({ is: 'leave' }, { sinceAt: 0, at: 5_000_000, repeats: 0 }, never), { do: 'leave' })
})

t.test('one that prefers a repeat waits for a late answer first, and repeats once', async (t) => {
  t.same(settle(resend, { sinceAt: 1_000, at: 2_000, repeats: 0 }, never), { do: 'wait', until: 601_000 })
  t.match(
    settle(resend, { sinceAt: 1_000, at: 601_000, repeats: 0 }, () => send),
    { do: 'resend', validUntil: 9_000_000 },
  )
  t.match(settle(resend, { sinceAt: 1_000, at: 601_000, repeats: 1 }, never), { do: 'leave', why: 'it was repeated once already' })
})

t.test('nobody gets a repeat at night, after STOP, or of old news', async (t) => {
  const held: Decision = { do: 'hold', until: 7_000_000, reason: 'window', what: 'held', why: 'outside the delivery window' }
  t.same(
    settle(resend, { sinceAt: 0, at: 600_000, repeats: 0 }, () => held),
    { do: 'wait', until: 7_000_000 },
  )
  const out: Decision = { do: 'suppress', reason: 'opted_out', alarm: null, what: 'suppressed', why: 'the recipient opted out' }
  t.match(
    settle(resend, { sinceAt: 0, at: 600_000, repeats: 0 }, () => out),
    { do: 'leave', why: 'the recipient opted out' },
  )
  const old: Decision = { do: 'supersede', what: 'superseded', why: 'the ticket has moved on' }
  t.match(
    settle(resend, { sinceAt: 0, at: 600_000, repeats: 0 }, () => old),
    { do: 'leave', why: 'the ticket has moved on' },
  )
})
