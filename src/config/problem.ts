/** A mistake in the file, at the place where it is mended. Lines and columns count from 1. */
export type Problem = { line: number; column: number; message: string; hint: string }

/** Where in the file something stands: the keys (and list indexes) that lead to it. */
export type Path = readonly (string | number)[]

const mostLineShown = 160

/**
 * Problems for a person at a terminal: `file:line:column: message`, the line itself with a mark
 * under the place, and the hint. In the order of the file.
 */
export function formatProblems(problems: readonly Problem[], fileName: string, text: string): string {
  const lines = text.split(/\r?\n/)
  return inOrder(problems)
    .map(({ line, column, message, hint }) => {
      const shown = (lines[line - 1] ?? '').slice(0, mostLineShown).replaceAll('\t', '→')
      const margin = String(line).padStart(5)
      return [
        `${fileName}:${line}:${column}: ${message}`,
        `${margin} | ${shown}`,
        `${' '.repeat(margin.length)} | ${' '.repeat(Math.min(column - 1, mostLineShown))}^`,
        `  ${hint}`,
        '',
      ].join('\n')
    })
    .join('\n')
}

/** The same problems in the order of the file, each once: what is said twice of one line is said once. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return [...problems]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .filter(({ line, message }) => {
      const key = `${line}:${message}`
      return seen.has(key) ? false : seen.add(key) !== undefined
    })
}
