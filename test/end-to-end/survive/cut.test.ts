/** The line between Pforte and Asterisk is cut: calls go on in Asterisk, and Pforte finds them again. */
import t from 'tap'
import { until } from '../../support/until.ts'
import { Hotline } from '../support/hotline.ts'
import { asteriskOf, putBehindALine } from './behind-a-line.ts'
import { everybody } from './cast.ts'
import { definitionForSurvival } from './definition.ts'
import { conversationUntouched, nothingLost, spokenAnew, timesOf } from './found-again.ts'
import { goOn } from './go-on.ts'
import { hearsFallback, holdsAll, nothingIsLeftOnAsterisk, ticketOf, ticketsOf } from './messages.ts'
import { stairs, stairsHeard } from './sounds.ts'

t.setTimeout(240_000)

const CUT_FOR_MS = 10_000

const hotline = await Hotline.open(t, { yaml: definitionForSurvival })
const { pforte } = hotline
const line = await putBehindALine(t, pforte)
const asterisk = () => asteriskOf(pforte)

t.test('cut for ten seconds with somebody in every step; who calls meanwhile leaves a message', { timeout: 120_000 }, async (t) => {
  const cast = await everybody(t, hotline)
  const cutAt = performance.now()
  line.cut()
  const over = new Promise((resolve) => setTimeout(resolve, CUT_FOR_MS))
  t.match(await until('/readyz to say so', async () => ((await asterisk()).ok ? null : pforte.request('GET', '/readyz'))), {
    status: 503,
    body: { ready: false, parts: { postgres: { ok: true }, asterisk: { ok: false } } },
  })
  const newcomer = await hotline.caller(t)
  await newcomer.dials()
  await hearsFallback(hotline, newcomer)
  await newcomer.hearsBeep()
  await newcomer.speaks(stairs(2_000))
  await newcomer.hangsUp()
  await over

  line.mend()
  const mendedAt = performance.now()
  t.comment(`spoken anew, ms after the line was mended: ${timesOf(await spokenAnew(hotline, cast, mendedAt))}`)
  await until('/readyz to say that all is well', async () => (await asterisk()).ok)
  await nothingLost(t, hotline, cast)
  conversationUntouched(t, cast, cutAt)
  const ticket = await ticketOf(hotline, newcomer)
  t.equal(ticket['caller'], newcomer.number)
  await holdsAll(t, hotline, ticket, 2_000)

  const { recorded, recordedMs } = await goOn(t, hotline, cast)
  const heard = stairsHeard(recorded)
  t.ok(heard.longestFaultMs <= 60 && heard.heardMs > recordedMs - 1_000, `all of the message: ${heard.heardMs} of ${recordedMs} ms`)
  await nothingIsLeftOnAsterisk(hotline)
  t.equal((await ticketsOf(hotline, newcomer)).length, 1)
})

t.test('people hang up, pick up and type while the line is cut', { timeout: 60_000 }, async (t) => {
  const { queue, agents } = await hotline.team(t, 2)
  const [anna, ben] = agents as [(typeof agents)[0], (typeof agents)[0]]
  const [left, ringsFor, typing] = [await hotline.waitingCaller(t, queue), await hotline.waitingCaller(t, queue), await hotline.caller(t)]
  const leftBy = await anna.answers()
  const ringing = await ben.rings()
  await until('the conversation to be written down', async () => (await left.row())?.['agentId'] === anna.id)
  await typing.dials()
  await typing.hears('welcome')

  line.cut()
  await until('Pforte to know', async () => !(await asterisk()).ok)
  await leftBy.hangUp()
  t.match(await (await ringing.answer())?.ended, { by: 'them' }, 'nobody can join them now')
  await typing.hangsUp()
  line.mend()

  await left.isHungUpOn()
  const call = await Promise.race([anna.answers(), ben.answers()])
  void call.play({ hz: 620, ms: 10_000 })
  await ringsFor.hearsTone(620)
  await ringsFor.hangsUp()
  for (const [caller, outcome] of [
    [left, 'connected'],
    [ringsFor, 'connected'],
    [typing, 'abandoned'],
  ] as const) {
    t.equal((await caller.afterwards())['outcome'], outcome)
  }
})

t.test('a line that is dead without having been closed is noticed; who called meanwhile is served then', { timeout: 60_000 }, async (t) => {
  const { queue, agents } = await hotline.team(t, 1)
  const caller = await hotline.caller(t)
  await caller.dials()
  await caller.types((await hotline.admit({ queue })).pin)
  const call = await agents[0]!.answers()
  void call.play({ hz: 620, ms: 60_000 })
  await caller.hearsTone(620)

  line.freeze()
  const frozenAt = performance.now()
  const newcomer = await hotline.caller(t)
  // Asterisk does not know either, so it keeps the caller for Pforte.
  const dialling = newcomer.dials()
  await until('Pforte to notice', async () => !(await asterisk()).ok, 20_000)
  t.comment(`noticed after ${(performance.now() - frozenAt).toFixed(0)} ms`)
  line.mend()
  await dialling
  await newcomer.hears('welcome')
  await newcomer.hangsUp()
  await caller.hearsTone(620)
  await call.hangUp()
  await caller.isHungUpOn()
  t.equal((await caller.afterwards())['outcome'], 'connected')
  await newcomer.afterwards()
})
