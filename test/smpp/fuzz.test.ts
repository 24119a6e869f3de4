/** 20,000 frames of a carrier that means no good, told in numbers. */
import t from 'tap'
import { fuzzLink } from './fuzz/malicious-carrier.ts'

t.test('whatever a carrier sends: no exit, no deaf session, every bad PDU counted, memory bounded', async (t) => {
  const { frames, connections, results, faults, mostRssMb } = await fuzzLink(20_000)
  t.ok(frames >= 20_000, `${frames} frames over ${connections} connections, ${results} messages meanwhile`)
  for (const kind of ['undecodable', 'unknown_command', 'frame_length', 'partial_pdu', 'unexpected_request', 'unexpected_answer'] as const)
    t.ok((faults[kind] ?? 0) > 10, `${kind} ${faults[kind]} times`)
  t.ok(mostRssMb < 500, `at most ${mostRssMb} MB`)
})
