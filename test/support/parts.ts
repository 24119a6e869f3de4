/**
 * What all test files share: packages in the cache (Asterisk, sipp, Kannel, Perl), one Postgres, prompts
 * rendered once. Brought up by `test/run.ts` and named in the environment; a
 * test file that is run by itself brings what it needs itself.
 */
import { join } from 'node:path'
import { PromptStore } from '../../src/app/prompts.ts'
import { ensureAsteriskPackages } from '../../src/local/asterisk-packages.ts'
import { cacheDir } from '../../src/local/cache.ts'
import { ensureDebianPackages } from '../../src/local/debian-packages.ts'
import { removeHome } from '../../src/local/home.ts'
import { ensurePostgres, stopPostgres } from '../../src/local/postgres.ts'
import { createProgress } from '../../src/local/progress.ts'
import { openVoice } from '../../src/local/voice/open.ts'
import { renderPrompts } from '../../src/main/definitions.ts'
import { readServiceFile } from '../../src/main/service-file.ts'
import { ensureSmsPeers } from './sms-peers.ts'
import { ensureTshark } from './tshark.ts'

export type TestParts = { environment: Record<string, string>; stop(): Promise<void> }

export async function prepareTestParts(folder: string): Promise<TestParts> {
  const progress = createProgress(process.stderr)
  const cache = await cacheDir()
  await ensureAsteriskPackages({ cacheDir: cache, progress })
  const sipp = await ensureSipp(cache, progress)
  const smsPeers = await ensureSmsPeers(cache, progress)
  const tshark = await ensureTshark(cache, progress)
  const home = join(folder, 'home')
  const { databaseUrl } = await ensurePostgres({ home, cacheDir: cache, progress })
  const prompts = join(folder, 'prompts')
  await renderOnce(prompts, cache, progress)
  return {
    environment: {
      PFORTE_TEST_POSTGRES: databaseUrl,
      PFORTE_TEST_PROMPTS: prompts,
      PFORTE_TEST_SIPP: JSON.stringify(sipp),
      PFORTE_TEST_SMS_PEERS: JSON.stringify(smsPeers),
      PFORTE_TEST_TSHARK: JSON.stringify(tshark),
    },
    stop: async () => {
      await stopPostgres(home)
      await removeHome(home)
    },
  }
}

/** sipp, from the machine or from Debian, as a command with the arguments that come before its own. */
export async function ensureSipp(cache: string, progress = createProgress(process.stderr)): Promise<{ command: string; args: string[] }> {
  const packages = await ensureDebianPackages({
    name: 'sipp',
    packages: ['sip-tester'],
    suite: 'sid',
    components: ['main'],
    cacheDir: cache,
    progress,
  })
  return packages.launch('/usr/bin/sipp')
}

async function renderOnce(folder: string, cache: string, progress: ReturnType<typeof createProgress>): Promise<void> {
  const { service } = await readServiceFile(join(import.meta.dirname, '../../pforte.yaml'), Date.now())
  const voice = await openVoice({ cacheDir: cache, progress })
  const prompts = new PromptStore({ folder, voice })
  try {
    progress.step('preparing prompts')
    const { all } = await renderPrompts(service, prompts)
    progress.done(`${all.length} prompts are ready`)
  } finally {
    await prompts.close()
    await voice.close()
  }
}
