import type { Voice } from '../../app/ports/voice.ts'
import { ensureDebianPackages, type DebianPackages } from '../debian-packages.ts'
import { PartFailure } from '../part-failure.ts'
import type { Progress } from '../progress.ts'
import { CommandVoice } from './command.ts'
import { espeakFrom, espeakOnPath } from './espeak.ts'
import { PicoVoice } from './pico.ts'

export interface VoiceOptions {
  /** `tts.command` of pforte.yaml: a program with its arguments, or one line for the shell. */
  readonly command?: string | readonly [string, ...string[]] | undefined
  readonly cacheDir: string
  readonly progress: Progress
}

/**
 * The voice that speaks the prompts: the configured program; else Pico; else espeak-ng, from the
 * machine or from Debian. Downloads what is missing, once.
 * @throws {PartFailure} of `voice`, when there is none to be had
 */
export async function openVoice({ command, cacheDir, progress }: VoiceOptions): Promise<Voice> {
  if (command !== undefined) {
    return new CommandVoice({ name: 'tts.command', command: typeof command === 'string' ? ['/bin/sh', '-c', command] : command })
  }
  if (await PicoVoice.isIn('/')) return new PicoVoice('/')
  const failures: PartFailure[] = []
  const unpacked = (name: string, packages: string[], suite: 'bookworm' | 'sid', component: string): Promise<DebianPackages | undefined> =>
    ensureDebianPackages({ name, packages, suite, components: [component], cacheDir, progress }).catch((error: unknown) => {
      if (!(error instanceof PartFailure)) throw error
      failures.push(error)
      return undefined
    })

  // Voice files do not change between Debian's releases, so those of a stable one do.
  const pico = await unpacked('voice-pico', ['libttspico-data'], 'bookworm', 'non-free')
  if (pico !== undefined && (await PicoVoice.isIn(pico.root))) return new PicoVoice(pico.root)

  const installed = await espeakOnPath()
  if (installed !== undefined) {
    progress.done('espeak-ng speaks the prompts, because the Pico voice is not to be had')
    return installed
  }
  const espeak = await unpacked('voice-espeak', ['espeak-ng'], 'sid', 'main')
  if (espeak !== undefined) {
    progress.done('espeak-ng speaks the prompts, because the Pico voice is not to be had')
    return espeakFrom(espeak)
  }
  throw new PartFailure({
    part: 'voice',
    what: `there is no voice to speak the prompts with (${failures.map((failure) => failure.what).join('; ')})`,
    mend: 'Install espeak-ng, or set tts.command in pforte.yaml to a program that reads a text and writes a WAV file.',
  })
}
