/** Flows that no supervisor would draw, but that the check lets pass. */
import fc from 'fast-check'
import { checkFlow } from '../../../src/domain/call/check.ts'
import { edgesOfKind } from '../../../src/domain/call/edges.ts'
import type { Flow, Step, StepKind } from '../../../src/domain/call/flow.ts'
import { hotline } from './hotline.ts'

const mostSteps = 8

/** `without`: kinds that do not occur. */
export function randomFlow(without: readonly StepKind[] = []): fc.Arbitrary<Flow> {
  const kinds = (Object.keys(edgesOfKind) as StepKind[]).filter((kind) => !without.includes(kind))
  const target = fc.nat({ max: mostSteps - 1 }).map((index) => `step_${index}`)
  const prompts = fc.array(fc.constantFrom('one', 'two'), { maxLength: 2 })
  const step = fc.constantFrom(...kinds).chain((kind) => {
    const { required, optional } = edgesOfKind[kind]
    return fc
      .record({
        then: fc.record(Object.fromEntries([...required, ...optional].map((edge) => [edge, target])), {
          requiredKeys: [...required, ...(kind === 'hold_music' ? ['exhausted'] : [])],
        }),
        prompts,
        ms: fc.integer({ min: 1_000, max: 60_000 }),
        count: fc.integer({ min: 1, max: 3 }),
        contract: fc.boolean(),
        asks: fc.constantFrom('pin', 'customer_number'),
      })
      .map((parts) => stepOf(kind, parts))
  })
  return fc
    .record({ steps: fc.array(step, { minLength: mostSteps, maxLength: mostSteps }), maxWaitMs: fc.constantFrom(0, 30_000) })
    .map(({ steps, maxWaitMs }) => ({
      ...hotline,
      name: 'random',
      start: 'step_0',
      steps: Object.fromEntries(steps.map((each, index) => [`step_${index}`, each])),
      queues: { premium: { ringMs: 20_000, maxWaitMs } },
    }))
    .filter(canBeWalked)
}

type Parts = { then: object; prompts: string[]; ms: number; count: number; contract: boolean; asks: string }

function stepOf(kind: StepKind, { then, prompts, ms, count, contract, asks }: Parts): Step {
  const all = {
    kind,
    then,
    prompts,
    announcement: 'outage',
    pauseMs: ms,
    forMs: ms,
    waitMs: ms,
    ringMs: ms,
    maxMs: ms,
    silenceMs: 5_000,
    times: count,
    tries: count,
    asks,
    hours: contract ? 'contract' : 'business',
    queue: contract ? 'contract' : 'premium',
    number: '+4962100000',
    trunk: 'reserve',
    outcome: 'turned_away',
  }
  return all as unknown as Step
}

/** Steps that nothing leads to, empty announcements and the like harm no walk; rings without rest do. */
function canBeWalked(flow: Flow): boolean {
  const problems = checkFlow(flow, { prompts: { one: ['de'], two: ['de'] }, languages: ['de'], queues: ['premium'], hours: ['business'] })
  return !problems.some(({ message }) => message.includes('without end'))
}
