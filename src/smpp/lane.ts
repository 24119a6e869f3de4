/**
 * One bound session as the sender sees it: room by window and rate, and what
 * became of each part. When the session is over, the lane is, too: what is
 * submitted then was never on the wire.
 *
 * The window counts parts from their reservation until they settle. A message
 * of more parts than the window has goes when nothing else is under way, and
 * its parts wait for each other.
 */
import assert from 'node:assert/strict'
import type { EncodedMessage, Lane, PartResult, Reservation } from '../app/ports/smsc.ts'
import { statuses, statusName } from '../wire/smpp/constants.ts'
import type { Pdu } from '../wire/smpp/pdu.ts'
import type { Answer } from './pending.ts'
import type { Rate } from './rate.ts'
import { after, type Session } from './session.ts'
import type { LinkSettings } from './settings.ts'
import { rejection } from './statuses.ts'
import { partsToSend, submitFrames, type SubmitFrame } from './submit.ts'

export type LaneSettings = {
  bind: string
  route: string
  epoch: number
  session: Session
  /** Of the bind: a carrier that complained is not forgotten with the session. */
  rate: Rate
  link: LinkSettings
  onResult(result: PartResult): void
  /** There may be more room than before. */
  onRoom(): void
  /** The carrier complained, and is sent less from now on. */
  onSlowed(status: string): void
  /** A reservation was refused, so somebody waits for more. */
  onWanted(): void
}

type Sending = { message: EncodedMessage; reservation: Reservation }
type WaitingPart = Sending & { submit: SubmitFrame }

export class BoundLane implements Lane {
  readonly bind: string
  readonly route: string
  readonly #settings: LaneSettings
  #inUse = 0
  /** Not submitted and not released, by sequence. */
  readonly #reserved = new Map<number, Reservation>()
  /** Parts of a message that is longer than the window, or of a carrier that fell silent meanwhile. */
  #waiting: WaitingPart[] = []
  #onWire = 0
  /** Given up as unanswered; their answer may still come. */
  #overdue = 0
  #isStopped = false
  #onIdle: (() => void) | null = null
  #wake: NodeJS.Timeout | undefined

  constructor(settings: LaneSettings) {
    this.#settings = settings
    this.bind = settings.bind
    this.route = settings.route
  }

  /** Parts that were written and not answered until now. */
  get unanswered(): number {
    return this.#onWire + this.#overdue
  }

  get room(): number {
    if (!this.#isOpen || this.#settings.session.isSilent) return 0
    const free = this.#settings.link.window - this.#inUse
    if (free <= 0) return 0
    const room = Math.min(free, this.#settings.rate.room(performance.now()))
    if (room === 0) this.#wakeWhen(1)
    return room
  }

  reserve(parts: number): Reservation | null {
    assert(Number.isInteger(parts) && parts >= 1, 'at least one part is reserved')
    const { session, rate, link, bind, route, epoch, onWanted } = this.#settings
    if (!this.#isOpen) return null
    const fits = !session.isSilent && (this.#inUse + parts <= link.window || this.#inUse === 0)
    const isTaken = fits && rate.take(parts, performance.now())
    if (!isTaken) {
      if (fits) this.#wakeWhen(parts)
      onWanted()
      return null
    }
    this.#inUse += parts
    const reservation: Reservation = { bind, route, epoch, sequence: session.nextSequence(parts), parts }
    this.#reserved.set(reservation.sequence, reservation)
    return reservation
  }

  release(reservation: Reservation): void {
    if (!this.#isOurs(reservation)) return
    this.#settings.rate.giveBack(reservation.parts)
    this.#free(reservation.parts)
  }

  submit(reservation: Reservation, message: EncodedMessage): void {
    const { session, link, epoch, bind } = this.#settings
    const toSend = partsToSend(message)
    assert.equal(toSend.length, reservation.parts, 'as many parts as were reserved')
    if (reservation.bind !== bind || reservation.epoch !== epoch || !session.isOpen) {
      const why = session.isOpen ? 'it was reserved on another session' : 'the session ended before'
      // Not before the caller is done with submitting.
      return queueMicrotask(() => this.#settleAll({ message, reservation }, { is: 'unwritten', why }))
    }
    if (!this.#isOurs(reservation)) assert.fail('a reservation is submitted or released once')
    const sequences = toSend.map((_, place) => after(reservation.sequence, place))
    const submittable = submitFrames(message, sequences, link, Date.now())
    if (!submittable.ok) {
      this.#settings.rate.giveBack(reservation.parts)
      return queueMicrotask(() => {
        this.#settleAll({ message, reservation }, { is: 'rejected', kind: 'permanent', status: submittable.status, late: false })
        this.#free(reservation.parts)
      })
    }
    for (const submit of submittable.frames) this.#waiting.push({ message, reservation, submit })
    this.#writeWaiting()
  }

  /** Takes nothing more. @returns when all that it had taken has settled */
  async drained(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#wake)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onIdle = resolve
    this.#roomChanged()
    await promise
  }

  /** The session is over, and everything on the wire has settled. */
  end(why: string): void {
    this.#isStopped = true
    clearTimeout(this.#wake)
    this.#reserved.clear()
    const waiting = this.#waiting
    this.#waiting = []
    for (const part of waiting) this.#settle(part, { is: 'unwritten', why })
    this.#onIdle?.()
  }

  get #isOpen(): boolean {
    return !this.#isStopped && this.#settings.session.isOpen
  }

  #write(part: WaitingPart): void {
    const { submit } = part
    this.#onWire++
    this.#settings.session.write('submit_sm', submit.sequence, submit.frame, (answer) => this.#answered(part, answer))
  }

  #answered(part: WaitingPart, answer: Answer): void {
    const isLate = answer.is === 'answered' && answer.late
    if (isLate) this.#overdue--
    else {
      if (answer.is === 'unanswered') this.#overdue++
      this.#onWire--
      this.#inUse -= part.submit.parts.length
    }
    try {
      this.#settle(part, answer.is === 'answered' ? this.#outcome(answer.pdu, answer.late) : answer)
    } finally {
      this.#writeWaiting()
      this.#roomChanged()
    }
  }

  #writeWaiting(): void {
    const { session, link } = this.#settings
    while (this.#waiting.length > 0 && this.#onWire < link.window && session.isOpen && !session.isSilent)
      this.#write(this.#waiting.shift()!)
  }

  #outcome(pdu: Pdu, late: boolean): Outcome {
    const { status } = pdu
    if (pdu.command === 'submit_sm_resp' && status === statuses.ESME_ROK) return { is: 'accepted', carrierId: pdu.fields.message_id, late }
    // A generic_nack without an error says no less that it was not understood.
    const kind = status === statuses.ESME_ROK ? 'temporary' : rejection(status)
    const name = statusName(status)
    if (kind === 'throttled' || kind === 'queue_full') {
      if (this.#settings.rate.complain(performance.now())) this.#settings.onSlowed(name)
    }
    return { is: 'rejected', kind, status: name, late }
  }

  #settle({ message, reservation, submit }: WaitingPart, outcome: Outcome): void {
    for (const part of submit.parts) this.#settings.onResult({ messageId: message.messageId, part, reservation, ...outcome })
  }

  #settleAll({ message, reservation }: Sending, outcome: Outcome): void {
    for (const part of partsToSend(message)) this.#settings.onResult({ messageId: message.messageId, part, reservation, ...outcome })
  }

  /** @returns false where it was none of this session, or has been submitted or released */
  #isOurs(reservation: Reservation): boolean {
    return reservation.epoch === this.#settings.epoch && this.#reserved.delete(reservation.sequence)
  }

  #free(parts: number): void {
    this.#inUse -= parts
    this.#roomChanged()
  }

  #roomChanged(): void {
    if (this.#inUse === 0) this.#onIdle?.()
    if (!this.#isStopped) this.#settings.onRoom()
  }

  /** Has the sender look again when the rate allows so many parts. */
  #wakeWhen(parts: number): void {
    if (this.#wake !== undefined) return
    const ms = this.#settings.rate.waitMs(parts, performance.now())
    this.#wake = setTimeout(() => {
      this.#wake = undefined
      this.#settings.onRoom()
    }, ms)
  }
}

type Outcome =
  | { is: 'accepted'; carrierId: string; late: boolean }
  | Omitted<Extract<PartResult, { is: 'rejected' | 'unanswered' | 'unwritten' }>>
type Omitted<Result> = Result extends PartResult ? Omit<Result, 'messageId' | 'part' | 'reservation'> : never
