import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { Piscina } from 'piscina'
import { NotAudio, wavDurationMs } from './audio/wav.ts'
import type { Converted } from './audio/worker.ts'
import type { Language, Voice } from './ports/voice.ts'
import { VoiceError } from './ports/voice.ts'

/** What callers are to hear: a text that the voice speaks, or the path of a WAV file of any kind. */
export type PromptSource = { readonly text: string; readonly language: Language } | { readonly file: string }

export interface Prompt {
  /** Names the sound for good: the same hash is always the same sound. */
  readonly hash: string
  readonly durationMs: number
}

export interface ServedPrompt extends Prompt {
  /** 8 kHz, mono, 16 bit. */
  readonly wav: Buffer
  /** The value of HTTP's `Cache-Control`. */
  readonly cacheControl: string
}

/** An audio file that cannot be a prompt. `file` is as it was given; the message says what is wrong and what to do. */
export class AudioFileError extends Error {
  override readonly name = 'AudioFileError'
  readonly file: string
  readonly why: string
  readonly hint: string

  constructor(file: string, why: string, hint: string, options?: ErrorOptions) {
    super(`${file}: ${why}; ${hint}`, options)
    this.file = file
    this.why = why
    this.hint = hint
  }
}

export interface PromptStoreOptions {
  /** Where rendered prompts are kept, one file a prompt. */
  readonly folder: string
  readonly voice: Voice
  /** How many prompts are prepared at a time. */
  readonly parallel?: number
}

/** Part of every hash: raise it when what is done to the sound changes, or old prompts live on. */
const madeHow = 'telephone-1'

/** Asterisk asks again for what has expired, and fails if Pforte is away just then: so never. */
const forEver = 'public, max-age=31536000, immutable'
const neverKept = 'no-store'

const idleMs = 2000

/**
 * The prompts: each rendered or converted once, kept on disk under the hash of what it was made
 * of, and in memory for serving. Nothing is ever changed under its hash, so that Asterisk may
 * keep what it fetched.
 */
export class PromptStore {
  readonly #folder: string
  readonly #voice: Voice
  readonly #limit: ReturnType<typeof pLimit>
  readonly #ready = new Map<string, ServedPrompt>()
  readonly #underWay = new Map<string, Promise<ServedPrompt>>()
  #converter: Piscina<Uint8Array, Converted> | undefined

  constructor({ folder, voice, parallel = 2 }: PromptStoreOptions) {
    this.#folder = folder
    this.#voice = voice
    this.#limit = pLimit(parallel)
  }

  /**
   * Makes a prompt ready to be served, and answers once it is.
   * @throws {AudioFileError} when the file cannot be a prompt
   * @throws {VoiceError} when the voice cannot speak the text
   */
  async add(source: PromptSource): Promise<Prompt> {
    if ('text' in source) {
      const hash = hashOf('text', this.#voice.id, source.language.toLowerCase(), source.text)
      return summary(await this.#once(hash, () => this.#speak(source.text, source.language)))
    }
    const bytes = await readAudioFile(source.file)
    return summary(await this.#once(hashOf('file', bytes), () => this.#convertFile(source.file, bytes)))
  }

  /**
   * Makes a prompt that speaks of a person: never written to disk, not to be kept by Asterisk,
   * under a name that cannot be guessed from its text. It is there until `forget`.
   */
  async addPersonal(text: string, language: Language): Promise<Prompt> {
    const hash = hashOf('personal', randomUUID())
    const prompt = served(hash, await this.#limit(() => this.#speak(text, language)), neverKept)
    this.#ready.set(hash, prompt)
    return summary(prompt)
  }

  /** Drops a prompt that `addPersonal` made. */
  forget(hash: string): void {
    this.#ready.delete(hash)
  }

  /**
   * The prompt to serve, or undefined for a hash that nothing is known under. It also finds those
   * of an earlier start: a call that goes on under its old flow still asks for them.
   */
  async get(hash: string): Promise<ServedPrompt | undefined> {
    const ready = this.#ready.get(hash)
    if (ready !== undefined || !isHash(hash)) return ready
    return (await this.#underWay.get(hash)) ?? this.#fromDisk(hash)
  }

  /** Where a prompt that is ready lies on disk, for what cannot fetch it over HTTP. */
  pathOf(hash: string): string {
    return join(this.#folder, `${hash}.wav`)
  }

  /** Gives back the threads; the voice is closed by whoever opened it. */
  async close(): Promise<void> {
    const converter = this.#converter
    this.#converter = undefined
    await converter?.destroy()
  }

  async #once(hash: string, make: () => Promise<Buffer>): Promise<ServedPrompt> {
    const ready = this.#ready.get(hash)
    if (ready !== undefined) return ready
    let underWay = this.#underWay.get(hash)
    if (underWay === undefined) {
      underWay = this.#fromDisk(hash)
        .then((found) => found ?? this.#limit(() => this.#make(hash, make)))
        .finally(() => this.#underWay.delete(hash))
      this.#underWay.set(hash, underWay)
    }
    return underWay
  }

  async #make(hash: string, make: () => Promise<Buffer>): Promise<ServedPrompt> {
    const wav = await make()
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    // A process that dies here leaves a file that nobody takes for a prompt.
    const unfinished = join(this.#folder, `${hash}.${process.pid}.part`)
    try {
      await writeFile(unfinished, wav)
      await rename(unfinished, this.pathOf(hash))
    } catch (error) {
      await rm(unfinished, { force: true })
      throw error
    }
    return this.#keep(served(hash, wav, forEver))
  }

  async #fromDisk(hash: string): Promise<ServedPrompt | undefined> {
    try {
      return this.#keep(served(hash, await readFile(this.pathOf(hash)), forEver))
    } catch (error) {
      // A power cut can leave a file without its content behind: it is made again.
      if (error instanceof NotAudio || isNodeError(error, 'ENOENT')) return undefined
      throw error
    }
  }

  #keep(prompt: ServedPrompt): ServedPrompt {
    this.#ready.set(prompt.hash, prompt)
    return prompt
  }

  async #speak(text: string, language: Language): Promise<Buffer> {
    const converted = await this.#convert(await this.#voice.render(text, language))
    if ('notAudio' in converted) {
      throw new VoiceError('failed', `The voice ${this.#voice.id} gave something that cannot be played: ${converted.notAudio}`)
    }
    return asBuffer(converted.wav)
  }

  async #convertFile(file: string, bytes: Buffer): Promise<Buffer> {
    const converted = await this.#convert(bytes)
    if ('notAudio' in converted) throw notAWav(file, converted.notAudio)
    return asBuffer(converted.wav)
  }

  async #convert(wav: Uint8Array): Promise<Converted> {
    this.#converter ??= new Piscina({
      filename: new URL('./audio/worker.ts', import.meta.url).href,
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: idleMs,
    })
    return this.#converter.run(wav)
  }
}

async function readAudioFile(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    if (isNodeError(error, 'ENOENT'))
      throw new AudioFileError(file, 'there is no such file', 'correct the path, or write a text instead', { cause: error })
    if (isNodeError(error, 'EISDIR')) throw new AudioFileError(file, 'it is a folder', 'name a WAV file in it', { cause: error })
    if (isNodeError(error, 'EACCES'))
      throw new AudioFileError(file, 'Pforte may not read it', 'give its user the right to', { cause: error })
    throw error
  }
}

function notAWav(file: string, why: string): AudioFileError {
  return new AudioFileError(file, why, 'give a WAV file (any rate, mono or stereo), for example made with "ffmpeg -i IN OUT.wav"')
}

function served(hash: string, wav: Buffer, cacheControl: string): ServedPrompt {
  return { hash, wav, cacheControl, durationMs: wavDurationMs(wav) }
}

function summary({ hash, durationMs }: ServedPrompt): Prompt {
  return { hash, durationMs }
}

/** Each part's length goes in as well, so that no two lists of parts make the same bytes. */
function hashOf(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256').update(madeHow)
  for (const part of parts) hash.update(`\n${Buffer.byteLength(part)}\n`).update(part)
  return hash.digest('hex').slice(0, 40)
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function isNodeError(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code
}
