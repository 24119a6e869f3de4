/**
 * From a name to the address that is connected to. It is checked here, and what
 * was checked is what the socket gets: a name that leads elsewhere a moment
 * later (DNS rebinding) leads nowhere.
 */
import { lookup, Resolver } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import pLimit from 'p-limit'
import { isPublicAddress } from './address.ts'

/** All addresses of a name, IPv4 first. Rejects where there are none. */
export type Resolve = (host: string) => Promise<string[]>

/** Said to nobody but the log and the delivery: it names no address, which would tell what is in our network. */
export class NotPublic extends Error {
  override readonly name = 'NotPublic'
}

const resolveTimeoutMs = 3_000
const resolveTries = 2

/**
 * Asks name servers over sockets of its own. The system's resolver would hold one of the few threads in which it, and
 * much else, is done for as long as a name server is silent.
 */
export function askNameServers(): Resolve {
  const resolver = new Resolver({ timeout: resolveTimeoutMs, tries: resolveTries })
  return async (host) => {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (found.length === 0) throw (v4 as PromiseRejectedResult).reason
    return found
  }
}

/** As this machine knows names, /etc/hosts and search domains included: for receivers in its own network. One at a time, for the threads' sake. */
export function askSystem(): Resolve {
  const one = pLimit(1)
  return (host) => one(async () => (await lookup(host, { all: true, order: 'ipv4first' })).map(({ address }) => address))
}

/** What a socket asks for the address of its host. A name of which one address is not public is refused whole. */
export function guardedLookup(resolve: Resolve, allowPrivate: boolean): LookupFunction {
  return (host, options, callback) => {
    resolve(host).then(
      (addresses) => {
        if (!allowPrivate && !addresses.every(isPublicAddress)) {
          callback(new NotPublic('its name leads to an address that is not public'), '', 0)
          return
        }
        const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
        if (options.all === true) callback(null, all)
        else callback(null, all[0]!.address, all[0]!.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    )
  }
}
