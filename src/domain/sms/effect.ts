/** How much of something, and how much more or less than before: in percent, with one decimal, as people compare them. */

/** Null: there is nothing to take a part of. */
export function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : rounded((part / whole) * 100)
}

/** −30 is 30 % less. Null where there was nothing before: from nothing, everything is infinitely more. */
export function changePercent(now: number | null, before: number | null): number | null {
  if (now === null || before === null || before === 0) return null
  return rounded(((now - before) / before) * 100)
}

function rounded(percent: number): number {
  // + 0 makes of −0, which JSON and people do not tell apart from it, a plain 0.
  return Math.round(percent * 10) / 10 + 0
}
