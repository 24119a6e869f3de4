/** Who may bind. */
import { statuses } from '../../wire/smpp/constants.ts'

export type Account = { user: string; password: string }

export class Accounts {
  readonly #passwords: ReadonlyMap<string, string>

  constructor(accounts: readonly Account[]) {
    this.#passwords = new Map(accounts.map(({ user, password }) => [user, password]))
  }

  /** The status with which a bind is refused, null if it is not. */
  refusal(user: string, password: string): number | null {
    const right = this.#passwords.get(user)
    if (right === undefined) return statuses.ESME_RINVSYSID
    return right === password ? null : statuses.ESME_RINVPASWD
  }
}
