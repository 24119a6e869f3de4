/**
 * Runs one test file as a process of its own and reads the TAP that it prints.
 *
 * tap's own runner is not used: what it loads into each test, and into each process that a test starts, to know which
 * lines were covered takes 0.25 s of CPU, some six hundred times a run.
 */
import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { createInterface } from 'node:readline'

/** What became of a file. Stories are its tests at the top; one that broke as a whole counts as one failed. */
export type FileRun = {
  passed: number
  failed: number
  /** What failed, with what tap says of it: its message, the difference and the place. */
  account: string[]
  tookMs: number
}

export type FileRunOptions = {
  environment: NodeJS.ProcessEnv
  /** As nice(1) has it. */
  niceness: number
  /** Seconds for the file. One that does not end by itself then is killed after half as much again. */
  limitS: number
}

/** Of what tap prints under a failed assertion. */
const LINES_A_FAILURE = 40
/** Of a file that ends without having said what was wrong. */
const LAST_WORDS = 20

export async function runFile(file: string, { environment, niceness, limitS }: FileRunOptions): Promise<FileRun> {
  const startedAt = performance.now()
  const env = { ...environment, TAP_TIMEOUT: String(limitS) }
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'], env })
  if (child.pid !== undefined) setPriority(child.pid, niceness)
  let isLate = false
  const limit = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, limitS * 1500)
  const closed = new Promise<string>((resolve) =>
    child.on('close', (code, signal) => resolve(code === 0 ? '' : `it ended with ${signal ?? `code ${code}`}`)),
  )
  const run = await readTap(createInterface({ input: child.stdout }))
  const ending = await closed
  clearTimeout(limit)
  if (ending !== '' && run.failed === 0) {
    run.failed = 1
    run.account.push(isLate ? `it was not done within ${limitS * 1.5} s` : ending, ...run.lastWords)
  }
  return { passed: run.passed, failed: run.failed, account: run.account, tookMs: performance.now() - startedAt }
}

async function readTap(lines: AsyncIterable<string>): Promise<Omit<FileRun, 'tookMs'> & { lastWords: string[] }> {
  const run = { passed: 0, failed: 0, account: [] as string[], lastWords: [] as string[] }
  let told = 0
  for await (const line of lines) {
    run.lastWords.push(line)
    if (run.lastWords.length > LAST_WORDS) run.lastWords.shift()
    if (/^ *not ok /.test(line) && !/# (SKIP|TODO)/i.test(line)) told = LINES_A_FAILURE
    if (told > 0) {
      run.account.push(line)
      // The end of the block that tells of it.
      told = /^ *\.\.\.$/.test(line) ? 0 : told - 1
    }
    const story = /^(not )?ok \d+/.exec(line)
    if (story === null || /# SKIP/i.test(line)) continue
    if (story[1] === undefined) run.passed++
    else run.failed++
  }
  return run
}
