/**
 * What the carrier's answers change about a message that may have several parts
 * and several tries. Receipts are in `receipts.ts`; what is known of a part is
 * kept by try, as there.
 *
 * A message waits to be sent again only when nothing of its try is under way
 * any more: whoever claims it sends every part that nobody has heard of.
 */
import { afterResult, aggregate, mayBecome, type MessageState, type PartResult, type PartState } from './message-state.ts'
import { standingOfParts, type TriedMessage, type TriedPart } from './receipts.ts'

export type ResultEffect = {
  message: TriedMessage
  /** Of the try that was answered, as it is now. */
  own: TriedPart
  /** False: it was told before, or comes too late to matter. */
  isNews: boolean
}

/** @param answered for which try of which part */
export function applyResult(message: TriedMessage, answered: { attempt: number; part: number; result: PartResult }): ResultEffect {
  const { attempt, part, result } = answered
  const known = message.tried.find((one) => one.attempt === attempt && one.part === part)
  const before = known?.state ?? beforeAnswer(message, answered)
  const own = { attempt, part, state: afterAnswer(message, before, answered) }
  const tried = [...message.tried.filter((one) => one !== known), own]
  const after = { ...message, tried }
  return {
    message: { ...after, state: stateAfter(after) },
    own,
    isNews: own.state !== before || (known === undefined && result.is === 'accepted'),
  }
}

/** The answer itself proves that the part was on its way. */
function beforeAnswer({ attempt, tried }: TriedMessage, answered: { attempt: number; part: number }): PartState {
  if (tried.some((one) => one.part === answered.part && one.state === 'delivered')) return 'delivered'
  return answered.attempt === attempt ? 'submitting' : 'uncertain'
}

function afterAnswer(message: TriedMessage, before: PartState, { attempt, result }: { attempt: number; result: PartResult }): PartState {
  if (attempt === message.attempt) {
    // A try that waits to be repeated was given up.
    const isGivenUp = before === 'queued' && (message.state === 'queued' || message.state === 'held')
    return afterResult(before, result, !isGivenUp)
  }
  // Of an earlier try it only matters that the carrier has it after all.
  return result.is === 'accepted' && (before === 'uncertain' || before === 'queued') ? 'submitted' : before
}

function stateAfter(message: TriedMessage): MessageState {
  const states = standingOfParts(message)
  if (states === null) return message.state
  const whole = aggregate(states)
  const isUnderWay = message.state === 'submitting' || message.state === 'uncertain'
  if (whole === 'queued' && isUnderWay && states.some((_, part) => isUnheardOf(message, part))) return message.state
  return mayBecome(message.state, whole) ? whole : message.state
}

/** Of its latest try. */
function isUnheardOf({ attempt, tried }: TriedMessage, part: number): boolean {
  return !tried.some((one) => one.part === part && (one.state !== 'queued' || one.attempt === attempt))
}
