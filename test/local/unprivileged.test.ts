import { chown, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ensureAsteriskPackages } from '../../src/local/asterisk-packages.ts'
import { ensureAsterisk } from '../../src/local/asterisk.ts'
import { cacheDir, othersCanEnter } from '../../src/local/cache.ts'
import { livingPart } from '../../src/local/detached.ts'
import { ensurePostgres } from '../../src/local/postgres.ts'
import { ensurePostgresBinaries } from '../../src/local/postgres-binaries.ts'
import { silent as progress } from '../../src/local/progress.ts'
import { runCommand } from '../../src/local/run-command.ts'
import { NOBODY } from '../../src/local/service-user.ts'
import { freeSipPort, temporaryHome } from './support/homes.ts'

const root = process.geteuid?.() === 0

t.test(
  'an ordinary user brings up everything without any right of root',
  { skip: root && (await othersCanEnter(import.meta.dirname)) ? false : 'needs root, to become somebody else' },
  async (t) => {
    const cache = await cacheDir()
    await ensureAsteriskPackages({ cacheDir: cache, progress })
    await ensurePostgresBinaries({ cacheDir: cache, progress })
    const folder = await mkdtemp(join(tmpdir(), 'pforte-nobody-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    await chown(folder, NOBODY.uid, NOBODY.gid)

    const home = join(folder, 'a folder with blanks', 'and a long name for good measure')
    const script = join(import.meta.dirname, 'support/start-parts.ts')
    // The test runner would have every Node under it write into a folder that this user may not write to.
    const result = await runCommand('test', 'env', ['-u', 'NODE_OPTIONS', process.execPath, script, home, cache], {
      user: NOBODY,
      env: { HOME: folder, TAP: '' },
    })
    t.equal(result.stderr, '')
    t.same(JSON.parse(result.stdout), { adopted: [false, false, true, true], stopped: [true, true] })
    t.equal((await stat(join(home, 'parts/postgres'))).uid, NOBODY.uid)
  },
)

t.test('for root, nothing that faces the network runs as root', { skip: root ? false : 'needs root' }, async (t) => {
  const home = await temporaryHome(t)
  await ensurePostgres({ home, progress })
  await ensureAsterisk({ home, sip: { host: '127.0.0.1', port: await freeSipPort() }, rtpPorts: { from: 20_000, to: 29_999 }, progress })
  for (const name of ['postgres', 'asterisk']) {
    const status = await readFile(`/proc/${(await livingPart(home, name))?.pid}/status`, 'utf8')
    const uids = /^Uid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/).map(Number) ?? [0]
    t.ok(
      uids.every((uid) => uid > 0),
      `${name} has no root left to return to`,
    )
    t.match(status, /^Groups:\s*$/m, `${name} is in no group of root's`)
  }
  for (const name of ['secret', 'ari-password', 'postgres-password']) {
    const found = await stat(join(home, name)).catch(() => undefined)
    if (found !== undefined) t.match(found, { uid: 0 }, `${name} stays root's`)
  }
})
