/** Tells what happens, with the time since the call began. */
import type { Writable } from 'node:stream'

export class Story {
  readonly #out: Writable & { isTTY?: boolean }
  readonly #startedAt = performance.now()

  constructor(out: Writable & { isTTY?: boolean }) {
    this.#out = out
  }

  tell(who: keyof typeof COLOURS, what: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(5)
    this.#out.write(`${this.#paint(90, `${seconds} s`)}  ${this.#paint(COLOURS[who], who.padEnd(6))}  ${what}\n`)
  }

  title(text: string): void {
    this.#out.write(`\n${this.#paint(1, text)}\n\n`)
  }

  #paint(colour: number, text: string): string {
    return this.#out.isTTY === true ? `\u001b[${colour}m${text}\u001b[0m` : text
  }
}

/** Who tells something, in ANSI's cyan, green, magenta and yellow. `phone`: what it shows. */
const COLOURS = { caller: 36, agent: 32, Pforte: 35, phone: 33 }
