import { randomBytes } from 'node:crypto'
import { chmod, chown, link, lstat, mkdir, mkdtemp, open, readFile, readlink, realpath, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { othersCanEnter } from './cache.ts'
import { makeFolder } from './make-folder.ts'
import { errorCode, fileFailure, PartFailure } from './part-failure.ts'
import { isRoot, serviceUser, type ServiceUser } from './service-user.ts'

/** PFORTE_HOME and the folders in it that everybody knows. */
export interface Home {
  path: string
  /** Which embedded parts run: `<name>.json`. */
  run: string
  /** What they and we have to say: `<name>.log`. */
  log: string
}

/** Where things are in PFORTE_HOME, whether it exists or not. */
export function homeFolders(home: string): Home {
  const path = resolve(home)
  return { path, run: join(path, 'run'), log: join(path, 'log') }
}

/** Makes PFORTE_HOME, closed to all others, with `run` and `log` in it. Doing it again changes nothing. */
export async function openHome(home: string): Promise<Home> {
  const folders = homeFolders(home)
  const { path, run, log } = folders
  try {
    for (const folder of [path, run, log]) {
      await makeFolder('home', folder, 0o700)
      await chmod(folder, 0o700)
    }
  } catch (error) {
    throw error instanceof PartFailure ? error : fileFailure('home', path, error)
  }
  return folders
}

/** Where root keeps the data of its embedded parts, since their user cannot enter a PFORTE_HOME of root's. */
const SYSTEM_DATA = '/var/lib/pforte'

export interface PartsFolder {
  /** Its real path. */
  path: string
  /** Whom the parts run as, the folder's owner; `undefined` for ourselves. */
  user: ServiceUser | undefined
}

/**
 * The folder in which embedded parts keep their data: `PFORTE_HOME/parts`. For
 * root that is a link to a folder of the service user's outside, because
 * PFORTE_HOME is root's own and closed: in /var/lib/pforte, or beside other
 * temporary files for a PFORTE_HOME that is temporary itself.
 */
export async function partsFolder(home: string): Promise<PartsFolder> {
  const { path } = await openHome(home)
  const parts = join(path, 'parts')
  try {
    const found = await lstat(parts).catch(() => undefined)
    if (
      found?.isSymbolicLink() === true &&
      (await stat(parts).then(
        () => false,
        () => true,
      ))
    ) {
      throw new PartFailure({
        part: 'home',
        what: `${parts} points to ${await readlink(parts)}, which is gone`,
        mend: 'Bring that folder back, or remove the link to begin with empty data.',
      })
    }
    const user = await serviceUser()
    if (found === undefined && user === undefined) await mkdir(parts, { mode: 0o700 })
    if (found === undefined && user !== undefined) {
      const base = await outsideBase(path)
      await makeFolder('home', base, 0o755)
      const data = await mkdtemp(join(base, 'pforte-'))
      await chown(data, user.uid, user.gid)
      await symlink(data, parts)
    }
    const { uid, gid } = await stat(parts)
    return { path: await realpath(parts), user: isRoot() ? { uid, gid } : undefined }
  } catch (error) {
    throw error instanceof PartFailure ? error : fileFailure('home', parts, error)
  }
}

async function outsideBase(home: string): Promise<string> {
  const temporary = await realpath(tmpdir())
  const within = relative(temporary, await realpath(home))
  return !within.startsWith('..') && (await othersCanEnter(temporary)) ? temporary : SYSTEM_DATA
}

/**
 * Removes a PFORTE_HOME with all data of its embedded parts, which must have
 * been stopped. Meant for tests and trials.
 */
export async function removeHome(home: string): Promise<void> {
  const path = resolve(home)
  const data = await realpath(join(path, 'parts')).catch(() => undefined)
  if (data !== undefined) await rm(data, { recursive: true, force: true })
  await rm(path, { recursive: true, force: true })
}

const SECRET_BYTES = 32

/**
 * The secret `PFORTE_HOME/<name>` (0600), drawn at random the first time. Two
 * processes that make it at once get the same one.
 *
 * @returns the secret, 43 characters of base64url unless somebody put another there
 */
export async function ensureSecret(home: string, name: string): Promise<string> {
  const { path } = await openHome(home)
  const file = join(path, name)
  try {
    const existing = await readFile(file, 'utf8').catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return undefined
      throw error
    })
    if (existing === undefined) {
      await placeNew(file, randomBytes(SECRET_BYTES).toString('base64url') + '\n')
      return await ensureSecret(home, name)
    }
    await chmod(file, 0o600)
    if (existing.trim() === '')
      throw new PartFailure({
        part: 'home',
        what: `${file} is empty`,
        mend: 'Put the secret back from a backup; only if there is none, remove the file, and PINs and keys made under it must be made anew.',
        exitCode: 2,
      })
    return existing.trim()
  } catch (error) {
    throw error instanceof PartFailure ? error : fileFailure('home', file, error)
  }
}

/** Writes a file that is complete as soon as it is there, and leaves one alone that somebody else placed first. */
async function placeNew(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  const handle = await open(draft, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
    await link(draft, file).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error
    })
  } finally {
    await handle.close()
    await rm(draft, { force: true })
  }
}
