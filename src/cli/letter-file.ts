/**
 * The file for the letter shop. It is written under another name, `FILE.part`,
 * and gets its own once the PINs in it count. Only this user can read it.
 */
import { constants } from 'node:fs'
import { access, type FileHandle, link, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Letters } from '../app/ports/imports.ts'
import { errorCode, PartFailure } from '../local/part-failure.ts'

const ownerOnly = 0o600
const part = 'letters'

export class LetterFile implements Letters {
  readonly path: string
  readonly #file: FileHandle
  #isOpen = true

  private constructor(path: string, file: FileHandle) {
    this.path = path
    this.#file = file
  }

  /** @throws PartFailure if it is there already, or cannot be made there */
  static async create(path: string): Promise<LetterFile> {
    if (await isThere(path)) {
      throw new PartFailure({
        part,
        what: `${path} is there already`,
        mend: 'Take another name, or remove it if the letter shop has it: PINs are shown once.',
      })
    }
    try {
      return new LetterFile(path, await open(partOf(path), 'wx', ownerOnly))
    } catch (error) {
      throw failure(path, error)
    }
  }

  async append(text: string): Promise<void> {
    try {
      await this.#file.write(text)
    } catch (error) {
      throw failure(this.path, error)
    }
  }

  async flush(): Promise<void> {
    try {
      await this.#file.sync()
    } catch (error) {
      throw failure(this.path, error)
    }
  }

  /** Its PINs count. */
  async keep(): Promise<void> {
    await this.#close()
    try {
      // Unlike a rename it takes nobody else's file away that came there meanwhile.
      await link(partOf(this.path), this.path)
      await unlink(partOf(this.path))
    } catch (error) {
      // File systems without links, such as FAT.
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errorCode(error) ?? '')) throw keptAs(this.path, error)
      await rename(partOf(this.path), this.path)
    }
    await syncFolder(this.path)
  }

  /** Its PINs do not count: nothing is left of it. */
  async discard(): Promise<void> {
    await this.#close()
    await unlink(partOf(this.path))
  }

  /** Whether its PINs count is not known. @returns where it lies */
  async leave(): Promise<string> {
    await this.#close()
    return partOf(this.path)
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#file.close()
  }
}

const partOf = (path: string): string => `${path}.part`

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path, constants.F_OK)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw failure(path, error)
  }
}

/** The name is on the disk, too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function failure(path: string, error: unknown): PartFailure {
  const code = errorCode(error)
  const say = (what: string, mend: string): PartFailure => new PartFailure({ part, what, mend, cause: error })
  if (code === 'EEXIST')
    return say(
      `${partOf(path)} is there: it is of an import that is under way or was cut off`,
      'If none is under way, see in GET /v1/customers whether its customers were entered. If so it holds their PINs; remove it otherwise.',
    )
  if (code === 'ENOENT' || code === 'ENOTDIR') return say(`there is no folder ${dirname(path)}`, 'Make it first, or take another name.')
  if (code === 'ENOSPC' || code === 'EDQUOT') return say(`no space is left on the disk of ${path}`, 'Make room; nothing was imported.')
  return say(`${path} cannot be written (${code ?? String(error)})`, 'Take a folder where this user may write; nothing was imported.')
}

function keptAs(path: string, error: unknown): PartFailure {
  const what = `the customers are entered, and their PINs lie in ${partOf(path)}: it cannot get the name ${path} (${errorCode(error) ?? String(error)})`
  return new PartFailure({ part, what, mend: 'Rename it by hand.', cause: error })
}
