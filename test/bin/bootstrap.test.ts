import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { endedWithin } from '../../src/local/detached.ts'
import { identify } from '../../src/local/process-identity.ts'
import { runCommand } from '../../src/local/run-command.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A clone as git would make it, with a command line of its own in place of Pforte's. */
async function clone(t: Test, cli: string): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'pforte-clone-')))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  for (const name of ['bin', 'package.json', 'package-lock.json', '.npmrc'])
    await cp(join(ROOT, name), join(folder, name), { recursive: true })
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'src/cli.ts'), cli)
  return folder
}

/** The Node that the machine has, if it is older than the one that Pforte needs. */
async function olderNode(): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(':').filter((each) => !each.includes('node_modules'))) {
    const said = await runCommand('test', join(folder, 'node'), ['--version']).catch(() => undefined)
    if (said?.code === 0) return Number(/^v(\d+)/.exec(said.stdout)?.[1]) < 26 ? join(folder, 'node') : undefined
  }
  return undefined
}

t.test('a command runs the TypeScript with its arguments', async (t) => {
  const folder = await clone(t, 'const said: string[] = process.argv.slice(2)\nconsole.log(process.version, ...said)\n')
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  for (const node of [process.execPath, await olderNode()]) {
    if (node === undefined) continue
    const result = await runCommand('test', node, [join(folder, 'bin/start.mjs'), '--loud'])
    t.match(result, { code: 0, stdout: /^v26\.\S+ serve --loud\n$/, stderr: '' })
    t.match((await runCommand('test', node, [join(folder, 'bin/pforte.mjs'), 'flow', 'check'])).stdout, /^\S+ flow check\n$/)
  }
})

t.test('its exit code is the command line’s own', async (t) => {
  const folder = await clone(t, 'process.exitCode = 2\n')
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  for (const node of [process.execPath, await olderNode()]) {
    if (node !== undefined) t.equal((await runCommand('test', node, [join(folder, 'bin/start.mjs')])).code, 2)
  }
})

t.test('on an older Node, signals go through to Pforte, and killing the one kills the other', async (t) => {
  const node = await olderNode()
  if (node === undefined) return t.pass('the machine’s Node is new enough to run Pforte itself')
  const folder = await clone(t, "process.on('SIGTERM', () => process.exit(7))\nsetInterval(() => {}, 1000)\nconsole.log(process.pid)\n")
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const wrapper = spawn(node, [join(folder, 'bin/start.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [pid] = (await once(wrapper.stdout.setEncoding('utf8'), 'data')) as [string]
    const inner = await identify(Number(pid))
    t.not(inner?.pid, wrapper.pid)
    wrapper.kill(signal)
    const [code] = (await once(wrapper, 'exit')) as [number | null]
    t.equal(code, signal === 'SIGTERM' ? 7 : null)
    t.ok(inner !== undefined && (await endedWithin(inner, 5_000)), `nothing is left after ${signal}`)
  }
})

t.test('without the registry it is one clear line, and no half of node_modules', async (t) => {
  const folder = await clone(t, '')
  const result = await runCommand('test', process.execPath, [join(folder, 'bin/start.mjs')], {
    env: { npm_config_registry: 'http://127.0.0.1:9/', npm_config_cache: join(folder, '.npm'), npm_config_fetch_retries: '0' },
  })
  t.equal(result.code, 1)
  t.match(result.stderr, /^… installing node modules\npforte: the npm registry cannot be reached\. Check the network .*\n$/)
  t.notOk((await readdir(folder)).includes('node_modules'))
})

t.test('a node_modules that does not match package-lock.json is noticed', async (t) => {
  const folder = await clone(t, 'console.log("ran")\n')
  await mkdir(join(folder, 'node_modules'))
  await writeFile(
    join(folder, 'node_modules/.package-lock.json'),
    JSON.stringify({ packages: { 'node_modules/pg': { version: '1.0.0' } } }),
  )
  const result = await runCommand('test', process.execPath, [join(folder, 'bin/start.mjs')], {
    env: { npm_config_registry: 'http://127.0.0.1:9/', npm_config_cache: join(folder, '.npm'), npm_config_fetch_retries: '0' },
  })
  t.match(result, { code: 1, stdout: '' })
})
