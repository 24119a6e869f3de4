import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureDebianPackages } from './debian-packages.ts'
import { PartFailure } from './part-failure.ts'
import type { Progress } from './progress.ts'
import { runCommand } from './run-command.ts'

export interface AsteriskPackages {
  /** Append Asterisk's own arguments. */
  launch: { command: string; args: string[] }
  /** The unpacked tree; `/` for an Asterisk that the machine has. */
  root: string
  /** `22.10.1` */
  version: string
  source: 'path' | 'debian'
  /** Where its modules lie, if not where it was built to look. */
  modules: string | undefined
  /** Folders with its documentation, its description of ARI and its music; the first that has one of them wins. */
  data: string[]
}

/** ARI as Pforte needs it exists from here on (voice-notes: Which Asterisk). */
export const OLDEST_ASTERISK = '18.0.0'

/** Older ones lack the fixes of GHSA-wcvv-g26m-wx5c and GHSA-vrfp-mg3q-3959. */
export const SAFE_ASTERISK = '22.10.1'

/** Five pieces under Creative Commons licences. */
const HOLD_MUSIC = 'asterisk-moh-opsound-wav'

const ADVICE = 'Install Asterisk 18 or later, or set ARI_URL to an Asterisk of yours.'

/**
 * An Asterisk to start: the machine's own if it is 18 or later, else the one of
 * Debian sid, downloaded once into `cacheDir` without root.
 *
 * @throws PartFailure of `asterisk` or `packages`
 */
export async function ensureAsteriskPackages({ cacheDir, progress }: { cacheDir: string; progress: Progress }): Promise<AsteriskPackages> {
  const installed = await installedVersion()
  if (installed !== undefined && compareVersions(installed, OLDEST_ASTERISK) >= 0) {
    return {
      launch: { command: 'asterisk', args: [] },
      root: '/',
      version: installed,
      source: 'path',
      modules: undefined,
      data: await installedData(cacheDir, progress),
    }
  }
  if (
    process.platform !== 'linux' ||
    (await runCommand('asterisk', 'apt-get', ['--version']).then(
      () => false,
      () => true,
    ))
  ) {
    const what = installed === undefined ? 'there is no asterisk on the PATH' : `the asterisk on the PATH is ${installed}, too old`
    throw new PartFailure({
      part: 'asterisk',
      what: `${what}, and this machine is no Debian or Ubuntu where one can be downloaded`,
      mend: ADVICE,
    })
  }
  const packages = await ensureDebianPackages({
    name: 'asterisk',
    packages: ['asterisk', HOLD_MUSIC],
    suite: 'sid',
    components: ['main', 'non-free'],
    cacheDir,
    progress,
    otherwise: 'install Asterisk 18 or later yourself, or set ARI_URL to an Asterisk of yours',
  })
  const { command, args } = await packages.launch('asterisk')
  const library = args[1]?.split(':')[0] ?? ''
  return {
    launch: { command, args },
    root: packages.root,
    version: upstreamVersion(packages.versions['asterisk'] ?? '') ?? '0.0.0',
    source: 'debian',
    modules: join(library, 'asterisk/modules'),
    data: [join(packages.root, DATA_FOLDER)],
  }
}

/** Debian's folder of data; source builds use /var/lib/asterisk. */
const DATA_FOLDER = 'usr/share/asterisk'

/** An installed Asterisk may have come without music: then Debian's is fetched. */
async function installedData(cacheDir: string, progress: Progress): Promise<string[]> {
  const data = [join('/', DATA_FOLDER), '/var/lib/asterisk']
  for (const folder of data) {
    if ((await readdir(join(folder, 'moh')).catch(() => [])).length > 0) return data
  }
  const music = await ensureDebianPackages({
    name: 'hold-music',
    packages: [HOLD_MUSIC],
    suite: 'bookworm',
    components: ['main'],
    cacheDir,
    progress,
  })
  return [join(music.root, DATA_FOLDER), ...data]
}

/** The version of the `asterisk` on the PATH, if there is one that runs. */
async function installedVersion(): Promise<string | undefined> {
  const said = await runCommand('asterisk', 'asterisk', ['-V']).catch((error: unknown) => {
    if (error instanceof PartFailure) return undefined
    throw error
  })
  return said?.code === 0 ? upstreamVersion(said.stdout) : undefined
}

/** `1:22.10.1+dfsg+~cs6.17-1`, `Asterisk 20.6.0~dfsg` or `Asterisk certified/20.7-cert1` → `22.10.1`, `20.6.0`, `20.7.0`. */
export function upstreamVersion(text: string): string | undefined {
  const found = /(?:^|:|\s|\/)(\d+)\.(\d+)(?:\.(\d+))?/.exec(text.trim())
  return found === null ? undefined : `${found[1]}.${found[2]}.${found[3] ?? '0'}`
}

/** Negative, zero or positive as `a` is before, equal to or after `b`; both as `major.minor.patch`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)]
  const differing = left.findIndex((part, index) => part !== right[index])
  return differing === -1 ? 0 : (left[differing] ?? 0) - (right[differing] ?? 0)
}
