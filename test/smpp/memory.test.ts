/** What is kept grows neither with the messages that were sent nor with those that a carrier does not read. */
import t from 'tap'
import { until } from '../support/until.ts'
import { Carrier } from './support/carrier.ts'
import { keptBytes } from './support/kept-bytes.ts'
import { TestLink } from './support/link.ts'

const MOST_KEPT_BYTES = 2 * 1024 * 1024

t.test('40,000 messages, half of them after the carrier had not read for a while', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, { window: 100 })
  await link.lane()
  const connection = await carrier.connection()
  let wanted = 0
  let sent = 0
  let settled = 0
  link.smsc.onResult(() => settled++)
  const send = (): void => {
    for (const lane of link.smsc.lanes())
      for (
        let reservation = sent < wanted ? lane.reserve(1) : null;
        reservation !== null;
        reservation = sent < wanted ? lane.reserve(1) : null
      ) {
        lane.submit(reservation, link.message(`Ticket ${++sent}`))
      }
    // The test keeps nothing either.
    link.results.length = 0
    connection.received.length = 0
    connection.frames.length = 0
  }
  link.smsc.onRoom(send)
  const sendSome = async (count: number): Promise<void> => {
    wanted += count
    send()
    await until(`${wanted} to be settled`, () => settled === wanted, 60_000)
    send()
  }
  await sendSome(5_000)
  const before = await keptBytes()
  await sendSome(15_000)
  connection.socket.pause()
  const kept: number[] = []
  wanted += 20_000
  send()
  for (let i = 0; i < 5; i++) {
    send()
    kept.push((await keptBytes()) - before)
  }
  t.ok(link.smsc.status[0]!.unanswered <= 100)
  connection.socket.resume()
  await until('all to be settled', () => settled === wanted, 60_000)
  send()
  kept.push((await keptBytes()) - before)
  t.ok(
    kept.every((bytes) => bytes < MOST_KEPT_BYTES),
    `kept, in KB: ${kept.map((bytes) => Math.round(bytes / 1024)).join(', ')}`,
  )
  t.match(link.smsc.status, [{ state: 'bound', unanswered: 0 }])
})
