import type { Writable } from 'node:stream'

/** Tells a waiting person what is being done. `step` begins a piece of work, `done` ends the latest one, `warn` is what they should look at. */
export interface Progress {
  step(text: string): void
  done(text: string): void
  warn(text: string): void
}

/** Says nothing: for tests, and for work that nobody watches. */
export const silent: Progress = { step: () => {}, done: () => {}, warn: () => {} }

/**
 * Writes progress with times to `out`. On a terminal a step's line is replaced
 * by its result; elsewhere (a log, a pipe) each is a line of its own.
 */
export function createProgress(out: Writable & { isTTY?: boolean }): Progress {
  let startedAt = performance.now()
  let pending = false
  const clear = (): string => (out.isTTY === true && pending ? '\r\u001b[2K' : '')
  return {
    step(text) {
      out.write(`${clear()}… ${text}${out.isTTY === true ? '' : '\n'}`)
      startedAt = performance.now()
      pending = true
    },
    done(text) {
      const took = pending ? ` (${seconds(performance.now() - startedAt)})` : ''
      out.write(`${clear()}✓ ${text}${took}\n`)
      pending = false
    },
    warn(text) {
      out.write(`${clear()}! ${text}\n`)
      pending = false
    },
  }
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(durationMs < 10_000 ? 1 : 0)} s`
}
