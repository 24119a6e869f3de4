/**
 * Taking a call up again, after a crash, a restart or a lost connection.
 *
 * Asterisk has kept the caller, with music and media running, and tells
 * nothing of what has happened since. So a turn without an event: the step
 * gets what was found of the call and decides what still holds. A live
 * recording goes on, a ringing phone and a conversation are adopted, a wait
 * keeps its place and its deadline; prompts and typing begin anew, as another
 * visit of the same step (no try is counted, no path entry added), because
 * how far they had come is not known.
 *
 * The flow is the one that the call began under; it is kept by its hash.
 */
import { callerGone, arrive, type Advanced } from './advance.ts'
import type { LegName } from './events.ts'
import type { Flow } from './flow.ts'
import { legInHand } from './heeded.ts'
import type { CallState } from './state.ts'
import { rulesFor } from './steps/table.ts'
import { Turn } from './turn.ts'
import { presentStep, settle } from './walk.ts'

/** What was found of one call. */
export type ObservedCall = {
  /** Epoch ms. */
  at: number
  callerPresent: boolean
  /** The recording of the call's present visit is being made right now. */
  recordingLive: boolean
  /** The legs that Pforte made for this call and that are still there. */
  legs: { leg: LegName; state: 'ringing' | 'up' }[]
  /** Caller and leg hear each other. */
  bridged: boolean
}

/**
 * The state from which the call goes on, and what has to be done for it, in
 * order. Deadlines are kept; one that has passed meanwhile takes effect now.
 * For a process that has lived (only the socket was away) and for one that
 * reads the state from its row (`stateFromRow`) alike.
 */
export function resume(flow: Flow, state: CallState, observed: ObservedCall): Advanced {
  const turn = new Turn(flow, state, observed.at)
  // A leg that rang for an earlier offer, or for a call that is over.
  for (const { leg } of observed.legs) {
    if (leg !== legInHand(state)) turn.do({ type: 'hangUpLeg', leg })
  }
  if (state.phase === 'ended') return { state, commands: turn.commands }
  if (!observed.callerPresent) {
    callerGone(turn)
  } else if (state.phase === 'new') {
    arrive(turn)
  } else {
    const step = presentStep(turn)
    rulesFor(step).resume(turn, step, observed)
    settle(turn)
  }
  return { state: turn.state, commands: turn.commands }
}
