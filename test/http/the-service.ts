/** A small service, as `pforte.yaml` would define it. */
import type { Definitions } from '../../src/app/ports/store.ts'
import type { Flow } from '../../src/domain/call/flow.ts'

export const hotlineFlow: Flow = {
  name: 'hotline',
  start: 'ask_pin',
  steps: {
    ask_pin: {
      kind: 'collect_pin',
      asks: 'pin',
      prompts: ['welcome'],
      then: { right: 'waiting', wrong: 'ask_pin', none: 'music', exhausted: 'music' },
    },
    waiting: { kind: 'queue', queue: 'contract', then: { timeout: 'message', full: 'message' } },
    music: { kind: 'hold_music', forMs: 60_000, times: 0, then: { done: 'offer', '#': 'message' } },
    offer: { kind: 'announce', prompts: ['offer'], then: { done: 'music', '#': 'message' } },
    message: { kind: 'voicemail', prompts: ['speak'], maxMs: 180_000, silenceMs: 5_000, then: { left: 'bye', empty: 'music' } },
    bye: { kind: 'hang_up', outcome: 'informed' },
  },
  pin: { length: 5, customerNumberLength: 6, firstDigitMs: 5_000, betweenDigitsMs: 3_000, totalMs: 20_000, tries: 3 },
  queues: { service: { ringMs: 20_000, maxWaitMs: 0 } },
  hours: {},
}

export const definitions: Definitions = {
  hash: 'definitions',
  flows: [{ hash: 'flow', flow: hotlineFlow, prompts: {} }],
  queues: [{ name: 'service', group: 'service', maxWaiting: 50, wrapUpMs: 10_000, priorityWeightMs: 60_000 }],
  agents: [
    { id: 'anna', name: 'Anna', endpoint: 'anna', queues: ['service'], skills: ['fibre'] },
    { id: 'ben', name: 'Ben', endpoint: 'ben', queues: ['service'], skills: [] },
  ],
  lines: [{ name: 'hotline', numbers: ['+49621555100'], flow: 'hotline', language: 'de' }],
  announcements: ['outage'],
  replaces: {},
}
