/** Asterisk as a configured one, behind a line that can be cut. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { TestPforte } from '../../support/pforte.ts'
import { proxyTo, type Proxy } from '../../telephony/support/proxy.ts'

/** Starts Pforte again, which from now on reaches its Asterisk over this line alone. */
export async function putBehindALine(t: Test, pforte: TestPforte): Promise<Proxy> {
  await pforte.terminate()
  const home = pforte.environment['PFORTE_HOME']!
  const { ports } = JSON.parse(await readFile(join(home, 'run/asterisk.json'), 'utf8')) as { ports: { ari: number } }
  const line = await proxyTo(t, `http://127.0.0.1:${ports.ari}`)
  Object.assign(pforte.environment, {
    ARI_URL: line.url,
    ARI_USER: 'pforte',
    ARI_PASSWORD: (await readFile(join(home, 'ari-password'), 'utf8')).trim(),
  })
  await pforte.run()
  return line
}

/** What `/readyz` says of Asterisk. */
export async function asteriskOf(pforte: TestPforte): Promise<{ ok: boolean; detail: string }> {
  return (await pforte.request('GET', '/readyz')).body['parts'].asterisk
}
