/** Stories of a menu ahead of the gate, and of callers who are transferred from there to a number outside, over a trunk. */
import type { Test } from 'tap'
import type { IncomingCall } from '../../../src/local/phone/incoming.ts'
import type { Caller } from '../support/caller.ts'
import { LINES, SALES } from '../support/definition.ts'
import type { FarEnd } from '../support/far-end.ts'
import type { Hotline } from '../support/hotline.ts'
import { pathOf } from '../support/on-record.ts'

const CALLER_HZ = 1_100
const OUTSIDE_HZ = 700
const TALK_MS = 60_000

export function outsideStories(t: Test, hotline: Hotline, farEnd: FarEnd): void {
  t.test('a key into the prompt of the menu leads to the gate at once', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials(LINES.menu)
    await caller.hears('choose')
    await caller.types('1')
    await caller.hears('welcome')
    t.notOk(caller.call.heard.hears(await hotline.prompt('choose'))?.complete, 'the rest of it is not spoken')
    await caller.types(pin)
    await agents[0]!.answers()
    await caller.talksTo(agents[0]!)
    await caller.hangsUp()
    t.equal(pathOf(await caller.afterwards()), 'outage: off, choose: 1, ask_pin: right, opening: open, waiting: connected')
  })

  t.test('a key that the menu does not have: it is spoken again; who then presses none goes on without', async (t) => {
    const caller = await (await hotline.caller(t)).dials(LINES.menu)
    await caller.hears('choose')
    await caller.types('7')
    await caller.hears('choose')
    await caller.hears('welcome')
    await caller.hangsUp()
    t.equal(pathOf(await caller.afterwards()), 'outage: off, choose: none, ask_pin: hung_up')
  })

  t.test('a caller is transferred outside, and both hear each other until the caller hangs up', async (t) => {
    const { caller, ringing } = await transferred(t)
    t.equal(ringing.dialled, SALES)
    await caller.hearsSound()
    const call = await ringing.answer()
    void call!.play({ hz: OUTSIDE_HZ, ms: TALK_MS })
    void caller.speaks({ hz: CALLER_HZ, ms: TALK_MS })
    await Promise.all([caller.hearsTone(OUTSIDE_HZ), call!.heard.waitForTone(CALLER_HZ)])
    await caller.hangsUp()
    t.match(await call!.ended, { by: 'them' })
    const row = await caller.afterwards()
    t.match(row, { outcome: 'connected', agentId: null, customerId: null, waitMs: null })
    t.ok(row['talkMs'] > 0)
    t.equal(pathOf(row), 'outage: off, choose: 2, sales: connected')
  })

  t.test('whoever was called outside hangs up, and the caller is let go', async (t) => {
    const { caller, ringing } = await transferred(t)
    const call = await ringing.answer()
    void call!.play({ hz: OUTSIDE_HZ, ms: TALK_MS })
    await caller.hearsTone(OUTSIDE_HZ)
    await call!.hangUp()
    await caller.isHungUpOn()
    t.match(await caller.afterwards(), { outcome: 'connected', agentId: null })
  })

  for (const [what, status, why] of [
    ['is busy', 486, 'busy'],
    ['is rejected', 603, 'rejected'],
    ['does not exist', 404, 'unreachable'],
  ] as const) {
    t.test(`the number outside ${what}: the caller is offered the voicemail instead`, async (t) => {
      const { caller, ringing } = await transferred(t)
      ringing.reject(status)
      await caller.hears('offer_voicemail')
      await caller.hangsUp()
      t.equal(pathOf(await caller.afterwards()), `outage: off, choose: 2, sales: failed (${why}), offer: hung_up`)
    })
  }

  t.test('nobody answers outside: it stops ringing, and the caller is offered the voicemail instead', async (t) => {
    const { caller, ringing } = await transferred(t)
    await ringing.cancelled
    await caller.hears('offer_voicemail')
    await caller.hangsUp()
    t.equal(pathOf(await caller.afterwards()), 'outage: off, choose: 2, sales: failed (no_answer), offer: hung_up')
  })

  t.test('a caller hangs up in the menu', async (t) => {
    const caller = await (await hotline.caller(t)).dials(LINES.menu)
    await caller.hears('choose')
    await caller.hangsUp()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'abandoned' })
    t.equal(pathOf(row), 'outage: off, choose: hung_up')
  })

  t.test('a caller hangs up while it rings outside: it stops there, too', async (t) => {
    const { caller, ringing } = await transferred(t)
    await caller.hangsUp()
    await ringing.cancelled
    const row = await caller.afterwards()
    t.match(row, { outcome: 'abandoned', agentId: null })
    t.equal(pathOf(row), 'outage: off, choose: 2, sales: hung_up')
  })

  /** A caller who has pressed the key for it, and the phone that rings outside. */
  async function transferred(t: Test): Promise<{ caller: Caller; ringing: IncomingCall }> {
    const caller = await (await hotline.caller(t)).dials(LINES.menu)
    await caller.types('2')
    return { caller, ringing: await farEnd.ringsFor(caller) }
  }
}
