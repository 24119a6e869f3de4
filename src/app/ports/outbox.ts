/**
 * What sending and receiving SMS ask of the store. Everything that decides is
 * a row: several processes may send from one outbox, and any of them may die
 * between two lines of code.
 *
 * Every method rejects with `StoreUnavailable` while Postgres is away.
 */
import type { StrangerCap } from '../../domain/sms/caps.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import type { Incoming, PartResult, Reservation } from './smsc.ts'

/** A message that may go now, locked by the transaction that shows it. */
export type DueMessage = {
  id: string
  /** This try; one more than those before. */
  attempt: number
  to: string
  from: string
  text: string
  /** Of a message of several parts: those that the carrier has already. */
  settledParts: readonly number[]
}

/** What the sender made room for. */
export type Taken = { reservation: Reservation }

/** To be written to the wire: this is committed. */
export type Submitting<T extends Taken> = { message: DueMessage; taken: T; validUntil: number }

export type Claimed<T extends Taken> = {
  submitting: Submitting<T>[]
  /** More is due: there was no room, or so much was asked for. */
  isMore: boolean
  /** Otherwise: when the next one is due, as far as is known now; null: nothing waits. */
  nextDueAt: number | null
}

export type ClaimRequest<T extends Taken> = {
  at: number
  /** Of this process: rows that are being submitted are its own while it lives. */
  sender: string
  most: number
  /**
   * Called within the transaction for each message that may go. Null: there is no room, it and those behind it stay as they
   * are; `unsendable` ends it. No waiting in here.
   */
  take(message: DueMessage): T | null | { unsendable: string }
  /** The transaction begins anew (it collided with another), or has failed: what was taken in it goes nowhere. */
  untake(taken: T): void
}

/** A result with the try it belongs to. */
export type TryResult = { attempt: number; result: PartResult }

export interface Outbox {
  /** Called in this process after a commit that made something due. A hint: what is due is in the rows. */
  onDue(listener: () => void): void
  /** A cap on messages to numbers that nobody vouches for bit. It has been logged. */
  onAlarm(listener: (cap: StrangerCap) => void): void
  claim<T extends Taken>(request: ClaimRequest<T>): Promise<Claimed<T>>
  /** What the carrier said of parts. Each may be told twice. */
  record(results: readonly TryResult[], at: number): Promise<void>
  /** Messages that a dead sender was submitting are uncertain from now on. Returns how many. */
  rescue(sender: string, at: number): Promise<{ uncertain: number }>
  /** Sends again or gives up on those whose time of waiting for an answer is over. */
  settleUncertain(at: number): Promise<{ nextAt: number | null }>
  /** A lease on sending: while it is held, rows of this sender are not rescued. */
  takeSenderLease(): Promise<{ sender: string; lost: Promise<string>; release(): Promise<void> }>

  /** Stored when it settles: the carrier may be told so. */
  takeIncoming(incoming: readonly Incoming[], at: number): Promise<void>
  /** Long replies whose missing parts did not come are taken as they are, until `stop`. */
  expirePiles(at: number, stop?: AbortSignal): Promise<{ nextAt: number | null }>

  /**
   * From now on; null: no SMS at all. What is held is looked at anew if the rules are others than before, also than those before
   * the process began. Settles when it was, which takes until Postgres is there, or when yet other rules are in use.
   */
  useSms(definition: SmsDefinition | null, at: number): Promise<void>
}
