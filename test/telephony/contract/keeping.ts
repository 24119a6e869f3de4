/** What there can be once only, what is not there, and what the PBX keeps. */
import type { Test } from 'tap'
import type { TelephonyCommand } from '../../../src/app/ports/telephony.ts'
import { afterTheBeep, type Stage } from '../support/stage.ts'
import { until } from '../../support/until.ts'

export function keeping(t: Test, { pbx, id, scene, caller, anna, ring }: Stage): void {
  t.test('doing a thing twice is a conflict: bridge, leg, recording', async (t) => {
    const here = await scene(t)
    const { rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const [bridge, leg, recording] = [id('bridge'), id('leg'), id('message')]
    await here.send({ do: 'createBridge', bridge })
    t.match(await here.telephony.send({ do: 'createBridge', bridge }), { ok: false, why: 'conflict' })
    await here.send(ring(leg, callerLeg))
    t.match(await here.telephony.send(ring(leg, callerLeg)), { ok: false, why: 'conflict' })
    const nobody = { ...ring(id('leg'), callerLeg), endpoint: 'nobody' } as TelephonyCommand
    t.match(await here.telephony.send(nobody), { ok: false, why: 'refused' }, 'and what fails for another reason after that is none')
    const record: TelephonyCommand = { do: 'record', leg: callerLeg, recording, maxMs: 60_000, silenceMs: 0 }
    await here.send(record)
    t.match(await here.telephony.send(record), { ok: false, why: 'conflict' })
    await afterTheBeep(call)
    await call.sendDigits('#')
    await here.seen.event('recordingFinished')
    t.match(await here.telephony.send(record), { ok: false, why: 'conflict' }, 'also when it is there already')
    await here.telephony.deleteRecording(recording)
    await here.send({ do: 'destroyBridge', bridge })
    await here.send({ do: 'hangUp', leg })
    await (await rings).cancelled
    await call.hangUp()
  })

  t.test('what is not there (any more) is gone, whatever is asked of it', async (t) => {
    const here = await scene(t)
    const { leg: callerLeg, call } = await caller(t, here)
    const bridge = id('bridge')
    await here.send({ do: 'createBridge', bridge })
    const commands: TelephonyCommand[] = [
      { do: 'answer', leg: 'nobody' },
      { do: 'play', leg: 'nobody', playback: id('prompt'), prompts: ['tone-500-a'], language: 'de' },
      { do: 'stopPlayback', playback: 'nothing' },
      { do: 'startMusic', leg: 'nobody' },
      { do: 'stopMusic', leg: 'nobody' },
      { do: 'record', leg: 'nobody', recording: id('message'), maxMs: 1_000, silenceMs: 0 },
      { do: 'stopRecording', recording: 'nothing' },
      { do: 'joinBridge', bridge: 'nowhere', legs: [callerLeg] },
      { do: 'joinBridge', bridge, legs: ['nobody'] },
      { do: 'destroyBridge', bridge: 'nowhere' },
      { do: 'hangUp', leg: 'nobody' },
      ring(id('leg'), 'nobody'),
    ]
    for (const command of commands) t.match(await here.telephony.send(command), { ok: false, why: 'gone' }, command.do)
    t.match(await here.telephony.removeAgent('nobody'), { ok: false, why: 'gone' })
    await here.send({ do: 'destroyBridge', bridge })
    await call.hangUp()
  })

  t.test('what the PBX keeps for us can be asked for', async (t) => {
    const here = await scene(t)
    const { rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const [leg, bridge, recording] = [id('leg'), id('bridge'), id('message')]
    await here.send(ring(leg, callerLeg))
    await rings
    await here.send({ do: 'createBridge', bridge })
    await here.send({ do: 'record', leg: callerLeg, recording, maxMs: 60_000, silenceMs: 0 })
    // The phone has the INVITE; that it rings is on its way back.
    const observed = await until('the phone to ring, as the PBX sees it', async () => {
      const found = await here.telephony.observe([recording, 'nothing'])
      return !found.ok || found.value.legs.some((one) => one.leg === leg && one.state === 'ringing') ? found : null
    })
    if (!observed.ok) return t.fail(observed.detail)
    t.match(
      observed.value.legs.find((one) => one.leg === callerLeg),
      { state: 'up', dialled: 'hotline', caller: '+496215550100', trunk: 'anonymous' },
    )
    t.match(
      observed.value.legs.find((one) => one.leg === leg),
      { state: 'ringing', dialled: null, caller: null, trunk: null },
    )
    t.same(observed.value.bridges, [{ bridge, legs: [] }], 'an empty bridge too')
    t.same(observed.value.liveRecordings, [recording])

    await afterTheBeep(call)
    await call.sendDigits('#')
    await here.seen.event('recordingFinished')
    await here.send({ do: 'joinBridge', bridge, legs: [callerLeg] })
    const later = await here.telephony.observe([recording])
    t.match(later, { ok: true, value: { bridges: [{ bridge, legs: [callerLeg] }], liveRecordings: [] } })
    await here.send({ do: 'destroyBridge', bridge })
    await here.send({ do: 'hangUp', leg })
    await call.hangUp()
    await here.telephony.deleteRecording(recording)
  })

  t.test('prompts are fetched before a caller needs them, and not again', async (t) => {
    const here = await scene(t)
    const prompts = Array.from({ length: 20 }, () => `tone-500-${id('warm')}`)
    t.same(await here.telephony.warm(prompts), { ok: true, value: undefined })
    t.ok(prompts.every((prompt) => pbx.fetched.get(prompt) === 1))
    t.same(await here.telephony.warm(prompts), { ok: true, value: undefined })
    const { leg, call } = await caller(t, here)
    await here.send({ do: 'play', leg, playback: id('prompt'), prompts: [prompts[0]!], language: 'de' })
    t.match(await here.seen.event('playbackFinished'), { ok: true })
    t.ok(
      prompts.every((prompt) => pbx.fetched.get(prompt) === 1),
      'neither by warming twice nor by a caller',
    )
    t.match(await here.telephony.observe([]), { ok: true, value: { bridges: [] } }, 'nothing is left of it')
    t.notOk(here.seen.events.some((event) => event.type === 'playbackFinished' && event.playback.startsWith('pforte-warm')))
    t.match(await here.telephony.warm([...prompts, 'missing']), {
      ok: false,
      why: 'refused',
      detail: /1 of 21 prompts, such as .*missing\.wav/,
    })
    await call.hangUp()
  })
}
