/** The port of the API, or why it cannot be had. */
import type { Environment } from '../config.ts'
import { Door } from '../http/door.ts'
import { errorCode, PartFailure } from '../local/part-failure.ts'
import { runningPforte } from './run-file.ts'

/**
 * Before anything is downloaded or started for it: whether we shall be able to listen. A port that another Pforte has is
 * good enough, since we stand by until that one ends.
 * @throws PartFailure when we cannot
 */
export async function tryDoor(http: Environment['http'], home: string): Promise<void> {
  let door: Door
  try {
    door = await openDoor(http)
  } catch (error) {
    const isTaken = error instanceof PartFailure && errorCode(error.cause) === 'EADDRINUSE'
    if (isTaken && ((await runningPforte(home)) !== null || (await isPforte(http)))) return
    throw error
  }
  await door.close()
}

const ANSWERS_WITHIN_MS = 1_000

/** Whether it is a Pforte that has this port. */
async function isPforte({ host, port }: Environment['http']): Promise<boolean> {
  try {
    const answer = await fetch(`http://${host.includes(':') ? `[${host}]` : host}:${port}/healthz`, {
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    })
    return ((await answer.json()) as { alive?: unknown } | null)?.alive === true
  } catch {
    // Whatever does not answer like one is none.
    return false
  }
}

/** @throws PartFailure when it cannot listen */
export async function openDoor({ host, port }: Environment['http']): Promise<Door> {
  try {
    return await Door.open({ host, port })
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EADDRINUSE')
      throw new PartFailure({
        part: 'http',
        what: `port ${port} on ${host} is taken`,
        mend: 'End the program that has it, or set HTTP_PORT to another.',
        cause: error,
      })
    if (code === 'EACCES')
      throw new PartFailure({
        part: 'http',
        what: `this user may not listen on port ${port}`,
        mend: 'Set HTTP_PORT to one above 1023.',
        cause: error,
      })
    if (code === 'EADDRNOTAVAIL')
      throw new PartFailure({
        part: 'http',
        what: `this machine has no address ${host}`,
        mend: 'Set HTTP_HOST to one that it has, or to 0.0.0.0 for all.',
        cause: error,
      })
    throw error
  }
}
