/**
 * Who gets whom next, in a group of queues that share agents.
 *
 * Callers are served by their sort key, the earliest first: the moment they
 * entered minus what their priority is worth. So a higher priority overtakes,
 * and still nobody waits for ever: one who entered early enough comes first
 * whatever the others' priority. Each is given the agent of the queue who has
 * been idle longest.
 */

export type WaitingCaller = {
  callId: string
  queue: string
  /** Epoch milliseconds; see `sortKeyAt`. */
  sortAt: number
}

export type FreeAgent = {
  agentId: string
  queues: readonly string[]
  /** Idle since. Epoch milliseconds. */
  freeSinceAt: number
}

export type Pairing = { callId: string; agentId: string }

/** The key that callers are served by: static, so that the next one is one index read. */
export function sortKeyAt(enteredAt: number, priority: number, priorityWeightMs: number): number {
  return enteredAt - priority * priorityWeightMs
}

/**
 * Pairs waiting callers with free agents. Any order of the arguments gives the
 * same answer; equal keys are told apart by id. Callers for whom nobody is free
 * are passed over and keep their place.
 */
export function choose(waiting: readonly WaitingCaller[], agents: readonly FreeAgent[]): Pairing[] {
  const callers = waiting.toSorted((a, b) => a.sortAt - b.sortAt || compare(a.callId, b.callId))
  const idle = agents.toSorted((a, b) => a.freeSinceAt - b.freeSinceAt || compare(a.agentId, b.agentId))
  const pairings: Pairing[] = []
  for (const caller of callers) {
    if (idle.length === 0) break
    const place = idle.findIndex((agent) => agent.queues.includes(caller.queue))
    if (place === -1) continue
    const [agent] = idle.splice(place, 1)
    pairings.push({ callId: caller.callId, agentId: agent!.agentId })
  }
  return pairings
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
