/**
 * Names that the fallback dialplan gives to what it records while Pforte is
 * away (asterisk-config/extensions.conf): prefix, epoch second, then caller
 * and line, with anything but letters and digits taken out there.
 */
import { FALLBACK_RECORDING_PREFIX, type FallbackRecording } from './calls/ids.ts'

export function parseFallbackName(name: string): { at: number | null } & Omit<FallbackRecording, 'at'> {
  const [seconds, caller, line] = name.slice(FALLBACK_RECORDING_PREFIX.length).split('-')
  const at = Number(seconds)
  return {
    at: Number.isSafeInteger(at) && at > 0 ? at * 1000 : null,
    caller: caller === undefined || !/\d/.test(caller) ? null : caller.replace(/^(?=[1-9]\d{9,})/, '+'),
    line: line ?? null,
  }
}
