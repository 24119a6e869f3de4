/**
 * `npm test`: brings what the tests need (Asterisk, a voice, sipp, Postgres;
 * the way `npm start` does), runs every `*.test.ts` with tap, and ends by
 * printing `N passed, N failed`, counting stories. Arguments narrow it to
 * files: `npm test -- test/domain`.
 */
import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { glob, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { prepareTestParts } from './support/parts.ts'

const FILE_TIME_LIMIT_S = 240
const JOBS = 2

const folder = await mkdtemp(join(tmpdir(), 'pforte-test-'))
const report = join(folder, 'report.tap')
const parts = await prepareTestParts(folder)
let exitCode = 1
try {
  const files = await chosenFiles(process.argv.slice(2))
  await run('node_modules/.bin/tap', ['build'], 'ignore')
  exitCode = await run(
    'node_modules/.bin/tap',
    [
      'run',
      '--disable-coverage',
      '--allow-empty-coverage',
      `--timeout=${FILE_TIME_LIMIT_S}`,
      `--jobs=${JOBS}`,
      `--reporter=${process.stdout.isTTY ? 'base' : 'terse'}`,
      `--output-file=${report}`,
      ...files,
    ],
    'inherit',
  )
  const { passed, failed } = await countStories(report)
  console.log(`\n${passed} passed, ${failed} failed`)
  if (failed > 0 && exitCode === 0) exitCode = 1
} finally {
  await parts.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exitCode = exitCode

/** All test files, or those below what was named; the slow ones first, so that no core waits for one at the end. */
async function chosenFiles(named: string[]): Promise<string[]> {
  const roots = named.length > 0 ? named : ['test']
  const files: string[] = []
  for (const root of roots) {
    if ((await stat(root)).isFile()) files.push(root)
    else for await (const file of glob(`${root}/**/*.test.ts`)) files.push(file)
  }
  const weight = (file: string): number => (file.includes('end-to-end') ? 0 : file.includes('telephony') ? 1 : 2)
  return files.sort((a, b) => weight(a) - weight(b) || a.localeCompare(b))
}

async function run(command: string, args: string[], stdio: 'inherit' | 'ignore'): Promise<number> {
  const env = { ...process.env, ...parts.environment, TAP_RCFILE: '.taprc' }
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', stdio, 'inherit'], env })
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)))
}

/** Stories are the tests one level below the files; a file that broke as a whole counts as one failed. */
async function countStories(path: string): Promise<{ passed: number; failed: number }> {
  let passed = 0
  let failed = 0
  let failedInFile = 0
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const story = /^ {4}(not )?ok \d+/.exec(line)
    if (story !== null) {
      if (/# SKIP/i.test(line)) continue
      if (story[1] === undefined) passed++
      else failedInFile++
    } else if (/^(not )?ok \d+/.test(line)) {
      if (line.startsWith('not ') && failedInFile === 0) failedInFile = 1
      failed += failedInFile
      failedInFile = 0
    }
  }
  return { passed, failed }
}
