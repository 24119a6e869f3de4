/**
 * What the SMSC has for an ESME: receipts, and what phones sent. It is kept
 * until the ESME has acknowledged it: without a bind that receives it waits for
 * one, and what was on a bind that is lost, or came back with a temporary
 * error, goes out again.
 */
import { statusName, statuses } from '../../wire/smpp/constants.ts'
import type { MessageFields } from '../../wire/smpp/fields.ts'
import type { Tlvs } from '../../wire/smpp/tlvs.ts'

/** `status`: the last that the ESME said, null if it never said anything. */
export type Outcome = { acknowledged: boolean; status: string | null; tries: number }

export type Delivery = {
  fields: Pick<MessageFields, 'short_message' | 'data_coding' | 'destination_addr'> & Partial<MessageFields>
  tlvs: Tlvs
  settle: ((outcome: Outcome) => void) | null
  tries: number
}

/** A bind that receives. */
export interface Receiver {
  /** Account's name. */
  readonly account: string
  readonly hasRoom: boolean
  /** Puts it on the wire; `answered` or `returned` of the deliveries follow. */
  deliver(delivery: Delivery): void
}

export type DeliveriesOptions = {
  /** That wait for a bind, an account; beyond, the oldest are given up. */
  most: number
  /** After a temporary error. */
  againMs: number
  mostTries: number
}

const temporary: ReadonlySet<number> = new Set([
  statuses.ESME_RSYSERR,
  statuses.ESME_RMSGQFUL,
  statuses.ESME_RTHROTTLED,
  statuses.ESME_RX_T_APPN,
])

export class Deliveries {
  readonly #options: DeliveriesOptions
  readonly #accounts = new Map<string, { queue: Queue; receivers: Receiver[]; turn: number }>()
  readonly #pauses = new Set<NodeJS.Timeout>()

  constructor(options: DeliveriesOptions) {
    this.#options = options
  }

  /** That wait for a bind. */
  get waiting(): number {
    return this.#accounts.values().reduce((sum, { queue }) => sum + queue.length, 0)
  }

  add(account: string, delivery: Delivery): void {
    const { queue } = this.#of(account)
    queue.push(delivery)
    if (queue.length > this.#options.most) settle(queue.shift(), false, null)
    this.pump(account)
  }

  /** A bind that receives has come. */
  join(receiver: Receiver): void {
    this.#of(receiver.account).receivers.push(receiver)
    this.pump(receiver.account)
  }

  leave(receiver: Receiver): void {
    const account = this.#of(receiver.account)
    account.receivers = account.receivers.filter((other) => other !== receiver)
  }

  /** It was lost with its bind: the next one gets it, before all others. */
  returned(account: string, lost: Iterable<Delivery>): void {
    const { queue } = this.#of(account)
    for (const delivery of [...lost].toReversed()) {
      if (delivery.tries >= this.#options.mostTries) settle(delivery, false, null)
      else queue.unshift(delivery)
    }
    this.pump(account)
  }

  answered(account: string, delivery: Delivery, status: number): void {
    if (temporary.has(status) && delivery.tries < this.#options.mostTries) {
      const pause = setTimeout(() => {
        this.#pauses.delete(pause)
        this.add(account, delivery)
      }, this.#options.againMs)
      this.#pauses.add(pause)
    } else settle(delivery, status === statuses.ESME_ROK, statusName(status))
    this.pump(account)
  }

  /** Hands out what waits, in turn, while there is room. */
  pump(name: string): void {
    const account = this.#of(name)
    const { queue, receivers } = account
    let refusals = 0
    while (queue.length > 0 && refusals < receivers.length) {
      const receiver = receivers[account.turn++ % receivers.length]!
      if (!receiver.hasRoom) {
        refusals++
        continue
      }
      refusals = 0
      const delivery = queue.shift()!
      delivery.tries++
      receiver.deliver(delivery)
    }
  }

  /** What is still here is given up. */
  close(): void {
    for (const pause of this.#pauses) clearTimeout(pause)
    for (const { queue } of this.#accounts.values()) while (queue.length > 0) settle(queue.shift(), false, null)
  }

  #of(name: string): { queue: Queue; receivers: Receiver[]; turn: number } {
    const known = this.#accounts.get(name)
    if (known !== undefined) return known
    const account = { queue: new Queue(), receivers: [], turn: 0 }
    this.#accounts.set(name, account)
    return account
  }
}

export function settle(delivery: Delivery | undefined, acknowledged: boolean, status: string | null): void {
  delivery?.settle?.({ acknowledged, status, tries: delivery.tries })
}

/** First in, first out; an array's own `shift` moves all that follow. */
class Queue {
  #items: Delivery[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(delivery: Delivery): void {
    this.#items.push(delivery)
  }

  unshift(delivery: Delivery): void {
    if (this.#head > 0) this.#items[--this.#head] = delivery
    else this.#items.unshift(delivery)
  }

  shift(): Delivery | undefined {
    if (this.length === 0) return undefined
    const delivery = this.#items[this.#head]!
    this.#items[this.#head++] = gone
    if (this.#head === this.#items.length || this.#head >= 10_000) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return delivery
  }
}

/** Stands where a delivery was, so that it is not kept. */
const gone: Delivery = {
  fields: { short_message: Buffer.alloc(0), data_coding: 0, destination_addr: '' },
  tlvs: {},
  settle: null,
  tries: 0,
}
