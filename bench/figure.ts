/** What a bench found out, and the one table that shows it. */

export type Figure = {
  /** The bench's name, as `npm run bench -- NAME` takes it. */
  bench: string
  what: string
  measured: string
  /** What must be reached; null for figures that only explain the others. */
  bar: string | null
  ok: boolean
}

/** A figure with a bar. */
export const judged = (bench: string, what: string, measured: string, bar: string, ok: boolean): Figure => ({
  bench,
  what,
  measured,
  bar,
  ok,
})

/** A figure beside it. */
export const told = (bench: string, what: string, measured: string): Figure => ({ bench, what, measured, bar: null, ok: true })

export const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`

/** @param share 0.99 for p99; the smallest value that so many do not exceed */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? NaN
}

/** The table; a terminal gets it with colours. */
export function table(figures: readonly Figure[], { colours }: { colours: boolean }): string {
  const rows = figures.map((figure, index) => {
    const first = figures[index - 1]?.bench !== figure.bench
    return [
      first ? figure.bench : '',
      figure.what,
      figure.measured,
      figure.bar ?? '',
      figure.bar === null ? '' : figure.ok ? '✓' : '✗ missed',
    ]
  })
  const all = [['bench', 'what', 'measured', 'must be', ''], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
  const lines = all.map((row, index) => {
    const [bench = '', what = '', measured = '', bar = '', ok = ''] = row
    const line = [bench.padEnd(widths[0]!), what.padEnd(widths[1]!), measured.padStart(widths[2]!), bar.padEnd(widths[3]!), ok]
      .join('  ')
      .trimEnd()
    if (index === 0) return paint(2, line)
    const figure = figures[index - 1]!
    const above = figures[index - 2]
    const gap = above !== undefined && above.bench !== figure.bench ? '\n' : ''
    return gap + (figure.bar === null ? paint(2, line) : figure.ok ? line : paint(31, line))
  })
  return `\n${lines.join('\n')}\n`
}
