import { stopAsterisk } from '../local/asterisk.ts'
import { stopPostgres } from '../local/postgres.ts'
import { lives } from '../local/process-identity.ts'
import { runningPforte } from '../main/run-file.ts'
import { environmentOrFail, progressOnStderr } from './surroundings.ts'

/** Long enough for what is unwritten to be written; Node then ends of itself. */
const NODE_ENDS_WITHIN_MS = 10_000
const LOOK_EVERY_MS = 50

/** Ends Pforte of this PFORTE_HOME and the embedded parts; calls under way end with them. */
export async function stop(): Promise<number> {
  const { home } = environmentOrFail()
  const progress = progressOnStderr()
  const running = await runningPforte(home)
  if (running !== null) {
    progress.step('ending Pforte')
    process.kill(running.pid, 'SIGTERM')
    const giveUpAt = Date.now() + NODE_ENDS_WITHIN_MS
    while ((await lives(running)) && Date.now() < giveUpAt) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    if (await lives(running)) process.kill(running.pid, 'SIGKILL')
    progress.done('Pforte has ended')
  }
  const asterisk = await stopAsterisk(home)
  if (asterisk) progress.done('Asterisk has ended')
  const postgres = await stopPostgres(home)
  if (postgres) progress.done('Postgres has ended')
  if (running === null && !asterisk && !postgres) progress.done(`nothing runs from ${home}`)
  return 0
}
