import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { errorCode, fileFailure, noSpace, PartFailure } from './part-failure.ts'
import { withLock } from './lock.ts'
import { makeFolder } from './make-folder.ts'
import type { Progress } from './progress.ts'
import { isRoot } from './service-user.ts'

/** Where root keeps downloads when its own cache folder is closed to the service user. */
const SYSTEM_CACHE = '/var/cache/pforte'

/**
 * The folder for what is downloaded once and shared by all clones of this user:
 * `$XDG_CACHE_HOME/pforte`, by default `~/.cache/pforte`. Root's is usually
 * below /root, which the user that embedded parts run as cannot enter; then it
 * is /var/cache/pforte.
 */
export async function cacheDir(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const base = environment['XDG_CACHE_HOME']
  const own = join(base !== undefined && base !== '' ? resolve(base) : join(homedir(), '.cache'), 'pforte')
  return !isRoot() || (await othersCanEnter(own)) ? own : SYSTEM_CACHE
}

/** True if every existing folder on the way to `path` lets any user pass. */
export async function othersCanEnter(path: string): Promise<boolean> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    try {
      if (((await stat(folder)).mode & 0o001) === 0) return false
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw fileFailure('packages', folder, error)
    }
    if (folder === '/') return true
  }
}

export interface Installation {
  cacheDir: string
  /** The folder's name below `cacheDir`; includes whatever makes two installations differ. */
  folder: string
  /** Bytes that must be free before it is worth beginning. */
  spaceBytes: number
  progress: Progress
  /** Fills the empty folder `into`, which will be renamed to its final name. */
  fill: (into: string) => Promise<void>
}

/**
 * Has `fill` make a folder in the cache exactly once. The folder appears under
 * its name by one rename, so it is complete or not there at all; a second
 * process waits for the first and takes what that one made. What a killed
 * process left half-made is removed by the next one that holds the lock.
 *
 * @returns the folder's path
 * @throws PartFailure of `packages`
 */
export async function installOnce(installation: Installation): Promise<string> {
  const { cacheDir, folder, progress } = installation
  const final = join(cacheDir, folder)
  if (await exists(final)) return final
  await makeFolder('packages', cacheDir, 0o755)
  return withLock(
    join(cacheDir, `.${folder}.lock`),
    () => progress.step(`waiting for another process that is installing ${folder}`),
    async () => {
      if (await exists(final)) return final
      const partial = `.${folder}.partial-`
      for (const name of await readdir(cacheDir)) {
        if (name.startsWith(partial)) await rm(join(cacheDir, name), { recursive: true, force: true })
      }
      const disk = await statfs(cacheDir)
      if (disk.bavail * disk.bsize < installation.spaceBytes) throw noSpace('packages', cacheDir)
      const into = await mkdtemp(join(cacheDir, partial))
      try {
        await chmod(into, 0o755)
        await installation.fill(into)
        await rename(into, final)
      } catch (error) {
        await rm(into, { recursive: true, force: true })
        throw error instanceof PartFailure ? error : fileFailure('packages', into, error)
      }
      return final
    },
  )
}

/** Reads a JSON file that an installation wrote about itself. */
export async function readManifest<T>(path: string): Promise<T> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (error) {
    throw new PartFailure({
      part: 'packages',
      what: `${path} is missing or damaged`,
      mend: `Remove the folder ${dirname(path)}; it is downloaded anew at the next start.`,
      cause: error,
    })
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
