import { spawn } from 'node:child_process'
import { errorCode, PartFailure } from './part-failure.ts'
import type { ServiceUser } from './service-user.ts'

export interface CommandResult {
  /** Exit code; 128 + n when a signal ended it, as shells count. */
  code: number
  stdout: string
  stderr: string
}

export interface CommandOptions {
  cwd?: string
  env?: Record<string, string>
  /** Text for its standard input; none by default. */
  input?: string
  user?: ServiceUser | undefined
}

const SIGNAL_EXIT_CODE = 137

/**
 * Runs a short command to its end and collects what it says. A non-zero exit is
 * an answer, not an exception; only a command that cannot be started throws
 * (PartFailure of `part`).
 */
export function runCommand(part: string, command: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? '/',
      // Messages are read by us, so they must come in one language.
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...options.user,
    })
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', (error) => {
      reject(
        errorCode(error) === 'ENOENT'
          ? new PartFailure({
              part,
              what: `the command ${command} is not on this machine`,
              mend: `Install it (Debian 12 and Ubuntu have it by default) and start again.`,
              cause: error,
            })
          : new PartFailure({
              part,
              what: `the command ${command} cannot be run: ${error.message}`,
              mend: 'Look at its file and rights, and start again.',
              cause: error,
            }),
      )
    })
    child.on('close', (code) => resolve({ code: code ?? SIGNAL_EXIT_CODE, stdout, stderr }))
    if (options.input !== undefined) {
      // A command that ends before it has read everything is judged by its exit code.
      child.stdin?.on('error', () => {})
      child.stdin?.end(options.input)
    }
  })
}

/** The last few lines of what a command said, on one line, for an error message. */
export function lastWords(result: CommandResult, lines = 3): string {
  const said = (result.stderr.trim() === '' ? result.stdout : result.stderr).trim().split('\n')
  return (
    said
      .slice(-lines)
      .map((line) => line.trim())
      .join(' / ') || `exit code ${result.code}`
  )
}
