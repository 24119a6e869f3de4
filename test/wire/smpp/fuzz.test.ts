/** 20,000 frames and streams that nobody meant to send. */
import t from 'tap'
import { readAnyFrames, readAnyStreams } from './fuzz/read-anything.ts'

t.test('whatever frame comes, it is read or told to be bad, and both codecs say the same', async (t) => {
  const seen = readAnyFrames(16_000)
  for (const what of [
    'sound',
    'unknown_command',
    'cut_short',
    'text_without_end',
    'tlv_cut_short',
    'octets_left_over',
    'not_a_frame',
  ] as const)
    t.ok((seen.get(what) ?? 0) > 50, `${what} ${seen.get(what)} times`)
})

t.test('whatever the pieces of a stream, the same frames come out, or the same fault', async (t) => {
  const seen = readAnyStreams(4_000)
  for (const what of ['sound', 'length_too_small', 'length_too_large'] as const)
    t.ok((seen.get(what) ?? 0) > 50, `${what} ${seen.get(what)} times`)
})
