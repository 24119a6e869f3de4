/**
 * The PBX cannot be used as it is configured, and no retry mends that: a wrong
 * password, an Asterisk too old. Carries what a person at the terminal needs.
 */
export class ConnectFailure extends Error {
  /** What is wrong, one line, without a final full stop. */
  readonly what: string
  /** What to do about it, one line. */
  readonly mend: string

  constructor(what: string, mend: string) {
    super(`${what}. ${mend}`)
    this.name = 'ConnectFailure'
    this.what = what
    this.mend = mend
  }
}
