/** What is printed once Pforte is ready: where everything is. */
import { relative } from 'node:path'
import type { Pforte } from '../main.ts'

export function card(pforte: Pforte): string {
  const rows: [string, string][] = [['page', pforte.url]]
  const sip = pforte.sipUri
  rows.push([
    'hotline',
    sip === null ? 'the numbers that your trunks bring here' : pforte.lines.map((line) => sip.replace('sip:', `sip:${line}@`)).join('  '),
  ])
  rows.push(['API key', pforte.apiKeyFile === null ? 'PFORTE_API_KEY, as you set it' : shown(pforte.apiKeyFile)])
  if (pforte.demoPinFile !== null) rows.push(['demo PIN', shown(pforte.demoPinFile)])
  rows.push(['SMS', pforte.embedded.smsc ? `simulated; the page shows them, and ${pforte.url}/v1/messages` : 'to the carrier of SMPP_URL'])
  if (pforte.logFile !== null) rows.push(['log', shown(pforte.logFile)])
  if (pforte.embedded.asterisk)
    rows.push(['try it', 'npm run call'], ['a phone', `npx pforte agent password ${pforte.agents[0] ?? 'NAME'}`])
  rows.push([
    'end',
    pforte.embedded.asterisk || pforte.embedded.postgres ? 'Ctrl-C (SIGTERM leaves calls running)' : 'Ctrl-C; calls go on in Asterisk',
  ])
  const wide = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, value]) => `  ${name.padEnd(wide)}  ${value}`)
  return `\nPforte is ready.\n\n${lines.join('\n')}\n\n`
}

const shown = (path: string): string => {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short
}
