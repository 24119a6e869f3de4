import module from 'node:module'
import v8 from 'node:v8'
import { startPforte, type Pforte } from '../main.ts'
import { stopAsterisk } from '../local/asterisk.ts'
import { stopPostgres } from '../local/postgres.ts'
import { card } from '../main/card.ts'
import { runningPforte } from '../main/run-file.ts'
import { createProgress, type Progress } from '../local/progress.ts'
import { environmentOrFail } from './surroundings.ts'

/**
 * How much the heap may grow before its old part is collected, in percent of
 * what lives, which is some 75 MB. By itself V8 lets it grow by a third: under
 * load Pforte then stands still every three seconds, for 20 to 40 ms with the
 * marking before (`bench -- events` at 750 a second, p99: 72 ms so, 22 ms with
 * this). It costs some 300 MB of memory under load. V8's own: `node --v8-options`.
 */
const heapGrowingPercent = 400

/**
 * Runs Pforte until it is told to end. Ctrl-C (SIGINT) ends the embedded parts
 * too; SIGTERM ends only Node, so that calls go on and the next start takes
 * them up again; SIGHUP reads `pforte.yaml` again.
 *
 * @returns 0 stopped, 1 a part failed
 */
export async function serve(): Promise<number> {
  v8.setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`)
  const environment = environmentOrFail()
  // A terminal or a pipe that has gone takes no more lines; the calls go on.
  for (const out of [process.stdout, process.stderr]) out.on('error', () => {})
  const progress = createProgress(process.stdout)
  const told = toldToEnd()
  const stop = new AbortController()
  const starting = startPforte(environment, progress, stop.signal)
  reloadWhenTold(starting)
  const early = await Promise.race([starting.then(() => null), told])
  if (early !== null) {
    // Asked to end while starting: what has been begun is ended before we go.
    stop.abort()
    await starting.then(
      (pforte) => pforte.close(),
      () => undefined,
    )
    return ended(early, environment.home, progress)
  }
  const pforte = await starting
  process.stdout.write(card(pforte))
  // Node does this on its way out, which a process that is killed does not have; the next start is to be quick for its callers.
  module.flushCompileCache()
  const why = await Promise.race([told, pforte.ended])
  await pforte.close()
  if (typeof why !== 'string') throw why
  return ended(why, environment.home, progress)
}

function toldToEnd(): Promise<'SIGINT' | 'SIGTERM'> {
  return new Promise((resolve) => {
    process.on('SIGINT', () => resolve('SIGINT'))
    process.on('SIGTERM', () => resolve('SIGTERM'))
  })
}

/** The last things and the last words. @returns the exit code */
async function ended(by: 'SIGINT' | 'SIGTERM', home: string, progress: Progress): Promise<number> {
  if ((await runningPforte(home)) !== null) {
    // We stood by, and the parts are those of the one that serves.
    progress.done('this Pforte has ended; the other one goes on')
  } else if (by === 'SIGINT') {
    await stopAsterisk(home)
    await stopPostgres(home)
    progress.done('Pforte and its parts have ended')
  } else {
    progress.done('Pforte has ended; calls go on in Asterisk until it is back')
  }
  return 0
}

/** One after the other, lest the older file win. Told while starting, it is read again as soon as that is done. */
function reloadWhenTold(starting: Promise<Pforte>): void {
  let last = starting.then(
    () => {},
    () => {},
  )
  process.on('SIGHUP', () => {
    last = last.then(() => starting.then(reload, () => {}))
  })
}

async function reload(pforte: Pforte): Promise<void> {
  const wrong = await pforte.reload()
  if (wrong !== null) process.stderr.write(`✗ pforte.yaml was not taken over; the one before goes on\n${wrong}\n`)
}
