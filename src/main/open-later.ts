import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '../app/ports/log.ts'

/**
 * Opens a part some time after the start: loading it takes the event loop for
 * a while, and those whose calls have just been taken up are not to wait for
 * what may as well come a moment later.
 *
 * @returns closes it, whether it is open by then, just being opened, or never was
 */
export function openLater(afterMs: number, open: () => Promise<{ close(): Promise<void> }>, log: Log): () => Promise<void> {
  const never = new AbortController()
  const opened = wait(afterMs, undefined, { signal: never.signal, ref: false })
    .then(open)
    .catch((error: unknown) => {
      if (!never.signal.aborted) log.error({ err: error }, 'a part that opens after the start could not be opened: a bug in Pforte')
      return null
    })
  return async () => {
    never.abort()
    await (await opened)?.close()
  }
}
