import assert from 'node:assert'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import {
  formatMessage,
  isRequest,
  parameter,
  parseMessage,
  parseUri,
  responseTo,
  SipHeaders,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './message.ts'
import { advance, newTransaction, type Happening, type Timer, type Transaction } from './transaction.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** A request from outside, with the means to answer it. */
export interface Arrived {
  readonly request: SipRequest
  readonly from: Address
  /** `performance.now()` when the datagram was read. */
  readonly arrivedAt: number
  respond(response: SipResponse): void
}

export interface EndpointHandlers {
  /** Every new request but ACK and CANCEL. */
  onRequest(arrived: Arrived): void
  /** The ACK to a 2xx. */
  onAck(request: SipRequest): void
  /** A CANCEL. @returns what gives up the INVITE that it means, or undefined if there is none; the CANCEL itself is answered before that */
  onCancel(request: SipRequest): (() => void) | undefined
}

/** Nobody answered within 32 s. */
export class NoResponse extends Error {
  override readonly name = 'NoResponse'
}

interface Running {
  transaction: Transaction
  readonly to: Address
  message: SipMessage | undefined
  acknowledgement: SipRequest | undefined
  readonly timers: Map<Timer, NodeJS.Timeout>
  deliver: (response: SipResponse | undefined) => void
  timedOut: () => void
}

const standardPort = 5060

/** One UDP socket with the transactions that run over it. */
export class SipEndpoint {
  readonly address: Address
  readonly #socket: Socket
  readonly #handlers: EndpointHandlers
  readonly #running = new Map<string, Running>()
  #closed = false

  private constructor(socket: Socket, handlers: EndpointHandlers) {
    this.#socket = socket
    this.#handlers = handlers
    const { address, port } = socket.address()
    this.address = { host: address, port }
    socket.on('message', (datagram, from) => this.#take(datagram, from, performance.now()))
    // A peer that is gone shows as an ICMP error on loopback; timers tell that story.
    socket.on('error', () => undefined)
  }

  static async open({ host, port }: Address, handlers: EndpointHandlers): Promise<SipEndpoint> {
    const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
    socket.bind(port, host)
    await once(socket, 'listening')
    return new SipEndpoint(socket, handlers)
  }

  /**
   * Sends a request in a transaction of its own. `onResponse` hears of provisional responses, and
   * of every repetition of a 2xx to an INVITE, which has to be acknowledged again.
   * @returns the first final response
   * @throws {NoResponse}
   */
  async request(request: SipRequest, to: Address, onResponse: (response: SipResponse) => void = () => {}): Promise<SipResponse> {
    assert(!this.#closed, 'the endpoint is closed')
    const { promise, resolve, reject } = Promise.withResolvers<SipResponse>()
    const key = clientKey(request.headers)
    let response: SipResponse | undefined
    const running: Running = {
      transaction: newTransaction(request.method === 'INVITE' ? 'inviteClient' : 'client'),
      to,
      message: request,
      acknowledgement: undefined,
      timers: new Map(),
      deliver: (latest) => {
        assert(latest !== undefined)
        onResponse(latest)
        if (latest.status >= 200 && response === undefined) resolve((response = latest))
      },
      timedOut: () => reject(new NoResponse(`${to.host}:${to.port} does not answer ${request.method}`)),
    }
    this.#running.set(key, running)
    this.#advance(key, running, { type: 'start' })
    return promise
  }

  /** Sends what no transaction watches over: the ACK to a 2xx. */
  send(message: SipMessage, to: Address): void {
    if (!this.#closed) this.#socket.send(formatMessage(message), to.port, to.host)
  }

  /** Forgets all transactions and gives the port back. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const { timers, timedOut } of this.#running.values()) {
      for (const timer of timers.values()) clearTimeout(timer)
      timedOut()
    }
    this.#running.clear()
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }

  #take(datagram: Buffer, source: RemoteInfo, arrivedAt: number): void {
    const message = parseMessage(datagram)
    if (message === undefined) return
    if (isRequest(message)) this.#takeRequest(message, source, arrivedAt)
    else this.#takeResponse(message)
  }

  #takeResponse(response: SipResponse): void {
    const key = clientKey(response.headers)
    const running = this.#running.get(key)
    if (running === undefined) return
    if (response.status >= 300 && running.message !== undefined && isRequest(running.message)) {
      running.acknowledgement = acknowledge(running.message, response)
    }
    this.#advance(key, running, { type: 'response', status: response.status }, response)
  }

  #takeRequest(received: SipRequest, source: RemoteInfo, arrivedAt: number): void {
    const request = markVia(received, source)
    const key = serverKey(request)
    const known = this.#running.get(key)
    if (request.method === 'ACK') {
      if (known !== undefined) this.#advance(key, known, { type: 'ack' })
      if (known === undefined || known.transaction.phase === 'accepted') this.#handlers.onAck(request)
      return
    }
    if (known !== undefined) return this.#advance(key, known, { type: 'again' })
    const to = replyAddress(request, source)
    const running: Running = {
      transaction: newTransaction(request.method === 'INVITE' ? 'inviteServer' : 'server'),
      to,
      message: undefined,
      acknowledgement: undefined,
      timers: new Map(),
      deliver: () => {
        const respond = (response: SipResponse): void => {
          if (this.#closed || running.transaction.phase === 'ended') return
          running.message = response
          this.#advance(key, running, { type: 'response', status: response.status })
        }
        if (request.method === 'CANCEL') {
          const giveUp = this.#handlers.onCancel(request)
          respond(giveUp === undefined ? responseTo(request, 481, 'Call/Transaction Does Not Exist') : responseTo(request, 200, 'OK'))
          giveUp?.()
        } else {
          this.#handlers.onRequest({ request, from: { host: source.address, port: source.port }, arrivedAt, respond })
        }
      },
      timedOut: () => {},
    }
    this.#running.set(key, running)
    this.#advance(key, running, { type: 'start' })
  }

  #advance(key: string, running: Running, happening: Happening, response?: SipResponse): void {
    const [next, actions] = advance(running.transaction, happening)
    running.transaction = next
    for (const action of actions) {
      switch (action.do) {
        case 'send':
          if (running.message !== undefined) this.send(running.message, running.to)
          break
        case 'acknowledge':
          assert(running.acknowledgement !== undefined)
          this.send(running.acknowledgement, running.to)
          break
        case 'deliver':
          running.deliver(response)
          break
        case 'timedOut':
          running.timedOut()
          break
        case 'end':
          this.#running.delete(key)
          break
        case 'timer':
          this.#setTimer(key, running, action.timer, action.afterMs)
      }
    }
  }

  #setTimer(key: string, running: Running, timer: Timer, afterMs: number | null): void {
    clearTimeout(running.timers.get(timer))
    running.timers.delete(timer)
    if (afterMs === null || this.#closed) return
    running.timers.set(
      timer,
      setTimeout(() => this.#advance(key, running, { type: 'timer', timer }), afterMs),
    )
  }
}

/** Section 17.1.3: branch and method; the ACK and the CANCEL of an INVITE share its branch. */
function clientKey(headers: SipHeaders): string {
  return `client ${parameter(headers.get('via'), 'branch') ?? ''} ${headers.get('cseq').split(/\s+/)[1] ?? ''}`
}

/** Section 17.2.3. */
function serverKey(request: SipRequest): string {
  const via = request.headers.get('via')
  const sentBy = via.split(/[\s;]+/)[1] ?? ''
  return `server ${parameter(via, 'branch') ?? request.headers.get('call-id')} ${sentBy} ${request.method === 'ACK' ? 'INVITE' : request.method}`
}

/** Section 17.1.1.3. */
function acknowledge(invite: SipRequest, response: SipResponse): SipRequest {
  const { headers } = invite
  return {
    method: 'ACK',
    uri: invite.uri,
    body: '',
    headers: new SipHeaders([
      ['via', headers.get('via')],
      ['max-forwards', '70'],
      ['from', headers.get('from')],
      ['to', response.headers.get('to')],
      ['call-id', headers.get('call-id')],
      ['cseq', `${headers.get('cseq').split(' ')[0] ?? '1'} ACK`],
      ...headers.all('route').map((route) => ['route', route] as const),
    ]),
  }
}

/** RFC 3581: says in the topmost Via where the request really came from. */
function markVia(request: SipRequest, source: RemoteInfo): SipRequest {
  const [via = '', ...others] = request.headers.all('via')
  const marked = `${via.replace(/;\s*rport(?:=\d*)?(?=;|$)/i, `;rport=${source.port}`)};received=${source.address}`
  const headers = new SipHeaders([
    ...[marked, ...others].map((value) => ['via', value] as const),
    ...request.headers.without('via').entries,
  ])
  return { ...request, headers }
}

function replyAddress(request: SipRequest, source: RemoteInfo): Address {
  const via = request.headers.get('via')
  if (parameter(via, 'rport') !== undefined) return { host: source.address, port: source.port }
  const port = /^\S+\s+(?:\[[^\]]*\]|[^\s:;]+):(\d+)/.exec(via)?.[1]
  return { host: source.address, port: port === undefined ? standardPort : Number(port) }
}

/** Where a SIP URI is reached over UDP; names are looked up as plain hosts, without SRV records. */
export async function addressOf(uri: string): Promise<Address> {
  const { host, port = standardPort } = parseUri(uri)
  return { host: isIP(host) === 0 ? (await lookup(host)).address : host, port }
}
