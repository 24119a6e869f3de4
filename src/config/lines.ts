import type { Draft } from './draft.ts'
import { suggest } from './suggest.ts'
import type { Line } from './service.ts'
import type { Mistake } from './validate.ts'

/** Where callers arrive, and the languages that are spoken there. */
export function linesOf({ file, names }: Draft): { lines: Line[]; languages: string[]; mistakes: Mistake[] } {
  const mistakes: Mistake[] = []
  const lineOf = new Map<string, string>()
  const lines = Object.entries(file.lines).map(([name, { numbers = [], flow, language }]) => {
    if (name.length === 1) {
      mistakes.push({
        path: ['lines', name],
        of: 'key',
        message: `a line cannot be called ${name}, since nobody can dial a single letter`,
        hint: 'Asterisk keeps those for itself (h is where a call goes that has hung up): take a longer name.',
      })
    }
    for (const [index, number] of numbers.entries()) {
      const other = lineOf.get(number)
      if (other !== undefined) {
        mistakes.push({
          path: ['lines', name, 'numbers', index],
          message:
            other === name
              ? `the line ${name} has the number ${number} twice`
              : `the lines ${other} and ${name} both have the number ${number}`,
          hint: 'A number leads to one line. Take it out of the other.',
        })
      }
      lineOf.set(number, name)
    }
    if (names.flows !== null && !names.flows.includes(flow)) {
      mistakes.push({
        path: ['lines', name, 'flow'],
        message: `there is no flow called ${flow}`,
        hint: suggest(flow, names.flows, 'Add it to flows.'),
      })
    }
    return { name, numbers: [...numbers], flow, language }
  })
  return { lines, languages: [...new Set(lines.map(({ language }) => language))], mistakes }
}
