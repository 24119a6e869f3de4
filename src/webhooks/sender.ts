/**
 * Webhooks over HTTP: one signed POST a try. Nothing that a receiver does, or
 * leaves undone, costs more than ten seconds and a few kilobytes of it: no
 * redirect is followed, and of an answer only its status counts.
 */
import { request as overHttp, Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { request as overHttps, Agent as HttpsAgent } from 'node:https'
import { isIP } from 'node:net'
import type { Sent, WebhookSender } from '../app/ports/webhooks.ts'
import { hostOf, isPublicAddress, refusalOf } from './address.ts'
import { askNameServers, askSystem, guardedLookup, NotPublic, type Resolve } from './resolve.ts'
import { signatureOf } from './sign.ts'

export const timeoutMs = 10_000
export const mostAnswerBytes = 64 * 1024
/** A connection is kept for the next delivery this long: less than the five seconds after which many servers end it. */
const keptMs = 4_000

export type SenderOptions = {
  /** `webhooks.allow_private` of pforte.yaml; asked at each delivery, because the file can be reloaded. */
  allowPrivate: () => boolean
  /** Instead of name servers. */
  resolve?: Resolve
  timeoutMs?: number
}

export class HttpSender implements WebhookSender {
  readonly #options: SenderOptions
  /** Connections that were made while private addresses were allowed are none of those that are used when they are not. */
  readonly #agents: Record<'public' | 'private', { 'http:': HttpAgent; 'https:': HttpsAgent }>

  constructor(options: SenderOptions) {
    this.#options = options
    const agents = (resolve: Resolve, allowPrivate: boolean) => {
      const settings = { keepAlive: true, timeout: keptMs, maxFreeSockets: 8, lookup: guardedLookup(resolve, allowPrivate) }
      return { 'http:': new HttpAgent(settings), 'https:': new HttpsAgent(settings) }
    }
    this.#agents = {
      public: agents(options.resolve ?? askNameServers(), false),
      private: agents(options.resolve ?? askSystem(), true),
    }
  }

  refusalOf(url: string): string | null {
    return refusalOf(url, this.#options.allowPrivate())
  }

  async send({ url, id, at, body, secrets }: Parameters<WebhookSender['send']>[0], signal: AbortSignal): Promise<Sent> {
    const allowPrivate = this.#options.allowPrivate()
    const to = new URL(url)
    const host = hostOf(to)
    // The file may have been reloaded since it was written; and the lookup is not asked for what is an address already.
    if (refusalOf(url, allowPrivate) !== null || (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host))) {
      return { is: 'failed', error: 'this address may not be used: webhooks go to public ones over https, unless pforte.yaml allows more' }
    }
    const timestamp = String(Math.floor(at / 1000))
    const bytes = Buffer.from(body)
    const enough = AbortSignal.timeout(this.#options.timeoutMs ?? timeoutMs)
    const options = {
      method: 'POST',
      agent: this.#agents[allowPrivate ? 'private' : 'public'][to.protocol as 'http:' | 'https:'],
      signal: AbortSignal.any([signal, enough]),
      headers: {
        'content-type': 'application/json',
        'content-length': bytes.length,
        'user-agent': 'Pforte-Webhooks/1',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signatureOf({ id, timestamp, body }, secrets),
      },
    }
    return new Promise((resolve) => {
      const request = (to.protocol === 'https:' ? overHttps : overHttp)(to, options, (answer) => {
        leaveUnread(answer)
        resolve({ is: 'answered', status: answer.statusCode ?? 0, retryAfterMs: retryAfterMs(answer, at) })
      })
      // Also after the answer: then it is heard by nobody.
      request.on('error', (error) => resolve({ is: 'failed', error: enough.aborted ? noAnswer : wordsFor(error) }))
      request.end(bytes)
    })
  }

  close(): void {
    for (const { 'http:': http, 'https:': https } of Object.values(this.#agents)) {
      http.destroy()
      https.destroy()
    }
  }
}

const noAnswer = 'no answer within ten seconds'

/** So that the connection can be used again, unless the answer is too long for that or does not end. */
function leaveUnread(answer: IncomingMessage): void {
  let bytes = 0
  answer.on('error', () => {})
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > mostAnswerBytes) answer.destroy()
  })
}

/** RFC 9110, 10.2.3: seconds, or a date. */
function retryAfterMs({ headers }: IncomingMessage, at: number): number | null {
  const said = headers['retry-after']
  if (said === undefined) return null
  if (/^\d{1,9}$/.test(said)) return Number(said) * 1000
  const until = Date.parse(said)
  return Number.isNaN(until) ? null : Math.max(0, until - at)
}

const words: Record<string, string> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut off before an answer came',
  EPIPE: 'the connection was cut off before an answer came',
  ETIMEDOUT: 'it cannot be connected to',
  EHOSTUNREACH: 'it cannot be connected to',
  ENETUNREACH: 'it cannot be connected to',
  ENOTFOUND: 'there is no such host',
  ENODATA: 'there is no such host',
  ESERVFAIL: 'the name of its host cannot be looked up',
  EAI_AGAIN: 'the name of its host cannot be looked up',
  ETIMEOUT: 'the name of its host cannot be looked up',
  ABORT_ERR: 'cut short because Pforte ended',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by nobody who is trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by nobody who is trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by nobody who is trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is of another host',
}

/** In our words: what a library says may quote what a receiver sent. */
function wordsFor(error: NodeJS.ErrnoException): string {
  if (error instanceof NotPublic) return error.message
  const first = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException | undefined) : error
  const code = first?.code ?? error.code ?? ''
  if (code.startsWith('HPE_')) return 'what it answered is no HTTP'
  return words[code] ?? `it could not be sent (${/^[A-Z0-9_]{1,60}$/.test(code) ? code : error.name})`
}
