/** Walking the graph: into a step, and along the edges that steps take. */
import { strict as assert } from 'node:assert'
import type { Step, StepName } from './flow.ts'
import { rulesFor } from './steps/table.ts'
import type { Turn } from './turn.ts'

/** The step that the call stands in. */
export function presentStep(turn: Turn): Step {
  return stepNamed(turn, turn.stepName)
}

/** Enters the flow's first step. */
export function enterStart(turn: Turn): void {
  enter(turn, turn.flow.start)
}

/**
 * Follows the edges that were taken until the call rests in a step or has
 * ended. Steps that decide at once make chains; the check refuses flows in
 * which such a chain closes to a ring, so one longer than twice the flow is a
 * bug.
 */
export function settle(turn: Turn): void {
  let hops = 0
  while (turn.edge !== null) {
    hops += 1
    assert(hops < 4 || hops <= 2 * Object.keys(turn.flow.steps).length, 'steps lead to each other without end')
    follow(turn, turn.edge)
  }
}

function follow(turn: Turn, edge: string): void {
  const step = presentStep(turn)
  const edges: Readonly<Record<string, StepName | undefined>> = step.kind === 'hang_up' ? {} : step.then
  const target = turn.back ?? edges[edge]
  if (target === undefined) assert.fail(`step ${turn.stepName} of flow ${turn.flow.name} has no edge ${edge}`)
  turn.clearTimers()
  turn.mark(turn.note)
  turn.edge = null
  turn.back = null
  enter(turn, target)
}

function enter(turn: Turn, name: StepName): void {
  const step = stepNamed(turn, name)
  const state = turn.state
  state.step = name
  turn.beginVisit()
  state.doing = { what: 'nothing' }
  turn.addToPath({ step: name, enteredAt: turn.at, outcome: null })
  rulesFor(step).enter(turn, step)
}

function stepNamed(turn: Turn, name: StepName): Step {
  const step = turn.flow.steps[name]
  if (step === undefined) assert.fail(`flow ${turn.flow.name} has no step ${name}`)
  return step
}
