/**
 * What the sender and the receiver of SMS ask of the carrier link, in
 * Pforte's words. SMPP's words stop at `smpp/`.
 *
 * Sending is in three steps, so that the outbox can commit before anything is
 * written (docs/architecture.md, the outbox): a lane *reserves* room in the
 * window, the outbox writes down under which sequence number, and only then
 * the lane *submits*. What was reserved and not submitted was never on the
 * wire, and is safe to send again.
 */

/** A carrier's account: `user@host:port`. Ids of messages are unique within one at best. */
export type RouteName = string

/** Room for one message on one bind of one session. `sequence` is that of its first part; the others follow it. */
export type Reservation = { bind: string; route: RouteName; epoch: number; sequence: number; parts: number }

export type EncodedMessage = {
  /** Ours; comes back with each result. */
  messageId: string
  /** E.164. */
  to: string
  /** 1–11 letters and digits, a short code, or E.164. */
  from: string
  coding: 'gsm7' | 'ucs2'
  /** User data of each part without headers: unpacked septets, or UCS-2 big-endian. One bind carries them in this order. */
  parts: readonly Uint8Array[]
  /** Which of the parts are still to be sent, by their places in `parts`, ascending; room was reserved for so many. Left out: all. */
  only?: readonly number[]
  /** Tells the parts of one message from another's, 0–65535. Of no meaning for a single part. */
  reference: number
  /** Epoch ms: the carrier must not deliver later. Null: as long as it likes. */
  validUntil: number | null
}

/**
 * How one part ended.
 * - `accepted`: `carrierId` is what receipts will be about; empty if the carrier gave none. All parts of a message have
 *   the same one on a route that joins them (message_payload).
 * - `rejected`: the carrier took it not. `permanent` is never tried again; `throttled` slows the bind, `queue_full` the
 *   destination too; `temporary` may be tried again. `status` is SMPP's name: `ESME_RINVDSTADR`.
 * - `unanswered`: written (perhaps in part), and no answer came in time or before the session ended. An answer may
 *   still come late, as `accepted` or `rejected` with `late: true`.
 * - `unwritten`: not a byte left; safe to send again.
 */
export type PartResult = { messageId: string; part: number; reservation: Reservation } & (
  | { is: 'accepted'; carrierId: string; late: boolean }
  | { is: 'rejected'; kind: 'permanent' | 'throttled' | 'queue_full' | 'temporary'; status: string; late: boolean }
  | { is: 'unanswered'; why: string }
  | { is: 'unwritten'; why: string }
)

export type ReceiptState = 'enroute' | 'accepted' | 'delivered' | 'expired' | 'deleted' | 'undeliverable' | 'rejected' | 'unknown'

/** What the carrier delivered to us. `text` never reaches a log. */
export type Incoming =
  | {
      kind: 'receipt'
      route: RouteName
      /** Whom the message went to. */
      to: string
      /** As the carrier wrote it, and every other form that may have been meant (decimal for hexadecimal and back, by route). */
      carrierIds: readonly string[]
      state: ReceiptState
      /** The carrier's error code, if it told one. */
      error: string | null
      /** When the carrier says that it was done; null if it does not, or not legibly. */
      doneAt: number | null
    }
  | {
      kind: 'reply'
      route: RouteName
      from: string
      to: string
      /** Decoded; of one part if it is part of a longer text. */
      text: string
      /** Where this is one of several parts. */
      concatenation: { reference: number; part: number; of: number } | null
    }

/** Room for more on one bound session. */
export interface Lane {
  readonly bind: string
  readonly route: RouteName
  /** How many parts the window and the rate would take at this moment. */
  readonly room: number
  /** Null when there is no room for so many parts now. Every reservation is submitted or released. */
  reserve(parts: number): Reservation | null
  /** Puts it on the wire. Results come through `onResult`, one a part, also when the session is gone by now (`unwritten`). */
  submit(reservation: Reservation, message: EncodedMessage): void
  /** Gives the room back; its sequence numbers are not used. */
  release(reservation: Reservation): void
}

export type BindState = 'connecting' | 'binding' | 'bound' | 'waiting' | 'refused' | 'closed'
/** `why` says why it is so, and what is to be done if something is: "wrong password; not tried again …". */
export type BindStatus = {
  bind: string
  route: RouteName
  state: BindState
  why: string
  since: number
  unanswered: number
  slowed: boolean
}

export interface Smsc {
  /** Begins to connect and goes on without end. */
  open(): void
  /** Binds that can take something now, the most preferred route first; empty while there is none. */
  lanes(): Lane[]
  /**
   * Called once when there is room for who looked for it in vain: after `lanes()` was empty or `reserve` gave null.
   * Not before that happened.
   */
  onRoom(listener: () => void): void
  onResult(listener: (result: PartResult) => void): void
  /** The carrier hears that it was taken once the promise is fulfilled, and that it should come again if it is rejected. */
  onIncoming(take: (incoming: Incoming) => Promise<void>): void
  /** After every change of a bind's state. */
  onStatus(listener: (status: BindStatus) => void): void
  readonly status: readonly BindStatus[]
  /** Takes nothing more, lets what is on the wire be answered for a moment, unbinds, closes. */
  close(): Promise<void>
}
