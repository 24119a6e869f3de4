/** Stories of customers for whom nobody is free: not in time, or not with so many waiting. They are asked for a message. */
import type { Test } from 'tap'
import { CROWDED, IMPATIENT } from '../support/definition.ts'
import type { Hotline } from '../support/hotline.ts'
import { pathOf } from '../support/on-record.ts'

export function nobodyFreeStories(t: Test, hotline: Hotline): void {
  t.test('nobody is free in time: the customer leaves a message, which is theirs without their number being known', async (t) => {
    const { pin, customerId, contractId } = await hotline.admit({ queue: IMPATIENT })
    const caller = await (await hotline.caller(t)).dials()
    await caller.types(pin)
    await caller.standsIn('waiting')
    await caller.hears('nobody_free')
    await caller.hears('leave_message')
    await caller.types('#')
    await caller.hearsBeep()
    await caller.speaks(await hotline.prompt('not_correct'))
    await caller.types('#')
    await caller.hears('thanks')
    await caller.isHungUpOn()
    const ticket = await caller.ticket()
    t.match(ticket, { caller: caller.number, customerId, source: 'voicemail', status: 'received', voicemail: { durationMs: Number } })
    const row = await caller.afterwards()
    t.match(row, { outcome: 'voicemail', customerId, contractId, agentId: null, talkMs: null })
    t.equal(
      pathOf(row),
      'outage: off, ask_pin: right, opening: open, waiting: timeout, nobody_free: done, voicemail: left, thanks: done, message_left: voicemail',
    )
  })

  t.test('as many wait as may: the next one is told so at once, and # leads to the voicemail before all is said', async (t) => {
    const first = await hotline.waitingCaller(t, CROWDED)
    const { pin } = await hotline.admit({ queue: CROWDED })
    const next = await (await hotline.caller(t)).dials()
    await next.types(pin)
    await next.hears('nobody_free')
    await next.types('#')
    await next.hears('leave_message')
    await next.hangsUp()
    const row = await next.afterwards()
    t.match(row, { outcome: 'abandoned', ticketId: null })
    t.equal(pathOf(row), 'outage: off, ask_pin: right, opening: open, waiting: full, nobody_free: #, voicemail: hung_up')
    await first.standsIn('waiting')
    await first.hangsUp()
    await first.afterwards()
  })
}
