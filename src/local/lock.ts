import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { errorCode, PartFailure } from './part-failure.ts'

/**
 * Does `work` while holding the file `path` locked; others wait their turn.
 *
 * The lock is the kernel's (flock(2), through util-linux's `flock`, since Node
 * has no call for it): it vanishes with whoever holds it, even by `kill -9`, so
 * there are no stale locks to guess about. A helper process holds it for as long
 * as its standard input is open, which is as long as we live.
 *
 * @param waiting called once if somebody else holds the lock
 */
export async function withLock<T>(path: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', ['--no-fork', path, 'sh', '-c', 'echo locked; exec cat >/dev/null'], {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C goes to the terminal's whole process group; the lock must outlast our tidying up.
    detached: true,
  })
  let complaint = ''
  holder.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const failed = new Promise<never>((_, reject) => {
    holder.on('error', (error) =>
      reject(
        new PartFailure({
          part: 'lock',
          what: errorCode(error) === 'ENOENT' ? 'the command flock is not on this machine' : `flock cannot be run: ${error.message}`,
          mend: 'Install the package util-linux and start again.',
        }),
      ),
    )
    holder.on('exit', () =>
      reject(
        new PartFailure({
          part: 'lock',
          what: `${path} cannot be locked: ${complaint.trim()}`,
          mend: 'Look at the rights of that folder and start again.',
        }),
      ),
    )
  })
  // Somebody who holds it for longer than a moment is worth a word.
  const patience = setTimeout(waiting, 300)
  try {
    await Promise.race([once(holder.stdout, 'data'), failed])
    clearTimeout(patience)
    failed.catch(() => {})
    return await work()
  } finally {
    clearTimeout(patience)
    holder.stdin.end()
  }
}
