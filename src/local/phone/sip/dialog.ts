import { randomBytes } from 'node:crypto'
import { parameter, parseNameAddress, SipHeaders, type SipRequest, type SipResponse } from './message.ts'

/** What both sides of a call remember of each other (RFC 3261, section 12). */
export class Dialog {
  readonly callId: string
  /** The From of requests that we send, with our tag. */
  readonly local: string
  /** Their To, with their tag. */
  readonly remote: string
  /** Where requests go: their Contact, which a re-INVITE can change. */
  target: string
  readonly #routes: readonly string[]
  #sequence: number

  private constructor(fields: {
    callId: string
    local: string
    remote: string
    target: string
    routes: readonly string[]
    sequence: number
  }) {
    this.callId = fields.callId
    this.local = fields.local
    this.remote = fields.remote
    this.target = fields.target
    this.#routes = fields.routes
    this.#sequence = fields.sequence
  }

  /** The caller's side, from the 2xx to its INVITE. */
  static ofCaller(invite: SipRequest, response: SipResponse): Dialog {
    return new Dialog({
      callId: invite.headers.get('call-id'),
      local: invite.headers.get('from'),
      remote: response.headers.get('to'),
      target: contactOf(response.headers) ?? invite.uri,
      routes: response.headers.all('record-route').reverse(),
      sequence: sequenceOf(invite.headers),
    })
  }

  /** The called side, from the INVITE and the tag that its responses bear. */
  static ofCalled(invite: SipRequest, ownTag: string): Dialog {
    const { headers } = invite
    return new Dialog({
      callId: headers.get('call-id'),
      local: `${headers.get('to')};tag=${ownTag}`,
      remote: headers.get('from'),
      target: contactOf(headers) ?? parseNameAddress(headers.get('from')).uri,
      routes: headers.all('record-route'),
      sequence: 0,
    })
  }

  /** Tells dialogs apart, from our side's point of view. */
  get key(): string {
    return dialogKey(this.callId, parameter(this.local, 'tag'), parameter(this.remote, 'tag'))
  }

  /** Where the next request is sent. */
  get nextHop(): string {
    const [first] = this.#routes
    return first === undefined ? this.target : parseNameAddress(first).uri
  }

  /** A request in this dialog, without Via. An ACK bears the number of its INVITE. */
  request(
    method: string,
    own: { contact: string; sequence?: number; headers?: readonly (readonly [string, string])[]; body?: string },
  ): SipRequest {
    const sequence = own.sequence ?? ++this.#sequence
    return {
      method,
      uri: this.target,
      body: own.body ?? '',
      headers: new SipHeaders([
        ['max-forwards', '70'],
        ...this.#routes.map((route) => ['route', route] as const),
        ['from', this.local],
        ['to', this.remote],
        ['call-id', this.callId],
        ['cseq', `${sequence} ${method}`],
        ['contact', own.contact],
        ...(own.headers ?? []),
      ]),
    }
  }

  /** Takes the Contact of a re-INVITE or of its answer. */
  moveTo(headers: SipHeaders): void {
    this.target = contactOf(headers) ?? this.target
  }
}

/** The dialog that an incoming request belongs to, or undefined if it begins one. */
export function dialogKeyOf(request: SipRequest): string | undefined {
  const { headers } = request
  const ownTag = parameter(headers.get('to'), 'tag')
  return ownTag === undefined ? undefined : dialogKey(headers.get('call-id'), ownTag, parameter(headers.get('from'), 'tag'))
}

function dialogKey(callId: string, ownTag: string | undefined, theirTag: string | undefined): string {
  return `${callId} ${ownTag ?? ''} ${theirTag ?? ''}`
}

export function sequenceOf(headers: SipHeaders): number {
  return Number(headers.get('cseq').split(/\s+/)[0])
}

export function newTag(): string {
  return randomBytes(6).toString('hex')
}

/** Section 8.1.1.7: the branch begins with these letters, whoever makes it. */
export function newBranch(): string {
  return `z9hG4bK${randomBytes(8).toString('hex')}`
}

function contactOf(headers: SipHeaders): string | undefined {
  const contact = headers.get('contact')
  return contact === '' ? undefined : parseNameAddress(contact).uri
}
