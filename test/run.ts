/**
 * `npm test`: brings what the tests need (Asterisk, a voice, sipp, Postgres;
 * the way `npm start` does), runs every `*.test.ts`, several at a time, and ends
 * by printing `N passed, N failed`, counting stories. Arguments narrow it to
 * files: `npm test -- test/domain`.
 */
import { spawnSync } from 'node:child_process'
import { chmod, glob, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileRun, runFile } from './support/file-run.ts'
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
/** These take longest by themselves, so they come first: no core waits for one at the end. */
const SLOW_ONES = ['test/cli/', 'telephony', 'outage', 'plans']
const SLOWEST_SHOWN = 12

const folder = await mkdtemp(join(await temporaryFolder(), 'pforte-test-'))
process.env['PFORTE_TEST_KEPT'] = tmpdir()
// All that is started from here keeps its temporary files here, as any user may: embedded parts are not root.
await chmod(folder, 0o1777)
process.env['TMPDIR'] = folder
const parts = await prepareTestParts(folder)
const environment = { ...process.env, ...parts.environment }
const done: [string, FileRun][] = []
let toDo = 0
try {
  const files = await chosenFiles(process.argv.slice(2))
  toDo = files.length
  if (!(await isTapBuilt())) spawnSync(process.execPath, ['node_modules/.bin/tap', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] })
  const listens = (file: string): boolean => file.includes(LISTENS_CLOSELY)
  const waits = (file: string): boolean => file.includes(MOSTLY_WAITS)
  const calls = (file: string): boolean => file.includes('end-to-end') && !listens(file) && !waits(file)
  await runAll(files.filter(listens), { atOnce: END_TO_END_AT_ONCE })
  await Promise.all([
    runAll(files.filter(waits), { atOnce: 1 }),
    runAll(files.filter(calls), { atOnce: END_TO_END_AT_ONCE }),
    runAll(
      files.filter((file) => !file.includes('end-to-end')),
      { atOnce: FILES_AT_ONCE, niceness: NICENESS_BESIDE_CALLS },
    ),
  ])
  const slowest = done.toSorted(([, a], [, b]) => b.tookMs - a.tookMs).slice(0, SLOWEST_SHOWN)
  if (slowest.length > 1)
    console.log(`\nThe files that took longest: ${slowest.map(([file, { tookMs }]) => `${file} ${seconds(tookMs)}`).join(', ')}`)
  // At the end, where whoever looks for them looks first.
  for (const [file, { failed, account }] of done) if (failed > 0) console.log(`\n✗ ${file}\n${account.join('\n')}`)
} finally {
  await parts.stop()
  await rm(folder, { recursive: true, force: true })
}
const sum = (count: 'passed' | 'failed'): number => done.reduce((total, [, run]) => total + run[count], 0)
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') === 0 ? 0 : 1

async function runAll(files: string[], { atOnce, niceness = 0 }: { atOnce: number; niceness?: number }): Promise<void> {
  const left = [...files]
  const worker = async (): Promise<void> => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const run = await runFile(file, { environment, niceness, limitS: FILE_TIME_LIMIT_S })
      done.push([file, run])
      const { passed, failed, tookMs } = run
      const stories = failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} FAILED`
      console.log(`${failed === 0 ? '✓' : '✗'} ${String(done.length).padStart(3)}/${toDo} ${file}: ${stories}, ${seconds(tookMs)}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** All test files, or those below what was named; the slow ones first, so that no core waits for one at the end. */
async function chosenFiles(named: string[]): Promise<string[]> {
  const roots = named.length > 0 ? named : ['test']
  const files: string[] = []
  for (const root of roots) {
    if ((await stat(root)).isFile()) files.push(root)
    else for await (const file of glob(`${root}/**/*.test.ts`)) files.push(file)
  }
  const weight = (file: string): number => {
    const place = SLOW_ONES.findIndex((name) => file.includes(name))
    return place === -1 ? SLOW_ONES.length : place
  }
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

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`
}
