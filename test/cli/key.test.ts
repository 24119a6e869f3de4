/** API keys at the command line: of a Pforte that runs, and of one that does not. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { KEY_FORM } from '../../src/app/ports/api-keys.ts'
import { until } from '../support/until.ts'
import { runHttp, type Running } from '../http/running.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A running API, and the command line on the same database. */
async function surroundings(t: Test): Promise<Running & { pforte(...args: string[]): Promise<Said> }> {
  const home = await mkdtemp(join(tmpdir(), 'pforte-key-'))
  t.teardown(() => rm(home, { recursive: true, force: true }))
  const running = await runHttp(t)
  const env = { ...process.env, NODE_OPTIONS: '', PFORTE_HOME: home, DATABASE_URL: running.store.url, PFORTE_SECRET: '\u0007'.repeat(32) }
  return { ...running, pforte: (...args) => pforte(args, env) }
}

type Said = { exitCode: number; out: string; err: string }

async function pforte(args: string[], env: NodeJS.ProcessEnv): Promise<Said> {
  const child = spawn(process.execPath, ['src/cli.ts', ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (err += data.toString()))
  const exitCode = await new Promise<number>((resolve) => child.on('close', resolve))
  return { exitCode, out, err }
}

t.test('a key that is made at the command line opens the API at once, and is shut out within seconds of being revoked', async (t) => {
  const { ask, query, pforte } = await surroundings(t)
  t.match(await pforte('key', 'list'), { exitCode: 0, out: '', err: /no key but the first one/ })

  const made = await pforte('key', 'create', '--name', 'Shop', '--scope', 'read', 'events', '--expires', '2998-12-31', '--rate', '600')
  t.equal(made.exitCode, 0)
  const key = made.out.trim()
  t.match(key, KEY_FORM, 'standard output has the key and nothing else')
  const id = key.split('_')[1]!
  t.match(made.err, `Key ${id} "Shop" with read, events; expires at 2998-12-31T23:00:00.000Z. It is shown this once:`)
  t.notMatch(made.err, key)

  const open = () => ask('GET', '/v1/lines', undefined, { authorization: `Bearer ${key}` })
  t.equal((await open()).status, 200)
  const list = await pforte('key', 'list')
  t.match(list.out, new RegExp(`^ID .*\\n${id} +Shop +read,events +600 +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d +2999-01-01 00:00 +good\\n$`))

  const revoked = await pforte('key', 'revoke', id)
  t.match(revoked, { exitCode: 0, out: '', err: /is revoked/ })
  t.match(await until('the running process to know', async () => ((await open()).status === 401 ? open() : null)), {
    body: { detail: /was revoked/ },
  })
  t.match((await pforte('key', 'list')).out, /revoked\n$/)

  const { rows } = await query(`SELECT actor FROM audit WHERE object = 'api_key' AND object_id = $1`, [id])
  t.equal(rows.length, 2)
  for (const { actor } of rows) t.equal(typeof actor.cli, 'string', 'and who typed it is written down')
})

t.test('for scripts there is JSON, as the API shows it', async (t) => {
  const { ask, pforte } = await surroundings(t)
  const made = JSON.parse((await pforte('key', 'create', '--name', 'CRM', '--scope', 'customers,tickets', '--json')).out)
  const { key, ...shown } = made
  t.match(key, KEY_FORM)
  t.same((await ask('GET', `/v1/keys/${made.id}`)).body, shown)
  t.same(JSON.parse((await pforte('key', 'list', '--json')).out), [shown])
})

t.test('what cannot be done is said in a line, with the mend', async (t) => {
  const { pforte } = await surroundings(t)
  const shop = ['key', 'create', '--name', 'Shop', '--scope', 'read']
  const wrong: [string[], number, RegExp][] = [
    [
      ['key', 'create', '--name', 'Shop', '--scope', 'everything'],
      2,
      /"everything" is no scope\n +There are read, tickets, events, customers, admin/,
    ],
    [['key', 'create', '--scope', 'read'], 2, /required option '--name/],
    [['key', 'create', '--name', ' ', '--scope', 'read'], 2, /name: A key has a name/],
    [[...shop, '--rate', 'many'], 2, /no number of requests/],
    [[...shop, '--expires', '2026-02-30'], 2, /no day and no time/],
    [[...shop, '--expires', '2020-01-01'], 2, /would have expired/],
    [['key', 'revoke', 'abcdefgh'], 1, /no API key with this id\n +npx pforte key list/],
  ]
  for (const [args, exitCode, err] of wrong) t.match(await pforte(...args), { exitCode, out: '', err }, args.join(' '))
  const secret = `pforte_abcdefgh_${'s'.repeat(43)}`
  t.notMatch((await pforte('key', 'revoke', secret)).err, secret, 'a key that was given in place of its id is not shown')
})

t.test('what is typed at the command line is in the audit log, with whoever typed it', async (t) => {
  const { ask, pforte } = await surroundings(t)
  const customer = await ask('POST', '/v1/customers', { name: 'Marta Weber' })
  const contract = await ask('POST', `/v1/customers/${customer.body.id}/contracts`, { service: 'Entstörung 8 h' })
  const made = await pforte('key', 'create', '--name', 'Shop', '--scope', 'events')
  const issued = await pforte('pin', 'issue', '--contract', contract.body.id)
  t.equal(issued.exitCode, 0, issued.err)
  const { items } = (await ask('GET', `/v1/audit?actor=${userInfo().username}`)).body
  t.match(items, [
    { object: 'pin', action: 'created', actor: { cli: userInfo().username }, requestId: null },
    { object: 'api_key', action: 'created', after: { name: 'Shop', scopes: ['events'] } },
  ])
  for (const secret of [made.out.trim(), issued.out.trim()]) t.notMatch(JSON.stringify(items), new RegExp(`\\b${secret}\\b`))
})
