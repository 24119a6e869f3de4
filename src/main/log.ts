import { join } from 'node:path'
import pino from 'pino'
import type { Environment } from '../config.ts'
import type { Home } from '../local/home.ts'
import { hidingNumbers, type NumbersInLog } from './log-numbers.ts'

/** What a full disk does not take is kept up to here. */
const MOST_UNWRITTEN_LOG_BYTES = 1024 * 1024

/** On a terminal the log goes to a file, so that the card stays in sight; elsewhere to standard output, as services do. */
export function openLog(environment: Environment, home: Home, numbers: () => NumbersInLog): { log: pino.Logger; logFile: string | null } {
  const logFile = process.stdout.isTTY ? join(home.log, 'pforte.log') : null
  const destination = pino.destination({ dest: logFile ?? 1, sync: true, maxLength: MOST_UNWRITTEN_LOG_BYTES })
  // A full disk costs lines of the log, and no call.
  destination.on('error', () => {})
  const log = pino({ level: environment.logLevel, base: null, hooks: hidingNumbers(numbers) }, destination)
  return { log, logFile }
}
