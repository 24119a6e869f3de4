/**
 * REST over WebSocket (Asterisk 20.14, 21.9, 22.4 and later): commands ride
 * the socket that events come on. They are carried out in the order in which
 * they are sent, and cost a fraction of an HTTP request.
 */
import { asRequest, type AriCall, type AriReply, type CallCarrier } from './ari-call.ts'
import type { EventSocket } from './event-socket.ts'

type Pending = { settle: (reply: AriReply) => void; limit: NodeJS.Timeout }

export type RestResponse = {
  type: 'RESTResponse'
  request_id?: string
  status_code?: number
  reason_phrase?: string
  message_body?: string
}

/** Beyond these Asterisk no longer keeps up, and more would only wait longer. */
const MOST_PENDING = 2_000
const MOST_UNSENT_BYTES = 4 * 1024 * 1024

const ANSWER = /^\{"type":"RESTResponse","transaction_id":"\d+","request_id":"(\d+)"/

export class AriOverWebSocket implements CallCarrier {
  readonly #limitMs: number
  readonly #pending = new Map<string, Pending>()
  #socket: EventSocket | null = null
  #lastId = 0

  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  /** The next connection. Ids go on counting, so that no answer meets another's question. */
  attach(socket: EventSocket): void {
    this.#socket = socket
  }

  /** Whoever waits will hear nothing more. */
  detach(why: string): void {
    this.#socket = null
    const waiting = [...this.#pending.values()]
    this.#pending.clear()
    for (const { settle, limit } of waiting) {
      clearTimeout(limit)
      settle({ status: null, why: 'unreachable', detail: why })
    }
  }

  /** Nobody waits for the answer, which is then not even read. */
  tell(call: AriCall): void {
    this.#write(call)
  }

  request(call: AriCall): Promise<AriReply> {
    const id = this.#write(call)
    if (typeof id !== 'string') return unreachable(id.why)
    return new Promise((settle) => {
      const limit = setTimeout(() => {
        this.#pending.delete(id)
        settle({ status: null, why: 'timeout', detail: `no answer to ${call.operation} within ${this.#limitMs} ms` })
      }, this.#limitMs)
      this.#pending.set(id, { settle, limit })
    })
  }

  /** Puts it on the socket. @returns its id */
  #write(call: AriCall): string | { why: string } {
    const socket = this.#socket
    if (socket === null) return { why: 'not connected' }
    if (this.#pending.size >= MOST_PENDING || socket.unsentBytes > MOST_UNSENT_BYTES)
      return { why: 'too many commands wait for an answer already' }
    const id = String(++this.#lastId)
    const { method, uri, query } = asRequest(call)
    const text = JSON.stringify({
      type: 'RESTRequest',
      transaction_id: id,
      request_id: id,
      method,
      uri,
      ...(query.length === 0 ? {} : { query_strings: query }),
      ...(call.fields === undefined ? {} : { content_type: 'application/json', message_body: JSON.stringify({ fields: call.fields }) }),
    })
    return socket.send(text) ? id : { why: 'not connected' }
  }

  /**
   * True for an answer that nobody waits for: there are more of them than of all other messages, so it is told by its
   * first letters, as Asterisk writes them [22.10.1]. Written otherwise, it is read whole.
   */
  isOfNoInterest(text: string): boolean {
    const id = ANSWER.exec(text)?.[1]
    return id !== undefined && !this.#pending.has(id)
  }

  /** An answer from the socket. One that nobody waits for came too late. */
  take(response: RestResponse): void {
    const id = response.request_id ?? ''
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    clearTimeout(pending.limit)
    const { status_code: status = 0, message_body: text = '', reason_phrase: reason = '' } = response
    if (status >= 200 && status < 300) pending.settle(new Success(status, text))
    else pending.settle({ status, detail: saidInBody(text) ?? reason, body: undefined })
  }
}

/** Most successes are not looked into: the body is parsed by whoever does. */
class Success {
  readonly status: number
  readonly detail = ''
  readonly #text: string

  constructor(status: number, text: string) {
    this.status = status
    this.#text = text
  }

  get body(): unknown {
    return parsed(this.#text)
  }
}

/** ARI's errors are `{message}`, and `{error}` where a channel could not be made. */
export function saidInBody(text: string): string | undefined {
  const body = parsed(text) as { message?: unknown; error?: unknown } | undefined
  const said = body?.message ?? body?.error
  return typeof said === 'string' ? said : undefined
}

function parsed(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    // An empty answer to whoever asked is judged there; there is nothing else to be had from it.
    return undefined
  }
}

const unreachable = (detail: string): Promise<AriReply> => Promise.resolve({ status: null, why: 'unreachable', detail })
