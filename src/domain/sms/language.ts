/** The language to write to somebody in: theirs, or theirs without its region, or the first there is. Tags as in BCP 47: `de`, `de-CH`. */
export function languageFor(wanted: string | null, there: readonly string[]): string | null {
  const [base] = wanted?.split('-') ?? []
  return (
    there.find((tag) => tag === wanted) ??
    there.find((tag) => tag === base) ??
    there.find((tag) => tag.split('-')[0] === base) ??
    there[0] ??
    null
  )
}
