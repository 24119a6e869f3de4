/**
 * The phones of the simulator: what is on their displays. A long message shows
 * once all its parts are there, each part read by itself, as plain phones do:
 * a letter that the sender cut in two is wrong here as well.
 */
import { typeOfNumber } from '../../wire/smpp/constants.ts'
import { Mailbox } from './mailbox.ts'
import { show, type DefaultAlphabet } from './phone-text.ts'
import type { UserData } from './user-data.ts'

/** One part as it came off the wire. Octets are kept, so they must be a copy. */
export type ArrivedPart = UserData & { from: string; to: string; coding: number; messageId: string; at: number }

/** A message on a display. */
export class ShownMessage {
  /** `+49…` for an international number, else as it was sent. */
  readonly from: string
  readonly to: string
  /** Epoch ms, of the last part. */
  readonly at: number
  /** What the SMSC called each part. */
  readonly messageIds: readonly string[]
  /** SMPP's data_coding. */
  readonly coding: number
  readonly #octets: readonly Buffer[]
  readonly #alphabet: DefaultAlphabet

  constructor(parts: readonly ArrivedPart[], alphabet: DefaultAlphabet) {
    const last = parts.at(-1)!
    this.from = last.from
    this.to = last.to
    this.at = Math.max(...parts.map(({ at }) => at))
    this.messageIds = parts.map(({ messageId }) => messageId)
    this.coding = last.coding
    this.#alphabet = alphabet
    this.#octets = parts.map(({ octets }) => octets)
  }

  get parts(): number {
    return this.#octets.length
  }

  /** Decoded when somebody looks: a million messages are not read by anybody. */
  get text(): string {
    return this.#octets.map((octets) => show(octets, this.coding, this.#alphabet)).join('')
  }

  /** For those to whom the simulator's displays may be shown. */
  toJSON(): { from: string; to: string; text: string; at: number; parts: number; messageIds: readonly string[] } {
    const { from, to, text, at, parts, messageIds } = this
    return { from, to, text, at, parts, messageIds }
  }
}

/** How an address is written outside of SMPP. */
export function numberOf(address: string, ton: number): string {
  return ton === typeOfNumber.international && !address.startsWith('+') ? `+${address}` : address
}

export type PhonesKeep = {
  /** Messages on all displays together. */
  messages: number
  /** Long messages of which parts are missing. */
  incomplete: number
}

export class Phones {
  readonly #keep: PhonesKeep
  readonly #alphabet: DefaultAlphabet
  /** By number; the phone whose first message came first stands first. */
  readonly #inboxes = new Map<string, ShownMessage[]>()
  /** In order of arrival, to forget the oldest; a ring of `keep.messages`. */
  readonly #order: string[] = []
  #oldest = 0
  readonly #incomplete = new Map<string, (ArrivedPart | undefined)[]>()
  readonly #waiting = new Map<string, Mailbox<ShownMessage>[]>()
  readonly #listeners = new Set<(message: ShownMessage) => void>()

  /** @param alphabet of data_coding 0 */
  constructor(keep: PhonesKeep, alphabet: DefaultAlphabet) {
    this.#keep = keep
    this.#alphabet = alphabet
  }

  /** @returns the message that shows now, if it is complete */
  take(part: ArrivedPart): ShownMessage | null {
    const parts = part.split === null ? [part] : this.#completed(part)
    if (parts === null) return null
    const message = new ShownMessage(parts, this.#alphabet)
    this.#put(message)
    for (const mailbox of this.#waiting.get(message.to) ?? []) mailbox.put(message)
    for (const listener of this.#listeners) listener(message)
    return message
  }

  /** Oldest first. */
  inbox(number: string): readonly ShownMessage[] {
    return this.#inboxes.get(number)?.slice() ?? []
  }

  /** A reader of its own: begins with what shows already, and takes each message once. */
  mailbox(number: string): Mailbox<ShownMessage> {
    const mailbox = new Mailbox<ShownMessage>(`a message at ${number}`, { unread: this.inbox(number).slice() })
    const others = this.#waiting.get(number)
    if (others === undefined) this.#waiting.set(number, [mailbox])
    else others.push(mailbox)
    return mailbox
  }

  /** @returns what ends it */
  onMessage(listener: (message: ShownMessage) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #put(message: ShownMessage): void {
    const most = this.#keep.messages
    if (most === 0) return
    const forgotten = this.#order[this.#oldest]
    if (forgotten !== undefined) {
      const inbox = this.#inboxes.get(forgotten)
      inbox?.shift()
      if (inbox?.length === 0) this.#inboxes.delete(forgotten)
    }
    this.#order[this.#oldest] = message.to
    this.#oldest = (this.#oldest + 1) % most
    const inbox = this.#inboxes.get(message.to)
    if (inbox === undefined) this.#inboxes.set(message.to, [message])
    else inbox.push(message)
  }

  #completed(part: ArrivedPart): ArrivedPart[] | null {
    const { reference, part: place, of } = part.split!
    const key = `${part.to}|${part.from}|${reference}|${of}|${part.coding}`
    const parts = this.#incomplete.get(key) ?? Array.from({ length: of }, () => undefined)
    parts[place - 1] = part
    if (parts.every((each) => each !== undefined)) {
      this.#incomplete.delete(key)
      return parts
    }
    this.#incomplete.set(key, parts)
    const [oldest] = this.#incomplete.keys()
    if (this.#incomplete.size > this.#keep.incomplete && oldest !== undefined) this.#incomplete.delete(oldest)
    return null
  }
}
