/** Comma-separated values as other programs read them (RFC 4180). */
export type Cell = string | number | null

/** A head, and lines that end with CRLF. Nothing is an empty cell. @param delimiter `;` where a spreadsheet of this country wants it */
export function toCsv(head: readonly string[], rows: readonly (readonly Cell[])[], delimiter = ','): string {
  return [head, ...rows].map((row) => csvLine(row, delimiter)).join('')
}

export function csvLine(row: readonly Cell[], delimiter: string): string {
  return `${row.map((cell) => written(cell, delimiter)).join(delimiter)}\r\n`
}

function written(cell: Cell, delimiter: string): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return String(cell)
  // A spreadsheet takes a text that begins like this for a formula, and runs it.
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text
}
