import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { errorCode, PartFailure } from './part-failure.ts'

/**
 * Ports that the kernel gives to nobody by itself (Linux hands out 32768–60999,
 * net.ipv4.ip_local_port_range), so that a part finds its port again after a
 * restart, and that lie above the RTP ports of the default settings.
 */
const OWN_PORTS = { from: 20_000, to: 32_767 }

/** A TCP port on loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(OWN_PORTS.from, OWN_PORTS.to + 1)
    if (await tcpPortIsFree(port)) return port
  }
}

/** True if nothing listens on this TCP port of `host`. */
export async function tcpPortIsFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => (taken(error) ? resolve(false) : reject(error)))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** True if nothing is bound to this UDP port of `host`. */
export async function udpPortIsFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', (error) => {
      socket.close()
      if (taken(error)) resolve(false)
      else reject(error)
    })
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(true)))
  })
}

/**
 * The TCP port for a part: the one asked for, which must be free; else the one
 * it had last time if that is still free, so that addresses people wrote down
 * go on working; else any.
 *
 * @throws PartFailure when the one asked for is taken
 */
export async function choosePort(choice: {
  part: string
  asked: number | undefined
  variable: string
  last: number | undefined
}): Promise<number> {
  const { part, asked, variable, last } = choice
  if (asked !== undefined) {
    if (await tcpPortIsFree(asked)) return asked
    throw new PartFailure({
      part,
      what: `port ${asked} on 127.0.0.1 is taken by another program`,
      mend: `End that program, or set ${variable} to a free port, or leave it unset.`,
    })
  }
  return last !== undefined && (await tcpPortIsFree(last)) ? last : freePort()
}

function taken(error: Error): boolean {
  return ['EADDRINUSE', 'EACCES'].includes(errorCode(error) ?? '')
}
