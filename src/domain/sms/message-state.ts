/**
 * Where a message to a customer stands. All that may happen to one is in the
 * table below; whoever writes a state asks `mayBecome` first.
 *
 *     held ⇄ queued ⇄ submitting → submitted → delivered
 *
 * A message waits (`held`) for its window or for room under a cap, is due
 * (`queued`), is being handed to the carrier (`submitting`) and was taken by it
 * (`submitted`). Written but unanswered it is `uncertain`, until an answer, a
 * receipt or the template's policy settles it. Back goes only what certainly
 * did not reach the carrier, or what the policy sends again. It ends as
 * `delivered`, `undeliverable` (the carrier could not), `expired` (its time
 * was over), `failed` (it was refused), `suppressed` (a rule of ours) or
 * `superseded` (a newer one says more).
 *
 * A text of several parts has a state for each. The message has failed when any
 * part has, and is no further than the part that is furthest behind.
 */

export const messageStates = [
  'held',
  'queued',
  'submitting',
  'uncertain',
  'submitted',
  'delivered',
  'expired',
  'undeliverable',
  'failed',
  'suppressed',
  'superseded',
] as const
export type MessageState = (typeof messageStates)[number]

/**
 * Receipts can overtake the answer to what they are for, and can come for the first attempt while a repeat waits, so they are
 * heeded in all states before. The three bad ends have an order: a further part can only make it worse.
 */
const next: Readonly<Record<MessageState, readonly MessageState[]>> = {
  held: ['queued', 'suppressed', 'superseded', 'submitted', 'delivered', 'expired', 'undeliverable', 'failed'],
  queued: ['held', 'submitting', 'uncertain', 'suppressed', 'superseded', 'submitted', 'delivered', 'expired', 'undeliverable', 'failed'],
  submitting: ['queued', 'uncertain', 'submitted', 'delivered', 'expired', 'undeliverable', 'failed'],
  uncertain: ['queued', 'submitted', 'delivered', 'expired', 'undeliverable', 'failed'],
  submitted: ['delivered', 'expired', 'undeliverable', 'failed'],
  delivered: [],
  expired: ['undeliverable', 'failed'],
  undeliverable: ['failed'],
  failed: [],
  suppressed: [],
  superseded: [],
}

/** True if a message in `from` may be written as `to` now. Staying is no change and so not allowed here. */
export function mayBecome(from: MessageState, to: MessageState): boolean {
  return next[from].includes(to)
}

/** From the mildest to the gravest. */
const badEnds = ['expired', 'undeliverable', 'failed'] as const
const onTheWay = ['queued', 'submitting', 'uncertain', 'submitted', 'delivered'] as const

/** A part is of a message that was due at least once. */
export type PartState = (typeof onTheWay)[number] | (typeof badEnds)[number]

/** What the carrier link said of one part. */
export type PartResult =
  | { is: 'accepted' }
  | { is: 'rejected'; kind: 'permanent' | 'throttled' | 'queue_full' | 'temporary' }
  | { is: 'unanswered' }
  | { is: 'unwritten' }

/**
 * A part after the link's word on it. `ofThisAttempt` is false for a late word on an attempt that was given up for a repeat:
 * that it was taken after all saves the repeat if it has not left, and all else is for the repeat's own result to say.
 */
export function afterResult(part: PartState, result: PartResult, ofThisAttempt = true): PartState {
  if (!ofThisAttempt) return part === 'queued' && result.is === 'accepted' ? 'submitted' : part
  // Its receipt was faster.
  if (part !== 'submitting' && part !== 'uncertain') return part
  switch (result.is) {
    case 'accepted':
      return 'submitted'
    case 'rejected':
      return result.kind === 'permanent' ? 'failed' : 'queued'
    case 'unanswered':
      return 'uncertain'
    case 'unwritten':
      return part === 'submitting' ? 'queued' : part
  }
}

/** States in receipts, by the names of SMPP 3.4 (5.2.28). */
export type ReceiptState = 'enroute' | 'accepted' | 'delivered' | 'expired' | 'deleted' | 'undeliverable' | 'rejected' | 'unknown'

const endOf: Readonly<Record<ReceiptState, PartState | null>> = {
  delivered: 'delivered',
  expired: 'expired',
  deleted: 'undeliverable',
  undeliverable: 'undeliverable',
  rejected: 'failed',
  // The carrier has it, and that is all they say.
  enroute: null,
  accepted: null,
  unknown: null,
}

/**
 * A part after a receipt, which may be early, late, doubled or out of order: the first that tells an end is believed, and any
 * proves that the carrier has the part. While it is being submitted, the answer that brings its id is still waited for.
 */
export function afterReceipt(part: PartState, receipt: ReceiptState): PartState {
  if (part === 'delivered' || (badEnds as readonly PartState[]).includes(part)) return part
  return endOf[receipt] ?? (part === 'submitting' ? part : 'submitted')
}

/** The state of the whole message; the order in which parts came to theirs does not matter. */
export function aggregate(parts: readonly [PartState, ...PartState[]]): PartState {
  return badEnds.findLast((end) => parts.includes(end)) ?? onTheWay.find((state) => parts.includes(state)) ?? parts[0]
}
