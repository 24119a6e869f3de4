/** The ways out of each kind of step: one table for the check and the pictures. */
import type { Step, StepKind, StepName } from './flow.ts'

type Edges = {
  /** Must be drawn. */
  required: readonly string[]
  /** May be drawn; the step does without. */
  optional: readonly string[]
  /**
   * Can be taken in the turn that enters the step, or as soon as Asterisk or
   * Postgres answers: without music, a prompt, or any other wait that a caller
   * would notice. A ring of only such edges would never come to rest.
   */
  atOnce: readonly string[]
}

export const edgesOfKind: Readonly<Record<StepKind, Edges>> = {
  announce: { required: ['done'], optional: ['#'], atOnce: [] },
  special_announcement: { required: ['off', 'pressed', 'heard'], optional: [], atOnce: ['off'] },
  // `wrong` at once: the customer number is asked and the PIN beside it is lost.
  collect_pin: {
    required: ['right', 'wrong', 'none', 'exhausted'],
    optional: ['step_up'],
    atOnce: ['exhausted', 'wrong'],
  },
  hold_music: { required: ['done'], optional: ['#', 'exhausted'], atOnce: ['exhausted'] },
  menu: {
    required: ['none'],
    optional: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#'],
    // A key typed ahead chooses at once, but there are only so many of those.
    atOnce: [],
  },
  opening_hours: { required: ['open', 'closed'], optional: [], atOnce: ['open', 'closed'] },
  queue: { required: ['timeout', 'full'], optional: ['#'], atOnce: ['full'] },
  voicemail: { required: ['left', 'empty'], optional: [], atOnce: [] },
  transfer: { required: ['failed'], optional: [], atOnce: ['failed'] },
  hang_up: { required: [], optional: [], atOnce: [] },
}

/** The edges that are drawn from this step, in the order of the file. */
export function drawnEdges(step: Step): [edge: string, target: StepName][] {
  return step.kind === 'hang_up' ? [] : Object.entries(step.then)
}

/** Those of them that lead on without a rest. */
export function edgesAtOnce(step: Step): [edge: string, target: StepName][] {
  return drawnEdges(step).filter(([edge]) => isAtOnce(step, edge))
}

function isAtOnce(step: Step, edge: string): boolean {
  // The PIN itself is always asked before it can be wrong.
  if (step.kind === 'collect_pin' && step.asks === 'pin' && edge === 'wrong') return false
  // With nothing to say, these do not rest where they otherwise would.
  if (step.kind === 'announce' && edge === 'done') return step.prompts.length === 0
  if (step.kind === 'voicemail' && edge === 'empty') return step.prompts.length === 0
  return edgesOfKind[step.kind].atOnce.includes(edge)
}
