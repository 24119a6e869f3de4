import { nearestName } from '../domain/nearest-name.ts'

/** The hint for a name that is not known: the one that was meant, or all there are, or what to do when there are none. */
export function suggest(written: string, known: readonly string[], otherwise: string): string {
  const meant = nearestName(written, known)
  if (meant !== null) return `Did you mean ${meant}?`
  return known.length === 0 ? otherwise : `Known here: ${known.join(', ')}.`
}
