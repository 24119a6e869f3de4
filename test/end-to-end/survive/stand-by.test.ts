/** Calls go on with another pforte.yaml, which is read without a restart, and with another process when the first one dies. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { SecondProcess } from '../../support/second-process.ts'
import { until } from '../../support/until.ts'
import { Hotline } from '../support/hotline.ts'
import { changed, definitionForSurvival } from './definition.ts'
import { endlessTone, longestWithout } from './sounds.ts'

t.setTimeout(240_000)

const hotline = await Hotline.open(t, { yaml: definitionForSurvival })
const { pforte } = hotline

async function say(name: string, text: string): Promise<void> {
  await pforte.writeYaml(changed(await pforte.readYaml(), (service) => (service['prompts'][name]['de'] = text)))
}

/** The prompt as it is since `pforte.yaml` was last taken over. */
async function newest(name: string): Promise<Buffer> {
  const query = `SELECT prompts -> $1 ->> 'de' AS hash FROM flows WHERE superseded_at IS NULL AND flow ->> 'name' = 'hotline'`
  const { rows } = await pforte.db.query<{ hash: string }>(query, [name])
  return readFile(join(pforte.environment['PFORTE_HOME']!, 'prompts', `${rows[0]?.hash}.wav`))
}

const takenOver = (): number => pforte.output.filter((line) => line.includes('was read again')).length

async function reloaded(): Promise<void> {
  const before = takenOver()
  await pforte.cli(['reload'])
  await until('pforte.yaml to be taken over', () => takenOver() > before)
}

t.test('npx pforte reload: calls under way keep their old flow, new ones have the new one', { timeout: 60_000 }, async (t) => {
  const [before, after] = [await hotline.caller(t), await hotline.caller(t)]
  await before.dials()
  await before.hears('welcome')
  const old = await newest('not_correct')
  await say('not_correct', 'Das war eine andere Zahl als erwartet.')
  await reloaded()
  await after.dials()
  await Promise.all([before.typesWrongPin(), after.typesWrongPin()])
  await Promise.all([before.call.heard.waitForPrompt(old), after.call.heard.waitForPrompt(await newest('not_correct'))])
  await Promise.all([before.hangsUp(), after.hangsUp()])
  await Promise.all([before.afterwards(), after.afterwards()])
})

t.test('npx pforte reload with a mistake in the file: it is named, and nothing changes', { timeout: 60_000 }, async (t) => {
  const right = await pforte.readYaml()
  const welcome = await newest('welcome')
  await pforte.writeYaml(right.replace('collect_pin:', 'colect_pin:'))
  const taken = takenOver()
  await t.rejects(pforte.cli(['reload']), { message: /ended with 2: .*pforte\.yaml:\d+.*colect_pin.*collect_pin/s })
  t.equal(takenOver(), taken)
  const caller = await hotline.caller(t)
  await caller.dials()
  await caller.call.heard.waitForPrompt(welcome)
  await caller.hangsUp()
  await caller.afterwards()
  await pforte.writeYaml(right)
})

t.test(
  'a second process stands by and says so; when the first is killed it takes over, and the calls with it',
  { timeout: 90_000 },
  async (t) => {
    const second = new SecondProcess(t, pforte.environment)
    await second.says('standing by')
    const { queue, agents } = await hotline.team(t, 1)
    const [talking, prompted] = [await hotline.caller(t), await hotline.caller(t)]
    await talking.dials()
    await talking.types((await hotline.admit({ queue })).pin)
    const conversation = await agents[0]!.answers()
    void talking.speaks(endlessTone(440))
    void conversation.play(endlessTone(620))
    await talking.hearsTone(620)
    await prompted.dials()
    await prompted.hears('welcome')
    await prompted.standsIn('ask_pin')
    // What the first took over after the second had begun to stand by holds for the second, too.
    await say('not_correct', 'Nein, so kommen Sie hier nicht hinein.')
    await reloaded()

    const killedAt = performance.now()
    await pforte.kill()
    const { startedAt } = await prompted.call.heard.waitForPrompt(await hotline.prompt('welcome'), { since: killedAt })
    t.comment(`the prompt is spoken anew ${(startedAt - killedAt).toFixed(0)} ms after the first was killed`)
    await second.says('Pforte is ready')
    for (const [who, heard, hz] of [
      ['caller', talking.call.heard, 620],
      ['agent', conversation.heard, 440],
    ] as const) {
      t.ok(longestWithout(heard.wav(killedAt), hz) <= 60, `the ${who} heard the other without a gap`)
    }
    await conversation.hangUp()
    await talking.isHungUpOn()
    await prompted.hangsUp()
    t.equal((await talking.afterwards())['outcome'], 'connected')
    const newcomer = await hotline.caller(t)
    await newcomer.dials()
    await newcomer.typesWrongPin()
    await newcomer.call.heard.waitForPrompt(await newest('not_correct'))
    await newcomer.hangsUp()
    await newcomer.afterwards()

    // And back again: the first stands by now, and takes over when the second ends in order.
    const back = pforte.run()
    await until('the first to stand by', () => pforte.output.slice(-20).some((line) => line.includes('standing by')))
    await second.end('SIGTERM')
    await back
    t.equal((await pforte.request('GET', '/readyz')).status, 200)
  },
)
