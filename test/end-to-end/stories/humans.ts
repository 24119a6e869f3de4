/** Stories of agents: who is rung, in which order, and what becomes of the call when they do not answer. */
import type { Test } from 'tap'
import { until } from '../../support/until.ts'
import type { Hotline, Row } from '../support/hotline.ts'
import { pathOf } from '../support/on-record.ts'

export function agentStories(t: Test, hotline: Hotline): void {
  t.test('two callers at once for two departments: each talks to the right one', async (t) => {
    const [repairs, billing] = [await hotline.team(t), await hotline.team(t)]
    const [broken, billed] = [await hotline.admit({ queue: repairs.queue }), await hotline.admit({ queue: billing.queue })]
    const [one, two] = [await hotline.caller(t), await hotline.caller(t)]
    await Promise.all([one.dials(), two.dials()])
    await Promise.all([one.types(broken.pin), two.types(billed.pin)])
    const [first, second] = await Promise.all([repairs.agents[0]!.answers(), billing.agents[0]!.answers()])
    t.equal(first.remote.number, one.number)
    t.equal(second.remote.number, two.number)
    void first.play({ hz: 600, ms: 60_000 })
    void second.play({ hz: 900, ms: 60_000 })
    void one.speaks({ hz: 1300, ms: 60_000 })
    void two.speaks({ hz: 1700, ms: 60_000 })
    await Promise.all([one.hearsTone(600), two.hearsTone(900), first.heard.waitForTone(1300), second.heard.waitForTone(1700)])
    await one.hangsUp()
    await first.ended
    await second.heard.waitForTone(1700, { since: performance.now() })
    t.notOk(second.ended === undefined || two.call.isOver, 'the other conversation goes on')
    await two.hangsUp()
    t.match(await one.afterwards(), { outcome: 'connected', agentId: repairs.agents[0]!.id })
    t.match(await two.afterwards(), { outcome: 'connected', agentId: billing.agents[0]!.id })
  })

  t.test('two callers at once for two agents of one queue: nobody is rung twice', async (t) => {
    const { queue, agents } = await hotline.team(t, 2)
    const { pin } = await hotline.admit({ queue })
    const [one, two] = [await hotline.caller(t), await hotline.caller(t)]
    await Promise.all([one.dials(), two.dials()])
    await Promise.all([one.types(pin), two.types(pin)])
    const calls = await Promise.all(agents.map((agent) => agent.answers()))
    t.same(calls.map((call) => call.remote.number).sort(), [one.number, two.number].sort())
    t.same(
      agents.map((agent) => agent.rung.length),
      [1, 1],
    )
    const [ones, twos] = calls[0]!.remote.number === one.number ? agents : agents.toReversed()
    await Promise.all([one.talksTo(ones!), two.talksTo(twos!)])
    await Promise.all([one.hangsUp(), two.hangsUp()])
    const rows = [await one.afterwards(), await two.afterwards()]
    t.not(rows[0]!['agentId'], rows[1]!['agentId'])
  })

  t.test('the agent who has been free for longest is rung first, and is last in line after the call', async (t) => {
    const { queue, agents } = await hotline.team(t, 3)
    const { pin } = await hotline.admit({ queue })
    for (let turn = 0; turn < 4; turn++) {
      const caller = await (await hotline.caller(t)).dials()
      await caller.types(pin)
      const expected = agents[turn % 3]!
      const call = await expected.answers()
      await caller.talksTo(expected)
      await call.hangUp()
      t.match(await caller.afterwards(), { agentId: expected.id })
    }
    t.same(
      agents.map((agent) => agent.rung.length),
      [2, 1, 1],
    )
  })

  t.test('an agent who rejects is passed over for the next', async (t) => {
    const { queue, agents } = await hotline.team(t, 2)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials()
    await caller.types(pin)
    ;(await agents[0]!.rings()).reject(603)
    await agents[1]!.answers()
    await caller.talksTo(agents[1]!)
    await caller.hangsUp()
    t.match(await caller.afterwards(), { outcome: 'connected', agentId: agents[1]!.id })
    t.equal(agents[0]!.rung.length, 1)
  })

  t.test('an agent whose phone is busy is passed over for the next', async (t) => {
    const { queue, agents } = await hotline.team(t, 2)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials()
    await caller.types(pin)
    ;(await agents[0]!.rings()).reject(486)
    await agents[1]!.answers()
    await caller.talksTo(agents[1]!)
    await caller.hangsUp()
    t.match(await caller.afterwards(), { agentId: agents[1]!.id })
  })

  t.test('an agent who does not answer is passed over for the next, and the phone stops ringing', async (t) => {
    const { queue, agents } = await hotline.team(t, 2)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials()
    await caller.types(pin)
    const unheard = await agents[0]!.rings()
    await caller.hearsSound()
    await unheard.cancelled
    await agents[1]!.answers()
    await caller.talksTo(agents[1]!)
    await caller.hangsUp()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'connected', agentId: agents[1]!.id })
    t.match(pathOf(row), /waiting: connected$/)
  })

  t.test('an agent whose phone has gone is passed over for the next', async (t) => {
    const { queue, agents } = await hotline.team(t, 2)
    const { pin } = await hotline.admit({ queue })
    await agents[0]!.phone.unregister()
    const caller = await (await hotline.caller(t)).dials()
    await caller.types(pin)
    await agents[1]!.answers()
    await caller.talksTo(agents[1]!)
    await caller.hangsUp()
    t.match(await caller.afterwards(), { agentId: agents[1]!.id })
  })

  t.test('nobody is free: music until somebody is, and the queue shows who waits', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const anna = agents[0]!
    await anna.becomes('paused')
    const [plain, premium] = [await hotline.admit({ queue, priority: 1 }), await hotline.admit({ queue, priority: 20 })]
    const first = await (await hotline.caller(t)).dials()
    await first.types(plain.pin)
    await first.standsIn('waiting')
    await first.hearsSound()
    const second = await (await hotline.caller(t)).dials()
    await second.types(premium.pin)
    await second.standsIn('waiting')
    const [firstId, secondId] = [(await first.row())!['id'], (await second.row())!['id']]
    const waiting = await until('both to wait', async () => {
      const { waiting } = await queueShown(queue)
      return waiting.length === 2 ? waiting : null
    })
    t.match(
      waiting,
      [
        { callId: secondId, position: 1, priority: 20 },
        { callId: firstId, position: 2, priority: 1 },
      ],
      'the higher priority goes first',
    )

    await anna.becomes('available')
    const call = await anna.answers()
    t.equal(call.remote.number, second.number)
    await call.hangUp()
    t.equal((await anna.answers()).remote.number, first.number, 'the next caller follows at once')
    await first.hangsUp()
    await Promise.all([first.afterwards(), second.afterwards()])
    t.same((await queueShown(queue)).waiting, [])
  })

  t.test('the caller hangs up while the phone rings: it stops, and the agent is free for the next', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials()
    await caller.types(pin)
    const ringing = await agents[0]!.rings()
    await caller.hangsUp()
    await ringing.cancelled
    t.match(await caller.afterwards(), { outcome: 'abandoned', agentId: null })
    await agents[0]!.isShownAs('available')
    const next = await (await hotline.caller(t)).dials()
    await next.types(pin)
    await agents[0]!.answers()
  })

  t.test('the caller hangs up just as the agent picks up: the agent hears that they have gone', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials()
    await caller.types(pin)
    const call = await (await agents[0]!.rings()).answer()
    await caller.hangsUp()
    await call!.heard.waitForPrompt(await hotline.prompt('caller_gone'))
    t.match(await call!.ended, { by: 'them' }, 'and is let go')
    await caller.afterwards()
    await agents[0]!.isShownAs('available')
  })

  t.test('both in the same moment, again and again: whoever is faster, nothing is left behind', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    for (const headStartMs of [0, 1, 2, 4, 8]) {
      const caller = await (await hotline.caller(t)).dials()
      await caller.types(pin)
      const ringing = await agents[0]!.rings()
      const hangingUp = caller.hangsUp()
      await new Promise((resolve) => setTimeout(resolve, headStartMs))
      const call = await ringing.answer()
      await hangingUp
      if (call !== undefined) await call.ended
      t.match(await caller.afterwards(), { outcome: /^(abandoned|connected)$/ })
      await agents[0]!.isShownAs('available')
    }
  })

  async function queueShown(name: string): Promise<{ waiting: Row[]; agents: Row[] }> {
    const { items } = await hotline.get('/v1/queues')
    return (items as Row[]).find((one) => one['name'] === name) as { waiting: Row[]; agents: Row[] }
  }
}
