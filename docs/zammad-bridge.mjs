/**
 * Keeps the tickets of a Pforte and of a Zammad in step: docs/zammad.md says how to set it up. Needs Node 20 or later and
 * nothing else. An example to start from: it has one file of its own and no queue, because both sides send again what was
 * not answered with 2xx.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { PFORTE_URL, PFORTE_KEY, PFORTE_WEBHOOK_SECRET, ZAMMAD_URL, ZAMMAD_TOKEN, ZAMMAD_GROUP, BRIDGE_TOKEN } = process.env
const { PORT = '8090', PAIRS = 'pforte-zammad.json' } = process.env
const stateOf = { received: 'new', in_progress: 'open', completed: 'closed' }
const statusOf = { open: 'in_progress', closed: 'completed' }
/** Pforte's ticket → Zammad's. */
const pairs = new Map(Object.entries(read(PAIRS)))

/** What Pforte tells. Events of one ticket come one after the other, so none is made twice. */
async function fromPforte({ type, data }) {
  if (type === 'reply.received') {
    const ticket = pairs.get(data.ticketId)
    if (ticket === undefined) return
    // A webhook does not carry what somebody wrote.
    const { text } = await pforte('GET', `/v1/messages/${data.id}`)
    await zammad('POST', '/api/v1/ticket_articles', { ticket_id: ticket, body: text, type: 'note', sender: 'Customer', internal: false })
  } else if (type === 'ticket.created' || type === 'ticket.changed') {
    if (!pairs.has(data.id)) await makePair(data)
    await zammad('PUT', `/api/v1/tickets/${pairs.get(data.id)}`, { state: stateOf[data.status] })
  }
}

async function makePair(ticket) {
  const body = ticket.voicemail === null ? ticket.subject : `Voicemail: ${PFORTE_URL}/v1/tickets/${ticket.id}/voicemail`
  const made = await zammad('POST', '/api/v1/tickets', {
    title: `${ticket.subject} (${ticket.number})`,
    group: ZAMMAD_GROUP,
    // Zammad finds its customers by an address; a number makes one.
    customer_id: `guess:${(ticket.caller ?? 'unknown').replace(/\W/g, '')}@pforte.invalid`,
    article: { subject: ticket.subject, body, type: 'note', internal: false },
    pforte_id: ticket.id,
  })
  pairs.set(ticket.id, made.id)
  writeFileSync(PAIRS, JSON.stringify(Object.fromEntries(pairs)))
}

/** What an agent did in Zammad. What Pforte knows already changes nothing there, so nothing goes round in circles. */
async function fromZammad({ pforteId, state }) {
  const status = statusOf[state]
  if (status === undefined || !pairs.has(pforteId)) return
  const ticket = await pforte('GET', `/v1/tickets/${pforteId}`)
  if (ticket.status === 'received' && status === 'completed') await pforte('PATCH', `/v1/tickets/${pforteId}`, { status: 'in_progress' })
  await pforte('PATCH', `/v1/tickets/${pforteId}`, { status })
}

/** The signature of Standard Webhooks; after a rotation there are two. What is older than five minutes is somebody's copy. */
function isSigned(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures = '' } = headers
  if (!(Math.abs(Date.now() / 1000 - Number(at)) < 300)) return false
  const key = Buffer.from(PFORTE_WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64')
  const wanted = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest()
  return signatures.split(' ').some((one) => isSame(Buffer.from(one.replace(/^v1,/, ''), 'base64'), wanted))
}

const isSame = (one, other) => one.length === other.length && timingSafeEqual(one, other)
const isToken = (given = '') => isSame(Buffer.from(given), Buffer.from(`Bearer ${BRIDGE_TOKEN}`))
const pforte = (method, path, body) => ask(method, PFORTE_URL + path, `Bearer ${PFORTE_KEY}`, body)
const zammad = (method, path, body) => ask(method, ZAMMAD_URL + path, `Token token=${ZAMMAD_TOKEN}`, body)

async function ask(method, url, authorization, body) {
  const headers = { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
  const response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname}: ${response.status}`)
  return response.json()
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return {}
    throw error
  }
}

createServer(async (request, response) => {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  const from = { '/pforte': [isSigned(request.headers, body), fromPforte], '/zammad': [isToken(request.headers.authorization), fromZammad] }
  const [isAllowed, take] = from[request.url] ?? []
  if (!isAllowed) return response.writeHead(take === undefined ? 404 : 401).end()
  try {
    await take(JSON.parse(body))
    response.writeHead(204).end()
  } catch (error) {
    console.error(error.message)
    response.writeHead(502).end()
  }
}).listen(Number(PORT), () => console.log(`the bridge listens on ${PORT}`))
