import { setTimeout as wait } from 'node:timers/promises'
import type { Call } from './call.ts'
import { IncomingCall } from './incoming.ts'
import { allowed, Line } from './line.ts'
import { OutgoingCall, type CallOptions } from './outgoing.ts'
import { dialogKeyOf, newTag } from './sip/dialog.ts'
import { SipEndpoint, type Address, type Arrived } from './sip/endpoint.ts'
import { parameter, responseTo, SipHeaders, type SipRequest, type SipResponse } from './sip/message.ts'

export interface PhoneOptions {
  /** The address to be reached at; a real one, not 0.0.0.0. */
  readonly host: string
  /** A free one by default. */
  readonly port?: number
  readonly user: string
  readonly password?: string
  /** Where to register, and where `call` sends a bare number. */
  readonly registrar?: Address
  readonly displayName?: string
}

/** The registrar refused; `status` is SIP's, or 0 when it did not respond. */
export class RegistrationFailed extends Error {
  override readonly name = 'RegistrationFailed'
  readonly status: number

  constructor(registrar: string, response: SipResponse) {
    const why = response.status === 401 || response.status === 403 ? 'user or password is wrong' : response.reason
    super(`${registrar} refused the registration: ${response.status} ${why}`)
    this.status = response.status
  }
}

const registeredForS = 600

/** Two tries of a request (RFC 3261's T1, and twice that). */
const closePatienceMs = 1500

/** A telephone over SIP and RTP (RFC 3261, RFC 3550, RFC 4733), over UDP, with any number of calls at a time. */
export class Phone {
  readonly #line: Line
  readonly #options: PhoneOptions
  readonly #calls = new Map<string, Call>()
  readonly #incoming = new Set<IncomingCall>()
  readonly #outgoing = new Set<OutgoingCall>()
  #ring: ((call: IncomingCall) => void) | undefined
  #refresh: NodeJS.Timeout | undefined
  readonly #registration = { callId: newTag(), tag: newTag(), sequence: 0 }

  private constructor(line: Line, options: PhoneOptions) {
    this.#line = line
    this.#options = options
  }

  static async open(options: PhoneOptions): Promise<Phone> {
    // No datagram is read before the socket's promise has been taken up here.
    let phone!: Phone
    const endpoint = await SipEndpoint.open(
      { host: options.host, port: options.port ?? 0 },
      {
        onRequest: (arrived) => phone.#take(arrived),
        onAck: (request) => phone.#calls.get(dialogKeyOf(request) ?? '')?.takeAck(request),
        onCancel: (request) => phone.#takeCancel(request),
      },
    )
    const credentials = options.password === undefined ? undefined : { user: options.user, password: options.password }
    phone = new Phone(new Line(endpoint, options.host, options.user, credentials, options.registrar), options)
    return phone
  }

  /** Where it is reached: `sip:anna@127.0.0.1:5070`. */
  get uri(): string {
    return this.#line.contact.slice(1, -1)
  }

  get address(): Address {
    return this.#line.endpoint.address
  }

  /** The calls that are going on. */
  get calls(): readonly Call[] {
    return [...this.#calls.values()]
  }

  /** Registers, and goes on doing so until `unregister` or `close`. @throws {RegistrationFailed | NoResponse} */
  async register(): Promise<void> {
    const expiresS = await this.#register(registeredForS)
    clearTimeout(this.#refresh)
    this.#refresh = setTimeout(
      () => {
        // A registrar that is away for a while gets the next one.
        void this.register().catch(() => {})
      },
      (expiresS * 1000) / 2,
    )
    this.#refresh.unref()
  }

  async unregister(): Promise<void> {
    clearTimeout(this.#refresh)
    this.#refresh = undefined
    await this.#register(0)
  }

  /** Hears of each call that comes in; without it, they are turned away as busy. Replaces the one before. */
  onCall(ring: (call: IncomingCall) => void): void {
    this.#ring = ring
  }

  /** Dials, and leaves the waiting to the caller. @param target `sip:hotline@127.0.0.1:5060`, or what is dialled at the registrar */
  async dial(target: string, options: CallOptions = {}): Promise<OutgoingCall> {
    const outgoing = await OutgoingCall.dial(this.#line, this.#uriOf(target), { ...nameOf(this.#options), ...options }, (call) =>
      this.#begin(call),
    )
    this.#outgoing.add(outgoing)
    const forget = (): boolean => this.#outgoing.delete(outgoing)
    outgoing.answered.then(forget, forget)
    return outgoing
  }

  /** Dials and waits for the answer. @throws {CallFailed} */
  async call(target: string, options: CallOptions = {}): Promise<Call> {
    return (await this.dial(target, options)).answered
  }

  /** Ends every call, unregisters, and gives the port back. Does not wait long for others to confirm it. */
  async close(): Promise<void> {
    for (const incoming of this.#incoming) incoming.reject(480)
    const endings = Promise.allSettled([
      ...[...this.#outgoing].map((outgoing) => outgoing.cancel()),
      ...this.calls.map((call) => call.hangUp()),
      ...(this.#refresh === undefined ? [] : [this.unregister()]),
    ])
    const patience = new AbortController()
    await Promise.race([endings, wait(closePatienceMs, undefined, { signal: patience.signal }).catch(() => {})])
    patience.abort()
    await this.#line.endpoint.close()
  }

  #begin(call: Call): void {
    this.#calls.set(call.key, call)
    void call.ended.then(() => this.#calls.delete(call.key))
  }

  #take(arrived: Arrived): void {
    const { request, respond } = arrived
    const key = dialogKeyOf(request)
    if (key !== undefined) {
      const call = this.#calls.get(key)
      if (call !== undefined) return call.take(arrived)
      return respond(responseTo(request, 481, 'Call/Transaction Does Not Exist'))
    }
    if (request.method === 'INVITE') return this.#takeInvite(arrived)
    const known = request.method === 'OPTIONS' || request.method === 'NOTIFY'
    respond(
      responseTo(request, known ? 200 : 405, known ? 'OK' : 'Method Not Allowed', {
        toTag: newTag(),
        headers: [
          ['allow', allowed],
          ['accept', 'application/sdp'],
        ],
      }),
    )
  }

  #takeInvite(arrived: Arrived): void {
    if (this.#ring === undefined) return arrived.respond(responseTo(arrived.request, 486, 'Busy Here', { toTag: newTag() }))
    const incoming = new IncomingCall(this.#line, arrived, (call) => this.#begin(call))
    for (const old of this.#incoming) if (!old.isWaiting) this.#incoming.delete(old)
    this.#incoming.add(incoming)
    this.#ring(incoming)
  }

  #takeCancel(request: SipRequest): (() => void) | undefined {
    const incoming = [...this.#incoming].find((one) => one.isOf(request))
    return incoming && (() => incoming.cancel())
  }

  /** @returns for how long, in seconds */
  async #register(expiresS: number): Promise<number> {
    const { registrar, user } = this.#options
    if (registrar === undefined) throw new Error('this phone was opened without a registrar')
    const uri = `sip:${registrar.host}:${registrar.port}`
    const name = `<sip:${user}@${this.#line.domain}>`
    const { callId, tag } = this.#registration
    const response = await this.#line.request(
      () => ({
        method: 'REGISTER',
        uri,
        body: '',
        headers: new SipHeaders([
          ['max-forwards', '70'],
          ['from', `${name};tag=${tag}`],
          ['to', name],
          ['call-id', callId],
          ['cseq', `${++this.#registration.sequence} REGISTER`],
          ['contact', this.#line.contact],
          ['expires', String(expiresS)],
        ]),
      }),
      uri,
    )
    if (response.status !== 200) throw new RegistrationFailed(uri, response)
    const own = response.headers.all('contact').find((contact) => contact.includes(this.#line.contact))
    return Number(parameter(own ?? '', 'expires') ?? (response.headers.get('expires') || expiresS))
  }

  #uriOf(target: string): string {
    return /^sips?:/i.test(target) ? target : `sip:${target}@${this.#line.domain}`
  }
}

function nameOf({ displayName }: PhoneOptions): Pick<CallOptions, 'displayName'> {
  return displayName === undefined ? {} : { displayName }
}
