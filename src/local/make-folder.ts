import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode, fileFailure, PartFailure } from './part-failure.ts'

/**
 * Makes a folder, and those above it that are missing; one that is there stays
 * as it is. In place of Node's own recursive `mkdir`, which asks again without
 * end where the kernel answers ENOENT although the folder above is there, as
 * /proc does.
 *
 * @param part who needs it, for the message
 * @param path absolute
 * @throws PartFailure
 */
export async function makeFolder(part: string, path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EEXIST' && (await isFolder(path))) return
    const above = dirname(path)
    if (code !== 'ENOENT' || above === path) throw fileFailure(part, path, error)
    if (await isFolder(above)) return await makeInFolder(part, path, mode)
    await makeFolder(part, above, mode)
    await makeFolder(part, path, mode)
  }
}

/**
 * The second and last try, with the folder above there: either somebody made
 * that one only after our first try, or nobody can make anything in it.
 */
async function makeInFolder(part: string, path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EEXIST' && (await isFolder(path))) return
    if (code !== 'ENOENT') throw fileFailure(part, path, error)
    throw new PartFailure({
      part,
      what: `no folder can be made in ${dirname(path)}, so ${path} cannot be used`,
      mend: 'Set PFORTE_HOME and XDG_CACHE_HOME to folders on a disk.',
      cause: error,
    })
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
