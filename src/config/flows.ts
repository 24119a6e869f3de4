/** All flows of a file: turned into graphs and looked over as graphs. */
import type { Flow, Hours, PinRules, Step } from '../domain/call/flow.ts'
import { checkFlow } from '../domain/call/check.ts'
import type { FlowProblem } from '../domain/call/check.ts'
import { nearestName } from '../domain/nearest-name.ts'
import { contentHash } from './canonical.ts'
import type { Draft } from './draft.ts'
import { flowOf } from './flow.ts'
import { suggest } from './suggest.ts'
import type { WrittenFlow } from './schema/service.ts'
import type { PromptText, Queue, ServiceFlow } from './service.ts'
import type { Mistake } from './validate.ts'

export type FlowSurroundings = {
  pin: PinRules
  queues: readonly Queue[]
  hours: Record<string, Hours>
  prompts: Record<string, Record<string, PromptText>>
}

export function flowsOf(
  draft: Draft,
  { pin, queues, hours, prompts }: FlowSurroundings,
): { flows: Record<string, ServiceFlow>; mistakes: Mistake[] } {
  const mistakes: Mistake[] = []
  const shared = {
    pin,
    queues: Object.fromEntries(queues.map(({ name, ringMs, maxWaitMs }) => [name, { ringMs, maxWaitMs }])),
    hours,
  }
  const flows = Object.fromEntries(
    Object.entries(draft.file.flows).map(([name, written]) => {
      const flow = flowOf(name, written, shared)
      mistakes.push(...graphMistakes(flow, draft), ...surroundingMistakes(name, written, draft))
      const spoken = Object.values(flow.steps).flatMap((step) => ('prompts' in step ? step.prompts : []))
      const promptNames = [...new Set(spoken)].sort()
      const hash = contentHash({ flow, prompts: promptNames.map((prompt) => [prompt, prompts[prompt]]) })
      return [name, { name, hash, flow, promptNames }]
    }),
  )
  return { flows, mistakes }
}

/** What the domain finds in the graph, without what only follows from parts of the file that could not be read. */
function graphMistakes(flow: Flow, { file, names, brokenSteps }: Draft): Mistake[] {
  const lines = Object.values(file.lines).filter((line) => line.flow === flow.name)
  const surroundings = {
    prompts: Object.fromEntries((names.prompts ?? []).map((prompt) => [prompt, Object.keys(file.prompts[prompt] ?? {})])),
    languages: [...new Set(lines.map(({ language }) => language))],
    queues: names.queues ?? [],
    hours: names.hours ?? [],
  }
  const isOfWholeStep = ({ path }: FlowProblem): boolean => path.length === 2
  const found = [
    ...checkFlow(flow, surroundings).filter((problem) => !isOfWholeStep(problem)),
    // Whether something leads to a step is asked of the flow that was meant.
    ...checkFlow(meant(flow, brokenSteps), surroundings).filter(isOfWholeStep),
  ]
  return found.flatMap(({ path, message, hint }): Mistake[] => {
    const [, name, key] = path
    if (path.length > 2 && brokenSteps.has(`${flow.name}/${String(name)}`)) return []
    if (key === 'queue' && names.queues === null) return []
    if (key === 'opening_hours' && names.hours === null) return []
    const prompt = promptAt(flow, path)
    if (prompt !== null && names.prompts === null) return []
    if (prompt !== null && names.prompts?.includes(prompt)) {
      // It is there, so a language is missing: a mistake of the prompt, once, however many steps speak it.
      return prompt in file.prompts ? [{ path: ['prompts', prompt], of: 'key', message, hint }] : []
    }
    return [{ path: ['flows', flow.name, ...path], ...(path.length === 2 ? { of: 'key' } : {}), message, hint }]
  })
}

/** The flow with misspelt targets put right as far as they can be guessed, and with the ways out of steps that could not be read. */
function meant(flow: Flow, brokenSteps: Draft['brokenSteps']): Flow {
  const names = Object.keys(flow.steps)
  const target = (written: string): string => (names.includes(written) ? written : (nearestName(written, names) ?? written))
  const steps = Object.entries(flow.steps).map(([name, step]): [string, Step] => {
    const read = brokenSteps.get(`${flow.name}/${name}`)
    if (read !== undefined) {
      const then = Object.fromEntries(read.map((to, index) => [String(index), target(to)]))
      return [name, { kind: 'menu', prompts: [], waitMs: 0, tries: 1, then: { none: name, ...then } }]
    }
    if (step.kind === 'hang_up') return [name, step]
    return [name, { ...step, then: Object.fromEntries(Object.entries(step.then).map(([edge, to]) => [edge, target(to)])) } as Step]
  })
  return { ...flow, start: target(flow.start), steps: Object.fromEntries(steps) }
}

function promptAt(flow: Flow, path: readonly (string | number)[]): string | null {
  const [, name, kind, index] = path
  const step = flow.steps[String(name)]
  return step !== undefined && 'prompts' in step && step.kind === kind && typeof index === 'number' ? (step.prompts[index] ?? null) : null
}

/** What a step needs of the sections that the domain's flow knows nothing of. */
function surroundingMistakes(flow: string, { steps }: WrittenFlow, { file, names }: Draft): Mistake[] {
  return Object.entries(steps).flatMap(([name, step]): Mistake[] => {
    const at = ['flows', flow, 'steps', name]
    if ('special_announcement' in step) {
      const known = file.announcements ?? []
      return known.includes(step.special_announcement)
        ? []
        : [
            {
              path: [...at, 'special_announcement'],
              message: `there is no announcement called ${step.special_announcement}`,
              hint: suggest(step.special_announcement, known, `Add it: announcements: [${step.special_announcement}]`),
            },
          ]
    }
    if ('transfer' in step && names.trunks !== null && !names.trunks.includes(step.trunk)) {
      return [
        {
          path: [...at, 'trunk'],
          message: `there is no trunk called ${step.trunk}`,
          hint: suggest(step.trunk, names.trunks, 'Add it to trunks.'),
        },
      ]
    }
    if ('collect_pin' in step && step.asks !== 'customer_number' && step.then.step_up === undefined) {
      return [
        {
          path: [...at, 'then'],
          of: 'key',
          message: `the step ${name} has no way out for step_up`,
          hint: 'Add step_up: with a step that asks for the customer number (collect_pin with asks: customer_number); it is needed once guessing has become likely.',
        },
      ]
    }
    return []
  })
}
