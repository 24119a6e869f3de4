/** The port of the API, or why it cannot be had. */
import type { Environment } from '../config.ts'
import { Door } from '../http/door.ts'
import { errorCode, PartFailure } from '../local/part-failure.ts'

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
