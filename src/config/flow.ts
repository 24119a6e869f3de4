/** A flow as it is written, turned into the graph that the domain walks. */
import { durationMs } from './duration.ts'
import { filled } from './schema/filled.ts'
import * as schema from './schema/steps.ts'
import type { WrittenFlow } from './schema/service.ts'
import type { Flow, Step, StepName } from '../domain/call/flow.ts'

type WrittenStep = WrittenFlow['steps'][string]

/** What every flow of a service shares. */
export type Surroundings = Pick<Flow, 'pin' | 'queues' | 'hours'>

/** Takes a flow that fits the schema. What its names lead to is not checked here. */
export function flowOf(name: string, written: WrittenFlow, surroundings: Surroundings): Flow {
  const steps = Object.fromEntries(Object.entries(written.steps).map(([step, value]) => [step, stepOf(value)] as const))
  return { name, start: written.start, steps, ...surroundings }
}

function stepOf(written: WrittenStep): Step {
  if ('announce' in written) return { kind: 'announce', prompts: list(written.announce), then: written.then }
  if ('special_announcement' in written) {
    const { special_announcement: announcement, pause, then } = filled(schema.specialAnnouncement, written)
    return { kind: 'special_announcement', announcement, pauseMs: ms(pause), then }
  }
  if ('collect_pin' in written) {
    const { collect_pin: prompts, asks, then } = filled(schema.collectPin, written)
    return { kind: 'collect_pin', asks, prompts: list(prompts), then }
  }
  if ('hold_music' in written) {
    const { hold_music: length, times, then } = filled(schema.holdMusic, written)
    return { kind: 'hold_music', forMs: ms(length), times, then }
  }
  if ('menu' in written) {
    const { menu: prompts, wait, tries, then } = filled(schema.menu, written)
    return { kind: 'menu', prompts: list(prompts), waitMs: ms(wait), tries, then: then as { none: StepName } }
  }
  if ('opening_hours' in written) return { kind: 'opening_hours', hours: written.opening_hours, then: written.then }
  if ('queue' in written) return { kind: 'queue', queue: written.queue, then: written.then }
  if ('voicemail' in written) {
    const { voicemail: prompts, max, silence, then } = filled(schema.voicemail, written)
    return { kind: 'voicemail', prompts: list(prompts), maxMs: ms(max), silenceMs: ms(silence), then }
  }
  if ('transfer' in written) {
    const { transfer: number, trunk, ring, then } = filled(schema.transfer, written)
    return { kind: 'transfer', number, trunk, ringMs: ms(ring), then }
  }
  return { kind: 'hang_up', outcome: written.hang_up }
}

/** A duration that the schema has let through. */
export function ms(written: string): number {
  const value = durationMs(written)
  if (value === null) throw new Error(`a duration has passed the schema that is none: ${written}`)
  return value
}

function list(prompts: string | string[]): string[] {
  return typeof prompts === 'string' ? [prompts] : prompts
}
