import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { Piscina } from 'piscina'
import type { Language, Voice } from '../../app/ports/voice.ts'
import { VoiceError } from '../../app/ports/voice.ts'
import type { Speech } from './pico-worker.ts'

/** Where Debian's libttspico-data keeps the voices, below the folder it was unpacked into. */
const voiceFolder = 'usr/share/pico/lang'

/** The voices of libttspico-data; a language without a country gets the one spoken in Europe. */
const voices: Record<string, readonly [textAnalysis: string, signalGeneration: string]> = {
  de: ['de-DE_ta.bin', 'de-DE_gl0_sg.bin'],
  en: ['en-GB_ta.bin', 'en-GB_kh0_sg.bin'],
  'en-us': ['en-US_ta.bin', 'en-US_lh0_sg.bin'],
  es: ['es-ES_ta.bin', 'es-ES_zl0_sg.bin'],
  fr: ['fr-FR_ta.bin', 'fr-FR_nk0_sg.bin'],
  it: ['it-IT_ta.bin', 'it-IT_cm0_sg.bin'],
}

/** At Pico's full volume about one sample in a hundred clips; loudness is set afterwards anyway. */
const volumePercent = 50

const idleMs = 2000

/** SVOX Pico, compiled to WebAssembly, with Debian's voice files. */
export class PicoVoice implements Voice {
  readonly id = `pico-1.0-v${volumePercent}`
  readonly #root: string
  readonly #threads: number
  #pool: Piscina<Speech, Uint8Array> | undefined

  /**
   * @param root the folder that libttspico-data was unpacked into (`/` where it is installed)
   * @param threads how many texts are spoken at a time
   */
  constructor(root: string, threads = 2) {
    this.#root = root
    this.#threads = threads
  }

  /** Whether the voice files for German and English are below `root`. */
  static async isIn(root: string): Promise<boolean> {
    const files = [...(voices.de ?? []), ...(voices.en ?? [])]
    const found = await Promise.allSettled(files.map((file) => access(join(root, voiceFolder, file))))
    return found.every((file) => file.status === 'fulfilled')
  }

  async render(text: string, language: Language): Promise<Buffer> {
    const files = voices[language.toLowerCase()] ?? voices[language.slice(0, 2).toLowerCase()]
    if (files === undefined) {
      throw new VoiceError(
        'language',
        `The Pico voice does not speak "${language}", only ${Object.keys(voices).join(', ')}; set tts.command in pforte.yaml to a program that does`,
      )
    }
    this.#pool ??= new Piscina({
      filename: new URL('./pico-worker.ts', import.meta.url).href,
      minThreads: 0,
      maxThreads: this.#threads,
      idleTimeout: idleMs,
    })
    try {
      const wav = await this.#pool.run({
        text: `<volume level="${volumePercent}">${asPlainText(text)}</volume>`,
        voiceFiles: files.map((file) => join(this.#root, voiceFolder, file)),
      })
      return Buffer.from(wav.buffer, wav.byteOffset, wav.byteLength)
    } catch (error) {
      throw new VoiceError('failed', `The Pico voice failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await pool?.destroy()
  }
}

/** Pico reads angle brackets as markup, and would swallow what stands in them. */
function asPlainText(text: string): string {
  return text.replaceAll(/[<>]/g, ' ')
}
