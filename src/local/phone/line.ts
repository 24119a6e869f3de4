import { addressOf, type Address, type SipEndpoint } from './sip/endpoint.ts'
import { authorization, type Credentials } from './sip/digest.ts'
import { newBranch } from './sip/dialog.ts'
import { SipHeaders, type SipRequest, type SipResponse } from './sip/message.ts'

export const allowed = 'INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, NOTIFY'

/** What calls and registrations need of their phone: its socket, its name and its password. */
export class Line {
  readonly endpoint: SipEndpoint
  readonly host: string
  readonly user: string
  readonly credentials: Credentials | undefined
  readonly #registrar: Address | undefined

  constructor(endpoint: SipEndpoint, host: string, user: string, credentials: Credentials | undefined, registrar: Address | undefined) {
    this.endpoint = endpoint
    this.host = host
    this.user = user
    this.credentials = credentials
    this.#registrar = registrar
  }

  /** What stands after the @ of its name: the registrar's address, or its own. */
  get domain(): string {
    return this.#registrar === undefined ? this.host : `${this.#registrar.host}:${this.#registrar.port}`
  }

  /** `<sip:anna@127.0.0.1:5070>` */
  get contact(): string {
    return `<sip:${this.user === '' ? '' : `${this.user}@`}${this.#hostPort}>`
  }

  get #hostPort(): string {
    return `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.endpoint.address.port}`
  }

  /** The request as it is sent, in a transaction of its own. */
  stamped(request: SipRequest): SipRequest {
    const via = `SIP/2.0/UDP ${this.#hostPort};branch=${newBranch()};rport`
    return { ...request, headers: new SipHeaders([['via', via], ...request.headers.entries, ['user-agent', 'Pforte']]) }
  }

  /**
   * Sends a request, and once more with the password if that is asked for.
   * @param make makes the request anew, with the next sequence number
   * @param onSent hears of each INVITE as it was sent, for its CANCEL and ACK
   * @throws {NoResponse}
   */
  async request(
    make: () => SipRequest,
    nextHop: string,
    {
      onResponse = () => {},
      onSent = () => {},
    }: { onResponse?: (response: SipResponse) => void; onSent?: (request: SipRequest) => void } = {},
  ): Promise<SipResponse> {
    const to = await addressOf(nextHop)
    const request = this.stamped(make())
    onSent(request)
    const response = await this.endpoint.request(request, to, onResponse)
    if ((response.status !== 401 && response.status !== 407) || this.credentials === undefined) return response
    const answer = authorization(response, request.method, request.uri, this.credentials)
    if (answer === undefined) return response
    const again = make()
    const authorized = this.stamped({ ...again, headers: again.headers.with(answer) })
    onSent(authorized)
    return this.endpoint.request(authorized, to, onResponse)
  }
}
