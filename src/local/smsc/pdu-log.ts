/**
 * The last PDUs on the simulator's wire, in memory and nowhere else: they hold
 * the texts of messages. Passwords are not kept.
 */
import { Mailbox, patienceMs } from './mailbox.ts'
import { statusName, type CommandName } from '../../wire/smpp/constants.ts'
import type { Pdu } from '../../wire/smpp/pdu.ts'
import { show } from './phone-text.ts'
import { userDataOf } from './user-data.ts'

export type SeenPdu = {
  /** Epoch ms. */
  at: number
  /** `in`: from the ESME, Pforte. */
  direction: 'in' | 'out'
  /** The connection: `3`, with the account once it is bound: `3 pforte transceiver`. */
  bind: string
  sequence: number
  /** SMPP's name: `ESME_ROK`. */
  status: string
} & (
  | { command: CommandName; fields: Record<string, unknown>; tlvs: Record<string, unknown>; text: string | null }
  | { command: null; bad: string }
)

/** What is kept of a PDU until somebody looks. */
type Kept = { at: number; direction: 'in' | 'out'; bind: string } & ({ pdu: Pdu } | { bad: string; sequence: number })

export class PduLog {
  readonly #most: number
  readonly #ring: Kept[] = []
  #next = 0
  #waiting: { holds: (seen: SeenPdu) => boolean; mailbox: Mailbox<SeenPdu> }[] = []

  constructor(most: number) {
    this.#most = most
  }

  /** Nobody reads it; then nothing need be put together for it. */
  get isOff(): boolean {
    return this.#most === 0 && this.#waiting.length === 0
  }

  /** @param kept octets in it must not be views of what is read into again */
  add(kept: Kept): void {
    if (this.#most > 0) {
      this.#ring[this.#next] = kept
      this.#next = (this.#next + 1) % this.#most
    }
    if (this.#waiting.length === 0) return
    const seen = told(kept)
    for (const waiter of this.#waiting) if (waiter.holds(seen)) waiter.mailbox.put(seen)
  }

  /** Oldest first. */
  all(): SeenPdu[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)].map(told)
  }

  /** The first for which it holds, of those kept or yet to come. @throws {NothingCame} */
  async until(holds: (seen: SeenPdu) => boolean, withinMs = patienceMs): Promise<SeenPdu> {
    const found = this.all().find(holds)
    if (found !== undefined) return found
    const waiter = { holds, mailbox: new Mailbox<SeenPdu>('a PDU', { most: 1 }) }
    this.#waiting.push(waiter)
    try {
      return await waiter.mailbox.next(withinMs)
    } finally {
      this.#waiting = this.#waiting.filter((other) => other !== waiter)
    }
  }
}

function told(kept: Kept): SeenPdu {
  const { at, direction, bind } = kept
  if ('bad' in kept) return { at, direction, bind, sequence: kept.sequence, status: statusName(0), command: null, bad: kept.bad }
  const { command, sequence, status, fields, tlvs } = kept.pdu
  return {
    ...{ at, direction, bind, sequence, status: statusName(status), command },
    ...{ fields: shown(fields), tlvs: shown(tlvs), text: textOf(kept.pdu) },
  }
}

function shown(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => name !== 'password')
      .map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString('hex') : (value as unknown)]),
  )
}

function textOf(pdu: Pdu): string | null {
  if (pdu.command !== 'submit_sm' && pdu.command !== 'deliver_sm') return null
  return show(userDataOf(pdu.fields, pdu.tlvs).octets, pdu.fields.data_coding)
}
