import t from 'tap'
import { decide, type Decision, type Facts, type Rules } from '../../../src/domain/sms/decide.ts'
import type { Window } from '../../../src/domain/sms/window.ts'

const berlin = 'Europe/Berlin'
const at = (written: string): number => Temporal.PlainDateTime.from(written).toZonedDateTime(berlin).epochMilliseconds
const minute = 60_000
const hour = 60 * minute
const day: Window = { fromMinute: 8 * 60, toMinute: 20 * 60, sundays: true, holidays: [] }

const rules: Rules = {
  caps: [{ most: 5, inMs: 24 * hour }],
  answerCaps: [{ most: 10, inMs: 24 * hour }],
  strangerCaps: { perNumber: { most: 3, inMs: 24 * hour }, perLine: { most: 50, inMs: hour }, inTotal: { most: 200, inMs: 24 * hour } },
  spreadMs: 10 * minute,
}

type Story = {
  now: string
  happened?: string
  version?: number
  message?: Partial<Facts['message']>
  ticket?: Facts['ticket']
  recipient?: Partial<Facts['recipient']>
}

/** A customer's ticket came in; the story says what is different. */
function facts({ now, happened = now, message = {}, ticket = { version: 1, told: null }, recipient = {} }: Story): Facts {
  return {
    at: at(now),
    message: {
      id: 'm1',
      ticketId: 't1',
      happenedAt: at(happened),
      goodForMs: 72 * hour,
      window: day,
      isAnswer: false,
      purpose: 'status',
      tells: { status: 'received', version: 1 },
      ...message,
    },
    ticket,
    recipient: { refusal: null, timeZone: berlin, consent: [], sentAt: [], stranger: null, ...recipient },
  }
}
const decided = (story: Story): Decision => decide(facts(story), rules)

t.test('by day it goes at once, and the carrier may try until the evening', async (t) => {
  t.match(decided({ now: '2026-03-02T09:30' }), { do: 'send', validUntil: at('2026-03-02T20:00'), what: 'queued' })
})

t.test('at night it waits for the morning, and a few minutes more', async (t) => {
  const decision = decided({ now: '2026-03-02T23:00' })
  t.match(decision, { do: 'hold', reason: 'window', what: 'held', why: 'outside the delivery window' })
  if (decision.do !== 'hold') return
  t.ok(decision.until >= at('2026-03-03T08:00') && decision.until < at('2026-03-03T08:10'))
  t.same(decided({ now: '2026-03-02T23:30' }), decision, 'whenever one asks')
})

t.test('all of one ticket have the same place in the morning, and tickets have different ones', async (t) => {
  const morning = (id: string, ticketId: string | null): number => {
    const decision = decided({ now: '2026-03-02T23:00', message: { id, ticketId } })
    return decision.do === 'hold' ? decision.until : Number.NaN
  }
  t.equal(morning('m1', 't1'), morning('m2', 't1'))
  t.not(morning('m1', 't1'), morning('m1', 't2'))
  t.not(morning('m1', null), morning('m2', null), 'without a ticket each has its own')
})

t.test('a minute before the end is too late for the carrier: the next morning', async (t) => {
  t.match(decided({ now: '2026-03-02T19:59' }), { do: 'send' })
  t.match(decided({ now: '2026-03-02T19:59:01' }), { do: 'hold', reason: 'window' })
})

t.test('a voicemail at three in the morning is answered at three in the morning', async (t) => {
  const answer = { isAnswer: true }
  t.match(decided({ now: '2026-03-02T03:00', message: answer }), {
    do: 'send',
    validUntil: at('2026-03-02T04:00'),
    why: 'at once: it answers what the recipient did',
  })
  t.match(
    decided({ now: '2026-03-02T05:30', happened: '2026-03-02T03:00', message: answer }),
    { do: 'hold', reason: 'window' },
    'but not two hours later, when the carrier is back: they sleep now',
  )
  t.match(decided({ now: '2026-03-02T14:00', message: answer }), { do: 'send', validUntil: at('2026-03-02T20:00') })
  t.match(decided({ now: '2026-03-02T19:50', message: answer }), { do: 'send', validUntil: at('2026-03-02T20:50') }, 'in the evening')
})

t.test('where messages have no window they are good for as long as they are of use', async (t) => {
  const message = { window: 'always', goodForMs: 2 * hour } as const
  t.match(decided({ now: '2026-03-02T03:00', message }), { do: 'send', validUntil: at('2026-03-02T05:00') })
})

t.test('what would come too late does not come, and that is known at once', async (t) => {
  t.match(decided({ now: '2026-03-02T22:00', message: { goodForMs: 2 * hour } }), {
    do: 'suppress',
    reason: 'too_late',
    why: 'too late to be of use',
  })
  t.match(
    decided({ now: '2026-03-05T12:00', happened: '2026-03-02T12:00' }),
    { do: 'suppress', reason: 'too_late' },
    'the carrier was away for days',
  )
})

t.test('overnight: received, in progress and completed become completed', async (t) => {
  const ticket = { version: 3, told: null }
  const morning = { now: '2026-03-03T08:05', happened: '2026-03-02T22:00', ticket }
  t.match(decided({ ...morning, message: { tells: { status: 'received', version: 1 } } }), {
    do: 'supersede',
    why: 'the ticket has moved on',
  })
  t.match(decided({ ...morning, message: { tells: { status: 'in_progress', version: 2 } } }), { do: 'supersede' })
  t.match(decided({ ...morning, message: { tells: { status: 'completed', version: 3 } } }), { do: 'send' })
})

t.test('closed and opened again overnight: the customer was told in progress by day, and nothing is new', async (t) => {
  const ticket = { version: 4, told: { status: 'in_progress', version: 2 } as const }
  t.match(decided({ now: '2026-03-03T08:05', ticket, message: { tells: { status: 'in_progress', version: 4 } } }), {
    do: 'suppress',
    reason: 'already_told',
  })
  const toldCompleted = { version: 4, told: { status: 'completed', version: 3 } as const }
  t.match(decided({ now: '2026-03-03T08:05', ticket: toldCompleted, message: { tells: { status: 'in_progress', version: 4 } } }), {
    do: 'send',
  })
})

t.test('the answer to a voicemail does not wait for what is held until the morning, and gives way to what was told', async (t) => {
  const message = { isAnswer: true, tells: { status: 'received', version: 1 } as const }
  t.match(decided({ now: '2026-03-02T23:00', message, ticket: { version: 2, told: null } }), { do: 'send' })
  t.match(decided({ now: '2026-03-02T23:00', message, ticket: { version: 2, told: { status: 'in_progress', version: 2 } } }), {
    do: 'supersede',
  })
  t.match(
    decided({ now: '2026-03-03T08:05', happened: '2026-03-02T22:00', message, ticket: { version: 2, told: null } }),
    { do: 'supersede' },
    'held itself, it is news like any other',
  )
})

t.test('who opted out gets nothing, but for the answer that they asked for', async (t) => {
  const consent = [{ purpose: 'all', is: 'out', at: 0 }] as const
  t.match(decided({ now: '2026-03-02T09:30', recipient: { consent } }), { do: 'suppress', reason: 'opted_out', what: 'suppressed' })
  t.match(
    decided({ now: '2026-03-02T09:30', recipient: { consent }, message: { isAnswer: true } }),
    { do: 'suppress', reason: 'opted_out' },
    'not after a voicemail either',
  )
  const confirmation = { isAnswer: true, purpose: null, tells: null, ticketId: null }
  t.match(decided({ now: '2026-03-02T23:30', recipient: { consent }, message: confirmation, ticket: null }), { do: 'send' })
})

t.test('the sixth message of a day waits until the first is a day old, and for the window then', async (t) => {
  const sentAt = ['09:00', '09:10', '09:20', '09:30', '09:40'].map((time) => at(`2026-03-02T${time}`))
  t.match(decided({ now: '2026-03-02T10:00', recipient: { sentAt } }), { do: 'hold', until: at('2026-03-03T09:00'), reason: 'cap' })
  const early = sentAt.map((moment) => moment - 3 * hour)
  const decision = decided({ now: '2026-03-02T10:00', recipient: { sentAt: early } })
  t.ok(decision.do === 'hold' && decision.until >= at('2026-03-03T08:00') && decision.until < at('2026-03-03T08:10'), 'not at six')
})

t.test('two machines that answer each other stop at ten', async (t) => {
  const sentAt = Array.from({ length: 10 }, (_, count) => at('2026-03-02T09:00') + count)
  const message = { isAnswer: true, purpose: null, tells: null }
  t.match(decided({ now: '2026-03-02T10:00', message, recipient: { sentAt } }), { do: 'suppress', reason: 'too_many_answers', alarm: null })
  t.match(decided({ now: '2026-03-02T10:00', message, recipient: { sentAt: sentAt.slice(1) } }), { do: 'send' })
})

t.test('forged voicemails: strangers stop getting messages, and an alarm is raised', async (t) => {
  const message = { isAnswer: true }
  t.match(decided({ now: '2026-03-02T23:00', message, recipient: { stranger: { byNumber: 0, byLine: 3, inTotal: 3 } } }), { do: 'send' })
  t.match(decided({ now: '2026-03-02T23:00', message, recipient: { stranger: { byNumber: 0, byLine: 50, inTotal: 50 } } }), {
    do: 'suppress',
    reason: 'stranger_line',
    alarm: 'stranger_line',
    why: 'cap: too many messages to unknown numbers on this line',
  })
})

t.test('a number that can take none says which rule it was', async (t) => {
  t.match(decided({ now: '2026-03-02T09:30', recipient: { refusal: 'landline' } }), { do: 'suppress', reason: 'landline', alarm: null })
})

t.test('a message of another system has no ticket to move on', async (t) => {
  const message = { ticketId: null, tells: null, purpose: 'payment' }
  t.match(decided({ now: '2026-03-02T09:30', message, ticket: null }), { do: 'send' })
})
