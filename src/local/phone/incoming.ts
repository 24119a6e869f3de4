import { Call } from './call.ts'
import type { Line } from './line.ts'
import { allowed } from './line.ts'
import type { Codec } from './rtp/codec.ts'
import { RtpStream, type Sending } from './rtp/stream.ts'
import { parseSdp, usualDigitsType, type Media } from './sdp.ts'
import { Dialog, newTag } from './sip/dialog.ts'
import type { Arrived } from './sip/endpoint.ts'
import { parameter, parseNameAddress, parseUri, responseTo } from './sip/message.ts'

export interface AnswerOptions {
  readonly codec?: Codec
  readonly media?: Sending
  readonly listen?: boolean
}

const reasons: Readonly<Record<number, string>> = {
  404: 'Not Found',
  480: 'Temporarily Unavailable',
  486: 'Busy Here',
  487: 'Request Terminated',
  603: 'Decline',
}

/** A call that rings here. Whoever takes it rings, answers or rejects. */
export class IncomingCall {
  /** `performance.now()` when the INVITE was read from the socket. */
  readonly arrivedAt: number
  /** Who calls, as the phone would show it. */
  readonly callerId: string
  readonly displayName: string
  /** The user part that was called. */
  readonly dialled: string
  readonly callId: string
  /** Resolves when the caller has given up before the answer. */
  readonly cancelled: Promise<void>
  readonly #line: Line
  readonly #arrived: Arrived
  readonly #onCall: (call: Call) => void
  readonly #tag = newTag()
  #cancelled: () => void = () => {}
  #state: 'waiting' | 'answered' | 'over' = 'waiting'

  constructor(line: Line, arrived: Arrived, onCall: (call: Call) => void) {
    this.#line = line
    this.#arrived = arrived
    this.#onCall = onCall
    const { request } = arrived
    const from = parseNameAddress(request.headers.get('from'))
    this.arrivedAt = arrived.arrivedAt
    this.callerId = parseUri(from.uri).user
    this.displayName = from.displayName
    this.dialled = parseUri(request.uri).user
    this.callId = request.headers.get('call-id')
    const { promise, resolve } = Promise.withResolvers<void>()
    this.cancelled = promise
    this.#cancelled = resolve
    arrived.respond(responseTo(request, 100, 'Trying'))
  }

  /** A header of the INVITE, or an empty string. */
  header(name: string): string {
    return this.#arrived.request.headers.get(name)
  }

  get isWaiting(): boolean {
    return this.#state === 'waiting'
  }

  /** Tells the caller that it rings here. */
  ring(): void {
    if (this.#state === 'waiting') this.#respond(180, 'Ringing')
  }

  /**
   * Picks up. Resolves when the caller's side has confirmed it, and with undefined when there was
   * nobody any more, or no codec in common.
   */
  async answer(options: AnswerOptions = {}): Promise<Call | undefined> {
    if (this.#state !== 'waiting') return undefined
    const { request } = this.#arrived
    const offered = request.body === '' ? withoutOffer(options.codec) : parseSdp(request.body, options.codec)
    if (offered === undefined) {
      this.reject(488, 'Not Acceptable Here')
      return undefined
    }
    this.#state = 'answered'
    const sending = options.media ?? 'silence'
    const stream = await RtpStream.open(this.#line.host, { sending, listening: options.listen ?? sending !== 'none' })
    if (this.#isOver()) {
      stream.close()
      return undefined
    }
    if (request.body !== '') stream.connect(offered)
    const dialog = Dialog.ofCalled(request, this.#tag)
    const call = new Call({ line: this.#line, dialog, stream, media: offered, direction: 'incoming' })
    this.#onCall(call)
    const response = responseTo(request, 200, 'OK', {
      toTag: this.#tag,
      headers: [
        ['contact', this.#line.contact],
        ['allow', allowed],
        ['content-type', 'application/sdp'],
      ],
      body: call.describe(),
    })
    return (await call.sendAnswer(request, this.#arrived.respond, response)) ? call : undefined
  }

  /** Turns the call away: 486 busy, 603 declined, 480 not there. */
  reject(status = 603, reason = reasons[status] ?? 'Rejected'): void {
    if (this.#state !== 'waiting') return
    this.#state = 'over'
    this.#respond(status, reason)
  }

  /** The caller has given up. */
  cancel(): void {
    const late = this.#state === 'answered'
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#cancelled()
    // RFC 3261, section 9.2: a CANCEL after the final response changes nothing.
    if (!late) this.#respond(487, 'Request Terminated')
  }

  /** Whether a CANCEL is meant for this call. */
  isOf(cancel: Arrived['request']): boolean {
    return parameter(cancel.headers.get('via'), 'branch') === parameter(this.#arrived.request.headers.get('via'), 'branch')
  }

  #isOver(): boolean {
    return this.#state === 'over'
  }

  #respond(status: number, reason: string): void {
    this.#arrived.respond(
      responseTo(this.#arrived.request, status, reason, { toTag: this.#tag, headers: [['contact', this.#line.contact]] }),
    )
  }
}

/** The caller asks us to offer; where its sound goes comes with its ACK. */
function withoutOffer(codec: Codec = 'alaw'): Media {
  return { host: '0.0.0.0', port: 0, codec, digitsType: usualDigitsType, direction: 'sendrecv' }
}
