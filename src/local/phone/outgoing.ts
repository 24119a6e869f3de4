import { randomInt } from 'node:crypto'
import { acknowledge, Call, offer, sayBye } from './call.ts'
import type { Line } from './line.ts'
import { allowed } from './line.ts'
import type { Codec } from './rtp/codec.ts'
import type { Heard } from './rtp/heard.ts'
import { RtpStream, type Sending } from './rtp/stream.ts'
import { parseSdp } from './sdp.ts'
import { Dialog, newTag } from './sip/dialog.ts'
import { addressOf, NoResponse } from './sip/endpoint.ts'
import { escapeUser, quoted, SipHeaders, type SipRequest, type SipResponse } from './sip/message.ts'

export interface CallOptions {
  /**
   * Who the call says it comes from: a number or any other text, `anonymous` for a caller who
   * withholds it, or a whole From header as it stands, for callers that send garbage.
   */
  readonly from?: string | { readonly header: string }
  readonly displayName?: string
  readonly codec?: Codec
  readonly media?: Sending
  /** Whether to keep what is heard; yes by default, but not with `media: 'none'`. */
  readonly listen?: boolean
  /** Further headers of the INVITE. */
  readonly headers?: readonly (readonly [string, string])[]
  /** The call is given up when nobody has answered by then. */
  readonly timeoutMs?: number
}

/** A call that was not answered. `status` is SIP's (486 busy, 603 declined, 487 given up, …), or 0 when nobody responded at all. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed'
  readonly status: number
  readonly reason: string

  constructor(target: string, status: number, reason: string) {
    super(status === 0 ? `${target} cannot be called: ${reason}` : `${target} was called and answered ${status} ${reason}`)
    this.status = status
    this.reason = reason
  }
}

const usualTimeoutMs = 60_000

/** A call that has been dialled and not yet been answered. */
export class OutgoingCall {
  /** `performance.now()` when the other side began to ring. Rejects when the call fails before that. */
  readonly ringing: Promise<number>
  /** Rejects with `CallFailed`. */
  readonly answered: Promise<Call>
  readonly #line: Line
  readonly #target: string
  readonly #options: CallOptions
  readonly #stream: RtpStream
  readonly #sessionId = randomInt(2 ** 31)
  #invite: SipRequest | undefined
  #provisional = false
  #givenUp = false
  #call: Call | undefined
  /** Dialogs that were ended as soon as they were there. */
  readonly #others = new Set<string>()
  #rings: (at: number) => void = () => {}

  private constructor(line: Line, target: string, options: CallOptions, stream: RtpStream, onCall: (call: Call) => void) {
    this.#line = line
    this.#target = target
    this.#options = options
    this.#stream = stream
    const ringing = Promise.withResolvers<number>()
    this.ringing = ringing.promise
    this.#rings = ringing.resolve
    this.answered = this.#dial(onCall)
    this.answered.catch((error: unknown) => ringing.reject(error))
    // Not everybody waits for the ringing.
    this.ringing.catch(() => {})
  }

  static async dial(line: Line, target: string, options: CallOptions, onCall: (call: Call) => void): Promise<OutgoingCall> {
    const sending = options.media ?? 'silence'
    const stream = await RtpStream.open(line.host, { sending, listening: options.listen ?? sending !== 'none' })
    return new OutgoingCall(line, target, options, stream, onCall)
  }

  /** What is heard before the answer, and then in the call. */
  get heard(): Heard {
    return this.#stream.heard
  }

  /** Gives up. `answered` then rejects with status 487, unless the answer was faster: then the call is hung up. */
  async cancel(): Promise<void> {
    if (this.#givenUp) return
    this.#givenUp = true
    if (this.#call !== undefined) return this.#call.hangUp()
    // RFC 3261, section 9.1: not before a provisional response; `#onResponse` does it then.
    if (this.#provisional) await this.#sendCancel()
  }

  async #dial(onCall: (call: Call) => void): Promise<Call> {
    const timeout = setTimeout(() => void this.cancel(), this.#options.timeoutMs ?? usualTimeoutMs)
    let response: SipResponse
    try {
      response = await this.#line.request(this.#invites(), this.#target, {
        onResponse: (latest) => this.#onResponse(latest, onCall),
        onSent: (invite) => {
          this.#invite = invite
          this.#provisional = false
        },
      })
    } catch (error) {
      this.#stream.close()
      throw error instanceof NoResponse ? new CallFailed(this.#target, 0, error.message) : error
    } finally {
      clearTimeout(timeout)
    }
    if (this.#call === undefined) {
      this.#stream.close()
      throw new CallFailed(this.#target, response.status, response.status < 300 ? 'without a codec that we speak' : response.reason)
    }
    if (this.#givenUp) {
      await this.#call.hangUp()
      throw new CallFailed(this.#target, 487, 'given up while it was being answered')
    }
    return this.#call
  }

  #onResponse(response: SipResponse, onCall: (call: Call) => void): void {
    if (response.status < 200) {
      this.#provisional = true
      const media = parseSdp(response.body)
      if (media !== undefined) this.#stream.connect(media)
      if (response.status > 100) this.#rings(performance.now())
      if (this.#givenUp) void this.#sendCancel()
      return
    }
    if (response.status >= 300 || this.#invite === undefined) return
    const dialog = Dialog.ofCaller(this.#invite, response)
    if (this.#call === undefined) {
      const media = parseSdp(response.body)
      if (media === undefined) return this.#refuse(dialog, response)
      this.#stream.connect(media)
      this.#call = new Call({ line: this.#line, dialog, stream: this.#stream, media, direction: 'outgoing', sessionId: this.#sessionId })
      onCall(this.#call)
    } else if (dialog.key !== this.#call.key) return this.#endOther(dialog, response)
    this.#call.acknowledge(response)
  }

  /**
   * Each other answer to the same INVITE is a call of its own, which is not wanted (RFC 3261, section 13.2.2.4). Asterisk
   * makes two of an INVITE that it reads once more after the ACK [tried, 22.10.1], as it may when it was held up.
   */
  #endOther(dialog: Dialog, response: SipResponse): void {
    acknowledge(this.#line, dialog, response)
    if (this.#others.has(dialog.key)) return
    this.#others.add(dialog.key)
    void sayBye(this.#line, dialog)
  }

  /** An answer that nothing can be heard of is acknowledged and ended at once. */
  #refuse(dialog: Dialog, response: SipResponse): void {
    const media = { host: this.#line.host, port: 0, codec: 'alaw', digitsType: undefined, direction: 'inactive' } as const
    const call = new Call({ line: this.#line, dialog, stream: this.#stream, media, direction: 'outgoing' })
    call.acknowledge(response)
    void call.hangUp()
  }

  async #sendCancel(): Promise<void> {
    const invite = this.#invite
    if (invite === undefined) return
    const { headers } = invite
    const cancel: SipRequest = {
      method: 'CANCEL',
      uri: invite.uri,
      body: '',
      headers: new SipHeaders([
        ['via', headers.get('via')],
        ['max-forwards', '70'],
        ['from', headers.get('from')],
        ['to', headers.get('to')],
        ['call-id', headers.get('call-id')],
        ['cseq', `${headers.get('cseq').split(' ')[0] ?? '1'} CANCEL`],
      ]),
    }
    try {
      await this.#line.endpoint.request(cancel, await addressOf(this.#target))
    } catch (error) {
      if (!(error instanceof NoResponse)) throw error
    }
  }

  /** Makes the INVITE, and again with the next number where a password is asked for. */
  #invites(): () => SipRequest {
    const { from, displayName, codec = 'alaw', headers = [] } = this.#options
    const callId = `${newTag()}@${this.#line.host}`
    const caller = `${fromHeader(this.#line, from, displayName)};tag=${newTag()}`
    let sequence = 0
    return () => ({
      method: 'INVITE',
      uri: this.#target,
      body: offer(this.#line.host, this.#stream.port, codec, this.#sessionId),
      headers: new SipHeaders([
        ['max-forwards', '70'],
        ['from', caller],
        ['to', `<${this.#target}>`],
        ['call-id', callId],
        ['cseq', `${++sequence} INVITE`],
        ['contact', this.#line.contact],
        ['allow', allowed],
        ['content-type', 'application/sdp'],
        ...headers,
      ]),
    })
  }
}

function fromHeader(line: Line, from: CallOptions['from'], displayName: string | undefined): string {
  if (typeof from === 'object') return from.header
  // RFC 3323, section 4.1.1.3
  if (from === 'anonymous') return '"Anonymous" <sip:anonymous@anonymous.invalid>'
  const name = displayName === undefined ? '' : `${quoted(displayName)} `
  const user = from ?? line.user
  return `${name}<sip:${user === '' ? '' : `${escapeUser(user)}@`}${line.domain}>`
}
