/**
 * Whether a client would rather have `wanted` than `usual` (RFC 9110, section 12.5.1): by its q, and where that is the same,
 * by which of the two it names more exactly. Whoever wants neither gets the usual.
 */
export function prefers(accept: string | undefined, wanted: string, usual: string): boolean {
  const ranges = (accept ?? '*/*').split(',').map(readRange)
  const one = best(ranges, wanted)
  const other = best(ranges, usual)
  return one.q > 0 && (one.q > other.q || (one.q === other.q && one.exactness > other.exactness))
}

type Range = { type: string; q: number }

function readRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const given = parameters.find((parameter) => parameter.startsWith('q='))
  const q = given === undefined ? 1 : Number(given.slice(2))
  return { type, q: q >= 0 && q <= 1 ? q : 0 }
}

/** The range that names it most exactly says how much it is wanted. */
function best(ranges: readonly Range[], type: string): { q: number; exactness: number } {
  for (const [place, name] of [type, `${type.split('/')[0]}/*`, '*/*'].entries()) {
    const range = ranges.find((each) => each.type === name)
    if (range !== undefined) return { q: range.q, exactness: -place }
  }
  return { q: 0, exactness: Number.NEGATIVE_INFINITY }
}
