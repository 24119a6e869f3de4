import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Voice } from '../../app/ports/voice.ts'
import type { DebianPackages } from '../debian-packages.ts'
import { CommandVoice } from './command.ts'

/** Slower than espeak-ng's 175 words a minute: over a telephone its consonants are hard to tell. */
const wordsPerMinute = 150

const arguments_ = ['-v', '{language}', '-s', String(wordsPerMinute), '--stdin', '--stdout']

/** The espeak-ng of the machine, if it has one. */
export async function espeakOnPath(): Promise<Voice | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const program = join(folder, 'espeak-ng')
    if (
      await access(program).then(
        () => true,
        () => false,
      )
    )
      return espeak([program, ...arguments_])
  }
  return undefined
}

/** espeak-ng out of Debian's packages, unpacked but not installed, so that it is told where its data lies. */
export async function espeakFrom(packages: DebianPackages): Promise<Voice> {
  const { command, args } = await packages.launch('espeak-ng')
  const [option = '--library-path', folders = '', ...program] = args
  const library = folders.split(':')[0] ?? ''
  // It links to PulseAudio, though it plays nothing here, whose own library lies in a folder of its own.
  return espeak([command, option, `${folders}:${join(library, 'pulseaudio')}`, ...program, `--path=${library}`, ...arguments_])
}

function espeak(command: readonly [string, ...string[]]): Voice {
  return new CommandVoice({ name: 'espeak-ng', command, id: `espeak-ng-${wordsPerMinute}` })
}
