/** What answers ARI's address but is not as it should be: too old, read-only, mute, babbling. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { WebSocketServer, type WebSocket } from 'ws'

export type Manners = {
  version?: string
  /** HTTP status for `GET /asterisk/info`; null: never answers. */
  info?: number | null
  /** HTTP status for the event filter. */
  filter?: number
  port?: number
}

export type StrangeAsterisk = {
  url: string
  manners: Manners
  /** The newest event socket. */
  socket(): Promise<WebSocket>
  /** What it says before anything else on a new socket. */
  greeting: string[]
}

export async function strangeAsterisk(t: Test, manners: Manners = {}): Promise<StrangeAsterisk> {
  const sockets = new WebSocketServer({ noServer: true })
  const waiting: ((socket: WebSocket) => void)[] = []
  let newest: WebSocket | undefined
  const server = createServer((request, response) => {
    const { info = 200, filter = 200, version = '22.10.1' } = strange.manners
    if (/\/asterisk\/info/.test(request.url ?? '')) {
      if (info === null) return
      return void response.writeHead(info).end(JSON.stringify({ system: { version } }))
    }
    if (/eventFilter$/.test(request.url ?? '')) return void response.writeHead(filter).end('{}')
    response.writeHead(404).end('{}')
  })
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (opened) => {
      for (const text of strange.greeting) opened.send(text)
      newest = opened
      for (const give of waiting.splice(0)) give(opened)
    })
  })
  await new Promise<void>((resolve) => server.listen(manners.port ?? 0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  const strange: StrangeAsterisk = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    manners,
    greeting: [],
    socket: () => (newest === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(newest)),
  }
  return strange
}
