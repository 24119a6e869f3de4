/**
 * The default hotline, with as many agents as a bench needs and nothing in it
 * that would make callers wait for reasons of their own: no rest after a
 * conversation, no brake on guessing (every call comes from one address).
 */
import { parseDocument } from 'yaml'

export type BenchService = {
  /** Agents of the queue that contracts without one name; ids `a-1`, `a-2` … */
  agents: number
  /** Agents of a second group, for calls in the background; ids `b-1`, `b-2` … */
  otherAgents?: number
  /** How long the gate waits for a first digit. */
  firstDigit?: string
}

export const OTHER_QUEUE = 'other'
const BEYOND_ANY_BENCH = 1_000_000

export function benchService(text: string, { agents, otherAgents = 0, firstDigit = '7s' }: BenchService): string {
  const file = parseDocument(text)
  const queue = { ring: '20s', max_wait: '0s', max_waiting: 1_000, wrap_up: '0s', priority_weight: '1m' }
  file.setIn(['queues'], { support: queue, [OTHER_QUEUE]: queue })
  file.setIn(['agents'], { ...team('a', agents, 'support'), ...team('b', otherAgents, OTHER_QUEUE) })
  file.setIn(['pin', 'first_digit'], firstDigit)
  const guesses = { slow_after: BEYOND_ANY_BENCH, stop_after: BEYOND_ANY_BENCH }
  for (const limit of ['per_caller', 'per_trunk']) file.setIn(['pin', 'limits', limit], guesses)
  file.setIn(['pin', 'limits', 'per_line', 'alarm_after'], BEYOND_ANY_BENCH)
  return file.toString()
}

function team(letter: string, count: number, queue: string): Record<string, object> {
  const agents = Array.from({ length: count }, (_, index) => [
    `${letter}-${index + 1}`,
    { name: `Agent ${letter}-${index + 1}`, queues: [queue] },
  ])
  return Object.fromEntries(agents) as Record<string, object>
}
