/** Messages that callers leave. */
import type { Test } from 'tap'
import { onceForgotten } from '../support/forgotten.ts'
import { afterTheBeep, type Stage } from '../support/stage.ts'

export function messages(t: Test, { id, scene, caller }: Stage): void {
  t.test('a message is recorded until #, fetched whole, and deleted', async (t) => {
    const here = await scene(t)
    const { telephony, seen } = here
    const { leg, call } = await caller(t, here)
    const recording = id('message')
    await here.send({ do: 'record', leg, recording, maxMs: 60_000, silenceMs: 10_000 })
    await call.play({ hz: 440, ms: 2_500 })
    await call.sendDigits('#')
    const finished = await seen.event('recordingFinished')
    t.match(finished, { recording, talkingMs: Number })
    t.ok(finished.durationMs >= 1_000)

    const stored = await telephony.storedRecordings()
    t.ok(stored.ok && stored.value.some(({ name, format }) => name === recording && format === 'wav'))
    const file = await telephony.fetchRecording(recording)
    if (!file.ok) return t.fail(file.detail)
    const pieces: Uint8Array[] = []
    for await (const piece of file.value) pieces.push(piece)
    const wav = Buffer.concat(pieces)
    t.equal(wav.toString('latin1', 0, 4), 'RIFF')
    t.ok(wav.length > 16_000, 'more than a second of sound')

    t.match(await telephony.deleteRecording(recording), { ok: true })
    t.match(await telephony.deleteRecording(recording), { ok: false, why: 'gone' })
    t.match(await telephony.fetchRecording(recording), { ok: false, why: 'gone' })
    await call.hangUp()
  })

  t.test('silence ends a message, and so does hanging up, and so do we', async (t) => {
    const here = await scene(t)
    const { telephony, seen } = here
    const { leg, call } = await caller(t, here)
    const [first, second, third] = [id('message'), id('message'), id('message')]
    await here.send({ do: 'record', leg, recording: first, maxMs: 60_000, silenceMs: 1_000 })
    await call.play(new Int16Array(8_000 * 4))
    t.match(await seen.event('recordingFinished'), { recording: first })

    await here.send({ do: 'record', leg, recording: second, maxMs: 60_000, silenceMs: 0 })
    await afterTheBeep(call)
    await here.send({ do: 'stopRecording', recording: second })
    t.match(await seen.event('recordingFinished'), { recording: second })
    t.match(await onceForgotten(telephony, { do: 'stopRecording', recording: second }), { ok: false, why: 'gone' })

    await here.send({ do: 'record', leg, recording: third, maxMs: 60_000, silenceMs: 0 })
    await afterTheBeep(call)
    await call.hangUp()
    t.match(await seen.event('recordingFinished'), { recording: third })
    for (const name of [first, second, third]) t.match(await telephony.deleteRecording(name), { ok: true })
  })
}
