/**
 * Names that the fallback dialplan gives to what it records while Pforte is
 * away (asterisk-config/extensions.conf):
 * `pforte-fallback-<epoch seconds>-<number>-<caller>-<line>`, where `p` stands
 * for the caller's `+`.
 */
import { FALLBACK_RECORDING_PREFIX } from './calls/ids.ts'

export type FallbackRecording = { at: number | null; caller: string | null; line: string | null }

export function parseFallbackName(name: string): FallbackRecording {
  const match = /^(\d+)-\d*-(p?\d+|anonymous)-(.+)$/.exec(name.slice(FALLBACK_RECORDING_PREFIX.length))
  if (match === null) return { at: null, caller: null, line: null }
  const [, seconds, caller, line] = match
  return {
    at: Number(seconds) * 1000,
    caller: caller === 'anonymous' ? null : (caller ?? '').replace('p', '+'),
    line: line ?? null,
  }
}
