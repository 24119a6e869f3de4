/** Somebody who has configured nothing: starts Pforte, calls it, looks around, stops it. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { livingPart } from '../../src/local/detached.ts'
import { ari } from '../support/ari.ts'
import { TestPforte } from '../support/pforte.ts'

t.setTimeout(200_000)

const compiled = await mkdtemp(join(tmpdir(), 'pforte-compiled-'))
t.teardown(() => rm(compiled, { recursive: true, force: true }))
const pforte = await TestPforte.start({ newcomer: true, environment: { NODE_COMPILE_CACHE: compiled } })
t.teardown(() => pforte.stop())
const home = pforte.environment['PFORTE_HOME']!
const yaml = await pforte.readYaml()

const secretIn = (name: string): Promise<string> => readFile(join(home, name), 'utf8')
const parts = async () => ({ asterisk: await livingPart(home, 'asterisk'), postgres: await livingPart(home, 'postgres') })
const nothing = { asterisk: undefined, postgres: undefined }
const said = (): string => pforte.output.join('\n')

await t.test('the start ends with a card of where everything is, and everything is there', async (t) => {
  for (const line of [
    'Pforte is ready.',
    `page      ${pforte.url}`,
    `hotline   ${pforte.lineUri()}  ${pforte.lineUri('hotline-en')}`,
    `API key   ${join(home, 'api-key')}`,
    `demo PIN  ${join(home, 'demo-pin')}`,
    'try it    npm run call',
    'a phone   npx pforte agent password anna',
    'end       Ctrl-C (SIGTERM leaves calls running)',
  ]) {
    t.match(said(), line)
  }
  t.match(said(), /1 valid of 100000 possible; a random one is right with a chance of 0\.001 %/)
  const ready = { ready: true, parts: { postgres: { ok: true }, asterisk: { ok: true }, smsc: { ok: true } } }
  t.match(await pforte.request('GET', '/readyz'), { status: 200, body: ready })
  t.match((await pforte.get('/metrics'))['text'], /^pforte_pin_guess_chance 0\.00001$/m)
  t.match((await pforte.get('/'))['text'], /<title>Pforte/)
  const kept = (await readdir(compiled, { recursive: true })).length
  t.ok(kept > 100, `${kept} files of what was compiled are kept for the next start, even if this process is killed`)
})

await t.test('what is secret is drawn, and nobody else’s to read', async (t) => {
  t.equal((await stat(home)).mode & 0o777, 0o700)
  for (const name of ['secret', 'api-key', 'ari-password', 'demo-pin']) t.equal((await stat(join(home, name))).mode & 0o777, 0o600, name)
  t.match(await secretIn('demo-pin'), /^\d{5}\n$/)
  t.equal((await fetch(`${pforte.url}/v1/calls`)).status, 401)
})

await t.test('calls and commands', { jobs: 2 }, async (t) => {
  t.test('npm run call: with the demo PIN to a human, with a message, without a PIN', async (t) => {
    const talked = await pforte.command(['call'])
    t.equal(talked.code, 0, talked.out + talked.err)
    for (const words of [/types the PIN/, /the phone rings; its display says: Premium 24\/7/, /they are talking/, /wrote down: connected/])
      t.match(talked.out, words)
    t.notMatch(talked.out, (await secretIn('demo-pin')).trim())
    t.notOk(
      (await pforte.get('/v1/agents'))['items'].some(({ id }: { id: string }) => id === 'demo-agent'),
      'the demo agent has gone',
    )
    t.equal((await ari(home, 'endpoints/PJSIP/demo-agent')).status, 404, 'from Asterisk, too')

    const spoke = await pforte.command(['call', '--voicemail'])
    t.equal(spoke.code, 0, spoke.out + spoke.err)
    t.match(spoke.out, /hears the tone and speaks.*wrote down: voicemail.*made ticket/s)
    const tickets = await pforte.tickets()
    t.match(tickets, [{ source: 'voicemail', status: 'received', voicemail: { durationMs: Number } }])
    t.equal(tickets.length, 1)

    const listened = await pforte.command(['call', '--no-pin'])
    t.equal(listened.code, 0, listened.out + listened.err)
    t.match(listened.out, /hears music.*wrote down: abandoned/s)
  })

  t.test('the other commands', async (t) => {
    const doctor = await pforte.command(['doctor'])
    t.equal(doctor.code, 0, doctor.out)
    t.match(doctor.out, /✓ asterisk +the private one, \S+, runs.*✓ postgres +the embedded one/s)
    t.notMatch(doctor.out, '✗')

    const { id } = await pforte.post('/v1/customers', { name: 'Marta Weber', numbers: ['+4962112345'] })
    const contract = await pforte.post(`/v1/customers/${id}/contracts`, { service: 'Entstörung 8 h', hours: 'always' })
    t.match(await pforte.cli(['pin', 'issue', '--contract', contract['id']]), /^\d{5}\n$/)
    t.match(await pforte.command(['pin', 'issue', '--contract', 'nobody']), { code: 1, out: '', err: /✗ PIN: .*contract/ })
    t.match((await pforte.get('/metrics'))['text'], /^pforte_pin_guess_chance 0\.00002$/m)

    t.match(await pforte.cli(['migrate']), /the database is at this version/)
    t.match(await pforte.command(['prompts', 'render']), { code: 0, err: /26 prompts are ready in/ })
    t.match(await pforte.cli(['flow', 'check', pforte.environment['PFORTE_CONFIG']!]), /flowchart|graph/)
    t.match(await pforte.command(['call', '--pin-file', '/nowhere']), { code: 1, err: /there is no PIN in \/nowhere/ })
  })
})

await t.test('SIGTERM ends Node alone; the next start goes on with the parts that run', async (t) => {
  const before = await parts()
  const pin = await secretIn('demo-pin')
  t.equal(await pforte.end('SIGTERM'), 0)
  t.same(await parts(), before)
  pforte.output.length = 0
  await pforte.run()
  t.match(said(), /Asterisk \S+ goes on running/)
  t.match(said(), /Postgres goes on running/)
  t.same(await parts(), before)
  t.equal(await secretIn('demo-pin'), pin)
  t.equal((await pforte.tickets()).length, 1)
})

await t.test('Ctrl-C ends Pforte and its parts', async (t) => {
  t.equal(await pforte.end('SIGINT'), 0)
  t.same(await parts(), nothing)
  t.match(await pforte.command(['call']), { code: 1, err: /no Pforte runs from/ })
})

await t.test('a pforte.yaml with a mistake: its line, the mend, exit code 2, and nothing is started', async (t) => {
  await pforte.writeYaml(yaml.replace('hold_music:', 'hold_musik:'))
  t.match(await pforte.command(['serve']), { code: 2, err: /pforte\.yaml:\d+.*hold_musik.*hold_music/s })
  t.same(await parts(), nothing)
})

await t.test('PINs that are guessed too easily, where the file refuses to start with them: exit code 2, and nothing goes on', async (t) => {
  await pforte.writeYaml(
    yaml
      .replace('max_guess_chance: 1%', 'max_guess_chance: 0.001%')
      .replace('when_too_likely: customer_number', 'when_too_likely: refuse_to_start'),
  )
  t.match(await pforte.command(['serve']), { code: 2, err: /✗ PINs: .*0\.002 %/s })
  t.same(await parts(), nothing)
})

await t.test('npx pforte stop ends what runs, from another terminal', async (t) => {
  await writeFile(pforte.environment['PFORTE_CONFIG']!, yaml)
  await pforte.run()
  const ended = pforte.ended()
  t.match(await pforte.command(['stop']), { code: 0, err: /Pforte has ended.*Asterisk has ended.*Postgres has ended/s })
  t.equal(await ended, 0)
  t.same(await parts(), nothing)
  t.match(await pforte.command(['stop']), { code: 0, err: /nothing runs from/ })
})
