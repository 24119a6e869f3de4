import { createHash } from 'node:crypto'
import { spawn } from 'node:child_process'
import type { Language, Voice } from '../../app/ports/voice.ts'
import { VoiceError } from '../../app/ports/voice.ts'

export interface VoiceCommand {
  /**
   * The program with its arguments. `{language}` in an argument becomes the text's language.
   * The text goes to its standard input and never into an argument, where every user of the
   * machine could read it.
   */
  readonly command: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
  /** How the operator knows it, for messages: `tts.command`. */
  readonly name: string
  /** Tells this voice from others in the prompt store; by default the command itself does. */
  readonly id?: string
  readonly timeLimitMs?: number
}

const usualTimeLimitMs = 60_000
const mostWavBytes = 50_000_000

/** A voice that is any program: text on its standard input, a WAV file on its standard output. */
export class CommandVoice implements Voice {
  readonly id: string
  readonly #voice: VoiceCommand

  constructor(voice: VoiceCommand) {
    this.#voice = voice
    this.id = voice.id ?? `command-${createHash('sha256').update(JSON.stringify(voice.command)).digest('hex').slice(0, 16)}`
  }

  async render(text: string, language: Language): Promise<Buffer> {
    const { name, timeLimitMs = usualTimeLimitMs } = this.#voice
    // It may end up in a shell's line.
    if (!/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language))
      throw new VoiceError('language', `"${language}" is no language tag such as de, en or en-US`)
    const [program, ...args] = this.#voice.command.map((part) => part.replaceAll('{language}', language)) as [string, ...string[]]
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    const child = spawn(program, args, {
      env: { ...process.env, ...this.#voice.env },
      // What a program says when it fails may repeat the text, which may speak of a person.
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: timeLimitMs,
      killSignal: 'SIGKILL',
    })
    const output: Buffer[] = []
    let bytes = 0
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > mostWavBytes) child.kill('SIGKILL')
      else output.push(chunk)
    })
    child.on('error', (error) => {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      reject(
        new VoiceError(
          missing ? 'missing' : 'failed',
          missing
            ? `${name}: there is no program "${program}"; install it, or correct ${name} in pforte.yaml`
            : `${name}: "${program}" cannot be started (${error.message})`,
        ),
      )
    })
    child.on('close', (code, signal) => {
      if (bytes > mostWavBytes)
        reject(new VoiceError('failed', `${name}: "${program}" wrote more than ${mostWavBytes} bytes for one prompt`))
      else if (signal !== null)
        reject(new VoiceError('failed', `${name}: "${program}" was ended by ${signal}; a prompt may take ${timeLimitMs / 1000} s at most`))
      else if (code !== 0)
        reject(new VoiceError('failed', `${name}: "${program}" ended with ${code}; try it by hand with a text on its standard input`))
      else if (bytes === 0)
        reject(new VoiceError('failed', `${name}: "${program}" wrote no sound; it must write a WAV file to its standard output`))
      else resolve(Buffer.concat(output))
    })
    // A program that ends without reading breaks the pipe; its exit code tells the story.
    child.stdin.on('error', () => undefined)
    child.stdin.end(text)
    return promise
  }

  async close(): Promise<void> {}
}
