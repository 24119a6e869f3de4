/** How durations are written: a whole number and its unit, nothing between them. */
export const durationPattern = '^[0-9]{1,9}(ms|s|m|h|d)$'

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `20s`, `1m`, `300ms`, `2h`, `90d` in milliseconds; null for anything else. */
export function durationMs(written: string): number | null {
  const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(written) ?? []
  const factor = unitMs[unit ?? '']
  return number === undefined || factor === undefined ? null : Number(number) * factor
}
