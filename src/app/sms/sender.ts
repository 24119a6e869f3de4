/**
 * Sends what is due: looks for room on the carrier's lanes, claims as much as
 * fits, and writes it once the claim is committed.
 *
 *   asleep ──► looking      a message is due (told, or by the clock), or there is room again
 *   looking ──► asleep      nothing is due, or no room, or Postgres is away (tried again by the clock)
 *   any ──► stopped         closed, or the lease is lost (until the next one is held)
 *
 * One claim is under way at a time; answers are written down beside it, also
 * one batch at a time, so that a burst costs few commits. What is answered and
 * not written down yet still takes up its bind's window: as many messages as
 * that are uncertain when this process dies. There is no polling between a
 * change and its message: the store tells that something is due.
 */
import assert from 'node:assert/strict'
import { referenceOf } from './reference.ts'
import { encodeText, sayUnsendable, type EncodeOptions } from '../../domain/sms/segments.ts'
import { untilStored } from '../store-patience.ts'
import type { Log } from '../ports/log.ts'
import type { DueMessage, Outbox, Submitting, Taken, TryResult } from '../ports/outbox.ts'
import { Tries } from './tries.ts'
import type { EncodedMessage, Lane, PartResult, Smsc } from '../ports/smsc.ts'
import { StoreUnavailable } from '../ports/store.ts'

/** Of one claim: enough that a commit is worth it, few enough that a claim that fails costs little. */
const mostAClaim = 200
/** Other processes' messages, and those whose news were lost, are found this often at the latest. */
const lookAtLeastEveryMs = 5_000
/** While Postgres is away. */
const retryMs = 500
/** Room for a part or two is left to grow for so long. */
const growMs = 50
/** Dead senders are looked for this often. */
const rescueEveryMs = 30_000
/** A timer cannot be longer (setTimeout's limit is 2^31 - 1 ms). */
const longestTimerMs = 2_000_000_000
/** On closing, for a Postgres that is away; receipts will tell of what could not be written down. */
const lastWordsMs = 2_000

type Room = Taken & { message: DueMessage; lane: Lane; encoded: Pick<EncodedMessage, 'coding' | 'parts'>; only: number[] | null }
type Lease = Awaited<ReturnType<Outbox['takeSenderLease']>>

export type SenderDeps = {
  outbox: Outbox
  smsc: Smsc
  log: Log
  now: () => number
  /** How texts are cut, the same for every lane: by the places of its parts a message knows what the carrier has already. */
  encoding: () => Required<EncodeOptions>
}

export class SmsSender {
  readonly #deps: SenderDeps
  #lease: Lease | null = null
  #looking: Promise<void> | null = null
  #lookAgain = false
  #closed = false
  #giveUpAt = Infinity
  #timer: NodeJS.Timeout | null = null
  #timerAt = Infinity
  #rescue: NodeJS.Timeout | null = null
  #settle: NodeJS.Timeout | null = null
  /** Parts that were submitted and have not settled. */
  #underWay = 0
  readonly #tries = new Tries()
  #results: TryResult[] = []
  /** Parts in `#results` and in the batch that is being written down, by bind. */
  readonly #unrecorded = new Map<string, number>()
  #isGrowingSince: number | null = null
  #recording: Promise<void> | null = null

  constructor(deps: SenderDeps) {
    this.#deps = deps
    deps.outbox.onDue(() => this.kick())
    deps.smsc.onRoom(() => this.kick())
    deps.smsc.onResult((result) => this.#settled(result))
  }

  /** Takes the lease and begins; what dead senders left is settled first. */
  async open(): Promise<void> {
    await this.#takeLease()
    if (this.#closed) return
    this.#deps.smsc.open()
    this.kick()
  }

  /** Something may be due, or there may be room. */
  kick(): void {
    if (this.#closed || this.#lease === null) return
    this.#lookAgain = true
    this.#looking ??= this.#look()
  }

  /** Claims nothing more; what is on the wire is answered or uncertain, and written down. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of [this.#timer, this.#rescue, this.#settle]) if (timer !== null) clearTimeout(timer)
    // What is being claimed at this moment is not written any more, and has to be given back.
    await Promise.all([this.#looking, this.#deps.smsc.close()])
    // The link was given time for the last answers, and they have the same from here on.
    this.#giveUpAt = performance.now() + lastWordsMs
    await this.#recording
    await this.#lease?.release()
    this.#lease = null
  }

  get underWay(): number {
    return this.#underWay
  }

  async #takeLease(): Promise<void> {
    const { outbox, log } = this.#deps
    const lease = await untilStored(
      () => outbox.takeSenderLease(),
      () => !this.#closed,
    )
    if (lease === null) return
    // It was asked for before: others would take this sender for a living one.
    if (this.#closed) return lease.release()
    this.#lease = lease
    void lease.lost.then((why) => {
      if (this.#closed || this.#lease !== lease) return
      this.#lease = null
      log.warn({ why }, 'no SMS leave until Postgres knows this sender again')
      this.#takeLease().catch((error: unknown) => log.error({ err: error }, 'the lease on sending SMS cannot be had: a bug in Pforte'))
    })
    await this.#rescueOthers()
    await this.#settleUncertain()
    this.kick()
  }

  async #look(): Promise<void> {
    const { log } = this.#deps
    try {
      while (this.#lookAgain && !this.#closed) {
        this.#lookAgain = false
        if (!(await this.#claimOnce())) break
      }
    } catch (error) {
      if (error instanceof StoreUnavailable) this.#wakeAt(this.#deps.now() + retryMs)
      else {
        log.error({ err: withoutValues(error) }, 'sending SMS failed: a bug in Pforte; it is tried again')
        this.#wakeAt(this.#deps.now() + lookAtLeastEveryMs)
      }
    } finally {
      this.#looking = null
    }
    if (this.#lookAgain && !this.#closed) this.kick()
  }

  /** @returns false if nothing more can be done now */
  async #claimOnce(): Promise<boolean> {
    const { outbox, smsc, now, encoding } = this.#deps
    const lease = this.#lease
    if (lease === null) return false
    const room = smsc.lanes().reduce((sum, lane) => sum + this.#roomOn(lane), 0)
    // The link tells when there is some, or it is looked again when what was answered is written down.
    if (room === 0 || !this.#isWorthAClaim(room)) return false
    const untaken: Room[] = []
    let isFull = false
    const claiming = outbox.claim<Room>({
      at: now(),
      sender: lease.sender,
      // Half a window is claimed while the other half is being answered and written down.
      most: Math.min(mostAClaim, room, Math.ceil((room + this.#busy) / 2)),
      take: (message) => {
        const taken = this.#makeRoom(message, encoding())
        isFull ||= taken === null
        return taken
      },
      untake: (taken) => {
        taken.lane.release(taken.reservation)
        untaken.push(taken)
      },
    })
    const claimed = await claiming.catch((error: unknown) => {
      // Perhaps it was committed all the same, and only its answer was lost.
      for (const taken of untaken) this.#neverWritten(taken, 'its claim was not confirmed')
      throw error
    })
    // Another may have rescued what a lost lease no longer protects: then it must not be written.
    if (this.#lease !== lease || this.#closed) {
      for (const { taken } of claimed.submitting) {
        taken.lane.release(taken.reservation)
        this.#neverWritten(taken, this.#closed ? 'the sender was being closed' : 'the sender lost its lease')
      }
      return false
    }
    for (const one of claimed.submitting) this.#submit(one)
    this.#wakeAt(claimed.isMore ? null : claimed.nextDueAt)
    // With room left it looks again at once; without, the lanes tell when there is some.
    if (claimed.isMore && (!isFull || claimed.submitting.length > 0)) this.#lookAgain = true
    return true
  }

  #roomOn({ bind, room }: Lane): number {
    return Math.max(0, room - (this.#unrecorded.get(bind) ?? 0))
  }

  /** Parts that take up room: on the wire, or answered and not written down. */
  get #busy(): number {
    return this.#unrecorded.values().reduce((sum, parts) => sum + parts, this.#underWay)
  }

  /** A claim for a part or two would cost a commit each; so it waits for half of the windows, and not long. */
  #isWorthAClaim(room: number): boolean {
    const now = performance.now()
    const isToGrow = room < this.#busy && now < (this.#isGrowingSince ??= now) + growMs
    if (isToGrow) this.#wakeAt(this.#deps.now() + growMs)
    else this.#isGrowingSince = null
    return !isToGrow
  }

  #makeRoom(message: DueMessage, encoding: EncodeOptions): Room | { unsendable: string } | null {
    const encoded = encodeText(message.text, encoding)
    if (!encoded.ok) return { unsendable: sayUnsendable(encoded) }
    const left = encoded.parts.map((_, part) => part).filter((part) => !message.settledParts.includes(part))
    if (left.length === 0) return { unsendable: 'the carrier has all of its parts already' }
    for (const lane of this.#deps.smsc.lanes()) {
      // One that is longer than the window goes when all before it is written down; who gets none is looked at again then.
      const isUnrecorded = this.#unrecorded.has(lane.bind)
      const reservation = isUnrecorded && left.length > this.#roomOn(lane) ? null : lane.reserve(left.length)
      if (reservation === null) continue
      return { message, lane, reservation, encoded, only: left.length === encoded.parts.length ? null : left }
    }
    return null
  }

  #submit({ message, taken, validUntil }: Submitting<Room>): void {
    const { lane, reservation, encoded, only } = taken
    this.#underWay += reservation.parts
    this.#tries.begin(reservation, message.attempt)
    lane.submit(reservation, {
      messageId: message.id,
      to: message.to,
      from: message.from,
      coding: encoded.coding,
      parts: encoded.parts,
      ...(only !== null && { only }),
      reference: referenceOf(message.id),
      validUntil,
    })
  }

  /** If it was committed as being submitted, it waits again. */
  #neverWritten({ message, reservation, encoded, only }: Room, why: string): void {
    for (const part of only ?? encoded.parts.keys()) {
      this.#record({ attempt: message.attempt, result: { messageId: message.id, part, reservation, is: 'unwritten', why } })
    }
  }

  #settled(result: PartResult): void {
    const isLate = 'late' in result && result.late
    const attempt = isLate ? this.#tries.late(result.reservation) : this.#tries.settle(result)
    if (!isLate) this.#underWay--
    // Of one that is late nobody may know any more; its receipt will tell.
    if (attempt !== null) this.#record({ attempt, result })
    this.kick()
  }

  #record(result: TryResult): void {
    this.#results.push(result)
    this.#countUnrecorded(result, 1)
    this.#recording ??= this.#recordAll()
  }

  #countUnrecorded({ result }: TryResult, change: 1 | -1): void {
    const { bind } = result.reservation
    const parts = (this.#unrecorded.get(bind) ?? 0) + change
    assert(parts >= 0, 'what was counted once is written down once')
    if (parts === 0) this.#unrecorded.delete(bind)
    else this.#unrecorded.set(bind, parts)
  }

  async #recordAll(): Promise<void> {
    try {
      // Answers of one turn are one batch.
      await new Promise((resolve) => setImmediate(resolve))
      while (this.#results.length > 0) {
        const batch = this.#results.splice(0, mostABatch)
        await this.#store(batch)
        for (const result of batch) this.#countUnrecorded(result, -1)
        if (batch.some(({ result }) => result.is === 'unanswered')) void this.#settleUncertain()
        this.kick()
      }
    } finally {
      // In the same turn as the last look, or what comes in between would be left lying.
      this.#recording = null
    }
  }

  async #store(batch: readonly TryResult[]): Promise<void> {
    const { outbox, log, now } = this.#deps
    let tries = 0
    try {
      const stored = await untilStored(
        () => outbox.record(batch, now()).then(() => true),
        () => tries++ === 0 || performance.now() < this.#giveUpAt,
      )
      if (stored === null) log.warn({ results: batch.length }, 'Postgres is away, so answers of the carrier could not be written down')
    } catch (error) {
      const byMessage = [...Map.groupBy(batch, ({ result }) => result.messageId).values()]
      // One that nobody can store shall not keep the others from being stored. Those that were are told a second time, which they may.
      if (byMessage.length > 1) for (const ofOne of byMessage) await this.#store(ofOne)
      else log.error({ err: withoutValues(error), results: batch.length }, 'answers of the carrier cannot be written down: a bug in Pforte')
    }
  }

  async #rescueOthers(): Promise<void> {
    const { outbox, log, now } = this.#deps
    if (this.#rescue !== null) clearTimeout(this.#rescue)
    this.#rescue = null
    const { sender } = this.#lease ?? {}
    if (this.#closed || sender === undefined) return
    try {
      const { uncertain } = await outbox.rescue(sender, now())
      if (uncertain > 0)
        log.warn({ messages: uncertain }, 'a sender died while it was writing these SMS: whether the carrier has them is uncertain')
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) log.error({ err: withoutValues(error) }, 'looking for dead senders failed: a bug in Pforte')
    }
    if (!this.#closed) this.#rescue = setTimeout(() => void this.#rescueOthers(), rescueEveryMs)
  }

  async #settleUncertain(): Promise<void> {
    const { outbox, log, now } = this.#deps
    if (this.#settle !== null) clearTimeout(this.#settle)
    this.#settle = null
    if (this.#closed) return
    let nextAt: number | null = null
    try {
      nextAt = (await outbox.settleUncertain(now())).nextAt
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) log.error({ err: withoutValues(error) }, 'settling uncertain SMS failed: a bug in Pforte')
      nextAt = now() + retryMs
    }
    this.kick()
    if (nextAt === null || this.#closed || this.#settle !== null) return
    this.#settle = setTimeout(() => void this.#settleUncertain(), Math.min(Math.max(retryMs, nextAt - now()), longestTimerMs))
  }

  #wakeAt(at: number | null): void {
    if (this.#closed) return
    const wake = Math.min(at ?? Infinity, this.#deps.now() + lookAtLeastEveryMs)
    if (this.#timer !== null && this.#timerAt <= wake) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timerAt = wake
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        this.kick()
      },
      Math.max(1, wake - this.#deps.now()),
    )
  }
}

/** Results in one batch. */
const mostABatch = 500

/** Postgres quotes values in some of its errors, and a text of a message may be one. */
function withoutValues(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error).slice(0, 0)
  const { code, table, constraint } = error as { code?: string; table?: string; constraint?: string }
  return { type: error.name, code, table, constraint, stack: error.stack?.replace(error.message, '…') }
}
