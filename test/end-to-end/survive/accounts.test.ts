/** Whoever left while Pforte was away can register no more: the PBX kept the accounts, and no process remembers having made them. */
import t from 'tap'
import { Phone } from '../../../src/local/phone/phone.ts'
import { TestPforte } from '../../support/pforte.ts'
import { until } from '../../support/until.ts'
import { changed } from './definition.ts'

t.setTimeout(120_000)

const pforte = await TestPforte.start()
t.teardown(() => pforte.stop())

const isTurnedAway = (phone: Phone): Promise<true> =>
  until('the account to be gone', () =>
    phone.register().then(
      () => false,
      (error: Error) => error.name === 'RegistrationFailed',
    ),
  ).then(() => true)

await t.test('an agent is taken out of pforte.yaml while Pforte is down, another is given another account', async (t) => {
  const [anna, ben] = [await pforte.agent('anna'), await pforte.agent('ben')]
  await pforte.kill()
  await pforte.writeYaml(
    changed(await pforte.readYaml(), ({ agents }) => {
      delete agents.ben
      agents.anna.sip_account = 'anna-at-home'
    }),
  )
  await pforte.run()
  t.ok(await isTurnedAway(ben))
  t.ok(await isTurnedAway(anna))
  const atHome = await Phone.open({
    host: '127.0.0.1',
    user: 'anna-at-home',
    password: (await pforte.agentPasswords()).get('anna') ?? '',
    registrar: pforte.sip,
  })
  t.teardown(() => atHome.close())
  await until('the new account to be known', () => atHome.register().then(() => true))
})

await t.test('kill -9 while the demo agent is there', async (t) => {
  const { username, password } = await pforte.put('/v1/demo-agent', {})
  const phone = await Phone.open({ host: '127.0.0.1', user: username, password, registrar: pforte.sip })
  t.teardown(() => phone.close())
  await until('the account of the demo agent to be known', () => phone.register().then(() => true))
  await pforte.kill()
  await pforte.run()
  t.ok(await isTurnedAway(phone))
})
