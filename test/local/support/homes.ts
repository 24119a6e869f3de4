import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stopPart } from '../../../src/local/detached.ts'
import { removeHome } from '../../../src/local/home.ts'
import { freePort, udpPortIsFree } from '../../../src/local/ports.ts'

interface Teardown {
  teardown: (work: () => Promise<void>) => unknown
}

/** A PFORTE_HOME of this test's own, below a folder that only its owner can enter; gone, with all that ran in it, afterwards. */
export async function temporaryHome(t: Teardown): Promise<string> {
  const closed = await mkdtemp(join(tmpdir(), 'pforte-home-'))
  await chmod(closed, 0o700)
  const home = join(closed, '.pforte')
  t.teardown(async () => {
    // Nobody is going to miss them: no goodbye to callers, no last checkpoint.
    await stopPart(home, 'asterisk', { signal: 'SIGKILL', timeoutMs: 5_000 })
    await stopPart(home, 'postgres', { signal: 'SIGQUIT', timeoutMs: 5_000 })
    await removeHome(home)
    await rm(closed, { recursive: true, force: true })
  })
  return home
}

/** A port that is free for UDP and for TCP, as SIP wants it. */
export async function freeSipPort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (await udpPortIsFree(port, '127.0.0.1')) return port
  }
}
