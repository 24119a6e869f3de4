/** Lines and queues as people read them. */
import type { AgentState, LineRecord, QueueRecord } from '../app/ports/records.ts'
import { shownState } from './agents.ts'
import type { Connections, Statement } from './connections.ts'
import type { RowAgentState } from './schema.ts'

const listLines: Statement = { name: 'list lines', text: 'SELECT name, numbers, flow, language FROM lines ORDER BY name' }
const listQueues: Statement = { name: 'list queues', text: 'SELECT name FROM queues ORDER BY name' }
/** Whoever is being offered to an agent has not been answered yet, and so still waits. */
const listWaiting: Statement = {
  name: 'list waiting callers',
  text: `SELECT queue, call_id AS "callId", priority, entered_at AS "sinceAt",
      row_number() OVER (PARTITION BY queue ORDER BY sort_at, call_id) AS position
    FROM queue_entries WHERE state IN ('waiting', 'offered') ORDER BY queue, position`,
}
const listQueueAgents: Statement = {
  name: 'list agents of queues',
  text: `SELECT aq.queue, a.id, a.state, a.reason, a.since, a.until_at AS "untilAt"
    FROM agents a JOIN agent_queues aq ON aq.agent_id = a.id WHERE a.removed_at IS NULL ORDER BY a.id`,
}

type WaitingRow = { queue: string; callId: string; priority: number; sinceAt: number; position: number }
type QueueAgentRow = { queue: string; id: string; state: RowAgentState; reason: string | null; since: number; untilAt: number | null }

export class ServiceRecords {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  lines(): Promise<LineRecord[]> {
    return this.#connections.run<LineRecord>(listLines, [])
  }

  /** `at` decides whose wrap-up is over. */
  async queues(at: number): Promise<QueueRecord[]> {
    const [queues, waiting, agents] = await this.#connections.inOrder((run) =>
      Promise.all([run<{ name: string }>(listQueues, []), run<WaitingRow>(listWaiting, []), run<QueueAgentRow>(listQueueAgents, [])]),
    )
    return queues.map(({ name }) => ({
      name,
      waiting: waiting
        .filter((entry) => entry.queue === name)
        .map(({ callId, position, priority, sinceAt }) => ({ callId, position, priority, sinceAt, expectedWaitMs: null })),
      agents: agents
        .filter((agent) => agent.queue === name)
        .map((agent): { id: string; state: AgentState } => ({ id: agent.id, state: shownState(agent, agent.untilAt, at).state })),
    }))
  }
}
