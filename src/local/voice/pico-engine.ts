import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import loadPico, { type SvoxPico } from '@echogarden/svoxpico-wasm'

/** Pico always speaks at this rate. */
export const picoRate = 16_000

/** What `picoapi.h` recommends as working memory for one language is 2.5 MB; Emscripten has no swap to fear. */
const memoryBytes = 5_000_000
const outputBytes = 4096
/** `pico_putTextUtf8` counts in signed 16-bit. */
const mostTextBytes = 32_767
const longestResourceName = 64

const status = { ok: 0, idle: 200, busy: 201 }

/**
 * One speaking engine of SVOX Pico with the voice of one language.
 * See `picoapi.h` of the Android Open Source Project for the calls and their order.
 */
export class PicoEngine {
  readonly #pico: SvoxPico
  readonly #engine: number
  readonly #output: number
  readonly #number: number

  private constructor(pico: SvoxPico, engine: number) {
    this.#pico = pico
    this.#engine = engine
    this.#output = pico._malloc(outputBytes)
    this.#number = pico._malloc(8)
  }

  /** @param voiceFiles the language's text analysis and its signal generation, `…_ta.bin` and `…_sg.bin` */
  static async load(voiceFiles: readonly string[]): Promise<PicoEngine> {
    const pico = await loadPico()
    const answer = pico._malloc(4)
    const answered = () => pico.HEAPU32[answer / 4] ?? 0
    check('initialize', pico._pico_initialize(pico._malloc(memoryBytes), memoryBytes, answer))
    const system = answered()
    const voiceName = cString(pico, 'pforte')
    check('create a voice', pico._pico_createVoiceDefinition(system, voiceName))
    for (const file of voiceFiles) {
      const path = `/${basename(file)}`
      pico.FS.writeFile(path, await readFile(file))
      check('load a voice file', pico._pico_loadResource(system, cString(pico, path), answer))
      const resourceName = pico._malloc(longestResourceName)
      check('name a voice file', pico._pico_getResourceName(system, answered(), resourceName))
      check('add a voice file', pico._pico_addResourceToVoiceDefinition(system, voiceName, resourceName))
    }
    check('start', pico._pico_newEngine(system, voiceName, answer))
    return new PicoEngine(pico, answered())
  }

  /** Speaks `text`, which may hold Pico's markup, as 16 kHz samples. */
  speak(text: string): Int16Array {
    const pico = this.#pico
    // The closing NUL tells Pico that the text is complete, so that it speaks the last sentence too.
    const bytes = Buffer.from(`${text.replaceAll('\0', ' ')}\0`)
    const input = pico._malloc(bytes.length)
    pico.HEAPU8.set(bytes, input)
    try {
      const pieces: Int16Array[] = []
      for (let put = 0; put < bytes.length; ) {
        const offered = Math.min(bytes.length - put, mostTextBytes)
        check('take a text', pico._pico_putTextUtf8(this.#engine, input + put, offered, this.#number))
        put += pico.HEAP16[this.#number / 2] ?? 0
        pieces.push(...this.#spoken())
      }
      return joined(pieces)
    } finally {
      pico._free(input)
      pico._pico_resetEngine(this.#engine, 0)
    }
  }

  *#spoken(): Generator<Int16Array> {
    const pico = this.#pico
    for (;;) {
      const state = pico._pico_getData(this.#engine, this.#output, outputBytes, this.#number, this.#number + 4)
      if (state !== status.busy && state !== status.idle) throw new Error(`Pico could not speak (${state})`)
      const samples = (pico.HEAP16[this.#number / 2] ?? 0) / 2
      if (samples > 0) yield pico.HEAP16.slice(this.#output / 2, this.#output / 2 + samples)
      if (state === status.idle) return
    }
  }
}

function check(what: string, state: number): void {
  if (state !== status.ok) throw new Error(`Pico could not ${what} (${state})`)
}

function cString(pico: SvoxPico, text: string): number {
  const bytes = Buffer.from(`${text}\0`)
  const pointer = pico._malloc(bytes.length)
  pico.HEAPU8.set(bytes, pointer)
  return pointer
}

function joined(pieces: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}
