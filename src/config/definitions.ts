import type { Definitions, FlowPrompts } from '../app/ports/store.ts'
import type { Service } from './service.ts'

/**
 * What the store keeps of a service. `promptHashes` tells under which hash each prompt was made
 * ready, by name and language; every prompt of the service must be in it.
 */
export function toDefinitions(service: Service, promptHashes: FlowPrompts): Definitions {
  return {
    hash: service.hash,
    flows: Object.values(service.flows).map(({ hash, flow, promptNames }) => ({
      hash,
      flow,
      prompts: Object.fromEntries(
        promptNames.map((name) => {
          const byLanguage = promptHashes[name]
          if (byLanguage === undefined) throw new Error(`the prompt ${name} was not made ready`)
          return [name, byLanguage]
        }),
      ),
    })),
    queues: service.queues.map(({ name, group, maxWaiting, wrapUpMs, priorityWeightMs }) => ({
      name,
      group,
      maxWaiting,
      wrapUpMs,
      priorityWeightMs,
    })),
    agents: service.agents,
    lines: service.lines,
    announcements: service.announcements,
    replaces: Object.fromEntries(service.queues.flatMap(({ name, replaces }) => replaces.map((former) => [former, name] as const))),
  }
}
