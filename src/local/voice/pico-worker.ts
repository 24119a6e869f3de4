/** A thread that speaks: Pico takes a processor for itself while it does. */
import { writeWav } from '../../app/audio/wav.ts'
import { PicoEngine, picoRate } from './pico-engine.ts'

const engines = new Map<string, Promise<PicoEngine>>()

export interface Speech {
  readonly text: string
  readonly voiceFiles: readonly string[]
}

/** @returns a WAV file, 16 kHz mono */
export default async function speak({ text, voiceFiles }: Speech): Promise<Uint8Array> {
  const key = voiceFiles.join('\n')
  let engine = engines.get(key)
  if (engine === undefined) engines.set(key, (engine = PicoEngine.load(voiceFiles)))
  return writeWav((await engine).speak(text), picoRate)
}
