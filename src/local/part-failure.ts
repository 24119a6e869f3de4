/**
 * A part of Pforte's surroundings that cannot be had: Postgres, Asterisk, a
 * download, a folder. It is an operating failure, never a bug, so it carries
 * what a person at the terminal needs and no stack: one line of what is wrong,
 * one of how to mend it.
 */
export class PartFailure extends Error {
  /** Which part: `postgres`, `asterisk`, `home`, `packages`, … */
  readonly part: string
  /** What is wrong, one line, without a final full stop. */
  readonly what: string
  /** What to do about it, one line. */
  readonly mend: string
  /** The process's exit code: 1 a part failed, 2 the configuration is wrong. */
  readonly exitCode: 1 | 2

  constructor(failure: { part: string; what: string; mend: string; exitCode?: 1 | 2; cause?: unknown }) {
    super(`${failure.part}: ${failure.what}. ${failure.mend}`, failure.cause === undefined ? {} : { cause: failure.cause })
    this.name = 'PartFailure'
    this.part = failure.part
    this.what = failure.what
    this.mend = failure.mend
    this.exitCode = failure.exitCode ?? 1
  }
}

/** The `code` of a Node system error (`ENOENT`, `EADDRINUSE`, …), if it is one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Turns what the file system throws at `part` into a PartFailure that names the way out. */
export function fileFailure(part: string, path: string, error: unknown): PartFailure {
  const code = errorCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace(part, path)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new PartFailure({
      part,
      what: `${path} cannot be written (${code})`,
      mend: 'Give this user the right to write there, or set PFORTE_HOME and XDG_CACHE_HOME to folders where it may.',
      cause: error,
    })
  }
  const said = error instanceof Error ? error.message : String(error)
  return new PartFailure({
    part,
    what: `${path} cannot be used: ${said}`,
    mend: "Look at that path, move it out of the way if it is not Pforte's, and start again.",
    cause: error,
  })
}

/** The disk is full, whoever noticed it. */
export function noSpace(part: string, path: string): PartFailure {
  return new PartFailure({
    part,
    what: `no space left on the disk of ${path}`,
    mend: 'Free about 1 GB there, or set PFORTE_HOME and XDG_CACHE_HOME to a larger disk; nothing half-installed was left.',
  })
}
