/** What a call counts as when it ends, out of what has happened in it. */
import type { CallOutcome } from './commands.ts'
import type { CallState } from './state.ts'

/**
 * The weightiest thing that has happened so far: a conversation, then a
 * message left, then a special announcement heard to its end; null when there
 * was none of these.
 */
export function outcomeSoFar(state: CallState): CallOutcome | null {
  if (state.connectedAt !== null) return 'connected'
  if (state.voicemailVisit !== null) return 'voicemail'
  // Only a special announcement has an edge of this name (edges.ts).
  if (state.path.some((entry) => entry.outcome === 'heard')) return 'informed'
  return null
}
