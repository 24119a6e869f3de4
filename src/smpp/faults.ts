/** What a peer did wrong on the wire: counted each time, logged by kind now and then, and never with its content. */
import type { Log } from '../app/ports/log.ts'

/**
 * - `frame_length`: a command_length that cannot be; the connection is given up.
 * - `partial_pdu`: one that never became whole.
 * - `undecodable`: its body makes no sense. `unknown_command`: SMPP 3.4 has none with this id.
 * - `unexpected_request`: not for an ESME, or not in this state. `unexpected_answer`: to nothing that we asked.
 * - `illegible_receipt`: does not say for which message. `bad_user_data_header`: longer than its message.
 * - `handler_failed`: taking it failed on our side; the carrier is asked to send it again.
 * - `too_many_at_once`: more than we keep in hand; the carrier is asked to send them again.
 */
export type FaultKind =
  | 'frame_length'
  | 'partial_pdu'
  | 'undecodable'
  | 'unknown_command'
  | 'unexpected_request'
  | 'unexpected_answer'
  | 'illegible_receipt'
  | 'bad_user_data_header'
  | 'handler_failed'
  | 'too_many_at_once'

/** A peer that does nothing else could fill a disk. */
const LOG_EVERY_MS = 10_000

export class Faults {
  readonly #log: Log
  readonly #onFault: (kind: FaultKind) => void
  readonly #counts = new Map<FaultKind, number>()
  readonly #logged = new Map<FaultKind, { at: number; count: number }>()

  /** @param onFault each time */
  constructor(log: Log, onFault: (kind: FaultKind) => void = () => {}) {
    this.#log = log
    this.#onFault = onFault
  }

  /** Since the beginning. */
  get counts(): Readonly<Partial<Record<FaultKind, number>>> {
    return Object.fromEntries(this.#counts)
  }

  /** @param fields numbers and names of PDUs; no addresses, no texts */
  count(kind: FaultKind, fields: Record<string, string | number> = {}): void {
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    const now = performance.now()
    const last = this.#logged.get(kind)
    if (last === undefined || now - last.at >= LOG_EVERY_MS) {
      this.#logged.set(kind, { at: now, count })
      this.#log.warn({ fault: kind, count, sinceLast: count - (last?.count ?? 0), ...fields }, 'the carrier sent what cannot be taken')
    }
    this.#onFault(kind)
  }
}
