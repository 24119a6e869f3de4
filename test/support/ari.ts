/** The private Asterisk of a test, asked directly: what Pforte should have done there, and what a telco configures by hand. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** @param home its PFORTE_HOME @param path below `/ari/` */
export async function ari(home: string, path: string, method = 'GET'): Promise<Response> {
  const { ports } = JSON.parse(await readFile(join(home, 'run', 'asterisk.json'), 'utf8')) as { ports: { ari: number } }
  const password = (await readFile(join(home, 'ari-password'), 'utf8')).trim()
  return fetch(`http://127.0.0.1:${ports.ari}/ari/${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(`pforte:${password}`).toString('base64')}` },
  })
}
