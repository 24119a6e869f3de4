import { PartFailure } from '../local/part-failure.ts'
import { runningPforte } from '../main/run-file.ts'
import { readServiceFile } from '../main/service-file.ts'
import { environmentOrFail } from './surroundings.ts'

/** Checks the file first, so that a mistake is told here and not in a log; then the running Pforte takes it over. */
export async function reload(): Promise<number> {
  const { home, configFile } = environmentOrFail()
  await readServiceFile(configFile, Date.now())
  const running = await runningPforte(home)
  if (running === null) {
    throw new PartFailure({
      part: 'reload',
      what: `no Pforte runs from ${home}`,
      mend: 'Start it with npm start, or set PFORTE_HOME to the one that runs.',
    })
  }
  process.kill(running.pid, 'SIGHUP')
  console.log('✓ the file is right; Pforte is taking it over (its log says when it has)')
  return 0
}
