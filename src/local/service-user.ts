import { readFile } from 'node:fs/promises'

/** The user that embedded parts run as, in the shape that `spawn` takes. */
export interface ServiceUser {
  uid: number
  gid: number
}

/**
 * Postgres refuses to run as root, and nothing that faces the network should.
 * The kernel needs no account for a uid, so none is made on the machine: this
 * one lies in the range that Debian keeps for local assignment by packages and
 * hands out to none by itself (Debian Policy 9.2.2, 60000–64999).
 */
const SERVICE_UID = 64738

/** Who may run `initdb`, which wants a user with a name: Debian Policy 9.2.2 fixes `nobody` at this number. */
export const NOBODY: ServiceUser = { uid: 65534, gid: 65534 }

/** True if this process may act for other users. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0
}

/**
 * Who embedded parts run as: whoever runs Pforte, except for root, who hands
 * them to the account `pforte` where one exists and else to a uid without an
 * account. `undefined` means: as ourselves.
 */
export async function serviceUser(): Promise<ServiceUser | undefined> {
  if (!isRoot()) return undefined
  const accounts = await readFile('/etc/passwd', 'utf8')
  const own = accounts
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'pforte')
  const [uid, gid] = [Number(own?.[2]), Number(own?.[3])]
  return own !== undefined && uid > 0 && gid > 0 ? { uid, gid } : { uid: SERVICE_UID, gid: SERVICE_UID }
}
