/**
 * An SMSC that lives in this process: what Pforte talks to when no carrier is
 * configured, and what tests talk to. ESMEs bind to it over SMPP 3.4; what
 * they submit shows on phones, phones answer, receipts come back, and
 * everything that goes wrong at a carrier goes wrong here when asked to.
 *
 * It remembers a bounded number of PDUs and messages, in memory only.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Accounts, type Account } from './accounts.ts'
import { Deliveries, type Outcome } from './deliveries.ts'
import { Faults, type Fault } from './faults.ts'
import { Mailbox } from './mailbox.ts'
import { MessageIds, type IdForm } from './message-ids.ts'
import { PduLog, type SeenPdu } from './pdu-log.ts'
import { Phones, type ShownMessage } from './phones.ts'
import type { DefaultAlphabet } from './phone-text.ts'
import type { ReceiptForm } from './receipt.ts'
import { replyParts, type Reply } from './reply.ts'
import { Session, type BindType } from './session.ts'
import { Submits } from './submits.ts'

export type SimulatorOptions = {
  /** Where to listen. 127.0.0.1 by default. */
  host?: string
  /** A free one by default. */
  port?: number
  /** Who may bind; by default `pforte`, with a password that is drawn. */
  accounts?: readonly Account[]
  /** With a key and a certificate (PEM) it speaks TLS. */
  tls?: { key: string; cert: string }
  /** Its own name in bind responses. */
  systemId?: string
  /** How it writes message_id: `hex` by default. */
  messageIds?: IdForm
  /** … and in receipts, where some carriers write it otherwise. By default the same. */
  messageIdsInReceipts?: IdForm
  receiptForm?: ReceiptForm
  /** What data_coding 0 means here. */
  defaultAlphabet?: DefaultAlphabet
  responseDelayMs?: number
  receiptDelayMs?: number
  /** For a deliver_sm_resp; then it is delivered again. */
  acknowledgeWithinMs?: number
  /** After a temporary error in a deliver_sm_resp it is delivered again, after this time. */
  deliverAgainMs?: number
  /** deliver_sm on one bind that are not acknowledged. */
  deliverWindow?: number
  /** How much is remembered: PDUs (0: none), messages on all phones together. */
  keep?: { pdus?: number; messages?: number }
}

export type Counts = {
  /** Binds at this moment. */
  bound: number
  submitted: number
  accepted: number
  rejected: number
  /** Messages that show on phones; a long one counts once. */
  shown: number
  receipts: number
  /** Deliveries that wait for a bind that receives. */
  waiting: number
  /** PDUs that were none. */
  bad: number
}

export type Bind = { name: string; account: string; type: BindType }

const mostConnections = 1_000

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new Simulator(options)
  await simulator.listen()
  return simulator
}

export class Simulator {
  readonly #options: SimulatorOptions
  readonly #server: Server
  readonly #accounts: readonly Account[]
  readonly #door: Accounts
  readonly #sessions = new Set<Session>()
  readonly #faults: Faults
  readonly #phones: Phones
  readonly #log: PduLog
  readonly #deliveries: Deliveries
  readonly #submits: Submits
  readonly #boundListeners = new Set<() => void>()
  #sessionNumber = 0
  #reference = randomInt(0x10000)
  #shown = 0
  #bad = 0

  /** Not listening yet; see `startSimulator`. */
  constructor(options: SimulatorOptions) {
    const { messageIds = 'hex', messageIdsInReceipts = messageIds, receiptForm = 'text_and_tlvs', keep = {} } = options
    const now = Date.now
    this.#options = options
    this.#accounts = options.accounts ?? [{ user: 'pforte', password: randomBytes(4).toString('hex') }]
    this.#door = new Accounts(this.#accounts)
    this.#faults = new Faults({ responseDelayMs: options.responseDelayMs ?? 0, receiptDelayMs: options.receiptDelayMs ?? 0 }, now)
    this.#phones = new Phones({ messages: keep.messages ?? 20_000, incomplete: 5_000 }, options.defaultAlphabet ?? 'gsm7')
    this.#log = new PduLog(keep.pdus ?? 2_000)
    this.#deliveries = new Deliveries({ most: 200_000, againMs: options.deliverAgainMs ?? 1_000, mostTries: 100 })
    this.#submits = new Submits({
      ids: new MessageIds(messageIds, messageIdsInReceipts, randomInt(0x1000000)),
      faults: this.#faults,
      phones: this.#phones,
      deliveries: this.#deliveries,
      receiptForm,
      now,
    })
    this.#phones.onMessage(() => void this.#shown++)
    this.#server =
      options.tls === undefined
        ? createServer((socket) => this.#accept(socket, now))
        : createTlsServer(options.tls, (socket) => this.#accept(socket, now))
    this.#server.maxConnections = mostConnections
  }

  async listen(): Promise<void> {
    const { host = '127.0.0.1', port = 0 } = this.#options
    this.#server.listen(port, host)
    await once(this.#server, 'listening')
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** As in SMPP_URL, with the first account, or with that of `user`. */
  urlOf(user: string | undefined = this.#accounts[0]?.user): string {
    const { host = '127.0.0.1', tls } = this.#options
    const password = this.#accounts.find((account) => account.user === user)?.password ?? ''
    return `${tls === undefined ? 'smpp' : 'ssmpp'}://${encodeURIComponent(user ?? '')}:${encodeURIComponent(password)}@${host}:${this.port}`
  }

  get url(): string {
    return this.urlOf()
  }

  get counts(): Counts {
    const { submitted, accepted, rejected, receipts } = this.#submits.counts
    const { waiting } = this.#deliveries
    return { bound: this.binds.length, submitted, accepted, rejected, shown: this.#shown, receipts, waiting, bad: this.#bad }
  }

  get binds(): Bind[] {
    return [...this.#sessions].flatMap(({ name, account, type }) => (type === null ? [] : [{ name, account, type }]))
  }

  /** Resolves as soon as so many binds are there at a time. @throws {NothingCame} */
  async untilBound(count = 1, withinMs?: number): Promise<void> {
    const mailbox = new Mailbox<true>(`bind ${count}`)
    const look = (): void => {
      if (this.binds.length >= count) mailbox.put(true)
    }
    this.#boundListeners.add(look)
    look()
    await mailbox.next(withinMs).finally(() => this.#boundListeners.delete(look))
  }

  /** From now on, beside those that are on already. */
  faults(...faults: Fault[]): void {
    for (const fault of faults) {
      if (fault.kind === 'unbind') for (const session of this.#sessions) session.unbind()
      else if (fault.kind === 'disconnect' && fault.when === 'now') for (const session of this.#sessions) session.hangUp(fault.how)
      else if (fault.kind === 'malform' && fault.when === 'now') for (const session of this.#sessions) session.sendMalformed(fault.how)
      else this.#faults.add(fault)
    }
    for (const session of this.#sessions) session.heedMute()
  }

  clearFaults(): void {
    this.#faults.clear()
    for (const session of this.#sessions) session.heedMute()
  }

  /** What shows on a phone, oldest first. @param number `+49…` */
  inbox(number: string): readonly ShownMessage[] {
    return this.#phones.inbox(number)
  }

  /** Somebody who looks at a phone: takes each message once, those that show already first. */
  phone(number: string): Mailbox<ShownMessage> {
    return this.#phones.mailbox(number)
  }

  /** Hears of every message that shows on a phone. @returns what ends it */
  onDelivered(listener: (message: ShownMessage) => void): () => void {
    return this.#phones.onMessage(listener)
  }

  /**
   * A phone answers. Resolves when the ESME has acknowledged every part, or
   * refused one for good; that is never while nobody is bound to receive it.
   *
   * @throws RangeError if the coding that is asked for lacks a character
   */
  async reply(reply: Reply): Promise<Outcome[]> {
    const account = reply.account ?? this.#accounts[0]?.user ?? ''
    this.#reference = (this.#reference + 1) & 0xffff
    const parts = replyParts(reply, reply.reference ?? this.#reference)
    return Promise.all(
      parts.map(({ fields, tlvs }) => new Promise<Outcome>((settle) => this.#deliveries.add(account, { fields, tlvs, settle, tries: 0 }))),
    )
  }

  /** An enquire_link on every bind. Resolves when all have answered. */
  async enquire(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.enquire()))
  }

  /** The last PDUs on the wire, oldest first. Texts among them: for those to whom they may be shown. */
  pdus(): SeenPdu[] {
    return this.#log.all()
  }

  /** The first PDU for which it holds, of those kept or yet to come. @throws {NothingCame} */
  untilPdu(holds: (seen: SeenPdu) => boolean, withinMs?: number): Promise<SeenPdu> {
    return this.#log.until(holds, withinMs)
  }

  /** Everything ends; what was not delivered is given up. */
  async close(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined
    this.#server.close()
    this.#submits.close()
    for (const session of this.#sessions) session.close()
    await closed
    this.#deliveries.close()
  }

  #accept(socket: Socket, now: () => number): void {
    const session = new Session(socket, ++this.#sessionNumber, {
      systemId: this.#options.systemId ?? 'simulator',
      accounts: this.#door,
      faults: this.#faults,
      log: this.#log,
      deliveries: this.#deliveries,
      now,
      deliverWindow: this.#options.deliverWindow ?? 100,
      acknowledgeWithinMs: this.#options.acknowledgeWithinMs ?? 30_000,
      submit: (from, pdu) => this.#submits.take(from, pdu),
      onBound: () => {
        for (const look of this.#boundListeners) look()
      },
      onBad: () => void this.#bad++,
      onClosed: (gone) => void this.#sessions.delete(gone),
    })
    this.#sessions.add(session)
  }
}
