/** A TCP line to somewhere that can be cut, or made to swallow everything without closing. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

export type Proxy = {
  url: string
  /** Closes all that is open; new connections are refused until `mend`. */
  cut(): void
  /** Passes nothing on any more, in either direction, and says nothing about it. */
  freeze(): void
  mend(): void
}

export async function proxyTo(t: Test, url: string): Promise<Proxy> {
  const { hostname, port } = new URL(url)
  const pairs = new Set<[Socket, Socket]>()
  let state: 'open' | 'cut' | 'frozen' = 'open'
  const server = createServer((near) => {
    if (state === 'cut') return void near.destroy()
    const far = connect(Number(port), hostname)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    near.on('data', (data) => {
      if (state === 'open') far.write(data)
    })
    far.on('data', (data) => {
      if (state === 'open') near.write(data)
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => {
        pairs.delete(pair)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const drop = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  t.teardown(() => {
    drop()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      state = 'cut'
      drop()
    },
    freeze: () => {
      state = 'frozen'
    },
    mend: () => {
      // What was swallowed is lost: those connections are of no use any more.
      if (state === 'frozen') drop()
      state = 'open'
    },
  }
}
