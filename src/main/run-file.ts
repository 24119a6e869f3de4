/** PFORTE_HOME/run/pforte.json: which process is Pforte, and where it listens, for `pforte stop`, `reload` and `npm run call`. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { identify, lives, type ProcessIdentity } from '../local/process-identity.ts'

export type RunningPforte = ProcessIdentity & {
  url: string
  sipUri: string
  embedded: { postgres: boolean; asterisk: boolean; smsc: boolean }
}

const fileIn = (home: string): string => join(home, 'run', 'pforte.json')

export async function writeRunFile(home: string, what: Omit<RunningPforte, keyof ProcessIdentity>): Promise<void> {
  const identity = await identify(process.pid)
  const unfinished = `${fileIn(home)}.${process.pid}`
  await writeFile(unfinished, JSON.stringify({ ...identity, ...what }), { mode: 0o600 })
  await rename(unfinished, fileIn(home))
}

/** The Pforte that runs from this PFORTE_HOME now; null if none does, whatever an old file says. */
export async function runningPforte(home: string): Promise<RunningPforte | null> {
  const text = await readFile(fileIn(home), 'utf8').catch(() => null)
  if (text === null) return null
  const written = JSON.parse(text) as RunningPforte
  return (await lives(written)) ? written : null
}

/** Only our own: whoever took over from us has written theirs. */
export async function removeRunFile(home: string): Promise<void> {
  const running = await runningPforte(home)
  if (running === null || running.pid === process.pid) await rm(fileIn(home), { force: true })
}
