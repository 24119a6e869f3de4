/** Stories of the PIN gate: who gets in, and what those hear who do not. */
import type { Test } from 'tap'
import type { Hotline } from '../support/hotline.ts'
import { pathOf } from '../support/on-record.ts'

export function gateStories(t: Test, hotline: Hotline): void {
  t.test('a caller types the right PIN and talks to a human, who hears them too', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const anna = agents[0]!
    const customer = await hotline.admit({ queue, service: 'Entstörung 8 h' }, { name: 'Müller "Rohre" GmbH' })
    const caller = await hotline.caller(t)
    await caller.dials()
    await caller.hears('welcome')
    await caller.hears('ask_pin')
    await caller.types(customer.pin)

    const ringing = await anna.rings()
    t.equal(ringing.callerId, caller.number, 'the agent sees who calls')
    t.match(ringing.displayName, /Entstörung 8 h/, 'and under which contract')
    t.match(await anna.isShownAs('ringing'), { callId: (await caller.row())!['id'] })
    const call = await ringing.answer()
    void call!.play({ hz: 700, ms: 60_000 })
    void caller.speaks({ hz: 1100, ms: 60_000 })
    await Promise.all([caller.hearsTone(700), call!.heard.waitForTone(1100)])
    await anna.isShownAs('talking')

    await caller.hangsUp()
    t.match(await call!.ended, { by: 'them' })
    const row = await caller.afterwards()
    t.match(row, {
      outcome: 'connected',
      agentId: anna.id,
      customerId: customer.customerId,
      contractId: customer.contractId,
      ticketId: null,
    })
    t.ok(row['waitMs'] >= 0 && row['talkMs'] > 0)
    t.equal(pathOf(row), 'outage: off, ask_pin: right, opening: open, waiting: connected')
    await anna.isShownAs('available')
  })

  t.test('the agent hangs up, and the caller is let go', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials()
    await caller.types(pin)
    const call = await agents[0]!.answers()
    await caller.talksTo(agents[0]!)
    await call.hangUp()
    await caller.isHungUpOn()
    t.match(await caller.afterwards(), { outcome: 'connected', agentId: agents[0]!.id })
    await agents[0]!.isShownAs('available')
  })

  t.test('a number that is dialled leads to its line as its name does', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials('+49621555100')
    await caller.types(pin)
    await agents[0]!.answers()
    t.match(await caller.row(), { line: 'hotline' })
  })

  t.test('the first PIN is wrong, the second is right', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials()
    await caller.typesWrongPin()
    await caller.hears('not_correct')
    await caller.hears('ask_pin')
    await caller.types(pin)
    await agents[0]!.answers()
    await caller.talksTo(agents[0]!)
    await caller.hangsUp()
    const row = await caller.afterwards()
    t.equal(pathOf(row), 'outage: off, ask_pin: wrong, not_correct: done, ask_pin_again: right, opening: open, waiting: connected')
  })

  t.test('three wrong PINs lead to the loop, where even the right one opens nothing', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials()
    for (let tries = 1; tries < 3; tries++) {
      await caller.typesWrongPin()
      await caller.hears('not_correct')
    }
    await caller.typesWrongPin()
    t.equal(await caller.hears('not_let_in', 'not_correct'), 'not_let_in')
    await caller.hearsMusic()
    await caller.types(pin)
    t.equal(await caller.hears('offer_voicemail', 'ask_pin'), 'offer_voicemail')
    await caller.standsIn('music')
    await caller.hangsUp()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'abandoned', customerId: null })
    t.match(
      pathOf(row),
      /^outage: off, ask_pin: wrong, not_correct: done, ask_pin_again: wrong, not_correct: done, ask_pin_again: exhausted, not_let_in: done, music: done, offer: done, music: /,
    )
    t.equal(agents[0]!.rung.length, 0)
  })

  t.test('a PIN that was taken back, one that has run out and one that is not valid yet are wrong', async (t) => {
    const day = 24 * 3_600_000
    const at = (ms: number): string => new Date(Date.now() + ms).toISOString()
    const revoked = await hotline.admit()
    t.equal((await hotline.pforte.request('DELETE', `/v1/pins/${revoked.pinId}`)).status, 204)
    const ended = await hotline.admit({ validFrom: at(-2 * day), validTo: at(-day) })
    const coming = await hotline.admit({ validFrom: at(day) })
    const caller = await (await hotline.caller(t)).dials()
    for (const { pin } of [revoked, ended]) {
      await caller.types(pin)
      await caller.hears('not_correct')
    }
    await caller.types(coming.pin)
    await caller.hears('not_let_in')
    await caller.hangsUp()
    t.match(await caller.afterwards(), { outcome: 'abandoned', contractId: null })
  })

  t.test('on the English line everything is English', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials('hotline-en')
    await caller.hears('welcome')
    await caller.hears('ask_pin')
    await caller.typesWrongPin()
    await caller.hears('not_correct')
    await caller.types(pin)
    await agents[0]!.answers()
    t.match(await caller.row(), { line: 'hotline-en' })
  })

  t.test('a contract for business hours is closed now and leads to the voicemail; one for always gets through', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const [business, always] = [await hotline.admit({ queue, hours: 'business' }), await hotline.admit({ queue, hours: 'always' })]
    const late = await (await hotline.caller(t)).dials()
    await late.types(business.pin)
    await late.hears('closed')
    await late.hears('leave_message')
    await late.hearsBeep()
    await late.hangsUp()
    const row = await late.afterwards()
    t.equal(pathOf(row), 'outage: off, ask_pin: right, opening: closed, closed: done, voicemail: hung_up')
    t.match(row, { customerId: business.customerId })
    t.equal(agents[0]!.rung.length, 0)

    const premium = await (await hotline.caller(t)).dials()
    await premium.types(always.pin)
    await agents[0]!.answers()
  })
}
