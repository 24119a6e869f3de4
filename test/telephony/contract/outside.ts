/** Numbers outside: dialled over a trunk, as its far end sees it. */
import type { Test } from 'tap'
import type { TelephonyCommand } from '../../../src/app/ports/telephony.ts'
import type { IncomingCall } from '../../../src/local/phone/incoming.ts'
import { openTrunk, TRUNK } from '../../support/trunk.ts'
import type { Scene, Stage } from '../support/stage.ts'

const NUMBER = '+4962155501'
const CALLER = '+496215550100'

export function outside(t: Test, { pbx, id, scene, caller }: Stage): void {
  t.test('numbers outside', async (t) => {
    const carrier = await pbx.phone(t, 'outside')
    await openTrunk(pbx.home, carrier.address)

    /** A caller, and whoever is dialled for them. */
    const dialled = async (t: Test, timeoutMs = 20_000) => {
      const here = await scene(t)
      const { leg: callerLeg, call } = await caller(t, here)
      const { promise, resolve } = Promise.withResolvers<IncomingCall>()
      carrier.onCall((incoming) => {
        incoming.ring()
        resolve(incoming)
      })
      const leg = id('leg')
      await here.send(dial(leg, callerLeg, { timeoutMs }))
      return { here, callerLeg, call, leg, ringing: await promise }
    }

    await t.test('one is dialled, answers, talks to the caller and hangs up', async (t) => {
      const { here, callerLeg, call, leg, ringing } = await dialled(t)
      t.equal(ringing.dialled, NUMBER)
      t.equal(ringing.callerId, CALLER)
      const answered = await ringing.answer()
      t.match(await here.seen.event('legAnswered'), { leg })
      const bridge = id('bridge')
      await here.send({ do: 'createBridge', bridge })
      await here.send({ do: 'joinBridge', bridge, legs: [callerLeg, leg] })
      await call.sendDigits('7')
      t.equal(await answered?.waitForDigits(1), '7', 'they are joined')
      await answered?.hangUp()
      t.match(await here.seen.event('legEnded', (event) => event.leg === leg), { leg, cause: 'hung_up' })
      await here.send({ do: 'destroyBridge', bridge })
      await leaves(here, callerLeg, call)
    })

    for (const [what, status, cause] of [
      ['says no', 603, 'rejected'],
      ['is busy', 486, 'busy'],
      ['does not exist', 404, 'unreachable'],
    ] as const) {
      await t.test(`one ${what}`, async (t) => {
        const { here, callerLeg, call, leg, ringing } = await dialled(t)
        ringing.reject(status)
        t.match(await here.seen.event('legEnded', (event) => event.leg === leg), { leg, cause })
        t.equal(here.seen.endsOf(leg).length, 1)
        await leaves(here, callerLeg, call)
      })
    }

    await t.test('nobody answers: the PBX gives up by itself, and we can give up before', async (t) => {
      const { here, callerLeg, call, leg, ringing } = await dialled(t, 1_000)
      await ringing.cancelled
      t.match(await here.seen.event('legEnded', (event) => event.leg === leg), { leg, cause: 'no_answer' })
      await leaves(here, callerLeg, call)

      const other = await dialled(t)
      await other.here.send({ do: 'hangUp', leg: other.leg })
      await other.ringing.cancelled
      t.match(await other.here.seen.event('legEnded', (event) => event.leg === other.leg), { leg: other.leg })
      await leaves(other.here, other.callerLeg, other.call)
    })

    await t.test('a trunk that is not there, or a number that is none, is refused at once', async (t) => {
      const { telephony, seen, ...here } = await scene(t)
      const { leg: callerLeg, call } = await caller(t, { telephony, seen, ...here })
      for (const wrong of [
        { trunk: 'nobody' },
        { number: '1&PJSIP/2' },
        { number: '1@elsewhere' },
        { trunk: `${TRUNK}/sip:1@127.0.0.1` },
      ]) {
        t.match(await telephony.send(dial(id('leg'), callerLeg, wrong)), { ok: false, why: 'refused' }, JSON.stringify(wrong))
      }
      await leaves({ telephony, seen, ...here }, callerLeg, call)
    })
  })

  function dial(leg: string, forCaller: string, changes: Partial<Extract<TelephonyCommand, { do: 'dial' }>>): TelephonyCommand {
    const callerId = { name: 'Pforte', number: CALLER }
    return { do: 'dial', leg, number: NUMBER, trunk: TRUNK, callerId, timeoutMs: 20_000, forCaller, ...changes }
  }

  async function leaves({ seen }: Scene, leg: string, call: Awaited<ReturnType<Stage['caller']>>['call']): Promise<void> {
    await call.hangUp()
    await seen.event('legEnded', (event) => event.leg === leg)
  }
}
