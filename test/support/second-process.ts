/** A second `serve` beside the one of the test. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { until } from './until.ts'

const ROOT = join(import.meta.dirname, '../..')
const SAYS_WITHIN_MS = 30_000

export class SecondProcess {
  /** Of both outputs, line by line. */
  readonly output: string[] = []
  /** Exit code and signal. */
  readonly ended: Promise<unknown[]>
  readonly #child: ChildProcess

  /** Started just as the first one was, with these surroundings. */
  constructor(t: Test, environment: Record<string, string>) {
    const child = spawn(process.execPath, ['src/cli.ts', 'serve'], {
      cwd: ROOT,
      env: { ...process.env, NODE_OPTIONS: '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => this.output.push(line))
    this.ended = once(child, 'close')
    this.#child = child
  }

  async says(words: string): Promise<void> {
    await until(`the second process to say "${words}"`, () => this.output.some((line) => line.includes(words)), SAYS_WITHIN_MS)
  }

  /** @returns exit code and signal, once it is gone */
  async end(signal: 'SIGINT' | 'SIGTERM'): Promise<unknown[]> {
    this.#child.kill(signal)
    return this.ended
  }
}
