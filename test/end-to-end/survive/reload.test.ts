/** `pforte.yaml` is read again at moments when it cannot be: the process goes on with what it had. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ownPostgres } from '../../support/postgres.ts'
import { TestPforte } from '../../support/pforte.ts'
import { until } from '../../support/until.ts'
import { changed } from './definition.ts'

t.setTimeout(120_000)

const postgres = await ownPostgres(t)
process.env['PFORTE_TEST_POSTGRES'] = postgres.url
const pforte = await TestPforte.start()
t.teardown(() => pforte.stop())

async function hangUpSignal(): Promise<void> {
  const { pid } = JSON.parse(await readFile(join(pforte.home, 'home', 'run', 'pforte.json'), 'utf8')) as { pid: number }
  process.kill(pid, 'SIGHUP')
}
const said = (words: string): Promise<true> =>
  until(`"${words}" to be said`, () => Promise.resolve(pforte.output.some((line) => line.includes(words)) || null))
const readAgain = (): number => pforte.output.filter((line) => line.includes('was read again')).length

await t.test('with a mistake in it', async (t) => {
  const yaml = await pforte.readYaml()
  await pforte.writeYaml(`${yaml}\nno_such_thing: true\n`)
  await hangUpSignal()
  await said('the one before goes on')
  await said('no_such_thing')
  await pforte.writeYaml(yaml)
  t.ok(pforte.isRunning)
})

await t.test('while Postgres is away; twice, once it is back', async (t) => {
  const readBefore = readAgain()
  await postgres.stop()
  await hangUpSignal()
  await said('again when it is back')
  t.ok(pforte.isRunning)
  await postgres.start()
  await until('Postgres to answer again', async () => (await pforte.request('GET', '/readyz')).status === 200 || null)
  await hangUpSignal()
  await until('the file to be read again', () => Promise.resolve(readAgain() > readBefore || null))
  t.ok(pforte.isRunning)
})

await t.test('with PINs of another length: whose holders cannot type theirs any more is told', async (t) => {
  await pforte.admit({}, {}, '48213')
  const yaml = await pforte.readYaml()
  await pforte.writeYaml(changed(yaml, ({ pin }) => (pin.length = 4)))
  await hangUpSignal()
  await said('! 1 valid PIN is longer than pin.length (4) and cannot be typed any more')
  await pforte.writeYaml(yaml)
  t.ok(pforte.isRunning)
})
