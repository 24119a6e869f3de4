/** What must be gone once all callers are: on Asterisk, in the queue, with the agents. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestPforte } from '../../test/support/pforte.ts'

/** @returns what is left over, each as a few words; empty if nothing is */
export async function leftOver(pforte: TestPforte): Promise<string[]> {
  const ari = await ariOf(pforte)
  const [channels, bridges, recordings] = [await ari('channels'), await ari('bridges'), await ari('recordings/stored')]
  const count = async (query: string): Promise<number> =>
    Number((await pforte.db.query<{ count: string }>(`SELECT count(*) FROM ${query}`)).rows[0]!.count)
  const found: [number, string][] = [
    [channels.length, 'channels'],
    [bridges.length, 'bridges'],
    [recordings.length, 'recordings on Asterisk'],
    [await count(`calls WHERE ended_at IS NULL`), 'calls without an end'],
    [await count(`queue_entries WHERE state <> 'left'`), 'places in queues'],
    [await count(`agents WHERE state <> 'available'`), 'agents who are not free'],
  ]
  return found.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`)
}

async function ariOf({ home }: TestPforte): Promise<(path: string) => Promise<unknown[]>> {
  const folder = join(home, 'home')
  const { ports } = JSON.parse(await readFile(join(folder, 'run', 'asterisk.json'), 'utf8')) as { ports: { ari: number } }
  const password = (await readFile(join(folder, 'ari-password'), 'utf8')).trim()
  const authorization = `Basic ${Buffer.from(`pforte:${password}`).toString('base64')}`
  return async (path) =>
    (await fetch(`http://127.0.0.1:${ports.ari}/ari/${path}`, { headers: { authorization } })).json() as Promise<unknown[]>
}
