import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadEnvironment } from '../../src/config.ts'
import { removeHome } from '../../src/local/home.ts'
import { openSimulator } from '../../src/main/simulator.ts'

t.test('the simulated carrier stays at its port, and a file that a full disk has cut costs nothing but that', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'pforte-simulator-'))
  t.teardown(() => removeHome(home))
  const run = join(home, 'run')
  const file = join(run, 'smsc.json')
  await mkdir(run)
  const loaded = loadEnvironment({ PFORTE_HOME: home })
  if (!loaded.ok) throw new Error('the environment is fine')
  for (const broken of [null, '', '{"port":', 'null', '{"port":"many"}', '{"port":70000}']) {
    if (broken !== null) await writeFile(file, broken)
    const simulator = await openSimulator(loaded.environment)
    const { port } = JSON.parse(await readFile(file, 'utf8'))
    await simulator.close()
    const next = await openSimulator(loaded.environment)
    t.match(next.url, new RegExp(`:${port}$`), String(broken))
    await next.close()
  }
  t.same(await readdir(run), ['smsc.json'])
})
