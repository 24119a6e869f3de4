/** The bridge of docs/zammad.md between a whole Pforte and a stand-in for Zammad that has its words. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../../src/local/ports.ts'
import { TestPforte } from '../support/pforte.ts'
import { until } from '../support/until.ts'
import { commandsOf, runCommands } from './shell.ts'

t.setTimeout(180_000)

const BRIDGE = join(import.meta.dirname, '../../docs/zammad-bridge.mjs')
type Article = { ticket_id: number; body: string; sender: string }
type ZammadTicket = { id: number; title: string; state: string; pforte_id: string; article: { body: string } }

t.test('a ticket of Pforte is one in Zammad; what agents do there is told by SMS, and the reply comes back', async (t) => {
  const zammad = await openZammad()
  const pforte = await TestPforte.start({
    yaml: (text) => `${text.replace('window: "08:00-20:00"', 'window: always')}\nwebhooks: { allow_private: true }\n`,
  })
  const folder = await mkdtemp(join(tmpdir(), 'pforte-zammad-'))
  const port = await freePort()
  const bridgeUrl = `http://127.0.0.1:${port}`
  t.teardown(async () => {
    bridge.kill()
    await pforte.stop()
    await zammad.close()
    await rm(folder, { recursive: true, force: true })
  })

  const { code, said } = await runCommands(await commandsOf('zammad.md'), folder, {
    API: pforte.url,
    KEY: pforte.environment['PFORTE_API_KEY']!,
    BRIDGE_URL: bridgeUrl,
    BRIDGE_TOKEN: 'the-bridge',
    ZAMMAD_URL: zammad.url,
    ZAMMAD_TOKEN: 'an-agent',
  })
  t.equal(code, 0, said.slice(-3000))
  t.equal((await stat(join(folder, 'bridge.env'))).mode & 0o077, 0, 'its secrets are for nobody else')
  t.match(await readFile(join(folder, 'bridge.env'), 'utf8'), /PFORTE_WEBHOOK_SECRET=whsec_/)
  const bridge = spawn(process.execPath, ['--env-file=bridge.env', BRIDGE], {
    cwd: folder,
    env: { PORT: String(port), PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(bridge.stdout, 'data')

  const caller = '+491701234567'
  const ticket = await pforte.post('/v1/tickets', { subject: 'Anschluss gestört', caller })
  await until('the ticket to be in Zammad', () => zammad.tickets.length === 1, 20_000)
  t.match(zammad.tickets[0], { title: `Anschluss gestört (${ticket['number']})`, pforte_id: ticket['id'], state: 'new' })

  const agentSets = (state: string, token = 'the-bridge') =>
    fetch(`${bridgeUrl}/zammad`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ pforteId: ticket['id'], state }),
    })
  t.equal((await agentSets('closed', 'somebody')).status, 401)
  t.equal((await fetch(`${bridgeUrl}/pforte`, { method: 'POST', body: '{}' })).status, 401, 'nor is anybody else Pforte')
  t.equal((await agentSets('open')).status, 204)
  t.match(await pforte.get(`/v1/tickets/${ticket['id']}`), { status: 'in_progress' })
  t.equal((await agentSets('pending reminder')).status, 204)
  await until('Zammad to be told', () => zammad.tickets[0]?.state === 'open', 20_000)

  await until(
    'the customer to be told',
    async () => {
      const told = (await pforte.get(`/v1/messages?ticketId=${ticket['id']}&template=ticket.in_progress`))['items']
      return ['submitted', 'delivered'].includes(told[0]?.state)
    },
    20_000,
  )
  await pforte.post('/simulator/replies', { from: caller, text: 'Es geht wieder!' })
  await until('the reply to be in Zammad', () => zammad.articles.length === 1, 20_000)
  t.match(zammad.articles, [{ ticket_id: zammad.tickets[0]!.id, body: 'Es geht wieder!', sender: 'Customer' }])

  t.equal((await agentSets('closed')).status, 204)
  t.match(await pforte.get(`/v1/tickets/${ticket['id']}`), { status: 'completed' })
  await until('Zammad to be told', () => zammad.tickets[0]?.state === 'closed', 20_000)
  t.equal(zammad.tickets.length, 1)
})

/** As much of Zammad as the bridge asks of it. */
async function openZammad() {
  const tickets: ZammadTicket[] = []
  const articles: Article[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const piece of request.setEncoding('utf8')) text += piece
    const body = text === '' ? {} : JSON.parse(text)
    const answer = (status: number, value: unknown): void => void response.writeHead(status).end(JSON.stringify(value))
    if (request.headers.authorization !== 'Token token=an-agent') return answer(403, { error: 'Forbidden' })
    const ticket = tickets.find(({ id }) => request.url === `/api/v1/tickets/${id}`)
    if (request.method === 'POST' && request.url === '/api/v1/tickets') {
      tickets.push({ state: 'new', ...body, id: tickets.length + 1 })
      return answer(201, tickets.at(-1))
    }
    if (request.method === 'PUT' && ticket !== undefined) return answer(200, Object.assign(ticket, body))
    if (request.method === 'POST' && request.url === '/api/v1/ticket_articles') {
      articles.push(body)
      return answer(201, body)
    }
    return answer(404, { error: 'No route matches' })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    tickets,
    articles,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
