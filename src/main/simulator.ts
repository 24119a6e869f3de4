/** The SMSC that stands in for a carrier while none is configured: in this process, on the port it had last time. */
import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../config.ts'
import { choosePort } from '../local/ports.ts'
import { startSimulator, type Simulator } from '../local/smsc/simulator.ts'

export async function openSimulator({ home, ports }: Environment): Promise<Simulator> {
  const file = join(home, 'run', 'smsc.json')
  // Whatever is the matter with the file: then it is any port.
  const last = await readFile(file, 'utf8')
    .then((text) => (JSON.parse(text) as { port?: unknown } | null)?.port)
    .catch(() => undefined)
  const port = await choosePort({
    part: 'smsc',
    asked: ports.smsc ?? undefined,
    variable: 'SMSC_PORT',
    last: isPort(last) ? last : undefined,
  })
  const accounts = [{ user: 'pforte', password: randomBytes(4).toString('hex') }]
  const simulator = await startSimulator({ port, accounts })
  // As a whole or not at all, whenever the machine stops.
  const unfinished = `${file}.${process.pid}`
  await writeFile(unfinished, JSON.stringify({ port }), { mode: 0o600 })
  await rename(unfinished, file)
  return simulator
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536
}
