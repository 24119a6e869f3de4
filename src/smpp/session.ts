/**
 * One connection to a carrier, from its opening to its loss: octets to PDUs,
 * requests to answers, and the certainty that the other side is alive. It
 * never reconnects; `bind.ts` opens the next one.
 *
 * Nothing that a peer sends ends the process or makes the session deaf: a PDU
 * that cannot be read costs itself, a length that cannot be costs the
 * connection, and so does a peer that
 * - begins a PDU and does not end it (`partialPduMs`),
 * - answers nothing after an enquire_link (`enquireLinkTimeoutMs`): mute, gone, or not reading,
 * - answers that, but no submit_sm: after three in a row nothing more is sent (`isSilent`), and after another
 *   `responseTimeoutMs` without even a late answer it is left.
 *
 * Memory is bounded: requests by the window, answers by not reading on while
 * the peer takes none.
 */
import type { Socket } from 'node:net'
import { commandIds, commandName, isResponse, statuses, type CommandName } from '../wire/smpp/constants.ts'
import { FrameReader, type FrameFault, type PduHeader } from '../wire/smpp/frames.ts'
import { decodePdu, encodePdu, statusOf, type Draft, type Pdu, type PduFault } from '../wire/smpp/pdu.ts'
import type { Faults } from './faults.ts'
import { Outgoing } from './outgoing.ts'
import { Pending, type Answer, type Settle } from './pending.ts'
import type { LinkSettings } from './settings.ts'

export type Delivery = Pdu<'deliver_sm' | 'data_sm'>

export type SessionSettings = Pick<LinkSettings, 'responseTimeoutMs' | 'enquireLinkMs' | 'enquireLinkTimeoutMs' | 'partialPduMs'> & {
  faults: Faults
  /** A customer's reply or a receipt; its octets are views that change after the call. To be answered by `respond`. */
  onDelivery(delivery: Delivery): void
  /** Once, after everything pending has settled. */
  onEnded(why: string): void
}

/** Without its sequence number, which the session gives. */
export type Asked<C extends CommandName> = C extends CommandName ? Omit<Draft<C>, 'sequence'> : never

const LAST_SEQUENCE = 0x7fffffff
/** A lost answer or two is no sign that a carrier answers none. */
const SILENT_AFTER = 3
/** Answers that a peer lets lie here before we stop reading what it sends. */
const MOST_UNSENT_BYTES = 256 * 1024
/** For the last words to a peer that may not be reading. */
const GOODBYE_MS = 1_000
/** For the answer to an unbind: it tells nothing that we need, and whoever stops Pforte waits for it. */
const MOST_UNBIND_MS = 2_000
/** A deadline is noticed so many times finer than the shortest of them. */
const LOOKS_A_DEADLINE = 5

export class Session {
  readonly #socket: Socket
  readonly #settings: SessionSettings
  readonly #faults: Faults
  readonly #reader = new FrameReader()
  readonly #outgoing: Outgoing
  readonly #pending = new Pending()
  readonly #looks: NodeJS.Timeout
  #sequence = 0
  #state: 'open' | 'leaving' | 'ended' = 'open'
  #leaving: { why: string; until: number; isByUs: boolean } | null = null
  #partialSince = 0
  #enquiredAt: number
  #awaitsSince: number | null = null
  #unansweredInARow = 0
  #silentSince: number | null = null

  constructor(socket: Socket, settings: SessionSettings) {
    this.#socket = socket
    this.#settings = settings
    this.#faults = settings.faults
    this.#enquiredAt = performance.now()
    this.#outgoing = new Outgoing(socket, () => this.#readOn())
    const { responseTimeoutMs, enquireLinkMs, enquireLinkTimeoutMs, partialPduMs } = settings
    const shortest = Math.min(responseTimeoutMs, enquireLinkMs, enquireLinkTimeoutMs, partialPduMs)
    // After this process itself stood still, answers may lie unread in the
    // socket: timers run first, so the verdict on this moment waits for one round of reading.
    const everyMs = Math.min(1000, Math.ceil(shortest / LOOKS_A_DEADLINE))
    this.#looks = setInterval(() => setImmediate((now: number) => this.#look(now), performance.now()), everyMs)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('end', () => this.end('the carrier closed the connection'))
    socket.on('error', (error) => this.end(error.message))
    socket.on('close', () => this.end('the connection was closed'))
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** It lives and answers no submit_sm: what is sent to it would only become uncertain. */
  get isSilent(): boolean {
    return this.#silentSince !== null
  }

  /** The first of so many sequence numbers in a row, 1–0x7FFFFFFF; after the last comes 1. */
  nextSequence(count = 1): number {
    const first = after(this.#sequence)
    this.#sequence = after(this.#sequence, count)
    return first
  }

  /** Asks something of the carrier. Settles in any case. */
  request<C extends CommandName>(asked: Asked<C>, settle: Settle): void {
    const sequence = this.nextSequence()
    this.write(asked.command, sequence, encodePdu({ ...asked, sequence } as Draft), settle)
  }

  /** As `request`, for what has been encoded under a sequence number that `nextSequence` gave. */
  write(command: CommandName, sequence: number, frame: Buffer, settle: Settle): void {
    if (this.#state === 'ended') return this.#guard(command, () => settle({ is: 'unwritten', why: 'the session is over' }))
    const guarded: Settle = (answer) => this.#guard(command, () => settle(answer))
    const request = this.#pending.add(sequence, command, guarded)
    this.#outgoing.push(frame, () => {
      request.writtenAt = performance.now()
    })
  }

  /** Answers one of theirs. */
  respond(to: { command: CommandName; sequence: number }, status: number): void {
    if (this.#state === 'ended') return
    const command = `${to.command}_resp` as 'deliver_sm_resp'
    this.#outgoing.push(encodePdu({ command, sequence: to.sequence, status, fields: { message_id: '' } }))
  }

  /** Unbinds in order: the carrier answers or its time is over, then the connection ends. Nothing new may be asked meanwhile. */
  leave(why: string): void {
    if (this.#state !== 'open') return
    this.request({ command: 'unbind' }, () => this.#close())
    this.#state = 'leaving'
    this.#leaving = { why, until: performance.now() + Math.min(this.#settings.responseTimeoutMs, MOST_UNBIND_MS), isByUs: true }
  }

  /** Ends it at once, but for what has been given to the network. */
  end(why: string): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    clearInterval(this.#looks)
    const { partialBytes } = this.#reader
    // The rest of it will not come, whichever way it ended; unless we have stopped listening ourselves.
    if (partialBytes > 0 && this.#leaving?.isByUs !== true) this.#faults.count('partial_pdu', { octets: partialBytes })
    this.#outgoing.end()
    this.#socket.destroySoon()
    setTimeout(() => this.#socket.destroy(), GOODBYE_MS).unref()
    this.#socket.pause()
    const reason = this.#leaving?.why ?? why
    this.#pending.end(reason)
    this.#settings.onEnded(reason)
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'ended') return
    const { frames, fault } = this.#reader.push(chunk)
    if (this.#reader.partialBytes > 0 && (frames.length > 0 || this.#partialSince === 0)) this.#partialSince = performance.now()
    if (this.#reader.partialBytes === 0) this.#partialSince = 0
    for (const frame of frames) this.#frame(frame)
    if (fault !== null) this.#cannotGoOn(fault)
    // A peer that only talks must listen, too.
    if (this.#outgoing.unsentBytes > MOST_UNSENT_BYTES) this.#socket.pause()
  }

  #readOn(): void {
    if (this.#socket.isPaused() && this.#outgoing.unsentBytes <= MOST_UNSENT_BYTES) this.#socket.resume()
  }

  #frame(frame: Buffer): void {
    if (this.isEnded()) return
    const decoded = decodePdu(frame)
    if (!decoded.ok) return this.#cannotRead(decoded.why, decoded.header)
    const { pdu } = decoded
    if (isResponse(commandIds[pdu.command])) return this.#answer(pdu)
    switch (pdu.command) {
      case 'deliver_sm':
      case 'data_sm':
        return this.#delivery(pdu)
      case 'enquire_link':
        this.#outgoing.push(encodePdu({ command: 'enquire_link_resp', sequence: pdu.sequence }))
        return
      case 'unbind':
        return this.#unbound(pdu.sequence)
      // Neither has an answer, and neither says anything that we could use.
      case 'alert_notification':
      case 'outbind':
        return
      default:
        this.#faults.count('unexpected_request', { command: pdu.command })
        this.#nack(pdu.sequence, statuses.ESME_RINVCMDID)
    }
  }

  #answer(pdu: Pdu): void {
    this.#awaitsSince = null
    if (pdu.command === 'submit_sm_resp' || pdu.command === 'generic_nack') {
      this.#unansweredInARow = 0
      this.#silentSince = null
    }
    // A generic_nack to nothing in particular is how a peer tells that it did not understand; there is nothing to be done.
    if (!this.#pending.answer(pdu)) this.#faults.count('unexpected_answer', { command: pdu.command, status: pdu.status })
  }

  #delivery(pdu: Delivery): void {
    try {
      this.#settings.onDelivery(pdu)
    } catch (error) {
      this.#faults.count('handler_failed', { command: pdu.command, error: nameOf(error) })
      this.respond(pdu, statuses.ESME_RX_T_APPN)
    }
  }

  #unbound(sequence: number): void {
    this.#outgoing.push(encodePdu({ command: 'unbind_resp', sequence }))
    this.#leaving ??= { why: 'the carrier unbound', until: performance.now() + this.#settings.responseTimeoutMs, isByUs: false }
    this.#close()
  }

  /** Writes what waits, and lets the other side end it; what it still answers counts. */
  #close(): void {
    if (this.#state === 'ended') return
    this.#state = 'leaving'
    this.#outgoing.flush()
    this.#socket.end()
  }

  #cannotRead(why: PduFault, { commandId, sequence }: PduHeader): void {
    const command = commandName(commandId) ?? `0x${commandId.toString(16)}`
    this.#faults.count(why === 'unknown_command' ? 'unknown_command' : 'undecodable', { why, command })
    // An answer is never answered: two of our kind would not come to an end.
    if (isResponse(commandId)) return void this.#pending.answerIllegibly(sequence, 'its answer cannot be read')
    if (commandId === commandIds.deliver_sm) return this.respond({ command: 'deliver_sm', sequence }, statusOf(why))
    this.#nack(sequence, statusOf(why))
  }

  #cannotGoOn({ fault, commandLength, header }: FrameFault): void {
    if (this.isEnded()) return
    this.#faults.count('frame_length', { fault, commandLength })
    this.#nack(header?.sequence ?? 0, statuses.ESME_RINVCMDLEN)
    this.#outgoing.flush()
    this.end(`the carrier sent a PDU with an impossible length (${commandLength})`)
  }

  #nack(sequence: number, status: number): void {
    this.#outgoing.push(encodePdu({ command: 'generic_nack', sequence, status }))
  }

  /** All deadlines. */
  #look(now: number): void {
    if (this.isEnded()) return
    const { responseTimeoutMs, enquireLinkMs, enquireLinkTimeoutMs, partialPduMs } = this.#settings
    if (this.#partialSince > 0 && now - this.#partialSince > partialPduMs && !this.#socket.isPaused()) {
      return this.end('the carrier began a PDU and did not end it')
    }
    if (this.#leaving !== null && now > this.#leaving.until) return this.end(this.#leaving.why)
    const expired = this.#pending.expire(now - responseTimeoutMs, `no answer within ${responseTimeoutMs} ms`)
    this.#unansweredInARow += expired.filter((command) => command === 'submit_sm').length
    if (this.#unansweredInARow >= SILENT_AFTER) this.#silentSince ??= now
    if (this.#silentSince !== null && now - this.#silentSince > responseTimeoutMs) {
      return this.end(`the carrier answers no submit_sm, not even late (${this.#unansweredInARow} in a row)`)
    }
    if (this.#awaitsSince !== null && now - this.#awaitsSince > enquireLinkTimeoutMs) {
      return this.end(`the carrier is mute: no answer to an enquire_link within ${enquireLinkTimeoutMs} ms`)
    }
    if (this.#state === 'open' && now - this.#enquiredAt >= enquireLinkMs) {
      this.#enquiredAt = now
      this.#awaitsSince ??= now
      this.request({ command: 'enquire_link' }, () => {})
    }
  }

  /** Apart from `#state` itself, which the compiler believes not to change within a method. */
  isEnded(): boolean {
    return this.#state === 'ended'
  }

  /** Whoever listens may fail; that is no reason to lose what others are to be told. */
  #guard(command: CommandName, settle: () => void): void {
    try {
      settle()
    } catch (error) {
      this.#faults.count('handler_failed', { command, error: nameOf(error) })
    }
  }
}

/** The sequence number that is `steps` later. */
export function after(sequence: number, steps = 1): number {
  return ((sequence + steps - 1) % LAST_SEQUENCE) + 1
}

/** What an error says may quote what it was about. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

export type { Answer }
