/**
 * One connection of an ESME to the simulator: from accept to close, with the
 * bind in between (SMPP 3.4, section 2.2). It answers what belongs to the
 * session; what comes of a submit_sm is decided in submits.ts.
 */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { commandIds, interfaceVersion34, isResponse, statuses, type CommandName } from '../../wire/smpp/constants.ts'
import { FrameReader, type PduHeader } from '../../wire/smpp/frames.ts'
import { decodePdu, encodePdu, statusOf, type Draft, type Pdu, type PduFault } from '../../wire/smpp/pdu.ts'
import type { Accounts } from './accounts.ts'
import type { Deliveries, Delivery, Receiver } from './deliveries.ts'
import type { Faults, Hangup } from './faults.ts'
import { malformed, type MalformedKind } from './malformed.ts'
import type { PduLog } from './pdu-log.ts'

export type BindType = 'transmitter' | 'receiver' | 'transceiver'

/** What a session shares with the others. */
export type SessionSurroundings = {
  systemId: string
  accounts: Accounts
  faults: Faults
  log: PduLog
  deliveries: Deliveries
  now: () => number
  /** deliver_sm on one bind that are not acknowledged yet. */
  deliverWindow: number
  /** For a deliver_sm_resp; then it goes out again. */
  acknowledgeWithinMs: number
  submit(session: Session, pdu: Pdu<'submit_sm'>): void
  onBound(session: Session): void
  onBad(why: PduFault | 'length_too_small' | 'length_too_large'): void
  onClosed(session: Session): void
}

/** Octets for an ESME that does not read; beyond, nothing more is taken from it or delivered to it. */
const mostUnread = 1024 * 1024

const closeWithinMs = 2_000

const bindTypes = { bind_transmitter: 'transmitter', bind_receiver: 'receiver', bind_transceiver: 'transceiver' } as const

export class Session implements Receiver {
  readonly #socket: Socket
  readonly #around: SessionSurroundings
  readonly #reader = new FrameReader()
  readonly #number: number
  /** Deliveries on the wire, by sequence number, oldest first. */
  readonly #unacknowledged = new Map<number, { delivery: Delivery; at: number }>()
  #out: Buffer[] = []
  #isFlushing = false
  #sequence = 0
  #account: string | null = null
  #type: BindType | null = null
  #name: string
  #deadline: NodeJS.Timeout | undefined
  #isEnding = false
  #isClosed = false
  #isMute = false
  #enquiries: (() => void)[] = []

  constructor(socket: Socket, number: number, around: SessionSurroundings) {
    this.#socket = socket
    this.#around = around
    this.#number = number
    this.#name = String(number)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('drain', () => this.#goOn())
    // Whoever is reset hears of it by `close`.
    socket.on('error', () => {})
    socket.on('close', () => this.#closed())
    this.heedMute()
  }

  /** `3`, and `3 pforte transceiver` once it is bound. */
  get name(): string {
    return this.#name
  }

  /** Empty until it is bound. */
  get account(): string {
    return this.#account ?? ''
  }

  /** Null before it is bound, and when it is over. */
  get type(): BindType | null {
    return this.#isEnding ? null : this.#type
  }

  get hasRoom(): boolean {
    return !this.#isEnding && this.#unacknowledged.size < this.#around.deliverWindow && this.#socket.writableLength < mostUnread
  }

  deliver(delivery: Delivery): void {
    const sequence = this.nextSequence()
    this.#unacknowledged.set(sequence, { delivery, at: this.#around.now() })
    this.send({ command: 'deliver_sm', sequence, fields: delivery.fields, tlvs: delivery.tlvs })
    this.#deadline ??= setTimeout(() => this.#returnLate(), this.#around.acknowledgeWithinMs)
  }

  nextSequence(): number {
    this.#sequence = (this.#sequence % 0x7fffffff) + 1
    return this.#sequence
  }

  send(draft: Draft): void {
    if (this.#isSilent) return
    const { log, now } = this.#around
    const frame = encodePdu(draft)
    if (!log.isOff) log.add({ at: now(), direction: 'out', bind: this.#name, pdu: { status: 0, tlvs: {}, fields: {}, ...draft } as Pdu })
    this.#write(frame)
  }

  sendMalformed(kind: MalformedKind): void {
    if (this.#isSilent) return
    const { log, now } = this.#around
    const sequence = this.nextSequence()
    if (!log.isOff) log.add({ at: now(), direction: 'out', bind: this.#name, bad: `malformed on purpose: ${kind}`, sequence })
    this.#write(malformed(kind, sequence))
    // Whatever came now would complete it.
    if (kind === 'never_complete') this.#isMute = true
  }

  /** Ends the connection once all that was sent, and these octets, are on the wire. */
  hangUp(how: Hangup, last: Buffer = Buffer.alloc(0)): void {
    this.#isEnding = true
    this.#write(last)
    this.#flush()
    this.#socket.resume()
    if (how === 'fin') {
      this.#socket.end()
      // An ESME that does not close its own side is not waited for.
      setTimeout(() => this.#socket.destroy(), closeWithinMs).unref()
    } else if (last.length > 0) this.#socket.write('', () => this.#reset())
    else this.#reset()
  }

  /** Ends the connection once all that was sent is on the wire, and waits for nobody. */
  close(): void {
    this.#isEnding = true
    this.#flush()
    this.#socket.destroySoon()
  }

  /** Sends an enquire_link. Resolves when it is answered, or there is nobody any more to answer it. */
  enquire(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.send({ command: 'enquire_link', sequence: this.nextSequence() })
    return new Promise((resolve) => this.#enquiries.push(resolve))
  }

  unbind(): void {
    this.send({ command: 'unbind', sequence: this.nextSequence() })
  }

  /** Reads on, or reads nothing, as the faults want it. */
  heedMute(): void {
    if (this.#around.faults.isMuteToReads || this.#socket.writableLength >= mostUnread) this.#socket.pause()
    else this.#socket.resume()
  }

  get #isSilent(): boolean {
    return this.#isClosed || this.#isMute || this.#around.faults.isMuteToAnswers
  }

  #reset(): void {
    // There is no such thing with TLS, whose socket lies within another.
    if (this.#socket instanceof TLSSocket) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  #take(chunk: Buffer): void {
    const { frames, fault } = this.#reader.push(chunk)
    for (const frame of frames) {
      if (this.#isEnding) return
      // A copy, since the frame is a view of what was read from the socket, 64 KiB that would all be kept with it.
      const decoded = decodePdu(Buffer.from(frame))
      if (decoded.ok) this.#heed(decoded.pdu)
      else this.#bad(decoded.why, decoded.header)
    }
    if (fault !== null && !this.#isEnding) {
      this.#logBad(fault.fault, fault.header?.sequence ?? 0)
      this.send({ command: 'generic_nack', sequence: fault.header?.sequence ?? 0, status: statuses.ESME_RINVCMDLEN })
      this.hangUp('fin')
    }
    if (this.#socket.writableLength >= mostUnread) this.#socket.pause()
  }

  #heed(pdu: Pdu): void {
    const { log, now } = this.#around
    if (!log.isOff) log.add({ at: now(), direction: 'in', bind: this.#name, pdu })
    switch (pdu.command) {
      case 'submit_sm':
        if (this.#type === 'transmitter' || this.#type === 'transceiver') return this.#around.submit(this, pdu)
        return this.#refuse(pdu, statuses.ESME_RINVBNDSTS)
      case 'deliver_sm_resp':
        return this.#acknowledged(pdu.sequence, pdu.status)
      case 'generic_nack':
        return this.#acknowledged(pdu.sequence, pdu.status === 0 ? statuses.ESME_RUNKNOWNERR : pdu.status)
      case 'enquire_link':
        return this.send({ command: 'enquire_link_resp', sequence: pdu.sequence })
      case 'enquire_link_resp':
        return this.#enquiries.shift()?.()
      case 'bind_transmitter':
      case 'bind_receiver':
      case 'bind_transceiver':
        return this.#bind(pdu)
      case 'unbind':
        this.send({ command: 'unbind_resp', sequence: pdu.sequence })
        return this.hangUp('fin')
      case 'unbind_resp':
        return this.hangUp('fin')
    }
    if (!isResponse(commandIds[pdu.command])) this.#refuse(pdu, statuses.ESME_RINVCMDID)
  }

  #bind(pdu: Pdu<'bind_transmitter' | 'bind_receiver' | 'bind_transceiver'>): void {
    const { accounts, faults, deliveries, systemId } = this.#around
    if (this.#type !== null) return this.#refuse(pdu, statuses.ESME_RALYBND)
    const { system_id, password } = pdu.fields
    const refusal = accounts.refusal(system_id, password) ?? faults.bindRefusal()
    if (refusal !== null) {
      this.#refuse(pdu, refusal)
      return this.hangUp('fin')
    }
    this.#account = system_id
    this.#type = bindTypes[pdu.command]
    this.#name = `${this.#number} ${system_id} ${this.#type}`
    this.send({
      command: `${pdu.command}_resp`,
      sequence: pdu.sequence,
      fields: { system_id: systemId },
      tlvs: { sc_interface_version: interfaceVersion34 },
    })
    if (this.#type !== 'transmitter') deliveries.join(this)
    this.#around.onBound(this)
  }

  /** A request that is not heeded, in its own response. */
  #refuse({ command, sequence }: Pdu, status: number): void {
    const response = `${command}_resp` as CommandName
    this.send({ command: response in commandIds ? response : 'generic_nack', sequence, status, fields: {} } as Draft)
  }

  #bad(why: PduFault, { commandId, sequence }: PduHeader): void {
    this.#logBad(why, sequence)
    if (isResponse(commandId)) return
    this.send({ command: 'generic_nack', sequence, status: statusOf(why) })
  }

  #logBad(why: PduFault | 'length_too_small' | 'length_too_large', sequence: number): void {
    const { log, now } = this.#around
    this.#around.onBad(why)
    log.add({ at: now(), direction: 'in', bind: this.#name, bad: why, sequence })
  }

  #acknowledged(sequence: number, status: number): void {
    const entry = this.#unacknowledged.get(sequence)
    if (entry === undefined) return
    this.#unacknowledged.delete(sequence)
    if (this.#unacknowledged.size === 0) {
      clearTimeout(this.#deadline)
      this.#deadline = undefined
    }
    this.#around.deliveries.answered(this.account, entry.delivery, status)
  }

  /** Takes back what was not acknowledged in time. */
  #returnLate(): void {
    const { now, acknowledgeWithinMs, deliveries } = this.#around
    this.#deadline = undefined
    const late: Delivery[] = []
    for (const [sequence, { delivery, at }] of this.#unacknowledged) {
      const leftMs = at + acknowledgeWithinMs - now()
      if (leftMs > 0) {
        this.#deadline = setTimeout(() => this.#returnLate(), leftMs)
        break
      }
      this.#unacknowledged.delete(sequence)
      late.push(delivery)
    }
    deliveries.returned(this.account, late)
  }

  /** All that is sent in one turn of the event loop leaves in one write. */
  #write(octets: Buffer): void {
    this.#out.push(octets)
    if (this.#isFlushing) return
    this.#isFlushing = true
    process.nextTick(() => this.#flush())
  }

  #flush(): void {
    this.#isFlushing = false
    const out = this.#out
    if (out.length === 0) return
    this.#out = []
    if (this.#socket.writable) this.#socket.write(out.length === 1 ? out[0]! : Buffer.concat(out))
  }

  /** The ESME reads again. */
  #goOn(): void {
    this.heedMute()
    if (this.#account !== null) this.#around.deliveries.pump(this.#account)
  }

  #closed(): void {
    this.#isClosed = true
    this.#isEnding = true
    clearTimeout(this.#deadline)
    for (const resolve of this.#enquiries) resolve()
    const { deliveries } = this.#around
    if (this.#type !== null && this.#type !== 'transmitter') {
      deliveries.leave(this)
      const lost = [...this.#unacknowledged.values()].map(({ delivery }) => delivery)
      this.#unacknowledged.clear()
      deliveries.returned(this.account, lost)
    }
    this.#around.onClosed(this)
  }
}
