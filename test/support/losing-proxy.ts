import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

/** A wire to Postgres that can be cut between a COMMIT and its answer. */
export async function losingProxy(t: Test, serverUrl: string) {
  const target = new URL(serverUrl)
  let losing: { after: string } | null = null
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    let isIt = false
    client.on('data', (bytes: Buffer) => {
      isIt ||= losing !== null && bytes.includes(losing.after)
      upstream.write(bytes)
    })
    upstream.on('data', (bytes: Buffer) => {
      // The tag of the answer: it has happened.
      if (isIt && losing !== null && bytes.includes('COMMIT\0')) {
        losing = null
        client.destroy()
      } else client.write(bytes)
    })
    upstream.on('close', () => client.destroy())
    client.on('close', () => upstream.destroy())
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  const url = new URL(serverUrl)
  url.port = String((proxy.address() as { port: number }).port)
  return {
    url: url.href,
    /** @param after the name of a statement in it; left out: whichever it is */
    loseNextCommit: (after = '') => {
      losing = { after }
    },
  }
}
