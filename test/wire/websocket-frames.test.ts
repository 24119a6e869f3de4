import { once } from 'node:events'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { WebSocketServer } from 'ws'
import { textFrames } from '../../src/wire/websocket-frames.ts'

t.test('what a WebSocket server reads is what was said, however long, in its order', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1' })
  t.teardown(() => client.destroy())
  const connected = once(server, 'connection')
  client.write(
    'GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  const [socket] = await connected
  const heard: string[] = []
  // Lengths around those that are written in another way, and letters of one to four bytes.
  const said = [
    '',
    'x',
    ...[124, 125, 126, 127, 65_534, 65_535, 65_536, 200_000].map((length) => 'y'.repeat(length)),
    'Jörg',
    '🦊'.repeat(40),
  ]
  const all = new Promise<void>((resolve) =>
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      t.notOk(isBinary)
      heard.push(data.toString())
      if (heard.length === said.length + 1) resolve()
    }),
  )
  client.write(textFrames(said))
  client.write(textFrames(['and last']))
  await all
  t.same(heard, [...said, 'and last'])
})

t.test('nothing to say is nothing to send', async (t) => {
  t.equal(textFrames([]).length, 0)
})
