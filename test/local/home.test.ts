import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { installOnce } from '../../src/local/cache.ts'
import { ensureSecret, openHome } from '../../src/local/home.ts'
import { PartFailure } from '../../src/local/part-failure.ts'
import { silent } from '../../src/local/progress.ts'
import { temporaryHome } from './support/homes.ts'

t.test('PFORTE_HOME is closed to everybody else, also one that was open before', async (t) => {
  const home = await temporaryHome(t)
  await mkdir(home, { mode: 0o755 })
  await chmod(home, 0o755)
  await openHome(home)
  t.equal((await stat(home)).mode & 0o777, 0o700)
})

t.test('a secret is drawn once and kept in a file of its owner', async (t) => {
  const home = await temporaryHome(t)
  const secrets = await Promise.all(Array.from({ length: 8 }, () => ensureSecret(home, 'secret')))
  t.equal(new Set(secrets).size, 1, 'eight at once get the same one')
  t.match(secrets[0], /^[\w-]{43}$/)
  t.equal((await stat(join(home, 'secret'))).mode & 0o777, 0o600)
  t.equal(await ensureSecret(home, 'secret'), secrets[0])
  t.not(await ensureSecret(home, 'api-key'), secrets[0])
})

t.test('a secret that was emptied is not silently replaced, since PINs depend on it', async (t) => {
  const home = await temporaryHome(t)
  await openHome(home)
  await writeFile(join(home, 'secret'), '')
  await t.rejects(ensureSecret(home, 'secret'), { name: 'PartFailure', part: 'home', exitCode: 2 })
  t.equal(await readFile(join(home, 'secret'), 'utf8'), '')
})

t.test('a PFORTE_HOME where nobody can make a folder is one clear line, at once', async (t) => {
  for (const home of ['/proc/pforte', '/proc/self/pforte/home']) {
    await t.rejects(openHome(home), { name: 'PartFailure', part: 'home', what: /no folder can be made in \/proc/, mend: /PFORTE_HOME/ })
  }
  await t.rejects(installOnce({ cacheDir: '/proc/cache/pforte', folder: 'voice', spaceBytes: 1, progress: silent, fill: async () => {} }), {
    name: 'PartFailure',
    part: 'packages',
    mend: /XDG_CACHE_HOME/,
  })
})

t.test('folders on the way to PFORTE_HOME are made, whoever makes them first', async (t) => {
  const home = join(await temporaryHome(t), 'here', 'and', 'there')
  const folders = await Promise.all(Array.from({ length: 8 }, () => openHome(home)))
  t.ok((await stat(folders[0]!.run)).isDirectory())
})

t.test('a PFORTE_HOME that is a file is one clear line', async (t) => {
  const home = await temporaryHome(t)
  await writeFile(home, 'not a folder')
  const failure = await openHome(home).then(
    () => undefined,
    (error: unknown) => error,
  )
  t.ok(failure instanceof PartFailure)
  t.match(String(failure), home)
  t.notMatch(String((failure as Error).message), '\n')
})
