/**
 * Reads YAML 1.2 and remembers where everything stands, so that a mistake found
 * later, by any check, can be shown at its line.
 */
import { isAlias, isCollection, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import type { Document, Node, YAMLError } from 'yaml'
import type { Path, Problem } from './problem.ts'

/** More than any service needs; a file beyond it is not a definition. */
const mostBytes = 1_000_000

export type Place = { line: number; column: number }

export type YamlFile = {
  /** Plain data; undefined when the text cannot be read at all. */
  value: unknown
  problems: Problem[]
  /** The place of what a path leads to; where the path goes on beyond what is written, the last that is. */
  place(path: Path, of?: 'key' | 'value'): Place
}

/** Reads the text. Never throws: what is wrong comes back as problems. */
export function readYaml(text: string): YamlFile {
  const lines = new LineCounter()
  const top = (message: string, hint: string): YamlFile => ({
    value: undefined,
    problems: [{ line: 1, column: 1, message, hint }],
    place: () => ({ line: 1, column: 1 }),
  })
  if (text.length > mostBytes) return top('the file is larger than 1 MB', 'Is this the right file? Audio belongs into files of its own.')

  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  if (document.contents === null && document.errors.length === 0) {
    return top('the file is empty', 'Begin with the pforte.yaml that comes with Pforte.')
  }
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const mistakes = [...document.errors, ...document.warnings]
  const firstOfLine = new Map<number, Problem>()
  for (const mistake of mistakes) {
    const problem = syntaxProblem(mistake, at(mistake.pos[0]), text)
    if (!firstOfLine.has(problem.line)) firstOfLine.set(problem.line, problem)
  }
  const problems = [...firstOfLine.values()]
  // A duplicate key leaves the rest of the file readable; after any other mistake the structure is a guess.
  const readable = mistakes.every(({ code }) => code === 'DUPLICATE_KEY')
  if (!readable) return { value: undefined, problems, place: () => ({ line: 1, column: 1 }) }
  try {
    return { value: document.toJS(), problems, place: (path, of = 'value') => at(offsetOf(document, path, of)) }
  } catch (error) {
    // `toJS` refuses aliases that lead nowhere, and ones that would multiply without bound.
    return top(`an alias (*name) cannot be followed: ${(error as Error).message}`, 'Write the value out where it is needed.')
  }
}

function offsetOf(document: Document, path: Path, of: 'key' | 'value'): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === String(step))
      if (pair === undefined) return offset
      offset = startOf(pair.key) ?? offset
      if (of === 'key' && index === path.length - 1) return offset
      node = pair.value
    } else if (isCollection(node)) {
      node = node.items[Number(step)]
      if (node === undefined) return offset
      offset = startOf(node) ?? offset
    } else {
      break
    }
  }
  // What stands on the key's line is pointed at; an indented block (or nothing) is found by its key.
  const onKeysLine = (isScalar(node) && node.value !== null) || (isCollection(node) && node.flow === true)
  return onKeysLine ? (startOf(node) ?? offset) : offset
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined
}

function syntaxProblem(error: YAMLError, place: Place, text: string): Problem {
  const line = text.split(/\r?\n/)[place.line - 1] ?? ''
  if (error.code === 'TAB_AS_INDENT' || /^\s*\t/.test(line)) {
    const column = Math.max(1, line.indexOf('\t') + 1)
    return {
      ...place,
      column,
      message: 'a tab at the beginning of the line',
      hint: 'Indent with spaces, two a level; YAML does not allow tabs there.',
    }
  }
  const swallowed = swallowedHash(text, place.line)
  if (swallowed !== null && /must (be sufficiently indented and )?end with a/.test(error.message)) {
    return { ...swallowed, message: 'a # begins a comment, so the { before it is not closed', hint: "Write the key in quotes: '#'." }
  }
  const [message, hint] = explanation(error, line)
  return { ...place, message, hint }
}

/** `{ #: step }`, the usual slip with the hash key of a phone. */
function swallowedHash(text: string, before: number): Place | null {
  const lines = text.split(/\r?\n/).slice(0, before)
  const index = lines.findLastIndex((line) => /[{,]\s*#\s*:/.test(line))
  return index === -1 ? null : { line: index + 1, column: (lines[index] ?? '').search(/#\s*:/) + 1 }
}

function explanation(error: YAMLError, line: string): [message: string, hint: string] {
  const unclosed = /must (be sufficiently indented and )?end with a (.)/.exec(error.message)
  if (unclosed !== null) {
    return [
      `a { or [ above is not closed with ${unclosed[2]}`,
      `Close it with ${unclosed[2]} on the same line, or indent what belongs to it.`,
    ]
  }
  switch (error.code) {
    case 'DUPLICATE_KEY': {
      const key = line.trim().split(':')[0] ?? ''
      return [
        key === '' || line.includes('{') ? 'this key is there twice' : `the key ${key} is there twice`,
        'Keep one of the two; the first is further up on the same level.',
      ]
    }
    case 'BAD_INDENT':
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
    case 'BLOCK_IN_FLOW':
      return error.code !== 'BAD_INDENT' && /:\s.*:\s/.test(line)
        ? ['a colon inside a text', 'Put the text in quotes, or begin it on a line of its own after >-.']
        : ['the indentation does not fit', 'Indent this line exactly as the others of its level, two spaces a level.']
    case 'MISSING_CHAR':
      return [
        /quote/.test(error.message) ? 'a quote is not closed' : 'a bracket, comma or colon is missing',
        'Look at this line and the one above it.',
      ]
    case 'MULTIPLE_DOCS':
      return ['a second document begins here', 'Take the line --- out: a service is one document.']
    case 'BAD_SCALAR_START':
      return [`a value cannot begin with ${/character (\S+)$/.exec(error.message)?.[1] ?? 'this sign'}`, 'Put the value in quotes.']
    case 'TAG_RESOLVE_FAILED':
      return ['a tag (!…) that has no meaning here', 'Take the tag away, or put the value in quotes.']
    default:
      return [`this is not YAML: ${error.message}`, 'Look at indentation, colons and quotes of this line and the one above it.']
  }
}
