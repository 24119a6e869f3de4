import { closest, distance } from 'fastest-levenshtein'

/** The known name that somebody probably meant, or null when none is near enough to be worth saying. */
export function nearest(written: string, known: readonly string[]): string | null {
  if (known.length === 0 || written.length > 100) return null
  const best = closest(written.toLowerCase(), known)
  const allowed = Math.max(1, Math.floor(Math.max(written.length, best.length) / 3))
  return distance(written.toLowerCase(), best) <= allowed ? best : null
}

/** The hint for a name that is not known: the one that was meant, or all there are. */
export function suggest(written: string, known: readonly string[], otherwise: string): string {
  const meant = nearest(written, known)
  if (meant !== null) return `Did you mean ${meant}?`
  return known.length === 0 ? otherwise : `Known here: ${known.join(', ')}.`
}
