/** Which name was probably meant by a misspelt one. */

/** A third of the letters may differ; beyond that it is another word. */
const lettersPerSlip = 3

/**
 * The known name that is most like `written`, or null when none is near enough
 * to be worth saying. Letter case does not count as a difference.
 */
export function nearestName(written: string, known: readonly string[]): string | null {
  let nearest: string | null = null
  let least = Math.max(1, Math.ceil(written.length / lettersPerSlip)) + 1
  for (const name of known) {
    const slips = slipsBetween(written.toLowerCase(), name.toLowerCase(), least)
    if (slips < least) {
      least = slips
      nearest = name
    }
  }
  return nearest
}

/** Letters to add, drop or change to make one from the other (Levenshtein 1966); not counted beyond `atMost`. */
function slipsBetween(one: string, other: string, atMost: number): number {
  if (Math.abs(one.length - other.length) >= atMost) return atMost
  let above = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row++) {
    const line = [row]
    for (let column = 1; column <= other.length; column++) {
      const change = one[row - 1] === other[column - 1] ? 0 : 1
      line[column] = Math.min((above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + change)
    }
    above = line
  }
  return Math.min(above[other.length] ?? atMost, atMost)
}
