/** The text of a file as lines of cells, and where each line is in it. */
import { CsvError, parse } from 'csv-parse/sync'
import { columnOf } from '../../domain/import/columns.ts'
import type { Mistake } from '../../domain/import/mistakes.ts'

export const delimiters = [';', ',', '\t'] as const
export type Delimiter = (typeof delimiters)[number]

export type TableRow = { line: number; cells: string[] }
export type Table = { delimiter: Delimiter; heading: TableRow; rows: TableRow[] } | { mistake: Mistake }

/** More is no line of a customer but a quote that was opened and not closed. */
const longestLine = 64 * 1024

/** @param asked what is between the cells; null: it is told by the headings */
export function readTable(text: string, asked: Delimiter | null): Table {
  // One kind of line end, because within quotes CR LF would be counted as two.
  const { rest, delimiter: announced } = withoutSepLine(text.replace(/\r\n?/g, '\n'))
  const skipped = announced === undefined ? 0 : 1
  const delimiter = asked ?? announced ?? guessed(rest)
  const rows: TableRow[] = []
  try {
    parse(rest, {
      delimiter,
      relax_column_count: true,
      max_record_size: longestLine,
      on_record: (cells: string[], { lines }) => {
        // A line break within quotes belongs to the line.
        const inside = cells.reduce((count, cell) => count + (cell.includes('\n') ? cell.split('\n').length - 1 : 0), 0)
        if (cells.some((cell) => cell.trim() !== '')) rows.push({ line: lines - inside + skipped, cells })
        return null
      },
    })
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    return { mistake: broken(error, (rows.at(-1)?.line ?? skipped) + 1) }
  }
  const [heading, ...others] = rows
  if (heading === undefined)
    return { mistake: { line: null, column: null, what: 'is empty', mend: 'Its first line names the columns: name, numbers, …' } }
  return { delimiter, heading, rows: others }
}

/** Excel writes down what it put between the cells: `sep=;`. */
function withoutSepLine(text: string): { rest: string; delimiter?: Delimiter } {
  const match = /^"?sep=(.)"?(\n|$)/i.exec(text)
  const delimiter = delimiters.find((one) => one === match?.[1])
  return match === null || delimiter === undefined ? { rest: text } : { rest: text.slice(match[0].length), delimiter }
}

/** That between which most headings are known; if that tells nothing, the one that is there most often. */
function guessed(text: string): Delimiter {
  const [first = ''] = text.trimStart().split('\n', 1)
  const counted = delimiters.map((delimiter) => {
    const cells = first.split(delimiter).map((cell) => cell.trim().replace(/^"|"$/g, ''))
    return { delimiter, known: cells.filter((cell) => columnOf(cell) !== null).length, cells: cells.length }
  })
  return counted.sort((a, b) => b.known - a.known || b.cells - a.cells)[0]!.delimiter
}

/** @param after the line behind the last one that could be read */
function broken({ code, lines }: CsvError & { lines?: number }, after: number): Mistake {
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
    case 'CSV_MAX_RECORD_SIZE': {
      const what = 'a quote is opened here or soon after and not closed, or the line is endless'
      return { line: after, column: null, what, mend: 'Close it; a quote that is meant is written twice: "".' }
    }
    case 'INVALID_OPENING_QUOTE':
    case 'CSV_INVALID_CLOSING_QUOTE': {
      const mend = 'A text with quotes in it stands in quotes, and each of its own is written twice: "Café ""Sommer""".'
      return { line: lines ?? after, column: null, what: 'a quote is where none can be', mend }
    }
    default:
      return { line: after, column: null, what: `cannot be read (${code})`, mend: 'Write it anew as CSV.' }
  }
}
