/**
 * Files with mistakes, and beside each what an operator is told. After a
 * wanted change of words: `PFORTE_GOLDEN=write` writes the texts anew; read
 * the difference before you keep it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkFile } from '../../src/config.ts'

const folder = join(import.meta.dirname, 'broken')
const now = Date.parse('2026-03-02T09:00:00Z')
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

for (const name of files) {
  t.test(name.replaceAll('-', ' ').replace('.yaml', ''), async (t) => {
    const { text, exitCode } = checkFile(readFileSync(join(folder, name), 'utf8'), name, { promptFolder: folder, now })
    const told = text.replaceAll(`${join(folder, '..')}/`, '')
    const golden = join(folder, name.replace('.yaml', '.txt'))
    if (process.env.PFORTE_GOLDEN === 'write') writeFileSync(golden, told)
    t.equal(exitCode, 2)
    t.equal(told, readFileSync(golden, 'utf8'))
  })
}

t.test('every text belongs to a file', async (t) => {
  const texts = readdirSync(folder).filter((name) => name.endsWith('.txt'))
  t.same(texts.map((name) => name.replace('.txt', '.yaml')).sort(), files.sort())
})
