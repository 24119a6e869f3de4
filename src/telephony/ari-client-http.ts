/**
 * The HTTP under ari-client.
 *
 * ari-client 2.2 sends through swagger-client's `SwaggerHttp`, which has no
 * time limit, never settles when a connection is refused or reset, spoils
 * binary answers, and throws the status away [all tried]. `SwaggerHttp.execute`
 * is its one door to the network, so Node's own HTTP goes in there: with a
 * limit, a bounded number of connections, and errors that keep their status.
 *
 * ari-client keeps credentials in one place for the whole process; here each
 * host has its own, so two Asterisks in one process do not mix them up.
 */
import http from 'node:http'
import https from 'node:https'
import { createRequire } from 'node:module'

/** What swagger-client hands over, as far as it is used. */
type SwaggerRequest = {
  url: string
  method: string
  headers: Record<string, string>
  body?: string
  on: { response(answer: SwaggerAnswer): void; error(answer: unknown): void }
}
type SwaggerAnswer = { status: number; statusText: string; headers: http.IncomingHttpHeaders; data: string; obj?: unknown }

export class AriHttpError extends Error {
  /** HTTP's; null when there was no answer. */
  readonly status: number | null
  /** swagger-client prints this one when the API description cannot be read. */
  readonly statusText: string
  readonly why: 'timeout' | 'unreachable' | null

  constructor(message: string, status: number | null, why: 'timeout' | 'unreachable' | null) {
    super(message)
    this.name = 'AriHttpError'
    this.status = status
    this.statusText = message
    this.why = why
  }
}

/** Well below Asterisk's default `sessionlimit` of 100, which others need too. */
const MOST_CONNECTIONS = 32
/** Before Asterisk's own `session_keep_alive` (15 s) closes an idle one just as a command is written to it. */
const IDLE_CONNECTION_MS = 5_000

type Host = { authorization: string; limitMs: number; agent: http.Agent }

const hosts = new Map<string, Host>()
let installed = false

/** @returns to be called when this Asterisk is no longer talked to */
export function serveAriClient(base: URL, authorization: string, limitMs: number): () => void {
  install()
  const Agent = base.protocol === 'https:' ? https.Agent : http.Agent
  const host: Host = {
    authorization,
    limitMs,
    agent: new Agent({ keepAlive: true, maxSockets: MOST_CONNECTIONS, timeout: IDLE_CONNECTION_MS }),
  }
  hosts.set(base.host, host)
  return () => {
    if (hosts.get(base.host) === host) hosts.delete(base.host)
    host.agent.destroy()
  }
}

function install(): void {
  if (installed) return
  installed = true
  const require = createRequire(import.meta.url)
  const swagger = createRequire(require.resolve('ari-client'))('swagger-client') as {
    SwaggerHttp: { prototype: { execute: (request: SwaggerRequest) => void } }
  }
  swagger.SwaggerHttp.prototype.execute = execute
  // Its log is a global of the whole process, prints to the operator's screen and keeps every line for ever.
  Object.assign(globalThis, { log: () => {} })
}

function execute(request: SwaggerRequest): void {
  const { on } = request
  const url = new URL(request.url)
  const host = hosts.get(url.host)
  if (host === undefined) return on.error(new AriHttpError('this Asterisk is no longer talked to', null, 'unreachable'))

  const secure = host.agent instanceof https.Agent
  const body = request.body === undefined || request.body === '' ? undefined : Buffer.from(request.body)
  let settled = false
  const settle = (told: () => void): void => {
    if (settled) return
    settled = true
    clearTimeout(limit)
    try {
      told()
    } catch (error) {
      // ari-client parses the answer in here; without this its exception would end the process.
      on.error(error)
    }
  }
  const fail = (why: 'timeout' | 'unreachable', message: string): void => settle(() => on.error(new AriHttpError(message, null, why)))

  const outgoing = (secure ? https : http).request({
    protocol: secure ? 'https:' : 'http:',
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    path: url.pathname + url.search,
    method: request.method,
    agent: host.agent,
    headers: {
      authorization: host.authorization,
      accept: 'application/json',
      'content-length': body?.length ?? 0,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  })
  const limit = setTimeout(() => {
    fail('timeout', `no answer within ${host.limitMs} ms`)
    outgoing.destroy()
  }, host.limitMs)
  outgoing.on('error', (error) => fail('unreachable', error.message))
  outgoing.on('response', (incoming) => {
    let data = ''
    incoming.setEncoding('utf8')
    incoming.on('data', (chunk: string) => {
      data += chunk
    })
    incoming.on('error', (error) => fail('unreachable', error.message))
    incoming.on('end', () => {
      const { statusCode: status = 0, statusMessage: statusText = '', headers } = incoming
      if (status >= 200 && status < 300) settle(() => on.response({ status, statusText, headers, data }))
      else settle(() => on.error(new AriHttpError(data === '' ? statusText : data, status, null)))
    })
  })
  outgoing.end(body)
}
