/** Agents: their accounts, and their phones that ring. */
import type { Test } from 'tap'
import type { TelephonyCommand } from '../../../src/app/ports/telephony.ts'
import type { IncomingCall } from '../../../src/local/phone/incoming.ts'
import { until } from '../../support/until.ts'
import type { Stage } from '../support/stage.ts'

export function agents(t: Test, { pbx, id, scene, caller, anna, ring }: Stage): void {
  t.test('an agent is rung, answers, talks to the caller and hangs up', async (t) => {
    const here = await scene(t)
    const { phone, rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const [leg, bridge] = [id('leg'), id('bridge')]
    await here.send(ring(leg, callerLeg))
    const ringing = await rings
    t.equal(ringing.callerId, '+496215550100')
    t.equal(ringing.displayName, 'Premium · Müller GmbH')
    const agentCall = await ringing.answer()
    t.match(await here.seen.event('legAnswered'), { leg })

    await here.send({ do: 'createBridge', bridge })
    await here.send({ do: 'joinBridge', bridge, legs: [callerLeg, leg] })
    await call.sendDigits('7')
    t.equal(await agentCall?.waitForDigits(1), '7', 'they are joined')
    await agentCall?.hangUp()
    t.match(await here.seen.event('legEnded', (event) => event.leg === leg), { leg, cause: 'hung_up' })
    await here.send({ do: 'destroyBridge', bridge })
    t.match(await here.telephony.send({ do: 'destroyBridge', bridge }), { ok: false, why: 'gone' })
    await here.send({ do: 'hangUp', leg: callerLeg })
    t.match(await call.ended, { by: 'them' })
    t.match(await here.seen.event('legEnded', (event) => event.leg === callerLeg), { leg: callerLeg, cause: 'hung_up' })
    t.equal(phone.calls.length, 0)
  })

  for (const [what, status, cause] of [
    ['says no', 603, 'rejected'],
    ['is busy', 486, 'busy'],
    ['does not want to be disturbed', 480, 'no_answer'],
    ['is not there', 404, 'unreachable'],
  ] as const) {
    t.test(`an agent's phone ${what}`, async (t) => {
      const here = await scene(t)
      const { rings } = await anna(t, here)
      const { leg: callerLeg, call } = await caller(t, here)
      const leg = id('leg')
      await here.send(ring(leg, callerLeg))
      ;(await rings).reject(status)
      t.match(await here.seen.event('legEnded', (event) => event.leg === leg), { leg, cause })
      await call.hangUp()
      await here.seen.event('legEnded')
      t.equal(here.seen.endsOf(leg).length, 1)
    })
  }

  t.test('nobody picks up: the PBX gives up by itself, and we can give up before', async (t) => {
    const here = await scene(t)
    const { phone, rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const [leg, other] = [id('leg'), id('leg')]
    await here.send(ring(leg, callerLeg, 1_000))
    await (await rings).cancelled
    t.match(await here.seen.event('legEnded', (event) => event.leg === leg), { leg, cause: 'no_answer' })

    const { promise, resolve } = Promise.withResolvers<IncomingCall>()
    phone.onCall(resolve)
    await here.send(ring(other, callerLeg))
    const ringing = await promise
    await here.send({ do: 'stopRinging', leg: other })
    await ringing.cancelled
    t.match(await here.seen.event('legEnded', (event) => event.leg === other), { leg: other, cause: 'no_answer' })
    await call.hangUp()
  })

  t.test('a phone that has just been picked up is not taken for one that rings', async (t) => {
    const here = await scene(t)
    const { rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const leg = id('leg')
    await here.send(ring(leg, callerLeg))
    const picked = await (await rings).answer()
    t.match(await here.seen.event('legAnswered'), { leg })
    t.match(await here.telephony.send({ do: 'stopRinging', leg }), { ok: false, why: 'conflict' })
    t.notOk(picked?.isOver)
    await here.send({ do: 'hangUp', leg })
    t.match(await picked?.ended, { by: 'them' })
    t.match(await here.seen.event('legEnded', (event) => event.leg === leg), { leg })
    // That it is over is told as soon as it has been decided; the PBX may take another moment to clear it away.
    await until('the leg to be gone', async () => {
      const outcome = await here.telephony.send({ do: 'stopRinging', leg })
      return !outcome.ok && outcome.why === 'gone'
    })
    await call.hangUp()
  })

  t.test('a phone that is not registered, or an account that is not there, is refused at once', async (t) => {
    const here = await scene(t)
    const { leg: callerLeg, call } = await caller(t, here)
    t.match(await here.telephony.pushAgent({ id: 'ben', username: 'ben', password: 'hagebutte' }), { ok: true })
    const ringBen = { ...ring(id('leg'), callerLeg), endpoint: 'ben' } as TelephonyCommand
    t.match(await here.telephony.send(ringBen), { ok: false, why: 'refused' })
    t.match(await here.telephony.send({ ...ringBen, endpoint: 'nobody' } as TelephonyCommand), { ok: false, why: 'refused' })
    t.match(await here.telephony.send({ ...ringBen, endpoint: 'a&PJSIP/b' } as TelephonyCommand), { ok: false, why: 'refused' })
    await call.hangUp()
  })

  t.test('accounts of agents who are not there any more are found, whoever pushed them, and nothing else is', async (t) => {
    const before = await scene(t)
    for (const id of ['dora', 'emil']) t.match(await before.telephony.pushAgent({ id, username: id, password: 'mirabelle' }), { ok: true })
    const phone = await pbx.phone(t, 'emil', 'mirabelle')
    await phone.register()
    await before.telephony.close()

    const { telephony } = await scene(t)
    const strays = await telephony.strayAgents(['dora'])
    if (!strays.ok) return t.fail(strays.detail)
    t.ok(strays.value.includes('emil'))
    for (const id of ['dora', 'anonymous']) t.notOk(strays.value.includes(id), id)
    t.match(await telephony.removeAgent('emil'), { ok: true })
    t.notOk(await telephony.strayAgents([]).then((still) => still.ok && still.value.includes('emil')))
    await t.rejects(phone.register(), { name: 'RegistrationFailed' })
    await telephony.removeAgent('dora')
  })

  t.test("an agent's account can be pushed again with a new password, and removed", async (t) => {
    const { telephony } = await scene(t)
    const clara = { id: 'clara', username: 'clara', password: 'mirabelle' }
    t.match(await telephony.pushAgent(clara), { ok: true })
    const phone = await pbx.phone(t, 'clara', 'mirabelle')
    await phone.register()
    await phone.unregister()
    t.match(await telephony.pushAgent({ ...clara, password: 'schlehe' }), { ok: true })
    await t.rejects(phone.register(), { name: 'RegistrationFailed' })
    const newPhone = await pbx.phone(t, 'clara', 'schlehe')
    await newPhone.register()
    await t.rejects(newPhone.call('hotline'), { message: /404/ }, 'it can dial nothing')
    t.match(await telephony.removeAgent('clara'), { ok: true })
    t.match(await telephony.removeAgent('clara'), { ok: false, why: 'gone' })
  })
}
