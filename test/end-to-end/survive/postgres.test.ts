/** Postgres is away during calls: music and no silence, nobody in without a look-up, and afterwards everything is written down. */
import t, { type Test } from 'tap'
import { ownPostgres } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import type { AgentAtPhone } from '../support/agent.ts'
import { Hotline, type Row } from '../support/hotline.ts'
import { definitionForSurvival } from './definition.ts'
import { conversationUntouched } from './found-again.ts'
import { atTheBeep, holdsAll, nothingIsLeftOnAsterisk, ticketOf } from './messages.ts'
import { endlessTone, longestSilence, stairs } from './sounds.ts'

t.setTimeout(240_000)

const AWAY_FOR_MS = 20_000
/** After this a look-up that has not answered is waited for with music. */
const SLOW_LOOK_UP_MS = 300
/** Pieces of music have their own soft places. */
const LONGEST_SILENCE_MS = 1_500

const postgres = await ownPostgres(t)
process.env['PFORTE_TEST_POSTGRES'] = postgres.url
const hotline = await Hotline.open(t, { yaml: definitionForSurvival })
const { pforte } = hotline

const ready = (): Promise<{ status: number; body: Row }> => pforte.request('GET', '/readyz')

async function story(t: Test, away: { goes(): Promise<void>; comesBack(): Promise<void> }): Promise<void> {
  const { queue, agents } = await hotline.team(t, 3)
  const [anna, ben, cleo] = agents as [AgentAtPhone, AgentAtPhone, AgentAtPhone]
  const talking = await hotline.waitingCaller(t, queue)
  const conversation = await anna.answers()
  void talking.speaks(endlessTone(440))
  void conversation.play(endlessTone(620))
  await talking.hearsTone(620)
  const ringsFor = await hotline.waitingCaller(t, queue)
  const ringing = await ben.rings()
  const leavesMessage = await atTheBeep(t, hotline)
  await cleo.becomes('paused')
  const waits = await hotline.waitingCaller(t, queue)
  const { pin } = await hotline.admit({ queue })
  const [typing, guessing, music] = [await hotline.caller(t), await hotline.caller(t), await hotline.caller(t)]
  await Promise.all([typing, guessing, music].map((caller) => caller.dials()))
  await Promise.all([typing, guessing, music].map((caller) => caller.hears('welcome')))
  const awaySince = performance.now()
  await away.goes()
  const over = new Promise((resolve) => setTimeout(resolve, AWAY_FOR_MS))

  await typing.types(pin)
  await guessing.typesWrongPin()
  await music.types('#')
  const typedAt = performance.now()
  void leavesMessage.speaks(stairs(3_000))
  const newcomer = await hotline.caller(t)
  await newcomer.dials()
  await newcomer.hears('welcome')
  // Who picks up meanwhile is joined, though nothing of it can be written down.
  const joinedSince = performance.now()
  const late = await ringing.answer()
  void late?.play(endlessTone(700))
  await ringsFor.hearsTone(700)
  t.comment(`joined ${(performance.now() - joinedSince).toFixed(0)} ms after the agent picked up`)
  const sick = await until('/readyz to say which part is away', async () => {
    const answer = await ready()
    return answer.body['ready'] === false ? answer : null
  })
  t.match(sick, { status: 503, body: { parts: { postgres: { ok: false }, asterisk: { ok: true } } } })
  t.comment(`/readyz says: ${sick.body['parts'].postgres.detail}`)
  await over
  for (const caller of [talking, ringsFor, waits, typing, guessing, music, newcomer]) t.notOk(caller.call.isOver, 'nobody was cut off')
  t.notOk(cleo.rung.length > 0, 'nobody got in')
  const since = typedAt + SLOW_LOOK_UP_MS
  const silences = { typing, guessing, music, waits }
  for (const [who, caller] of Object.entries(silences)) {
    const silentMs = longestSilence(caller.call.heard.wav(since))
    t.comment(`${who}: longest silence ${silentMs} ms`)
    t.ok(silentMs <= LONGEST_SILENCE_MS, `${who} heard music`)
  }

  await away.comesBack()
  const backSince = performance.now()
  await until('/readyz to recover', async () => (await ready()).status === 200)
  await guessing.hears('not_correct')
  t.comment(`the wrong PIN was answered ${(performance.now() - backSince).toFixed(0)} ms after Postgres was back`)
  await typing.standsIn('waiting')
  conversationUntouched(t, { callers: { talking }, conversation }, awaySince)
  await cleo.becomes('available')
  // First come, first served: who waited before the outage, then who typed in it.
  const firstServed = await cleo.answers()
  void firstServed.play(endlessTone(800))
  await waits.hearsTone(800)
  await waits.hangsUp()
  const secondServed = await cleo.answers()
  void secondServed.play(endlessTone(900))
  await typing.hearsTone(900)

  await secondServed.hangUp()
  await late?.hangUp()
  await talking.hangsUp()
  await Promise.all([guessing, music, newcomer].map((caller) => caller.hangsUp()))
  const rows = {
    talking: await talking.afterwards(),
    ringsFor: await ringsFor.afterwards(),
    waits: await waits.afterwards(),
    typing: await typing.afterwards(),
    guessing: await guessing.afterwards(),
    music: await music.afterwards(),
    newcomer: await newcomer.afterwards(),
  }
  t.match(rows, {
    talking: { outcome: 'connected', agentId: anna.id },
    ringsFor: { outcome: 'connected', agentId: ben.id },
    waits: { outcome: 'connected', agentId: cleo.id },
    typing: { outcome: 'connected', agentId: cleo.id },
    guessing: { outcome: 'abandoned' },
    music: { outcome: 'abandoned' },
    newcomer: { outcome: 'abandoned' },
  })
  t.same(
    rows.typing['path'].map(({ step, outcome }: Row) => `${step} ${outcome}`),
    ['outage off', 'ask_pin right', 'opening open', 'waiting connected'],
  )
  await holdsAll(t, hotline, await ticketOf(hotline, leavesMessage), 3_000)
  await leavesMessage.afterwards()
  await nothingIsLeftOnAsterisk(hotline)
  for (const agent of agents) await agent.isShownAs('available')
}

t.test('Postgres stands still for 20 s', { timeout: 120_000 }, (t) =>
  story(t, { goes: () => postgres.freeze(), comesBack: () => postgres.thaw() }),
)

t.test('Postgres is stopped for 20 s', { timeout: 120_000 }, (t) =>
  story(t, { goes: () => postgres.stop(), comesBack: () => postgres.start() }),
)

t.test('Pforte is told to end while Postgres stands still: it does, and finds the calls again', { timeout: 60_000 }, async (t) => {
  const { queue, agents } = await hotline.team(t, 1)
  const caller = await hotline.caller(t)
  await caller.dials()
  await caller.types((await hotline.admit({ queue })).pin)
  const call = await agents[0]!.answers()
  await until('the conversation to be written down', async () => (await caller.row())?.['agentId'] === agents[0]!.id)
  await postgres.freeze()
  const other = await hotline.caller(t)
  await other.dials()
  await other.hears('welcome')
  await other.hangsUp()
  const toldAt = performance.now()
  await pforte.terminate()
  t.comment(`ended ${(performance.now() - toldAt).toFixed(0)} ms after SIGTERM`)
  await postgres.thaw()
  await pforte.run()
  await call.hangUp()
  await caller.isHungUpOn()
  t.equal((await caller.afterwards())['outcome'], 'connected')
})
