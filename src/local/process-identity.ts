import { readdir, readFile } from 'node:fs/promises'
import { errorCode } from './part-failure.ts'

/**
 * A process, told apart from a later one that got the same pid: by its start
 * time in clock ticks since the boot (proc(5), /proc/PID/stat field 22) and by
 * the boot.
 */
export interface ProcessIdentity {
  pid: number
  startTime: number
  bootId: string
}

/** The identity of the process that has `pid` now; `undefined` if there is none (a zombie counts as none). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readProc(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The second field is the program's name in brackets and may hold blanks and brackets itself.
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // While other threads go on, the first one of a process can be a zombie and still hold its ports.
  if (state === 'X' || (state === 'Z' && Number(rest[16]) <= 1)) return undefined
  return { pid, startTime: Number(rest[18]), bootId: ((await readProc('/proc/sys/kernel/random/boot_id')) ?? '').trim() }
}

/** True while exactly this process lives. */
export async function lives(process: ProcessIdentity): Promise<boolean> {
  const now = await identify(process.pid)
  return now !== undefined && now.startTime === process.startTime && now.bootId === process.bootId
}

/**
 * The process that was started with `argument` as one of its arguments, if one
 * lives. Finds a part whose starter was killed before it could write it down.
 */
export async function findByArgument(argument: string): Promise<ProcessIdentity | undefined> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const line = await readProc(`/proc/${entry}/cmdline`)
    // A forked child shares the line of its parent until it changes it; the parent is the elder.
    if (line?.split('\0').slice(1).includes(argument) === true) return identify(Number(entry))
  }
  return undefined
}

/** A file of /proc, or `undefined` when the process has gone in the meantime. */
async function readProc(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(errorCode(error) ?? '')) return undefined
    throw error
  }
}
