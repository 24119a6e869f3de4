/** Whatever an ESME sends, the simulator stays, and serves the next one. */
import fc from 'fast-check'
import t from 'tap'
import { startSimulator } from '../../../src/local/smsc/simulator.ts'
import { anyStream } from '../../wire/smpp/fuzz/frames.ts'
import { RawEsme } from './raw-esme.ts'

/** Each by an ESME of its own. */
const streams = 1_000

t.test(`${streams} streams of frames that nobody meant to send`, async (t) => {
  const smsc = await startSimulator({ keep: { pdus: 100, messages: 100 } })
  for (const pieces of fc.sample(anyStream, streams)) {
    const esme = await RawEsme.bound(smsc.url)
    for (const piece of pieces) esme.socket.write(piece)
    esme.end()
    await esme.closed
  }
  t.ok(smsc.counts.bad > streams / 10, `${smsc.counts.bad} bad PDUs`)
  t.ok(smsc.pdus().length <= 100)
  const after = await RawEsme.bound(smsc.url)
  after.send({ command: 'enquire_link' })
  await after.next('enquire_link_resp')
  t.equal(smsc.counts.bound, 1)
  after.end()
  await smsc.close()
})
