import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { homeFolders, openHome } from './home.ts'
import { errorCode, fileFailure, PartFailure } from './part-failure.ts'
import { findByArgument, identify, lives, type ProcessIdentity } from './process-identity.ts'
import type { ServiceUser } from './service-user.ts'

/**
 * Embedded parts must outlive Node, so that calls go on while it is restarted.
 * They are therefore no children in the usual sense: each leads a session of its
 * own, writes to a file, and is written down in `PFORTE_HOME/run/<name>.json`,
 * from where the next start adopts it.
 */
export interface PartRecord extends ProcessIdentity {
  ports: Record<string, number>
  /** What it was started with; a difference to what is wanted now asks for a restart. */
  settings: Record<string, unknown>
}

export interface DetachedStart {
  home: string
  name: string
  command: string
  args: string[]
  /** One of `args` that no other process on the machine has, by which a part is found again whose record was never finished. */
  mark: string
  cwd: string
  env?: Record<string, string>
  user?: ServiceUser | undefined
  ports: Record<string, number>
  settings: Record<string, unknown>
}

export interface DetachedPart {
  record: PartRecord
  /** Settles when it ends while we look on, with a few words on how; does not keep Node running. */
  ended: Promise<string>
}

/** A part of this name that lives, however it was left; `undefined` if none does. */
export async function livingPart(home: string, name: string): Promise<PartRecord | undefined> {
  const record = await lastRecord(home, name)
  if (record === undefined) return undefined
  if (record.pid !== 0) return (await lives(record)) ? record : undefined
  // We were killed between starting it and writing its pid down.
  const found = await findByArgument(record.mark)
  return found === undefined ? undefined : { ...record, ...found }
}

/** What the last start of the part wrote down, living or not: its ports are kept for the next one. */
export async function lastRecord(home: string, name: string): Promise<(PartRecord & { mark: string }) | undefined> {
  const file = recordFile(homeFolders(home).run, name)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined
    throw fileFailure(name, file, error)
  })
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as PartRecord & { mark: string }
  } catch (error) {
    throw new PartFailure({
      part: name,
      what: `${file} is damaged`,
      mend: `End the embedded ${name} if it runs (ps), remove that file and start again.`,
      cause: error,
    })
  }
}

/** Starts a part in a session of its own. It runs; whether it works is for the caller to find out. */
export async function startDetached(start: DetachedStart): Promise<DetachedPart> {
  const { home, name, ports, settings, mark } = start
  const folders = await openHome(home)
  const file = recordFile(folders.run, name)
  const plan = { pid: 0, startTime: 0, bootId: '', ports, settings, mark }
  await replaceFile(name, file, plan)
  const log = await openLog(name, join(folders.log, `${name}.log`))
  try {
    const child = spawn(start.command, start.args, {
      cwd: start.cwd,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8', ...start.env },
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...start.user,
    })
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
    })
    try {
      await once(child, 'spawn')
    } catch (error) {
      throw new PartFailure({
        part: name,
        what: `${start.command} cannot be started: ${error instanceof Error ? error.message : String(error)}`,
        mend: 'Look at that file and its rights, and start again.',
        cause: error,
      })
    }
    child.unref()
    // One that has ended already has no identity any more; how it ended is for the caller to judge.
    const identity = (await identify(child.pid ?? 0)) ?? { pid: child.pid ?? 0, startTime: 0, bootId: '' }
    const record = { ...plan, ...identity }
    await replaceFile(name, file, record)
    return { record, ended }
  } finally {
    await log.close()
  }
}

export interface Stop {
  /** What asks it to end; then it gets `timeoutMs`, then SIGKILL. */
  signal: NodeJS.Signals
  timeoutMs: number
}

/** Ends a living part and waits until it is gone. @returns false if none lived */
export async function stopPart(home: string, name: string, stop: Stop): Promise<boolean> {
  const part = await livingPart(home, name)
  if (part === undefined) return false
  await end(name, part, stop)
  return true
}

/**
 * Ends a part that runs without being written down any more (somebody emptied
 * `run`), which would keep a new one from its data and its ports.
 *
 * @param mark as it was given when it was started
 */
export async function stopUnwritten(name: string, mark: string, stop: Stop): Promise<void> {
  const part = await findByArgument(mark)
  if (part !== undefined) await end(name, part, stop)
}

async function end(name: string, part: ProcessIdentity, { signal, timeoutMs }: Stop): Promise<void> {
  for (const [each, limitMs] of [
    [signal, timeoutMs],
    ['SIGKILL', KILLED_WITHIN_MS],
  ] as const) {
    try {
      process.kill(part.pid, each)
    } catch (error) {
      if (errorCode(error) === 'ESRCH') return
      throw new PartFailure({
        part: name,
        what: `process ${part.pid} cannot be ended (${errorCode(error)})`,
        mend: 'It belongs to another user: stop it as the one who started it.',
        cause: error,
      })
    }
    if (await endedWithin(part, limitMs)) return
  }
  throw new PartFailure({
    part: name,
    what: `process ${part.pid} does not end, even by SIGKILL`,
    mend: "Its disk probably hangs: look at the kernel's messages.",
  })
}

const KILLED_WITHIN_MS = 5_000
const LOOK_EVERY_MS = 10

/** Node is told of the end of its children only, and after an adoption it is not ours: so we look. */
export async function endedWithin(part: ProcessIdentity, limitMs: number): Promise<boolean> {
  const until = performance.now() + limitMs
  while (await lives(part)) {
    if (performance.now() > until) return false
    await wait(LOOK_EVERY_MS)
  }
  return true
}

/** The last lines of a part's log, for the message about its failure. */
export async function lastLogLines(home: string, name: string, lines = 3): Promise<string> {
  const file = join(homeFolders(home).log, `${name}.log`)
  const text = await readFile(file, 'utf8').catch(() => '')
  return text
    .trim()
    .split('\n')
    .slice(-lines)
    .map((line) => line.trim())
    .join(' / ')
}

const LOG_LIMIT_BYTES = 20 * 1024 * 1024

/** Opens the log for appending; one that has grown large becomes `<name>.log.1` first. */
async function openLog(name: string, file: string) {
  try {
    const size = await stat(file).then(
      (found) => found.size,
      () => 0,
    )
    if (size > LOG_LIMIT_BYTES) await rename(file, `${file}.1`)
    return await open(file, 'a', 0o600)
  } catch (error) {
    throw fileFailure(name, file, error)
  }
}

function recordFile(run: string, name: string): string {
  return join(run, `${name}.json`)
}

async function replaceFile(part: string, file: string, content: unknown): Promise<void> {
  const draft = `${file}.new`
  try {
    await writeFile(draft, JSON.stringify(content, null, 2) + '\n', { mode: 0o600 })
    await rename(draft, file)
  } catch (error) {
    throw fileFailure(part, file, error)
  }
}
