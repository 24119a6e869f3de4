/** Whatever somebody's editor leaves behind: a service or mistakes at lines that exist, never a stack trace. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { formatProblems, loadService } from '../../src/config.ts'

const text = ['minimal.yaml', 'status-line.yaml'].map((file) => readFileSync(join(import.meta.dirname, file), 'utf8')).join('\n')
const lines = text.split('\n')
const slips = [
  '\t',
  '#',
  ':',
  '- ',
  '{',
  ']',
  "'",
  '"',
  '&a',
  '*a',
  '!x',
  '---',
  '...',
  'null',
  '~',
  '[]',
  '{}',
  '1e9',
  '20s',
  '__proto__:',
  'constructor',
  'steps:',
  '  ',
  '\u0000',
  '\uFEFF',
  '😀',
  '%',
  '|',
  '>-',
  '? ',
]
const slip = fc.constantFrom(...slips)

function check(t: Test, written: string): void {
  const loaded = loadService(written, { promptFolder: import.meta.dirname, now: 0 })
  if (loaded.ok) return
  const count = written.split('\n').length
  t.ok(loaded.problems.length > 0)
  for (const { line, column, message, hint } of loaded.problems) {
    if (line < 1 || line > count || column < 1 || message === '' || hint === '')
      t.fail('a problem without a place or a hint', { line, column, message, hint, written })
  }
  formatProblems(loaded.problems, 'pforte.yaml', written)
}

t.test('a slip of the keyboard anywhere', async (t) => {
  const edited = fc.tuple(fc.nat(lines.length - 1), fc.nat(40), fc.nat(6), slip).map(([line, column, without, put]) => {
    const old = lines[line] ?? ''
    return lines.with(line, old.slice(0, column) + put + old.slice(column + without)).join('\n')
  })
  fc.assert(
    fc.property(edited, (written) => check(t, written)),
    { numRuns: 400 },
  )
})

t.test('lines lost, doubled and moved', async (t) => {
  const moved = fc.tuple(fc.nat(lines.length - 1), fc.nat(5), fc.nat(lines.length - 1)).map(([from, count, to]) => {
    const rest = lines.toSpliced(from, count)
    return rest.toSpliced(to, 0, ...(from % 2 === 0 ? lines.slice(from, from + count) : [])).join('\n')
  })
  fc.assert(
    fc.property(moved, (written) => check(t, written)),
    { numRuns: 300 },
  )
})

t.test('any value in the place of any other', async (t) => {
  const keys = [...text.matchAll(/^( *[\w-]+:).*$/gm)].map(([line, key]) => [line, key ?? ''] as const)
  const swapped = fc
    .tuple(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 2 }))
    .map(([[line, key], value]) => text.replace(line, `${key} ${JSON.stringify(value)}`))
  fc.assert(
    fc.property(swapped, (written) => check(t, written)),
    { numRuns: 300 },
  )
})
