/** `kill -9` in the middle of everything: the calls do not notice, or hear a prompt twice. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { until } from '../../support/until.ts'
import { Hotline } from '../support/hotline.ts'
import { everybody, type Cast } from './cast.ts'
import { changed, definitionForSurvival } from './definition.ts'
import { conversationUntouched, nothingLost, SPOKEN_TO, SPOKEN_TO_AGAIN, spokenAnew, timesOf } from './found-again.ts'
import { goOn } from './go-on.ts'
import { stairsHeard } from './sounds.ts'

t.setTimeout(240_000)

const hotline = await Hotline.open(t, { yaml: definitionForSurvival })
const { pforte } = hotline

/** Kills the process, and starts it again after what is to happen in between. Everybody stands where they stood. */
async function kill(t: Test, cast: Cast, spokenTo = SPOKEN_TO, meanwhile = async (): Promise<void> => {}): Promise<void> {
  await pforte.kill()
  await meanwhile()
  // Before Node itself has begun.
  const startedAt = performance.now()
  await pforte.run()
  t.comment(`ready ${(performance.now() - startedAt).toFixed(0)} ms after the start of the process`)
  t.comment(`spoken anew, ms after the start of the process: ${timesOf(await spokenAnew(hotline, cast, startedAt, spokenTo))}`)
  await nothingLost(t, hotline, cast)
}

const story = 'Pforte is killed with somebody in every step and started again, and once more with another pforte.yaml'
t.test(story, { timeout: 150_000 }, async (t) => {
  const cast = await everybody(t, hotline)
  const killedAt = performance.now()
  await kill(t, cast)
  const before = await pforte.readYaml()
  await kill(t, cast, SPOKEN_TO_AGAIN, () => pforte.writeYaml(withAnotherFlow(before)))
  conversationUntouched(t, cast, killedAt)

  const newcomer = await hotline.caller(t)
  await newcomer.dials()
  await newcomer.call.heard.waitForPrompt(await promptOfNewFlow('welcome'))
  await newcomer.typesWrongPin()
  await newcomer.call.heard.waitForPrompt(await promptOfNewFlow('not_correct'))
  await newcomer.hangsUp()
  t.match(
    (await newcomer.afterwards())['path'],
    [{ step: 'gate', outcome: 'wrong' }, { step: 'not_correct' }],
    'who calls now walks the new flow',
  )

  // Calls under way end as they began.
  const { recorded, recordedMs } = await goOn(t, hotline, cast)
  const heard = stairsHeard(recorded)
  t.ok(heard.longestFaultMs <= 60 && heard.heardMs > recordedMs - 1_000, `all of the message: ${heard.heardMs} of ${recordedMs} ms`)
  await pforte.writeYaml(before)
  await pforte.kill()
  await pforte.run()
})

function withAnotherFlow(text: string): string {
  return changed(text, (service) => {
    const { hotline: flow } = service['flows']
    const { outage: _, informed: __, ask_pin, ...others } = flow['steps']
    flow['start'] = 'gate'
    flow['steps'] = JSON.parse(JSON.stringify({ gate: ask_pin, ...others }).replaceAll('"ask_pin_again"', '"once_more"'))
    service['prompts']['welcome']['de'] = 'Hier ist die neue Ansage.'
    service['prompts']['not_correct']['de'] = 'So geht es nicht.'
    service['prompts']['thanks']['de'] = 'Danke und Ende.'
  })
}

/** `hotline.prompt` knows the sounds of the flow before. */
async function promptOfNewFlow(name: string): Promise<Buffer> {
  const { rows } = await pforte.db.query<{ hash: string }>(
    `SELECT prompts -> $1 ->> 'de' AS hash FROM flows WHERE flow -> 'steps' ? 'gate'`,
    [name],
  )
  return readFile(join(pforte.environment['PFORTE_HOME']!, 'prompts', `${rows[0]?.hash}.wav`))
}

t.test('an agent picks up while Pforte is away: the phone falls silent, and rings again', { timeout: 60_000 }, async (t) => {
  const { queue, agents } = await hotline.team(t, 1)
  const anna = agents[0]!
  const { pin } = await hotline.admit({ queue })
  const caller = await hotline.caller(t)
  await caller.dials()
  await caller.types(pin)
  const first = await anna.rings()
  t.equal(first.displayName, 'Premium · Muster GmbH')
  await pforte.kill()
  const inVain = await first.answer()
  t.match(await inVain?.ended, { by: 'them' }, 'nobody could join them')
  await pforte.run()
  const again = await anna.rings()
  t.equal(again.displayName, 'Premium · Muster GmbH', 'and shows who calls, as it did before')
  const call = await again.answer()
  void call?.play({ hz: 620, ms: 10_000 })
  await caller.hearsTone(620)
  await call?.hangUp()
  await caller.isHungUpOn()
  t.match(await caller.afterwards(), { outcome: 'connected', agentId: anna.id })
})

t.test('callers, and those they talk to, hang up while Pforte is away', { timeout: 60_000 }, async (t) => {
  const { queue, agents } = await hotline.team(t, 3)
  const [anna, ben, cleo] = agents as [(typeof agents)[0], (typeof agents)[0], (typeof agents)[0]]
  const [leaves, left, rings, waits] = [
    await hotline.waitingCaller(t, queue),
    await hotline.waitingCaller(t, queue),
    await hotline.waitingCaller(t, queue),
    await hotline.waitingCaller(t, queue),
  ]
  const leavesTo = await anna.answers()
  const leftBy = await ben.answers()
  const ringing = await cleo.rings()
  for (const [caller, agent] of [
    [leaves, anna],
    [left, ben],
  ] as const) {
    await until('the conversation to be written down', async () => (await caller.row())?.['agentId'] === agent.id)
  }
  await pforte.kill()
  await Promise.all([leaves.hangsUp(), leftBy.hangUp(), rings.hangsUp()])
  await pforte.run()
  t.match(await leavesTo.ended, { by: 'them' })
  await left.isHungUpOn()
  await ringing.cancelled
  // Whoever waits gets the agent who has been free for longest.
  const next = await Promise.race(agents.map((agent) => agent.rings()))
  const call = await next.answer()
  await waits.hangsUp()
  t.match(await call?.ended, { by: 'them' })
  for (const [caller, outcome] of [
    [leaves, 'connected'],
    [left, 'connected'],
    [rings, 'abandoned'],
    [waits, 'connected'],
  ] as const) {
    t.equal((await caller.afterwards())['outcome'], outcome)
  }
  for (const agent of agents) await agent.isShownAs('available')
})
