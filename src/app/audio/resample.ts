import assert from 'node:assert'
import loadSpeex from '@echogarden/speex-resampler-wasm'

/** speexdsp's best: its low-pass leaves nothing audible above the new rate's half. */
const quality = 10
const blockSamples = 16_384

let loading: ReturnType<typeof loadSpeex> | undefined

/** The same sound at another rate, with the low-pass that keeps what the new rate cannot carry from folding back. */
export async function resample(samples: Float32Array, fromRate: number, toRate: number): Promise<Float32Array> {
  if (fromRate === toRate) return samples
  const speex = await (loading ??= loadSpeex())
  const input = speex._malloc(blockSamples * 4)
  const outputBlock = Math.ceil((blockSamples * toRate) / fromRate) + 64
  const output = speex._malloc(outputBlock * 4)
  const lengths = speex._malloc(12)
  const state = speex._speex_resampler_init(1, fromRate, toRate, quality, lengths)
  assert(state !== 0, `speex cannot resample from ${fromRate} to ${toRate}`)
  try {
    // Without this the filter's own delay would stand as silence before the first word.
    speex._speex_resampler_skip_zeros(state)
    const wanted = Math.round((samples.length * toRate) / fromRate)
    const result = new Float32Array(wanted)
    const tailSamples = speex._speex_resampler_get_input_latency(state) * 2
    let taken = 0
    let written = 0
    while (written < wanted && taken < samples.length + tailSamples) {
      const block = new Float32Array(blockSamples)
      const part = samples.subarray(taken, taken + blockSamples)
      block.set(part)
      const offered = part.length === 0 ? Math.min(tailSamples, blockSamples) : part.length
      speex.HEAPF32.set(block, input / 4)
      speex.HEAPU32[lengths / 4] = offered
      speex.HEAPU32[lengths / 4 + 1] = outputBlock
      const failed = speex._speex_resampler_process_float(state, 0, input, lengths, output, lengths + 4)
      assert.equal(failed, 0, 'speex refused a block')
      taken += speex.HEAPU32[lengths / 4] ?? 0
      const made = Math.min(speex.HEAPU32[lengths / 4 + 1] ?? 0, wanted - written)
      result.set(speex.HEAPF32.subarray(output / 4, output / 4 + made), written)
      written += made
    }
    return result
  } finally {
    speex._speex_resampler_destroy(state)
    for (const pointer of [input, output, lengths]) speex._free(pointer)
  }
}
