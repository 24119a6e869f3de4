/** Kannel as its users run it: a spool on disk, fed over HTTP by forty connections at once. */
import { Agent, request } from 'node:http'
import { Kannel } from '../../test/support/kannel.ts'
import { WINDOW } from './pforte-side.ts'

const CONNECTIONS = 40

/**
 * @param accepted how many the sink has taken so far
 * @returns messages a second, from the first request until the sink has the last
 */
export async function kannelPerSecond(smscUrl: string, count: number, accepted: () => Promise<number>): Promise<number> {
  const kannel = await Kannel.start({ smscUrl, spool: true, maxPendingSubmits: WINDOW })
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  try {
    const before = await accepted()
    const began = performance.now()
    let sent = 0
    const feed = async (): Promise<void> => {
      while (sent < count) {
        const to = `+4915${200_000_000 + sent++}`
        const query = new URLSearchParams({ ...kannel.credentials, to, from: 'Pforte', text: 'Ihre Zahlung ist eingegangen. Vielen Dank.' })
        await get(`${kannel.sendUrl}?${query}`, agent)
      }
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, feed))
    while ((await accepted()) - before < count) await new Promise((resolve) => setTimeout(resolve, 10))
    return (count * 1000) / (performance.now() - began)
  } finally {
    agent.destroy()
    await kannel.stop()
  }
}

function get(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      response.resume()
      response.on('end', resolve)
    })
      .on('error', reject)
      .end()
  })
}
