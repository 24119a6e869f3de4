/**
 * The codec against frames and streams that nobody meant to send, as many as
 * the argument says: `node test/wire/smpp/fuzz/run.ts 2000000`. What breaks it
 * is told as small as it can be, with the seed that brings it back; exit code 1.
 */
import { readAnyFrames, readAnyStreams, type Seen } from './read-anything.ts'

const total = Number(process.argv[2] ?? 20_000)
/** Of which so many are streams of several frames. */
const STREAMS = 0.2
const BATCH = 20_000

const seen: Seen = new Map()
for (let done = 0; done < total; done += BATCH) {
  const now = Math.min(BATCH, total - done)
  const streams = Math.round(now * STREAMS)
  readAnyFrames(now - streams, seen)
  readAnyStreams(streams, seen)
  if (process.stderr.isTTY) process.stderr.write(`\r${done + now} of ${total}`)
}
console.log(`${total} tried: ${[...seen].map(([what, times]) => `${what} ${times}`).join(', ')}`)
