/**
 * `npm test`: brings what the tests need (Asterisk, a voice, sipp, Postgres;
 * the way `npm start` does), runs every `*.test.ts` with tap, and ends by
 * printing `N passed, N failed`, counting stories. Arguments narrow it to
 * files: `npm test -- test/domain`.
 */
import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { chmod, glob, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { temporaryFolder } from './support/in-memory.ts'
import { prepareTestParts } from './support/parts.ts'

const FILE_TIME_LIMIT_S = 240
/** One more than the smallest machine has cores: some always wait for somebody's deadline. */
const FILES_AT_ONCE = 3
const END_TO_END_AT_ONCE = 2
/** Dozens of phones that listen closely to each word: whatever else takes the cores is in their way. */
const LISTENS_CLOSELY = 'end-to-end/over-'
/** Waits for outages that last as long as they do, so it goes beside the others and not after them. */
const MOSTLY_WAITS = 'end-to-end/survive/postgres'
/** The other calls mostly wait, too; what runs beside them takes what they leave of the cores. */
const NICENESS_BESIDE_CALLS = 10
/** Of what tap prints under a failed assertion: enough for its message, the difference and the place. */
const LINES_A_FAILURE = 40
const SLOWEST_SHOWN = 12

const folder = await mkdtemp(join(await temporaryFolder(), 'pforte-test-'))
process.env['PFORTE_TEST_KEPT'] = tmpdir()
// All that is started from here keeps its temporary files here, as any user may: embedded parts are not root.
await chmod(folder, 0o1777)
process.env['TMPDIR'] = folder
const parts = await prepareTestParts(folder)
const total = { passed: 0, failed: 0 }
const slowest: [string, number][] = []
try {
  const files = await chosenFiles(process.argv.slice(2))
  if (!(await isTapBuilt())) await run('node_modules/.bin/tap', ['build'], 'ignore')
  const listens = (file: string): boolean => file.includes(LISTENS_CLOSELY)
  const waits = (file: string): boolean => file.includes(MOSTLY_WAITS)
  const calls = (file: string): boolean => file.includes('end-to-end') && !listens(file) && !waits(file)
  await runTap('end-to-end', files.filter(listens), { atOnce: END_TO_END_AT_ONCE })
  await Promise.all([
    runTap('outages', files.filter(waits), { atOnce: 1 }),
    runTap('calls', files.filter(calls), { atOnce: END_TO_END_AT_ONCE }),
    runTap(
      'rest',
      files.filter((file) => !file.includes('end-to-end')),
      { atOnce: FILES_AT_ONCE, niceness: NICENESS_BESIDE_CALLS },
    ),
  ])
  const longest = slowest.sort(([, a], [, b]) => b - a).slice(0, SLOWEST_SHOWN)
  if (longest.length > 1)
    console.log(`\nThe files that took longest: ${longest.map(([file, ms]) => `${file} ${Math.round(ms / 1000)} s`).join(', ')}`)
  console.log(`\n${total.passed} passed, ${total.failed} failed`)
} finally {
  await parts.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exitCode = total.failed === 0 ? 0 : 1

async function runTap(name: string, files: string[], { atOnce, niceness = 0 }: { atOnce: number; niceness?: number }): Promise<void> {
  if (files.length === 0) return
  const report = join(folder, `${name}.tap`)
  const reporter = process.stdout.isTTY ? 'base' : 'terse'
  const options = [
    '--disable-coverage',
    '--allow-empty-coverage',
    `--timeout=${FILE_TIME_LIMIT_S}`,
    `--jobs=${atOnce}`,
    `--reporter=${reporter}`,
    `--output-file=${report}`,
  ]
  const exitCode = await run('node_modules/.bin/tap', ['run', ...options, ...files], 'inherit', niceness)
  const { passed, failed, account, tookMs } = await readReport(report)
  total.passed += passed
  slowest.push(...tookMs)
  total.failed += exitCode !== 0 && failed === 0 ? 1 : failed
  // The terse reporter names no story; whoever reads what a machine printed has nothing but this.
  for (const line of account) console.log(line)
}

/** All test files, or those below what was named; the slow ones first, so that no core waits for one at the end. */
async function chosenFiles(named: string[]): Promise<string[]> {
  const roots = named.length > 0 ? named : ['test']
  const files: string[] = []
  for (const root of roots) {
    if ((await stat(root)).isFile()) files.push(root)
    else for await (const file of glob(`${root}/**/*.test.ts`)) files.push(file)
  }
  const weight = (file: string): number => (file.includes('telephony') ? 0 : 1)
  return files.sort((a, b) => weight(a) - weight(b) || a.localeCompare(b))
}

/**
 * Whether tap is put together from the plugins of .taprc, as it is after the first run. Building takes seconds,
 * and would pull tap away from under another run of tests.
 */
async function isTapBuilt(): Promise<boolean> {
  const built = await readFile('node_modules/@tapjs/test/test-built/dist/esm/index.js', 'utf8').catch(() => '')
  return built !== '' && !built.includes('@tapjs/mock') && !built.includes('@tapjs/typescript')
}

async function run(command: string, args: string[], stdio: 'inherit' | 'ignore', niceness = 0): Promise<number> {
  const env = { ...process.env, ...parts.environment, TAP_RCFILE: '.taprc' }
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', stdio, 'inherit'], env })
  if (child.pid !== undefined) setPriority(child.pid, niceness)
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)))
}

/** Stories are the tests one level below the files; a file that broke as a whole counts as one failed. */
async function readReport(path: string): Promise<{ passed: number; failed: number; account: string[]; tookMs: [string, number][] }> {
  const tookMs: [string, number][] = []
  let passed = 0
  let failed = 0
  let failedInFile = 0
  const account: string[] = []
  let told = 0
  for await (const line of createInterface({ input: createReadStream(path) })) {
    // What failed, with what tap says of it: the block that follows, which is indented deeper.
    const failure = /^( *)not ok /.exec(line)
    if (failure !== null && !/# (SKIP|TODO)/i.test(line)) told = LINES_A_FAILURE
    if (told > 0) {
      account.push(line)
      told = /^ *\.\.\.$/.test(line) ? 0 : told - 1
    }
    const story = /^ {4}(not )?ok \d+/.exec(line)
    if (story !== null) {
      if (/# SKIP/i.test(line)) continue
      if (story[1] === undefined) passed++
      else failedInFile++
    } else if (/^(not )?ok \d+/.test(line)) {
      if (line.startsWith('not ') && failedInFile === 0) failedInFile = 1
      failed += failedInFile
      failedInFile = 0
      const took = /^(?:not )?ok \d+ - (\S+) # time=([\d.]+)ms/.exec(line)
      if (took !== null) tookMs.push([took[1]!, Number(took[2])])
    }
  }
  return { passed, failed, account, tookMs }
}
