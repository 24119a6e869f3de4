/** Runs in a thread of its own: an hour of stereo would hold up every call otherwise. */
import { telephoneWav } from './telephone.ts'
import { NotAudio } from './wav.ts'

export type Converted = { wav: Uint8Array } | { notAudio: string }

/** @param wav any WAV file */
export default async function convert(wav: Uint8Array): Promise<Converted> {
  try {
    return { wav: await telephoneWav(wav) }
  } catch (error) {
    // An error's class does not survive the way between threads.
    if (error instanceof NotAudio) return { notAudio: error.message }
    throw error
  }
}
