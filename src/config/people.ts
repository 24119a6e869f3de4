/** Queues and agents: who waits where, and who answers. */
import type { AgentDefinition } from '../app/ports/store.ts'
import type { Draft } from './draft.ts'
import { ms } from './flow.ts'
import { suggest } from './suggest.ts'
import { filled } from './schema/filled.ts'
import * as schema from './schema/service.ts'
import type { Queue } from './service.ts'
import type { Mistake } from './validate.ts'

/** Agents in the order of the file. */
export function agentsOf({ file, names }: Draft): { agents: AgentDefinition[]; mistakes: Mistake[] } {
  const mistakes: Mistake[] = []
  const accounts = new Map<string, string>()
  const agents = Object.entries(file.agents ?? {}).map(([id, agent]) => {
    const endpoint = agent.sip_account ?? id
    const other = accounts.get(endpoint)
    if (other !== undefined) {
      mistakes.push({
        path: ['agents', id, 'sip_account'],
        message: `the agents ${other} and ${id} have the same SIP account ${endpoint}`,
        hint: 'Each phone registers with an account of its own.',
      })
    }
    accounts.set(endpoint, id)
    for (const [index, queue] of agent.queues.entries()) {
      if (names.queues !== null && !names.queues.includes(queue)) {
        mistakes.push({
          path: ['agents', id, 'queues', index],
          message: `the agent ${id} is in a queue that does not exist: ${queue}`,
          hint: suggest(queue, names.queues, 'Add it to queues.'),
        })
      }
    }
    return { id, name: agent.name, endpoint, queues: [...agent.queues], skills: [...(agent.skills ?? [])] }
  })
  return { agents, mistakes }
}

/** Queues in the order of the file. */
export function queuesOf({ file, names }: Draft, agents: readonly AgentDefinition[]): { queues: Queue[]; mistakes: Mistake[] } {
  const mistakes: Mistake[] = []
  const group = groups(Object.keys(file.queues), agents)
  const replacedBy = new Map<string, string>()
  const queues = Object.entries(file.queues).map(([name, written]) => {
    const queue = filled(schema.queue, written)
    if (name === 'contract') {
      mistakes.push({
        path: ['queues', name],
        of: 'key',
        message: 'a queue cannot be called contract',
        hint: "In a step, queue: contract means the queue of the caller's contract. Take another name.",
      })
    }
    for (const [index, former] of queue.replaces.entries()) {
      const other = replacedBy.get(former)
      if (names.queues?.includes(former)) {
        mistakes.push({
          path: ['queues', name, 'replaces', index],
          message: `${name} replaces the queue ${former}, which still exists`,
          hint: `Take ${former} out of queues, or out of replaces.`,
        })
      } else if (other !== undefined) {
        mistakes.push({
          path: ['queues', name, 'replaces', index],
          message: `${former} is replaced by ${other} and by ${name}`,
          hint: 'Its callers can go to one queue only.',
        })
      }
      replacedBy.set(former, name)
    }
    return {
      name,
      group: group(name),
      strategy: queue.strategy,
      ringMs: ms(queue.ring),
      maxWaitMs: ms(queue.max_wait),
      maxWaiting: queue.max_waiting,
      wrapUpMs: ms(queue.wrap_up),
      priorityWeightMs: ms(queue.priority_weight),
      replaces: [...queue.replaces],
    }
  })
  return { queues, mistakes }
}

/** Queues that have an agent in common, directly or over others, are one group; it is named after the first of them. */
function groups(queues: readonly string[], agents: readonly { queues: string[] }[]): (queue: string) => string {
  const groupOf = new Map(queues.map((queue) => [queue, queue]))
  for (const agent of agents) {
    const joined = new Set(agent.queues.map((queue) => groupOf.get(queue)).filter((group) => group !== undefined))
    const first = queues.find((queue) => joined.has(queue))
    if (first === undefined) continue
    for (const [queue, group] of groupOf) if (joined.has(group)) groupOf.set(queue, first)
  }
  return (queue) => groupOf.get(queue) ?? queue
}
