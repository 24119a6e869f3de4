import { type Api, problems } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { valueOf } from '../problem.ts'
import { List, LooseIdParam, ref } from '../schemas/common.ts'
import { Agent, AgentStateOrder } from '../schemas/service.ts'
import type { AgentRecord } from '../../app/ports/records.ts'

/** Agents: what they are doing, and pausing them. */
export function agentRoutes(app: Api, { records, writing, onAgentChanged, now }: HttpOptions): void {
  const tags = ['agents']

  app.get(
    '/v1/agents',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'The agents and what they do', response: { 200: List(ref(Agent)), ...problems } },
    },
    async () => {
      const agents = await records.agents()
      return { items: agents.map(showAgent), next: null }
    },
  )

  app.put(
    '/v1/agents/:id/state',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Make an agent available, paused or offline',
        description: 'An agent in a conversation finishes it first.',
        params: LooseIdParam('an agent'),
        body: AgentStateOrder,
        response: { 200: ref(Agent), ...problems },
      },
    },
    async (request) => {
      const { state, reason = null } = request.body
      const agent = valueOf(await records.setAgentState(request.params.id, state, reason, now()))
      await writing.whenCommitted(() => onAgentChanged?.())
      return showAgent(agent)
    },
  )
}

export function showAgent(agent: AgentRecord) {
  return { ...agent, since: isoTime(agent.since) }
}
