/** The functions of speexdsp's `speex_resampler.h` as Emscripten exports them; pointers are numbers. */
declare module '@echogarden/speex-resampler-wasm' {
  export interface SpeexResampler {
    readonly HEAPF32: Float32Array
    readonly HEAPU32: Uint32Array
    _malloc(bytes: number): number
    _free(pointer: number): void
    _speex_resampler_init(channels: number, fromRate: number, toRate: number, quality: number, error: number): number
    _speex_resampler_skip_zeros(state: number): number
    _speex_resampler_get_input_latency(state: number): number
    _speex_resampler_process_float(
      state: number,
      channel: number,
      input: number,
      inputLengthAt: number,
      output: number,
      outputLengthAt: number,
    ): number
    _speex_resampler_destroy(state: number): void
  }
  export default function load(): Promise<SpeexResampler>
}
