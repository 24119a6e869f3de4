/** Asterisk's cache of prompts has its demands on the path that it lies at; wherever PFORTE_HOME is, prompts are heard. */
import { chmod, chown, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openHome } from '../../src/local/home.ts'
import { serviceUser } from '../../src/local/service-user.ts'
import { temporaryHome } from '../local/support/homes.ts'
import { hearsPrompts } from './contract/callers.ts'
import { startPbx } from './support/pbx.ts'
import { stageOf } from './support/stage.ts'

const FOLDERS = {
  'with a dot in its path': '.pforte',
  'with a long path': 'all-of-the-telecommunications-department/the-hotline-of-its-customer-service',
}

for (const [which, folder] of Object.entries(FOLDERS)) {
  t.test(`a PFORTE_HOME ${which}: prompts are heard`, async (t) => {
    await hearsPrompts(t, stageOf(await startPbx(t, await homeWithPartsAt(t, folder)), 'websocket'))
  })
}

/** For root, too, who keeps the data of parts elsewhere by itself. */
async function homeWithPartsAt(t: Test, folder: string): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), 'pforte-parts-'))
  t.teardown(() => rm(base, { recursive: true, force: true }))
  await chmod(base, 0o755)
  const parts = join(base, folder)
  await mkdir(parts, { recursive: true })
  const user = await serviceUser()
  if (user !== undefined) await chown(parts, user.uid, user.gid)
  const home = await temporaryHome(t)
  await openHome(home)
  await symlink(parts, join(home, 'parts'))
  return home
}
