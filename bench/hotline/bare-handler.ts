/**
 * The least that can carry the same call: sends the ARI commands that Pforte
 * sends and ignores everything else: no store, no flow, no limits, no answer
 * looked at. A process of its own, told what to do over IPC; the yardstick for
 * what Pforte adds.
 */
import WebSocket from 'ws'

export type BareSettings = {
  /** With the credentials in it. */
  eventsUrl: string
  app: string
  /** What callers hear. */
  media: string
  endpoints: string[]
}
export type BareMessage = { do: 'connect'; settings: BareSettings } | { do: 'tell' }
export type BareAnswer = { connected: true } | { cpuMs: number; events: number }

type Event = { type: string; args?: string[]; channel?: { id: string; caller: { number: string } } }
type BareCall = { caller: string; digits: number; endpoint: string | null }

const PIN_LENGTH = 5
const calls = new Map<string, BareCall>()
let free: string[] = []
let socket: WebSocket
let sent = 0
let events = 0
let media = ''
let app = ''

process.on('message', (message: BareMessage) => {
  if (message.do === 'connect') connect(message.settings)
  else tell({ cpuMs: cpuMs(), events })
})
process.on('disconnect', () => process.exit(0))

function connect(settings: BareSettings): void {
  media = settings.media
  app = settings.app
  free = [...settings.endpoints]
  socket = new WebSocket(settings.eventsUrl, { perMessageDeflate: false })
  socket.on('open', () => tell({ connected: true }))
  socket.on('message', (data: Buffer) => take(JSON.parse(data.toString()) as Event))
}

function take({ type, args, channel }: Event): void {
  events++
  if (channel === undefined) return
  if (type === 'StasisStart') {
    if (args?.[0] === 'line') arrived(channel.id, channel.caller.number)
    else answered(channel.id.slice(0, -AGENT.length))
  } else if (type === 'ChannelDtmfReceived') typed(channel.id)
  else if (type === 'StasisEnd') ended(channel.id)
}

const AGENT = '.agent'

function arrived(id: string, caller: string): void {
  calls.set(id, { caller, digits: 0, endpoint: null })
  command('POST', `channels/${id}/answer`)
  command('POST', `channels/${id}/play/${id}.prompt`, { media, lang: 'de' })
}

function typed(id: string): void {
  const call = calls.get(id)
  if (call === undefined) return
  call.digits++
  if (call.digits === 1) command('DELETE', `playbacks/${id}.prompt`)
  if (call.digits !== PIN_LENGTH) return
  call.endpoint = free.shift() ?? null
  command('POST', `channels/${id}/moh`)
  const callerId = `"Muster GmbH" <${call.caller}>`
  command('POST', `channels/${id}${AGENT}`, {
    endpoint: `PJSIP/${call.endpoint}`,
    app,
    appArgs: 'leg',
    callerId,
    timeout: '120',
    originator: id,
  })
}

function answered(id: string): void {
  command('DELETE', `channels/${id}/moh`)
  command('POST', `bridges/${id}.bridge`, { type: 'mixing', name: app })
  command('POST', `bridges/${id}.bridge/addChannel`, { channel: `${id},${id}${AGENT}` })
}

function ended(id: string): void {
  const call = calls.get(id)
  if (call === undefined) return
  calls.delete(id)
  command('DELETE', `channels/${id}${AGENT}`, { reason: 'normal' })
  command('DELETE', `bridges/${id}.bridge`)
  if (call.endpoint !== null) free.push(call.endpoint)
}

function command(method: string, uri: string, query: Record<string, string> = {}): void {
  const id = String(++sent)
  const query_strings = Object.entries(query).map(([name, value]) => ({ name, value }))
  socket.send(JSON.stringify({ type: 'RESTRequest', transaction_id: id, request_id: id, method, uri, query_strings }))
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function tell(answer: BareAnswer): void {
  process.send!(answer)
}
