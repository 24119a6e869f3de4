/** The SMSC that stands in for a carrier while none is configured: in this process, on the port it had last time. */
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../config.ts'
import { choosePort } from '../local/ports.ts'
import { startSimulator, type Simulator } from '../local/smsc/simulator.ts'

export async function openSimulator({ home, ports }: Environment): Promise<Simulator> {
  const file = join(home, 'run', 'smsc.json')
  const last = await readFile(file, 'utf8').then(
    (text) => (JSON.parse(text) as { port?: number }).port,
    () => undefined,
  )
  const port = await choosePort({ part: 'smsc', asked: ports.smsc ?? undefined, variable: 'SMSC_PORT', last })
  const accounts = [{ user: 'pforte', password: randomBytes(4).toString('hex') }]
  const simulator = await startSimulator({ port, accounts })
  await writeFile(file, JSON.stringify({ port }), { mode: 0o600 })
  return simulator
}
