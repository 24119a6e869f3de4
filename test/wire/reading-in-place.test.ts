/** Sockets that share one buffer for reading: each gets what was sent to it, whole and in order. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { socketReadingInPlace } from '../../src/wire/reading-in-place.ts'

const LETTERS = [...'abcdefghij']
const LENGTH = 1_000_000

/** Whoever says a letter gets a million of it. */
async function generous(t: Test): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (letter) => socket.end(Buffer.alloc(LENGTH, letter)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function ask(port: number, letter: string, onPiece: (socket: Socket) => void): Promise<Buffer> {
  const socket = socketReadingInPlace()
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece)
    onPiece(socket)
  })
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(letter)
  await once(socket, 'end')
  socket.destroy()
  return Buffer.concat(pieces)
}

t.test('many are read at once, and nothing of one is found with another', async (t) => {
  const port = await generous(t)
  const heard = await Promise.all(LETTERS.map((letter) => ask(port, letter, () => {})))
  for (const [index, letter] of LETTERS.entries()) t.ok(heard[index]!.equals(Buffer.alloc(LENGTH, letter)), letter)
})

t.test('one that is paused reads nothing until it goes on', async (t) => {
  const port = await generous(t)
  let isPaused = false
  let whilePaused = 0
  const heard = await ask(port, 'p', (socket) => {
    if (isPaused) whilePaused++
    isPaused = true
    socket.pause()
    setImmediate(() => {
      isPaused = false
      socket.resume()
    })
  })
  t.equal(whilePaused, 0)
  t.equal(heard.length, LENGTH)
})

t.test('nobody is there: the error comes as from any socket', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const socket = socketReadingInPlace().connect(port, '127.0.0.1')
  const [error] = await once(socket, 'error')
  t.equal(error.code, 'ECONNREFUSED')
})
