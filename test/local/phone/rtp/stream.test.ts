import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { encode } from '../../../../src/local/phone/rtp/codec.ts'
import { formatRtp } from '../../../../src/local/phone/rtp/packet.ts'
import { RtpStream } from '../../../../src/local/phone/rtp/stream.ts'
import { until } from '../../../support/until.ts'

const host = '127.0.0.1'
const samples = Int16Array.from({ length: 160 }, (_, at) => 9000 * Math.sin((2 * Math.PI * 1000 * at) / 8000))

/** Somebody who sends packets of sound, each after the last one has arrived or been passed over. */
async function sender(t: Test, source: number) {
  const socket = createSocket('udp4')
  socket.bind(0, host)
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  let sequence = 0
  const send = (to: RtpStream) =>
    new Promise<void>((resolve, reject) => {
      sequence++
      const packet = {
        marker: false,
        payloadType: 8,
        sequence,
        timestamp: sequence * 160,
        source,
        payload: new Uint8Array(encode('alaw', samples)),
      }
      socket.send(formatRtp(packet), to.port, host, (error) => (error === null ? setImmediate(resolve) : reject(error)))
    })
  return { send, port: socket.address().port }
}

t.test('who is still sent the call that had the port before hears nothing of it once the own one is there', async (t) => {
  const stream = await RtpStream.open(host, { sending: 'none', listening: true })
  t.teardown(() => stream.close())
  const [other, stranger] = [await sender(t, 1), await sender(t, 2)]
  const sent = async (by: { send(to: RtpStream): Promise<void> }, packets: number) => {
    for (let packet = 0; packet < packets; packet++) await by.send(stream)
  }
  stream.connect({ host, port: other.port, codec: 'alaw', digitsType: 101, direction: 'sendrecv' })
  await sent(stranger, 1)
  await stream.heard.waitForAudio()
  t.equal(stream.heard.packets, 1, 'behind a NAT it may come from elsewhere')
  for (let turn = 0; turn < 5; turn++) {
    await sent(other, 1)
    await sent(stranger, 2)
  }
  await sent(other, 5)
  // One socket: what was sent before the last of them has been looked at.
  await until('all of the call to be heard', () => stream.heard.packets >= 11)
  t.equal(stream.heard.packets, 11)
  t.ok(stream.heard.toneLevel(1000) > 0.95)

  const elsewhere = await sender(t, 3)
  stream.connect({ host, port: elsewhere.port, codec: 'alaw', digitsType: 101, direction: 'sendrecv' })
  await sent(elsewhere, 1)
  await sent(other, 1)
  await sent(elsewhere, 9)
  await until('all of it to be heard', () => stream.heard.packets >= 21)
  t.equal(stream.heard.packets, 21, 'it has moved, and is listened to where it went')
})
