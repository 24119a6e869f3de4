/**
 * What the carrier delivers on one session: read, handed on, and answered once
 * it was taken. A refusal or a failure asks the carrier to send it again
 * (ESME_RX_T_APPN); so does having too many in hand, which bounds memory while
 * the store is away.
 */
import type { Incoming } from '../app/ports/smsc.ts'
import { statuses } from '../wire/smpp/constants.ts'
import type { Faults } from './faults.ts'
import { readIncoming } from './incoming.ts'
import type { Delivery } from './session.ts'
import type { LinkSettings } from './settings.ts'

export type DeliveriesSettings = {
  route: string
  link: LinkSettings
  faults: Faults
  take(incoming: Incoming): Promise<void>
  respond(to: Pick<Delivery, 'command' | 'sequence'>, status: number): void
}

/** No carrier's own window is wider. */
const MOST_AT_ONCE = 1_000

export class Deliveries {
  readonly #settings: DeliveriesSettings
  readonly #inHand = new Set<Promise<void>>()

  constructor(settings: DeliveriesSettings) {
    this.#settings = settings
  }

  take(delivery: Delivery): void {
    const { route, link, faults } = this.#settings
    const { incoming, fault } = readIncoming(delivery, route, link, Date.now())
    if (fault !== null) faults.count(fault, { command: delivery.command })
    // It will not become legible by coming again.
    if (incoming === null) return this.#settings.respond(delivery, statuses.ESME_ROK)
    if (this.#inHand.size >= MOST_AT_ONCE) {
      faults.count('too_many_at_once', { command: delivery.command })
      return this.#settings.respond(delivery, statuses.ESME_RX_T_APPN)
    }
    // Its octets are views of what the socket reads into; these two stay.
    const { command, sequence } = delivery
    const handling = this.#handle({ command, sequence }, incoming).finally(() => this.#inHand.delete(handling))
    this.#inHand.add(handling)
  }

  /** When all that is in hand has been answered. */
  async drained(): Promise<void> {
    await Promise.all(this.#inHand)
  }

  async #handle(to: Pick<Delivery, 'command' | 'sequence'>, incoming: Incoming): Promise<void> {
    const { take, respond, faults, link } = this.#settings
    let isAnswered = false
    const answer = (status: number): void => {
      if (isAnswered) return
      isAnswered = true
      clearTimeout(deadline)
      respond(to, status)
    }
    // The carrier's own timer is running; should it be taken after all, it comes double, which its taker must stand anyway.
    const deadline = setTimeout(() => answer(statuses.ESME_RX_T_APPN), link.responseTimeoutMs)
    try {
      await take(incoming)
      answer(statuses.ESME_ROK)
    } catch (error) {
      // What the error says may quote what it was about.
      faults.count('handler_failed', { command: to.command, error: error instanceof Error ? error.name : typeof error })
      answer(statuses.ESME_RX_T_APPN)
    }
  }
}
