import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { compareVersions, upstreamVersion } from '../../src/local/asterisk-packages.ts'
import { judgeVersion } from '../../src/local/ari-probe.ts'
import { cacheDir, installOnce } from '../../src/local/cache.ts'
import { ensureDebianPackages } from '../../src/local/debian-packages.ts'
import { DEBIAN_DEFAULT_MIRROR, debianKeyrings, debianMirror } from '../../src/local/debian-sources.ts'
import { silent as progress } from '../../src/local/progress.ts'
import { runCommand } from '../../src/local/run-command.ts'

async function folder(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'pforte-cache-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

t.test('a program comes from Debian with all its libraries, without root, and runs', async (t) => {
  const cache = await folder(t)
  const options = { name: 'hello', packages: ['hello'], suite: 'bookworm', components: ['main'], cacheDir: cache, progress } as const
  const [first, second] = await Promise.all([ensureDebianPackages(options), ensureDebianPackages(options)])
  t.equal(first.root, second.root, 'two at once install it once')
  t.match(first.versions, { hello: /^2\./, libc6: /^2\.36/ })
  t.match(await first.run('hello', ['--greeting=Guten Tag']), { code: 0, stdout: 'Guten Tag\n' })
  const { args } = await first.launch('hello')
  t.ok(
    args.every((each) => each === '--library-path' || each.split(':').every((path) => path.startsWith(cache))),
    'nothing of the machine is used',
  )
  t.same(
    (await readdir(cache)).filter((name) => name.includes('partial')),
    [],
  )
})

t.test('without a network it is one clear line, and nothing is left behind', async (t) => {
  const cache = await folder(t)
  const script = `
    import { ensureDebianPackages } from ${JSON.stringify(new URL('../../src/local/debian-packages.ts', import.meta.url).href)}
    const nothing = { step() {}, done() {} }
    await ensureDebianPackages({ name: 'hello', packages: ['hello'], suite: 'bookworm', components: ['main'], cacheDir: ${JSON.stringify(cache)}, progress: nothing })
      .catch((error) => console.log(error.name, error.exitCode, error.message))`
  const nowhere = 'http://127.0.0.1:9/'
  const result = await runCommand('test', process.execPath, ['--input-type=module', '-e', script], {
    env: { http_proxy: nowhere, https_proxy: nowhere, TAP: '' },
  })
  t.match(result.stdout, /^PartFailure 1 packages: the Debian archive \S+ cannot be reached .*\n$/)
  t.same(
    (await readdir(cache)).filter((name) => !name.endsWith('.lock')),
    [],
  )
})

t.test('a package that Debian does not have is named', async (t) => {
  const cache = await folder(t)
  const wanted = ensureDebianPackages({
    name: 'nothing',
    packages: ['pforte-does-not-exist'],
    suite: 'bookworm',
    components: ['main'],
    cacheDir: cache,
    progress,
  })
  await t.rejects(wanted, { name: 'PartFailure', what: /pforte-does-not-exist/ })
})

t.test('what a killed process left half-installed is cleared away, and a full disk is noticed before', async (t) => {
  const cache = await folder(t)
  await mkdir(join(cache, '.thing.partial-old/root'), { recursive: true })
  const made = await installOnce({
    cacheDir: cache,
    folder: 'thing',
    spaceBytes: 1,
    progress,
    fill: (into) => writeFile(join(into, 'file'), 'whole'),
  })
  t.equal(await readFile(join(made, 'file'), 'utf8'), 'whole')
  t.same((await readdir(cache)).toSorted(), ['.thing.lock', 'thing'])

  const huge = installOnce({
    cacheDir: cache,
    folder: 'huge',
    spaceBytes: Number.MAX_SAFE_INTEGER,
    progress,
    fill: async () => void t.fail('it must not even begin'),
  })
  await t.rejects(huge, { name: 'PartFailure', what: /no space left/ })
  const breaking = installOnce({
    cacheDir: cache,
    folder: 'broken',
    spaceBytes: 1,
    progress,
    fill: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })),
  })
  await t.rejects(breaking, { name: 'PartFailure', what: /no space left/ })
  t.same(
    (await readdir(cache)).filter((name) => !name.endsWith('.lock')),
    ['thing'],
  )
})

t.test(
  'the archive must be signed: by keys of the machine, or where it has none or old ones, by those that come with Pforte',
  async (t) => {
    const options = {
      name: 'music',
      packages: ['asterisk-moh-opsound-g722'],
      suite: 'sid',
      components: ['main'],
      cacheDir: await folder(t),
      progress,
    } as const
    const outdated = join(options.cacheDir, 'outdated.gpg')
    await writeFile(outdated, '')
    await t.rejects(ensureDebianPackages({ ...options, keyrings: [outdated] }), {
      name: 'PartFailure',
      what: /signature .* cannot be verified/,
    })
    const own = await debianKeyrings('/nowhere')
    t.equal(own.length, 1)
    t.match((await ensureDebianPackages({ ...options, keyrings: [outdated, ...own] })).versions, { 'asterisk-moh-opsound-g722': /^2/ })
  },
)

t.test("the machine's own mirror is used, however its sources are written", async (t) => {
  const apt = await folder(t)
  t.equal(await debianMirror(apt), DEBIAN_DEFAULT_MIRROR, 'none named')
  await mkdir(join(apt, 'sources.list.d'))
  await writeFile(
    join(apt, 'sources.list'),
    '# deb http://old.example/debian bookworm main\ndeb [signed-by=/k] http://security.example/debian-security bookworm-security main\n',
  )
  t.equal(await debianMirror(apt), DEBIAN_DEFAULT_MIRROR, 'only comments and other archives')
  await writeFile(
    join(apt, 'sources.list.d/debian.sources'),
    'Types: deb\nURIs: https://snapshot.debian.org/archive/debian/20250101T000000Z/\nSuites: bookworm\nComponents: main\n\nTypes: deb\n# ours\nURIs: http://mirror.example/debian/\nSuites: bookworm bookworm-updates\nComponents: main\n',
  )
  t.equal(await debianMirror(apt), 'http://mirror.example/debian')
  await writeFile(join(apt, 'sources.list'), 'deb [arch=amd64 signed-by=/k] https://first.example/mirrors/debian/ stable main contrib\n')
  t.equal(await debianMirror(apt), 'https://first.example/mirrors/debian')
})

t.test('the cache is where XDG says, unless embedded parts could not enter it', async (t) => {
  const cache = await folder(t)
  const chosen = await cacheDir({ XDG_CACHE_HOME: cache })
  t.equal(chosen, process.geteuid?.() === 0 ? '/var/cache/pforte' : join(cache, 'pforte'), 'mkdtemp makes closed folders')
})

t.test('versions of Asterisk are told apart as numbers', async (t) => {
  t.equal(upstreamVersion('1:22.10.1+dfsg+~cs6.17.60671434-1'), '22.10.1')
  t.equal(upstreamVersion('Asterisk 20.6.0~dfsg+~cs6.13.40431414-2build5\n'), '20.6.0')
  t.equal(upstreamVersion('Asterisk certified/20.7-cert1'), '20.7.0')
  t.equal(upstreamVersion('GIT-master-abc'), undefined)
  t.ok(compareVersions('22.10.1', '22.9.0') > 0)
  t.equal(judgeVersion('22.10.1'), undefined)
  t.match(judgeVersion('22.10.0'), /GHSA/)
  t.throws(() => judgeVersion('16.28.0'), { name: 'PartFailure', exitCode: 2 })
})
