import assert from 'node:assert'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { randomInt } from 'node:crypto'
import { isIP } from 'node:net'
import type { Media } from '../sdp.ts'
import { everyPacket, packetMs, packetSamples } from './clock.ts'
import { codecs, decode, encode, type Codec } from './codec.ts'
import { areDigits, digitSteps, type DigitStep, type DigitTiming } from './digit-sender.ts'
import { Heard } from './heard.ts'
import { formatRtp, formatTelephoneEvent, parseRtp, parseTelephoneEvent } from './packet.ts'

/**
 * What is sent while nothing is played: silence, as a telephone does; only the digits; or nothing
 * at all, for loads that count calls and not packets.
 */
export type Sending = 'silence' | 'digits-only' | 'none'

export interface DigitHeard {
  readonly digit: string
  /** When its first packet came. */
  readonly at: number
}

export interface DigitsSent {
  /** When the first packet of the first digit was sent. */
  readonly firstDigitAt: number
  /** When the first packet was sent that says that the last digit is over. */
  readonly lastDigitEndAt: number
}

/** A typist who is neither slow nor fast. */
export const usualTiming: DigitTiming = { toneMs: 80, gapMs: 60 }

/** The sound of one call, both ways, over one UDP socket. */
export class RtpStream {
  readonly port: number
  readonly heard = new Heard()
  readonly digits: DigitHeard[] = []
  /** Called for each digit that was heard. */
  onDigit: (digit: DigitHeard) => void = () => {}
  readonly #socket: Socket
  readonly #sending: Sending
  readonly #listening: boolean
  #remote: Media | undefined
  #remoteIsHeard = false
  #stopClock: (() => void) | undefined
  readonly #source = randomInt(2 ** 32)
  #sequence = randomInt(2 ** 16)
  #timestamp = randomInt(2 ** 32)
  #eventTimestamp = 0
  #talking = false
  #restingSince: number | undefined
  #lastEventTimestamp: number | undefined
  #silence = new Uint8Array(packetSamples)
  #playing: { samples: Int16Array; at: number; done: (finished: boolean) => void } | undefined
  readonly #typing: {
    steps: Generator<DigitStep, void>
    firstDigitAt: number
    lastDigitEndAt: number
    done: (sent: DigitsSent) => void
    fail: (why: Error) => void
  }[] = []

  private constructor(socket: Socket, { sending, listening }: { sending: Sending; listening: boolean }) {
    this.#socket = socket
    this.#sending = sending
    this.#listening = listening
    this.port = socket.address().port
    socket.on('message', (datagram, from) => {
      if (this.#isOfThisCall(from)) this.#take(datagram, performance.now())
    })
    // The other side's port closes before its BYE comes, which shows as an ICMP error.
    socket.on('error', () => undefined)
  }

  /** @param options `listening`: keep what is heard; a minute takes 2 MB */
  static async open(host: string, options: { sending: Sending; listening: boolean }): Promise<RtpStream> {
    const socket = createSocket({
      type: isIP(host) === 6 ? 'udp6' : 'udp4',
      // Addresses in SDP are numbers; dgram would ask the resolver for each packet.
      lookup: (address, _options, callback) => callback(null, address, isIP(address)),
    })
    const listening = once(socket, 'listening')
    socket.bind(0, host)
    await listening
    return new RtpStream(socket, options)
  }

  get codec(): Codec | undefined {
    return this.#remote?.codec
  }

  /** Sends to the other side from now on; called again when it moves. */
  connect(remote: Media): void {
    if (remote.host !== this.#remote?.host || remote.port !== this.#remote.port) this.#remoteIsHeard = false
    this.#remote = remote
    this.#silence = new Uint8Array(packetSamples).fill(codecs[remote.codec].silence)
    if (this.#sending === 'silence') this.#startClock()
  }

  /**
   * Plays sound instead of what was played so far.
   * @param samples at 8 kHz
   * @returns true when it was played to its end, false when something else came in between
   */
  play(samples: Int16Array): Promise<boolean> {
    this.#playing?.done(false)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#playing = { samples, at: 0, done: resolve }
    this.#startClock()
    return promise
  }

  stopPlaying(): void {
    this.#playing?.done(false)
    this.#playing = undefined
  }

  /** Types digits, after those that are still being typed. Rejects if the call ends before that, or if the other side takes none. */
  sendDigits(typed: string, timing: DigitTiming): Promise<DigitsSent> {
    assert(areDigits(typed), 'a telephone has only the keys 0 to 9, *, # and A to D')
    assert(this.#sending !== 'none', 'this call was opened to send nothing')
    if (this.#remote?.digitsType === undefined) return Promise.reject(new Error('the other side takes no telephone events (RFC 4733)'))
    const { promise, resolve, reject } = Promise.withResolvers<DigitsSent>()
    this.#typing.push({ steps: digitSteps(typed, timing), firstDigitAt: 0, lastDigitEndAt: 0, done: resolve, fail: reject })
    this.#startClock()
    // Whoever types without waiting for the end of it need not care how the call ends.
    promise.catch(() => {})
    return promise
  }

  /** Notes a digit that came, on whichever way. */
  takeDigit(digit: DigitHeard): void {
    this.digits.push(digit)
    this.onDigit(digit)
  }

  close(): void {
    if (this.#stopClock === stopped) return
    this.#stopClock?.()
    this.#stopClock = stopped
    this.stopPlaying()
    for (const { fail } of this.#typing.splice(0)) fail(new Error('the call ended while digits were being typed'))
    this.#socket.close()
  }

  #startClock(): void {
    if (this.#stopClock !== undefined) return
    // The timestamp counts real time, whether anything is sent or not (RFC 3550, section 5.1).
    if (this.#restingSince !== undefined) this.#timestamp += Math.round((performance.now() - this.#restingSince) / packetMs) * packetSamples
    this.#restingSince = undefined
    this.#stopClock = everyPacket((packets) => {
      // A process that was held up catches up on sound, but no finger presses keys faster for it.
      if (this.#typing.length > 0) this.#timestamp += (packets - 1) * packetSamples
      const ticks = this.#typing.length > 0 ? 1 : packets
      for (let tick = 0; tick < ticks; tick++) this.#tick()
      if (this.#sending !== 'silence' && this.#typing.length === 0 && this.#playing === undefined) this.#rest()
    })
  }

  #rest(): void {
    this.#stopClock?.()
    this.#stopClock = undefined
    this.#restingSince = performance.now()
    this.#talking = false
  }

  #tick(): void {
    this.#timestamp += packetSamples
    const typing = this.#typing[0]
    const step = typing?.steps.next()
    if (typing !== undefined && step?.done === false) {
      const { event, begins, lastEnds } = step.value
      if (begins) this.#eventTimestamp = this.#timestamp
      if (event !== undefined) this.#send(this.#remote?.digitsType, begins, this.#eventTimestamp, formatTelephoneEvent(event))
      if (begins && typing.firstDigitAt === 0) typing.firstDigitAt = performance.now()
      if (lastEnds) typing.lastDigitEndAt = performance.now()
      if (event !== undefined) {
        this.#talking = false
        return
      }
    } else if (typing !== undefined) {
      this.#typing.shift()
      typing.done({ firstDigitAt: typing.firstDigitAt, lastDigitEndAt: typing.lastDigitEndAt })
    }
    this.#sendSound()
  }

  #sendSound(): void {
    const playing = this.#playing
    const remote = this.#remote
    if (playing === undefined && this.#sending !== 'silence') return
    if (remote !== undefined) {
      let payload = this.#silence
      if (playing !== undefined) {
        const samples = new Int16Array(packetSamples)
        samples.set(playing.samples.subarray(playing.at, playing.at + packetSamples))
        payload = new Uint8Array(encode(remote.codec, samples))
      }
      this.#send(codecs[remote.codec].payloadType, !this.#talking, this.#timestamp, payload)
      this.#talking = true
    }
    if (playing === undefined) return
    playing.at += packetSamples
    if (playing.at < playing.samples.length) return
    this.#playing = undefined
    playing.done(true)
  }

  #send(payloadType: number | undefined, marker: boolean, timestamp: number, payload: Uint8Array): void {
    const remote = this.#remote
    if (remote === undefined || payloadType === undefined || this.#sending === 'none' || remote.port === 0) return
    if (remote.direction === 'sendonly' || remote.direction === 'inactive') return
    this.#sequence = (this.#sequence + 1) & 0xffff
    this.#socket.send(
      formatRtp({ marker, payloadType, sequence: this.#sequence, timestamp, source: this.#source, payload }),
      remote.port,
      remote.host,
    )
  }

  /**
   * Whoever had this port before may still be sent the sound of that call, which nobody has ended yet. Once the other
   * side is heard from where it said that it is, nobody else is listened to; until then it may be behind a NAT.
   */
  #isOfThisCall({ address, port }: RemoteInfo): boolean {
    const isRemote = address === this.#remote?.host && port === this.#remote.port
    this.#remoteIsHeard ||= isRemote
    return isRemote || !this.#remoteIsHeard
  }

  #take(datagram: Buffer, at: number): void {
    const packet = parseRtp(datagram)
    if (packet === undefined) return
    if (packet.payloadType === this.#remote?.digitsType) {
      const event = parseTelephoneEvent(packet.payload)
      if (event === undefined || packet.timestamp === this.#lastEventTimestamp) return
      this.#lastEventTimestamp = packet.timestamp
      this.takeDigit({ digit: event.digit, at })
      return
    }
    if (!this.#listening) return
    const codec = (Object.keys(codecs) as Codec[]).find((one) => codecs[one].payloadType === packet.payloadType)
    if (codec !== undefined) this.heard.add(at, packet.source, packet.timestamp, decode(codec, packet.payload))
  }
}

function stopped(): void {}
