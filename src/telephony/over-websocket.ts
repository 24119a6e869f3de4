/**
 * REST over WebSocket (Asterisk 20.14, 21.9, 22.4 and later): commands ride
 * the socket that events come on. They are carried out in the order in which
 * they are sent, and cost a fraction of an HTTP request.
 */
import { asRequest, type AriCall, type AriReply, type CallCarrier } from './ari-call.ts'
import type { EventSocket } from './event-socket.ts'

type Pending = { settle: (reply: AriReply) => void; operation: string; at: number }

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

/** How often commands are looked for that got no answer in time. */
const LOOK_MS = 250

const ANSWER = /^\{"type":"RESTResponse","transaction_id":"\d+","request_id":"(\d+)","status_code":(\d{3}),/
/** Letters in which that is said: what follows is whole channels and playbacks. */
const ANSWER_HEAD = 160

export class AriOverWebSocket implements CallCarrier {
  readonly #limitMs: number
  readonly #pending = new Map<string, Pending>()
  #socket: EventSocket | null = null
  #lastId = 0
  #look: NodeJS.Timeout | undefined

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
    for (const { settle } of waiting) settle({ status: null, why: 'unreachable', detail: why })
  }

  /** Nobody waits for the answer, which is then not even read. */
  tell(call: AriCall): void {
    this.#write(call)
  }

  request(call: AriCall): Promise<AriReply> {
    const id = this.#write(call)
    if (typeof id !== 'string') return unreachable(id.why)
    return new Promise((settle) => {
      this.#pending.set(id, { settle, operation: call.operation, at: performance.now() })
      this.#look ??= setTimeout(this.#giveUpOverdue, LOOK_MS)
    })
  }

  /** One timer for all commands: they have the same limit, so the oldest is overdue first. */
  readonly #giveUpOverdue = (): void => {
    const overdue = performance.now() - this.#limitMs
    for (const [id, { settle, operation, at }] of this.#pending) {
      if (at > overdue) break
      this.#pending.delete(id)
      settle({ status: null, why: 'timeout', detail: `no answer to ${operation} within ${this.#limitMs} ms` })
    }
    this.#look = this.#pending.size === 0 ? undefined : setTimeout(this.#giveUpOverdue, LOOK_MS)
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
   * Takes an answer that says by its first letters, as Asterisk writes them [22.10.1], all that is to be known: that
   * nobody waits for it, as for most of them, or that the command is done.
   *
   * @returns false: it is to be read whole
   */
  takeQuickly(text: Buffer): boolean {
    const answer = ANSWER.exec(text.toString('latin1', 0, ANSWER_HEAD))
    if (answer === null) return false
    const id = answer[1]!
    const pending = this.#pending.get(id)
    if (pending === undefined) return true
    const status = Number(answer[2])
    if (status < 200 || status >= 300) return false
    this.#pending.delete(id)
    pending.settle(new Success(status, text))
    return true
  }

  /** An answer from the socket. One that nobody waits for came too late. */
  take(response: RestResponse): void {
    const id = response.request_id ?? ''
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    const { status_code: status = 0, message_body: text = '', reason_phrase: reason = '' } = response
    if (status >= 200 && status < 300) pending.settle({ status, detail: '', body: parsed(text) })
    else pending.settle({ status, detail: saidInBody(text) ?? reason, body: undefined })
  }
}

/** Most successes are not looked into: the answer is read by whoever does. */
class Success {
  readonly status: number
  readonly detail = ''
  readonly #text: Buffer

  constructor(status: number, text: Buffer) {
    this.status = status
    this.#text = text
  }

  get body(): unknown {
    return parsed((parsed(this.#text.toString()) as RestResponse | undefined)?.message_body ?? '')
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
