import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadEnvironment, type Environment } from '../../src/config.ts'
import { askPrivateAsterisk } from '../../src/local/asterisk.ts'
import { removeHome } from '../../src/local/home.ts'
import { identify } from '../../src/local/process-identity.ts'
import { asteriskPart } from '../../src/main/parts.ts'
import { strangeAsterisk } from '../telephony/support/strange-asterisk.ts'

const told = () => {
  const warnings: string[] = []
  return { warnings, progress: { step: () => {}, done: () => {}, warn: (text: string) => void warnings.push(text) } }
}

t.test('a configured Asterisk without its security fixes is used, and the screen says so', async (t) => {
  const { url } = await strangeAsterisk(t, { version: '22.5.2' })
  const { warnings, progress } = told()
  await asteriskPart(environmentOf({ ARI_URL: url, ARI_USER: 'pforte', ARI_PASSWORD: 'quittengelee' }), undefined, progress)
  t.match(warnings, [/Asterisk 22\.5\.2 lacks security fixes.*22\.10\.1/])
})

t.test('so is one of the machine, started privately', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'pforte-parts-'))
  t.teardown(() => removeHome(home))
  const { url } = await strangeAsterisk(t, { version: '20.6.0~dfsg+~cs6' })
  const environment = environmentOf({ PFORTE_HOME: home, SIP_PORT: '5070' })
  // Found running as the start before wrote it down; that it is this very process does not matter to anybody.
  await mkdir(join(home, 'run'), { recursive: true })
  await writeFile(
    join(home, 'run/asterisk.json'),
    JSON.stringify({
      ...(await identify(process.pid)),
      ports: { ari: Number(new URL(url).port) },
      settings: { sip: environment.sip, rtpPorts: environment.rtp },
      mark: 'asterisk.conf',
    }),
  )
  const { warnings, progress } = told()
  t.match(await asteriskPart(environment, undefined, progress), { embedded: true, adopted: true })
  t.match(warnings, [/Asterisk 20\.6\.0 lacks security fixes/])
  t.match(await askPrivateAsterisk(home), { version: '20.6.0', warning: /lacks security fixes/ }, 'which the doctor tells, too')
})

function environmentOf(env: Record<string, string>): Environment {
  const loaded = loadEnvironment(env)
  if (!loaded.ok) throw new Error('the environment of this test is wrong')
  return loaded.environment
}
