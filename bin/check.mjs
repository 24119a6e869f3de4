// What can be found without running anything: types, lint and format, architecture.
// Each check runs even if one before it failed, so that one run shows all.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { prepare, runNode, runProgram } from './bootstrap.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
process.chdir(ROOT)
await prepare({ development: true })

/** Name, what must exist for it, and the check. @type {[string, string, () => Promise<number>][]} */
const checks = [
  ['types', 'tsconfig.json', () => runNode(['node_modules/typescript/lib/tsc.js', '-p', '.'])],
  [
    'lint and format',
    'biome.json',
    () => runProgram(`node_modules/@biomejs/cli-linux-${process.arch}/biome`, ['check', '--error-on-warnings']),
  ],
  ['architecture', 'test/architecture.test.ts', () => runNode(['test/architecture.test.ts'])],
]

for (const [name, needed, check] of checks) {
  if (!existsSync(needed)) continue
  const code = await check()
  process.stderr.write(code === 0 ? `✓ ${name}\n` : `✗ ${name}\n`)
  if (code !== 0) process.exitCode = 1
}
