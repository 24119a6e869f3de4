/**
 * What becomes of a message that was written to the carrier and not answered.
 * Sending exactly once over SMPP is impossible, because the answer can be lost;
 * so it is never sent again blindly. A late answer or a receipt settles it, and
 * if neither comes the template says which is worse: a gap or a repeat.
 */
import type { Decision } from './decide.ts'

export type UncertainPolicy = { is: 'leave' } | { is: 'resend'; afterMs: number }

/** Twice the same text is a nuisance, three times a fault. */
const mostRepeats = 1

export type Settlement =
  | { do: 'wait'; until: number }
  | { do: 'resend'; validUntil: number; what: string; why: string }
  | { do: 'leave'; what: string; why: string }

export type Uncertainty = { sinceAt: number; at: number; repeats: number }

/**
 * @param decide what would become of the message if it were new now: whoever must not get it now gets no repeat either.
 *   Asked only when its time has come.
 */
export function settle(policy: UncertainPolicy, { sinceAt, at, repeats }: Uncertainty, decide: () => Decision): Settlement {
  const left = (why: string): Settlement => ({ do: 'leave', what: 'left uncertain', why })
  if (policy.is === 'leave') return left('the template prefers a gap to a repeat')
  if (repeats >= mostRepeats) return left('it was repeated once already')
  const until = sinceAt + policy.afterMs
  if (at < until) return { do: 'wait', until }
  const decision = decide()
  if (decision.do === 'hold') return { do: 'wait', until: decision.until }
  if (decision.do !== 'send') return left(decision.why)
  return { do: 'resend', validUntil: decision.validUntil, what: 'queued again', why: 'the template prefers a repeat to a gap' }
}
