/**
 * Finds what is wrong with a flow before a caller does.
 *
 * A flow without problems can be walked by `advance` without an assert: every
 * step that is led to exists, every edge that can be taken is drawn, and no
 * ring of steps turns without a rest.
 */
import { nearestName } from '../nearest-name.ts'
import { drawnEdges, edgesAtOnce, edgesOfKind } from './edges.ts'
import type { Flow, HoursName, Language, PromptName, QueueName, Step, StepName } from './flow.ts'

/**
 * What is wrong and what to do about it. `path` leads there from the flow as
 * it is written in `pforte.yaml`, where the kind is the key of what a step is
 * about: `['steps', 'music', 'then', 'done']`, `['steps', 'welcome',
 * 'announce', 0]`. It may go on beyond what is written (a missing edge, the
 * number of an only prompt).
 */
export type FlowProblem = { path: (string | number)[]; message: string; hint: string }

/** What a flow refers to. */
export type Surroundings = {
  /** The languages that each prompt is written or recorded in. */
  prompts: Readonly<Record<PromptName, readonly Language[]>>
  /** Of the lines that lead into this flow. */
  languages: readonly Language[]
  queues: readonly QueueName[]
  hours: readonly HoursName[]
}

/** All problems, in the order of the steps; empty for a flow that calls can walk. */
export function checkFlow(flow: Flow, surroundings: Surroundings): FlowProblem[] {
  const names = Object.keys(flow.steps)
  const problems: FlowProblem[] = []
  if (!names.includes(flow.start)) {
    problems.push(unknown(['start'], 'step', flow.start, names))
  }
  for (const [name, step] of Object.entries(flow.steps)) {
    problems.push(...edgeProblems(name, step, names), ...referenceProblems(name, step, surroundings))
  }
  return [...problems, ...unreached(flow), ...ringsWithoutRest(flow), ...queuesWithoutContract(flow)]
}

function edgeProblems(name: StepName, step: Step, names: readonly StepName[]): FlowProblem[] {
  const problems: FlowProblem[] = []
  const { required, optional } = edgesOfKind[step.kind]
  const drawn = new Map(drawnEdges(step))
  const needed = step.kind === 'hold_music' && step.times > 0 ? [...required, 'exhausted'] : required
  for (const edge of needed) {
    if (drawn.has(edge)) continue
    problems.push({
      path: ['steps', name, 'then', edge],
      message: `step ${name} has no edge ${edge}`,
      hint: `Say under then where a call goes on: "${edge}: ${names.find((other) => other !== name) ?? name}".`,
    })
  }
  for (const [edge, target] of drawn) {
    const path = ['steps', name, 'then', edge]
    const possible = [...required, ...optional]
    if (!possible.includes(edge)) problems.push(unknown(path, 'edge', edge, possible))
    if (!names.includes(target)) problems.push(unknown(path, 'step', target, names))
  }
  return problems
}

function referenceProblems(name: StepName, step: Step, { prompts, languages, queues, hours }: Surroundings): FlowProblem[] {
  const problems: FlowProblem[] = []
  const about = ['steps', name, step.kind]
  if ('prompts' in step) {
    step.prompts.forEach((prompt, index) => {
      const path = [...about, index]
      const spoken = Object.hasOwn(prompts, prompt) ? prompts[prompt] : undefined
      if (spoken === undefined) {
        problems.push(unknown(path, 'prompt', prompt, Object.keys(prompts)))
        return
      }
      for (const language of languages) {
        if (spoken.includes(language)) continue
        problems.push({
          path,
          message: `prompt ${prompt} has no text in ${language}, which a line of this flow speaks`,
          hint: `Write it under prompts, ${prompt}: "${language}: …", or name an audio file there.`,
        })
      }
    })
  }
  if (step.kind === 'announce' && step.prompts.length === 0) {
    problems.push({
      path: about,
      message: `step ${name} announces nothing`,
      hint: 'Name a prompt, or lead past this step.',
    })
  }
  if (step.kind === 'queue' && step.queue !== 'contract' && !queues.includes(step.queue)) {
    problems.push(unknown(about, 'queue', step.queue, ['contract', ...queues]))
  }
  if (step.kind === 'opening_hours' && step.hours !== 'contract' && !hours.includes(step.hours)) {
    problems.push(unknown(about, 'hours', step.hours, ['contract', ...hours]))
  }
  return problems
}

function unknown(path: (string | number)[], what: string, written: string, known: readonly string[]): FlowProblem {
  const meant = nearestName(written, known)
  const all = known.length === 0 ? 'There is none yet.' : `Known here: ${known.join(', ')}.`
  return {
    path,
    message: what === 'hours' ? `there are no hours ${written}` : `there is no ${what} ${written}`,
    hint: meant === null ? all : `Did you mean ${meant}?`,
  }
}

function unreached(flow: Flow): FlowProblem[] {
  const reached = reachable(flow, () => true)
  return Object.keys(flow.steps)
    .filter((name) => !reached.has(name))
    .map((name) => ({
      path: ['steps', name],
      message: `nothing leads to step ${name}`,
      hint: 'Let an edge lead there, or take the step out.',
    }))
}

/** A queue "of the contract" is nobody's before a PIN was right. */
function queuesWithoutContract(flow: Flow): FlowProblem[] {
  const reached = reachable(flow, (step, edge) => !(step.kind === 'collect_pin' && edge === 'right'))
  const problems: FlowProblem[] = []
  for (const [name, step] of Object.entries(flow.steps)) {
    if (step.kind !== 'queue' || step.queue !== 'contract' || !reached.has(name)) continue
    problems.push({
      path: ['steps', name, 'queue'],
      message: `step ${name} needs a contract, but is reached without a right PIN too`,
      hint: 'Name the queue, or lead here only from the edge right of a collect_pin.',
    })
  }
  return problems
}

function reachable(flow: Flow, follows: (step: Step, edge: string) => boolean): Set<StepName> {
  const reached = new Set<StepName>()
  const ahead = [flow.start]
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    const step = Object.hasOwn(flow.steps, name) ? flow.steps[name] : undefined
    if (step === undefined || reached.has(name)) continue
    reached.add(name)
    for (const [edge, target] of drawnEdges(step)) if (follows(step, edge)) ahead.push(target)
  }
  return reached
}

/** Each ring is told once, at the edge that closes it. */
function ringsWithoutRest(flow: Flow): FlowProblem[] {
  const problems: FlowProblem[] = []
  const finished = new Set<StepName>()

  const walk = (name: StepName, trail: readonly StepName[]): void => {
    const step = Object.hasOwn(flow.steps, name) ? flow.steps[name] : undefined
    if (step === undefined || finished.has(name)) return
    for (const [edge, target] of edgesAtOnce(step)) {
      const begins = [...trail, name].indexOf(target)
      if (begins === -1) {
        walk(target, [...trail, name])
        continue
      }
      const ring = [...[...trail, name].slice(begins), target].join(' → ')
      problems.push({
        path: ['steps', name, 'then', edge],
        message: `a call can go round without end, with no prompt and no music on the way: ${ring}`,
        hint: 'Put an announcement or hold music into this ring, or lead out of it.',
      })
    }
    finished.add(name)
  }

  for (const name of Object.keys(flow.steps)) walk(name, [])
  return problems
}
