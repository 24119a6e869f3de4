/**
 * What a receipt changes about a message that may have several parts and, by
 * its template's policy or because the carrier was busy, several tries.
 *
 * What is known of a part is kept by try. A part stands where its latest try
 * stands; one that nobody has heard of yet, or that waits to be sent again,
 * stands where its message stands. Two things follow from tries that overlap:
 *
 * - That an earlier try was delivered is proof for the part, whatever becomes
 *   of the later one.
 * - That an earlier try came to a bad end says nothing while a later one is on
 *   its way.
 */
import assert from 'node:assert/strict'
import { afterReceipt, aggregate, mayBecome, type MessageState, type PartState, type ReceiptState } from './message-state.ts'

/** What is known of one try of one part. `part` counts from 0. */
export type TriedPart = { attempt: number; part: number; state: PartState }

/** `attempt` is the latest try; `parts` says of how many parts it is. */
export type TriedMessage = { state: MessageState; attempt: number; parts: number; tried: readonly TriedPart[] }

/** `what` and `why` are for the message's trace. */
export type ReceiptEffect = {
  message: TriedMessage
  /** Those of `message.tried` that are other than before. */
  changed: TriedPart[]
  /** Null: the receipt tells nothing new. */
  step: { what: string; why: string } | null
}

const ends: readonly PartState[] = ['delivered', 'expired', 'undeliverable', 'failed']
/** Nothing else comes of a receipt: that something is to be sent again is for the carrier's answers to say. */
const byReceipt: readonly MessageState[] = ['submitted', 'delivered', 'expired', 'undeliverable', 'failed']

/** True for a part, or a message, of which nothing more is to be heard. */
export function hasEnded(state: PartState | MessageState): boolean {
  return (ends as readonly string[]).includes(state)
}

/** @param receipt for which try of which part; one that the message has */
export function applyReceipt(message: TriedMessage, receipt: { attempt: number; part: number; state: ReceiptState }): ReceiptEffect {
  const own = message.tried.find(({ attempt, part }) => attempt === receipt.attempt && part === receipt.part)
  assert(own !== undefined, 'a receipt is applied to the try that has its id')
  const which = message.parts === 1 ? '' : ` (part ${receipt.part + 1} of ${message.parts})`
  const state = afterReceipt(own.state, receipt.state)
  if (isOvertaken(message, own) && hasEnded(state) && state !== 'delivered') {
    return { message, changed: [], step: { what: 'receipt', why: `${receipt.state}, of an earlier try${which}` } }
  }
  const changed: TriedPart[] = []
  if (state !== own.state) changed.push({ ...own, state })
  const latest = latestOf(message.tried, own.part)
  if (state === 'delivered' && latest !== own && !hasEnded(latest.state)) changed.push({ ...latest, state })

  const tried = message.tried.map((one) => changed.find(({ attempt, part }) => attempt === one.attempt && part === one.part) ?? one)
  const after = { ...message, tried, state: stateAfter({ ...message, tried }) }
  const says = `its receipt says so${own.attempt === message.attempt ? '' : ', of an earlier try'}${which}`
  if (changed.length > 0) return { message: after, changed, step: { what: state, why: says } }
  // Why nothing is heard of it for a while; ends that come twice are no news.
  const isNews = !hasEnded(own.state) && !hasEnded(message.state)
  return { message: after, changed, step: isNews ? { what: 'receipt', why: `${receipt.state}${which}` } : null }
}

/** True if the part was sent once more and nothing is known of that yet. Parts that the carrier had are not sent again with the others. */
function isOvertaken(message: TriedMessage, own: TriedPart): boolean {
  const isUnderWay = message.state === 'submitting' || message.state === 'uncertain'
  return latestOf(message.tried, own.part) !== own || (isUnderWay && message.parts === 1 && message.attempt > own.attempt)
}

function latestOf(tried: readonly TriedPart[], part: number): TriedPart {
  return tried.filter((one) => one.part === part).reduce((latest, one) => (one.attempt > latest.attempt ? one : latest))
}

function stateAfter(message: TriedMessage): MessageState {
  const states = standingOfParts(message)
  if (states === null) return message.state
  const whole = aggregate(states)
  return byReceipt.includes(whole) && mayBecome(message.state, whole) ? whole : message.state
}

/** Where each part stands; null where nothing is sent any more, whatever its parts do. */
export function standingOfParts({ state, attempt, parts, tried }: TriedMessage): [PartState, ...PartState[]] | null {
  const standing = asPart(state)
  if (standing === null) return null
  const latest = new Map<number, TriedPart>()
  for (const one of tried) if (one.attempt >= (latest.get(one.part)?.attempt ?? 0)) latest.set(one.part, one)
  const states = Array.from({ length: parts }, (_, part): PartState => {
    const one = latest.get(part)
    return one === undefined || (one.state === 'queued' && one.attempt < attempt) ? standing : one.state
  })
  const [first, ...others] = states
  assert(first !== undefined, 'a message has at least one part')
  return [first, ...others]
}

/** Null where nothing is sent any more, whatever its parts do. */
function asPart(state: MessageState): PartState | null {
  if (state === 'suppressed' || state === 'superseded') return null
  return state === 'held' ? 'queued' : state
}
