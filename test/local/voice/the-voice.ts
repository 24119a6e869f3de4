import { cacheDir } from '../../../src/local/cache.ts'
import { openVoice } from '../../../src/local/voice/open.ts'
import { silent } from '../../../src/local/progress.ts'
import type { Voice } from '../../../src/app/ports/voice.ts'

/** The voice that Pforte speaks with on this machine, downloaded if need be. */
export async function theVoice(): Promise<Voice> {
  return openVoice({ cacheDir: await cacheDir(), progress: silent })
}
