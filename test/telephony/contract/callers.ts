/** Callers: they arrive, are answered, hear, type and leave. */
import type { Test } from 'tap'
import { until } from '../../support/until.ts'
import { onceForgotten } from '../support/forgotten.ts'
import type { Stage } from '../support/stage.ts'

export function callers(t: Test, stage: Stage): void {
  const { pbx, id, scene, caller } = stage
  t.test('a caller arrives with what was dialled, the number and the trunk', async (t) => {
    const { seen } = await scene(t)
    const phone = await pbx.phone(t, '+496215550100')
    const dialling = await phone.dial(pbx.hotline)
    t.match(await seen.event('callerArrived'), { dialled: 'hotline', caller: '+496215550100', trunk: 'anonymous', at: Number })
    await dialling.cancel()
    await t.rejects(dialling.answered, { name: 'CallFailed', message: /487/ })
  })

  t.test('a caller who hides the number has none; one who sends garbage does no harm', async (t) => {
    const { seen } = await scene(t)
    const phone = await pbx.phone(t, 'somebody')
    const hidden = await phone.dial(pbx.hotline, { from: 'anonymous' })
    t.equal((await seen.event('callerArrived')).caller, null)
    const strange = await phone.dial(pbx.hotline, { from: { header: `"x" <sip:${'%0d%0a%1b'}${'4'.repeat(300)}@example.org>` } })
    const { caller } = await seen.event('callerArrived')
    t.match(caller, /^[^\p{Cc}]{1,64}$/u)
    await Promise.all([hidden.cancel(), strange.cancel(), hidden.answered.catch(() => {}), strange.answered.catch(() => {})])
  })

  t.test('a caller hangs up before the answer: the leg has ended, once', async (t) => {
    const { seen, telephony } = await scene(t)
    const phone = await pbx.phone(t, '+496215550100')
    const dialling = await phone.dial(pbx.hotline)
    const { leg } = await seen.event('callerArrived')
    await dialling.cancel()
    await dialling.answered.catch(() => {})
    t.equal((await seen.event('legEnded')).cause, 'hung_up')
    // That it is over is told as soon as it has been asked for; the PBX may take another moment to clear it away.
    const late = await until('the leg to be gone', async () => {
      const outcome = await telephony.send({ do: 'answer', leg })
      return outcome.ok || outcome.why !== 'refused' ? outcome : null
    })
    t.match(late, { ok: false, why: 'gone' })
    t.equal(seen.endsOf(leg).length, 1)
  })

  t.test('a caller who dialled what nobody has is told so, as the network tells it', async (t) => {
    const here = await scene(t)
    const phone = await pbx.phone(t, '+496215550100')
    const dialling = await phone.dial(pbx.hotline)
    const { leg } = await here.seen.event('callerArrived')
    await here.send({ do: 'hangUp', leg, why: 'unknown_number' })
    await t.rejects(dialling.answered, { name: 'CallFailed', message: /404/ })
  })

  t.test('a caller hears a prompt to its end', (t) => hearsPrompts(t, stage))

  t.test('a caller types while the prompt is spoken: every digit comes, and the prompt can be cut short', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    const playback = id('prompt')
    await here.send({ do: 'play', leg, playback, prompts: ['tone-30000'], language: 'de' })
    await call.sendDigits('1*A#')
    for (const digit of ['1', '*', 'A', '#']) t.match(await here.seen.event('digit'), { leg, digit })
    await here.send({ do: 'stopPlayback', playback })
    t.match(await here.seen.event('playbackFinished'), { playback, ok: true })
    t.match(await onceForgotten(here.telephony, { do: 'stopPlayback', playback }), { ok: false, why: 'gone' })
    await call.hangUp()
    await here.seen.event('legEnded')
    t.notMatch(JSON.stringify(here.lines), /digit/, 'and no log knows of it')
  })

  t.test('a prompt that is not there is told as not heard', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    const playback = id('prompt')
    await here.send({ do: 'play', leg, playback, prompts: ['missing'], language: 'de' })
    t.match(await here.seen.event('playbackFinished'), { playback, ok: false })
    await call.hangUp()
  })

  t.test('a caller hangs up during the prompt: the leg ends once, and so does the prompt', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    const playback = id('prompt')
    await here.send({ do: 'play', leg, playback, prompts: ['tone-30000'], language: 'de' })
    await call.hangUp()
    t.match(await here.seen.event('legEnded', (event) => event.leg === leg), { leg, cause: 'hung_up' })
    await here.seen.event('playbackFinished')
    t.match(await here.telephony.send({ do: 'play', leg, playback: id('prompt'), prompts: ['tone-500-a'], language: 'de' }), {
      ok: false,
      why: 'gone',
    })
    t.equal(here.seen.endsOf(leg).length, 1)
  })

  t.test('music starts and stops', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    await here.send({ do: 'startMusic', leg })
    await here.send({ do: 'stopMusic', leg })
    await here.send({ do: 'hangUp', leg })
    t.match(await call.ended, { by: 'them' })
    t.match(await here.seen.event('legEnded', (event) => event.leg === leg), { leg, cause: 'hung_up' })
  })

  t.test('commands for one leg are carried out in the order in which they were given', async (t) => {
    const here = await scene(t)
    const { leg, call } = await caller(t, here)
    const prompts = Array.from({ length: 12 }, () => id('prompt'))
    const sent = prompts.flatMap((playback) => [
      here.telephony.send({ do: 'play', leg, playback, prompts: ['tone-30000'], language: 'de' }),
      here.telephony.send({ do: 'stopPlayback', playback }),
    ])
    t.ok(
      (await Promise.all(sent)).every(({ ok }) => ok),
      'none was stopped before it was played',
    )
    for (const playback of prompts) t.match(await here.seen.event('playbackFinished'), { playback })
    await call.hangUp()
  })
}

/** Two prompts, fetched from where they are served, are heard one after the other. */
export async function hearsPrompts(t: Test, { id, scene, caller }: Stage): Promise<void> {
  const here = await scene(t)
  const { leg, call } = await caller(t, here)
  const playback = id('prompt')
  await here.send({ do: 'play', leg, playback, prompts: ['tone-500-a', 'tone-300-b'], language: 'de' })
  t.match(await here.seen.event('playbackFinished'), { playback, ok: true })
  await call.hangUp()
}
