/**
 * Names that the fallback dialplan gives to what it records while Pforte is
 * away (asterisk-config/extensions.conf):
 * `pforte-fallback-<epoch seconds>-<number>-<caller>-<line>`, where `<number>`
 * is the digits of the leg's id and `p` stands for the caller's `+`.
 */
import { FALLBACK_RECORDING_PREFIX } from './calls/ids.ts'

export type FallbackRecording = { legDigits: string | null; at: number | null; caller: string | null; line: string | null }

export function parseFallbackName(name: string): FallbackRecording {
  const match = /^(\d+)-(\d*)-(p?\d+|anonymous)-(.+)$/.exec(name.slice(FALLBACK_RECORDING_PREFIX.length))
  if (match === null) return { legDigits: null, at: null, caller: null, line: null }
  const [, seconds, legDigits, caller, line] = match
  return {
    legDigits: legDigits ?? null,
    at: Number(seconds) * 1000,
    caller: caller === 'anonymous' ? null : (caller ?? '').replace('p', '+'),
    line: line ?? null,
  }
}

/** While the leg lives its message grows: fetched now, it would be cut off. */
export function isGrowing(name: string, fallbackLegs: readonly string[]): boolean {
  const { legDigits } = parseFallbackName(name)
  return fallbackLegs.some((leg) => leg.replace(/\D/g, '') === legDigits)
}
