/** What a supervisor gets wrong in a flow, and what is said about it. */
import t from 'tap'
import { checkFlow, type FlowProblem, type Surroundings } from '../../../src/domain/call/check.ts'
import type { Flow, Step } from '../../../src/domain/call/flow.ts'
import { hotline } from './hotline.ts'

const surroundings: Surroundings = {
  prompts: Object.fromEntries(
    Object.values(hotline.steps)
      .flatMap((step) => ('prompts' in step ? step.prompts : []))
      .map((prompt) => [prompt, ['de', 'en']]),
  ),
  languages: ['de'],
  queues: ['premium'],
  hours: ['business'],
}

function changed(steps: Record<string, Step>): Flow {
  return { ...hotline, steps: { ...hotline.steps, ...steps } }
}

/** The hotline with one step's edges drawn otherwise. */
function leading(name: string, then: Record<string, string>): Flow {
  const step = hotline.steps[name]
  if (step === undefined || step.kind === 'hang_up') throw new Error(`no edges in ${name}`)
  return changed({ [name]: { ...step, then: { ...step.then, ...then } } as Step })
}

function only(problems: FlowProblem[]): string {
  return problems.map(({ path, message, hint }) => `${path.join('.')}: ${message}. ${hint}`).join('\n')
}

t.test('the hotline has no problems', async (t) => {
  t.same(checkFlow(hotline, surroundings), [])
})

t.test('a misspelt step', async (t) => {
  t.equal(
    only(checkFlow(leading('welcome', { done: 'aks_pin' }), surroundings)).split('\n')[0],
    'steps.welcome.then.done: there is no step aks_pin. Did you mean ask_pin?',
  )
  t.equal(
    only(checkFlow({ ...hotline, start: 'Outage' }, surroundings)).split('\n')[0],
    'start: there is no step Outage. Did you mean outage?',
  )
  t.match(only(checkFlow(leading('offer', { '#': 'xyz' }), surroundings)), /there is no step xyz. Known here: outage, welcome, /)
})

t.test('names that every object has are no steps', async (t) => {
  t.match(only(checkFlow(leading('offer', { '#': 'constructor' }), surroundings)), /there is no step constructor/)
})

t.test('a missing edge', async (t) => {
  const voicemail = { ...hotline.steps.message, then: { left: 'thanks' } } as unknown as Step
  t.equal(
    only(checkFlow(changed({ message: voicemail }), surroundings)),
    'steps.message.then.empty: step message has no edge empty. Say under then where a call goes on: "empty: outage".',
  )
})

t.test('music that ends some time must say where', async (t) => {
  const music = { ...hotline.steps.music, then: { done: 'offer' } } as Step
  t.match(only(checkFlow(changed({ music }), surroundings)), /step music has no edge exhausted/)
})

t.test('an edge that no such step has', async (t) => {
  t.match(
    only(checkFlow(leading('offer', { dnoe: 'music' }), surroundings)),
    /steps.offer.then.dnoe: there is no edge dnoe. Did you mean done\?/,
  )
})

t.test('a step that nothing reaches', async (t) => {
  const lonely: Step = { kind: 'hang_up', outcome: 'informed' }
  t.equal(
    only(checkFlow(changed({ lonely }), surroundings)),
    'steps.lonely: nothing leads to step lonely. Let an edge lead there, or take the step out.',
  )
})

t.test('a ring with neither prompt nor music', async (t) => {
  const rings = (flow: Flow) => checkFlow(flow, surroundings).filter(({ message }) => message.includes('without end'))
  const ring = rings(leading('music', { exhausted: 'music' }))
  t.equal(
    only(ring),
    'steps.music.then.exhausted: a call can go round without end, with no prompt and no music on the way: music → music. Put an announcement or hold music into this ring, or lead out of it.',
  )

  t.match(only(rings(leading('wait', { full: 'service_hours' }))), /service_hours → wait → service_hours/)
  t.match(only(rings(leading('emergency', { failed: 'emergency' }))), /emergency → emergency/)
  t.match(only(rings(leading('outage', { off: 'outage' }))), /outage → outage/)
  t.match(only(rings(leading('ask_customer_number', { wrong: 'ask_customer_number' }))), /ask_customer_number → ask_customer_number/)
  t.same(rings(leading('ask_pin', { wrong: 'ask_pin' })), [])
})

t.test('a prompt that is not there, or not in a language that is spoken', async (t) => {
  const english = { ...surroundings, languages: ['de', 'fr'], prompts: { ...surroundings.prompts, welcome: ['de'], thanks: ['de', 'fr'] } }
  const problems = only(checkFlow(hotline, english))
  t.match(
    problems,
    /steps.welcome.announce.0: prompt welcome has no text in fr, which a line of this flow speaks. Write it under prompts, welcome: "fr: …"/,
  )
  t.notMatch(problems, /prompt thanks/)
  const offer = { ...hotline.steps.offer, prompts: ['voicemail_ofer'] } as Step
  t.match(
    only(checkFlow(changed({ offer }), surroundings)),
    /steps.offer.announce.0: there is no prompt voicemail_ofer. Did you mean voicemail_offer\?/,
  )
  const silent = { ...hotline.steps.offer, prompts: [] } as unknown as Step
  t.match(only(checkFlow(changed({ offer: silent }), surroundings)), /step offer announces nothing/)
})

t.test('queues and hours that are not there', async (t) => {
  const wait = { ...hotline.steps.wait, queue: 'premum' } as Step
  t.match(only(checkFlow(changed({ wait }), surroundings)), /steps.wait.queue: there is no queue premum. Did you mean premium\?/)
  const hours = { ...hotline.steps.service_hours, hours: 'bussiness' } as Step
  t.match(
    only(checkFlow(changed({ service_hours: hours }), surroundings)),
    /steps.service_hours.opening_hours: there are no hours bussiness. Did you mean business\?/,
  )
})

t.test('a queue of the contract that is reached without a PIN', async (t) => {
  t.match(
    only(checkFlow(leading('ask_pin', { none: 'wait' }), surroundings)),
    /steps.wait.queue: step wait needs a contract, but is reached without a right PIN too/,
  )
})
