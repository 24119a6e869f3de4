/** All flows of a file: turned into graphs and looked over as graphs. */
import type { Hours, PinRules } from '../domain/call/flow.ts'
import { checkFlow } from './graph-stub.ts'
import { contentHash } from './canonical.ts'
import type { Draft } from './draft.ts'
import { flowOf, writtenPath } from './flow.ts'
import { suggest } from './nearest.ts'
import type { WrittenFlow } from './schema/service.ts'
import type { PromptText, Queue, ServiceFlow } from './service.ts'
import type { Mistake } from './validate.ts'

export type FlowSurroundings = {
  pin: PinRules
  queues: readonly Queue[]
  hours: Record<string, Hours>
  prompts: Record<string, Record<string, PromptText>>
}

export function flowsOf(draft: Draft, { pin, queues, hours, prompts }: FlowSurroundings): { flows: Record<string, ServiceFlow>; mistakes: Mistake[] } {
  const mistakes: Mistake[] = []
  const shared = {
    pin,
    queues: Object.fromEntries(queues.map(({ name, ringMs, maxWaitMs }) => [name, { ringMs, maxWaitMs }])),
    hours,
  }
  const flows = Object.fromEntries(Object.entries(draft.file.flows).map(([name, written]) => {
    const flow = flowOf(name, written, shared)
    mistakes.push(...graphMistakes(name, written, flow, draft), ...surroundingMistakes(name, written, draft))
    const spoken = Object.values(flow.steps).flatMap(step => ('prompts' in step ? step.prompts : []))
    const promptNames = [...new Set(spoken)].sort()
    const hash = contentHash({ flow, prompts: promptNames.map(prompt => [prompt, prompts[prompt]]) })
    return [name, { name, hash, flow, promptNames }]
  }))
  return { flows, mistakes }
}

/** What the domain finds in the graph, without what only follows from steps that could not be read. */
function graphMistakes(name: string, written: WrittenFlow, flow: ServiceFlow['flow'], { file, names, brokenSteps }: Draft): Mistake[] {
  const lines = Object.values(file.lines).filter(line => line.flow === name)
  const found = checkFlow(flow, {
    prompts: Object.fromEntries((names.prompts ?? []).map(prompt => [prompt, Object.keys(file.prompts[prompt] ?? {})])),
    languages: [...new Set(lines.map(({ language }) => language))],
    queues: names.queues ?? [],
    hours: names.hours ?? [],
  })
  const graphIsWhole = ![...brokenSteps].some(step => step.startsWith(`${name}/`))
  return found
    .filter(({ path }) => {
      const [, step, key] = path
      if (brokenSteps.has(`${name}/${String(step)}`)) return false
      // Reachability and loops can only be judged when every step could be read.
      if (!graphIsWhole && path[0] === 'steps' && key === undefined) return false
      if (key === 'prompts' && (names.prompts === null || isBrokenPrompt(flow, path, file.prompts))) return false
      return !(key === 'queue' && names.queues === null) && !(key === 'hours' && names.hours === null)
    })
    .map(({ path, message, hint }) => ({
      path: writtenPath(name, written, path),
      // Of a step or a way out as a whole the name is what to look at.
      ...(path[0] === 'steps' && path.length <= 2 ? { of: 'key' as const } : {}),
      message,
      hint,
    }))

  function isBrokenPrompt(of: ServiceFlow['flow'], [, step, , index]: readonly (string | number)[], prompts: object): boolean {
    const value = of.steps[String(step)]
    const prompt = value !== undefined && 'prompts' in value ? value.prompts[Number(index ?? 0)] : undefined
    return prompt !== undefined && (names.prompts ?? []).includes(prompt) && !(prompt in prompts)
  }
}

/** What a step needs of the sections that the domain's flow knows nothing of. */
function surroundingMistakes(flow: string, { steps }: WrittenFlow, { file, names }: Draft): Mistake[] {
  return Object.entries(steps).flatMap(([name, step]): Mistake[] => {
    const at = ['flows', flow, 'steps', name]
    if ('special_announcement' in step) {
      const known = file.announcements ?? []
      return known.includes(step.special_announcement) ? [] : [{
        path: [...at, 'special_announcement'],
        message: `there is no announcement called ${step.special_announcement}`,
        hint: suggest(step.special_announcement, known, `Add it: announcements: [${step.special_announcement}]`),
      }]
    }
    if ('transfer' in step && names.trunks !== null && !names.trunks.includes(step.trunk)) {
      return [{ path: [...at, 'trunk'], message: `there is no trunk called ${step.trunk}`, hint: suggest(step.trunk, names.trunks, 'Add it to trunks.') }]
    }
    if ('collect_pin' in step && step.asks !== 'customer_number' && step.then.step_up === undefined) {
      return [{
        path: [...at, 'then'],
        of: 'key',
        message: `the step ${name} has no way out for step_up`,
        hint: 'Add step_up: with a step that asks for the customer number (collect_pin with asks: customer_number); it is needed once guessing has become likely.',
      }]
    }
    return []
  })
}
