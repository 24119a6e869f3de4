import { randomInt } from 'node:crypto'
import { readWav } from '../../app/audio/wav.ts'
import { resample } from '../../app/audio/resample.ts'
import type { Line } from './line.ts'
import { allowed } from './line.ts'
import { areDigits, type DigitTiming } from './rtp/digit-sender.ts'
import type { Heard } from './rtp/heard.ts'
import { usualTiming, type DigitHeard, type DigitsSent, type RtpStream } from './rtp/stream.ts'
import { formatSdp, mirrored, parseSdp, usualDigitsType, type Media } from './sdp.ts'
import { sequenceOf, type Dialog } from './sip/dialog.ts'
import { addressOf, NoResponse, type Arrived } from './sip/endpoint.ts'
import { parseNameAddress, parseUri, responseTo, type SipRequest, type SipResponse } from './sip/message.ts'
import { giveUpMs, t1Ms } from './sip/transaction.ts'

export interface Ended {
  readonly by: 'us' | 'them'
  /** `performance.now()` */
  readonly at: number
  /** The other side's Reason header (RFC 3326), if it gave one. */
  readonly reason: string
}

/** What is played: a WAV file of any kind, a tone, or samples at 8 kHz. */
export type Sound = Buffer | { readonly hz: number; readonly ms: number } | Int16Array

const rate = 8000
const toneLevel = 10_000
/** RFC 3261, section 13.3.1.4: a 2xx is repeated at growing distances, at most this far apart. */
const longestRepeatMs = 4000

/** A call that was answered, seen from one of its ends. */
export class Call {
  readonly direction: 'outgoing' | 'incoming'
  /** `performance.now()` when the answer was sent or came. */
  readonly answeredAt: number
  readonly ended: Promise<Ended>
  readonly #line: Line
  readonly #dialog: Dialog
  readonly #stream: RtpStream
  readonly #session = { id: randomInt(2 ** 31), version: 1 }
  #media: Media
  #over = false
  /** Counts what was asked to be played, because a file takes a moment to be read. */
  #turn = 0
  #end: (ended: Ended) => void
  #acknowledged: ((request: SipRequest) => void) | undefined
  readonly #waitingForDigits = new Set<() => void>()

  /** @param media what the other side said last */
  constructor(parts: {
    line: Line
    dialog: Dialog
    stream: RtpStream
    media: Media
    direction: 'outgoing' | 'incoming'
    sessionId?: number
  }) {
    this.#line = parts.line
    this.#dialog = parts.dialog
    this.#stream = parts.stream
    this.#media = parts.media
    this.direction = parts.direction
    this.answeredAt = performance.now()
    if (parts.sessionId !== undefined) this.#session.id = parts.sessionId
    const { promise, resolve } = Promise.withResolvers<Ended>()
    this.ended = promise
    this.#end = resolve
    this.#stream.onDigit = () => {
      for (const look of [...this.#waitingForDigits]) look()
    }
  }

  /** SIP's Call-ID, which Asterisk's log and `sip_call_id` know it by. */
  get id(): string {
    return this.#dialog.callId
  }

  get key(): string {
    return this.#dialog.key
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Who is at the other end. */
  get remote(): { number: string; displayName: string } {
    const { uri, displayName } = parseNameAddress(this.#dialog.remote)
    return { number: parseUri(uri).user, displayName }
  }

  get heard(): Heard {
    return this.#stream.heard
  }

  /** The digits that the other side has typed. */
  get digits(): readonly DigitHeard[] {
    return this.#stream.digits
  }

  /** Waits until the other side has typed so many digits in all. */
  async waitForDigits(count: number, timeoutMs = 10_000): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const look = (): void => {
      if (this.digits.length >= count) resolve(this.digits.map(({ digit }) => digit).join(''))
    }
    const timeout = setTimeout(
      () => reject(new Error(`only ${this.digits.length} of ${count} digits came within ${timeoutMs} ms`)),
      timeoutMs,
    )
    this.#waitingForDigits.add(look)
    look()
    return promise.finally(() => {
      clearTimeout(timeout)
      this.#waitingForDigits.delete(look)
    })
  }

  /** Types digits (RFC 4733). Resolves when the gap after the last one is over. */
  sendDigits(digits: string, timing: Partial<DigitTiming> = {}): Promise<DigitsSent> {
    if (!areDigits(digits)) return Promise.reject(new Error('a telephone has only the keys 0 to 9, *, # and A to D'))
    return this.#stream.sendDigits(digits, { ...usualTiming, ...timing })
  }

  /** Plays sound. Resolves with true at its end, with false when something else came in between. */
  async play(sound: Sound): Promise<boolean> {
    const turn = ++this.#turn
    const samples = await samplesOf(sound)
    return this.#over || turn !== this.#turn ? false : this.#stream.play(samples)
  }

  stopPlaying(): void {
    this.#turn++
    this.#stream.stopPlaying()
  }

  /** Ends the call. Resolves when the other side has confirmed it, or after a while without it. */
  async hangUp(): Promise<void> {
    if (this.#over) return
    this.#finish({ by: 'us', at: performance.now(), reason: '' })
    await sayBye(this.#line, this.#dialog)
  }

  /** Takes a request of this dialog. */
  take({ request, respond }: Arrived): void {
    switch (request.method) {
      case 'BYE':
        respond(responseTo(request, 200, 'OK'))
        this.#finish({ by: 'them', at: performance.now(), reason: request.headers.get('reason') })
        return
      case 'INVITE':
      case 'UPDATE':
        return this.#renegotiate(request, respond)
      case 'INFO':
        this.#takeInfo(request)
        return respond(responseTo(request, 200, 'OK'))
      case 'OPTIONS':
      case 'NOTIFY':
        return respond(responseTo(request, 200, 'OK', { headers: [['allow', allowed]] }))
      default:
        return respond(responseTo(request, 405, 'Method Not Allowed', { headers: [['allow', allowed]] }))
    }
  }

  /** Takes the ACK to our 2xx, which may hold the answer to our offer. */
  takeAck(request: SipRequest): void {
    this.#acknowledged?.(request)
    this.#acknowledged = undefined
    if (request.body !== '') this.#listenTo(parseSdp(request.body))
  }

  /** Acknowledges a 2xx to our INVITE; also each repetition of it. */
  acknowledge(response: SipResponse): void {
    acknowledge(this.#line, this.#dialog, response)
  }

  /**
   * Sends a 2xx until it is acknowledged (RFC 3261, section 13.3.1.4).
   * @returns whether it was; if not, the call was hung up
   */
  async sendAnswer(request: SipRequest, respond: (response: SipResponse) => void, response: SipResponse): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    let timer: NodeJS.Timeout | undefined
    const repeat = (afterMs: number, leftMs: number): void => {
      timer = setTimeout(() => {
        if (this.#over || leftMs <= 0) return resolve(false)
        respond(response)
        repeat(Math.min(afterMs * 2, longestRepeatMs), leftMs - afterMs)
      }, afterMs)
    }
    const sequence = sequenceOf(request.headers)
    this.#acknowledged = (ack) => {
      if (sequenceOf(ack.headers) === sequence) resolve(true)
    }
    void this.ended.then(() => resolve(false))
    respond(response)
    repeat(t1Ms, giveUpMs)
    const acknowledged = await promise
    clearTimeout(timer)
    if (!acknowledged) await this.hangUp()
    return acknowledged
  }

  /** Our side's description of the sound. */
  describe(direction = mirrored(this.#media.direction)): string {
    return formatSdp({ ...this.#media, host: this.#line.host, port: this.#stream.port, direction }, this.#session)
  }

  #renegotiate(request: SipRequest, respond: (response: SipResponse) => void): void {
    this.#dialog.moveTo(request.headers)
    const contact = [
      ['contact', this.#line.contact],
      ['allow', allowed],
    ] as const
    if (request.method === 'UPDATE' && request.body === '') return respond(responseTo(request, 200, 'OK', { headers: contact }))
    if (request.body !== '') {
      const media = parseSdp(request.body, this.#media.codec)
      if (media === undefined) return respond(responseTo(request, 488, 'Not Acceptable Here'))
      this.#listenTo(media)
    }
    this.#session.version++
    const body = request.body === '' ? this.describe('sendrecv') : this.describe()
    const response = responseTo(request, 200, 'OK', { headers: [...contact, ['content-type', 'application/sdp']], body })
    if (request.method === 'UPDATE') respond(response)
    else void this.sendAnswer(request, respond, response)
  }

  #listenTo(media: Media | undefined): void {
    if (media === undefined || this.#over) return
    this.#media = media
    this.#stream.connect(media)
  }

  /** Digits by INFO, as some trunks send them (`application/dtmf-relay`). */
  #takeInfo(request: SipRequest): void {
    const digit = /^Signal\s*=\s*([0-9*#A-D])/im.exec(request.body)?.[1]
    if (digit !== undefined) this.#stream.takeDigit({ digit, at: performance.now() })
  }

  #finish(ended: Ended): void {
    if (this.#over) return
    this.#over = true
    this.#stream.close()
    this.#end(ended)
  }
}

/** Acknowledges a 2xx, which ends its INVITE. */
export function acknowledge(line: Line, dialog: Dialog, response: SipResponse): void {
  const ack = line.stamped(dialog.request('ACK', { contact: line.contact, sequence: sequenceOf(response.headers) }))
  void addressOf(dialog.nextHop).then((to) => line.endpoint.send(ack, to))
}

/** Ends a dialog. Resolves when the other side has confirmed it, or after a while without it. */
export async function sayBye(line: Line, dialog: Dialog): Promise<void> {
  try {
    await line.request(() => dialog.request('BYE', { contact: line.contact }), dialog.nextHop)
  } catch (error) {
    // Whoever does not even confirm a BYE is gone already.
    if (!(error instanceof NoResponse)) throw error
  }
}

/** What we offer: one codec, and digits. */
export function offer(host: string, port: number, codec: Media['codec'], sessionId: number): string {
  return formatSdp({ host, port, codec, digitsType: usualDigitsType, direction: 'sendrecv' }, { id: sessionId, version: 1 })
}

async function samplesOf(sound: Sound): Promise<Int16Array> {
  if (sound instanceof Int16Array) return sound
  if (!Buffer.isBuffer(sound)) {
    return Int16Array.from({ length: (sound.ms * rate) / 1000 }, (_, at) => toneLevel * Math.sin((2 * Math.PI * sound.hz * at) / rate))
  }
  const { channels, sampleRate } = readWav(sound)
  return Int16Array.from(
    await resample(channels[0] ?? new Float32Array(), sampleRate, rate),
    (sample) => Math.max(-1, Math.min(1, sample)) * 32767,
  )
}
