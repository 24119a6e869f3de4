/**
 * The demo agent: a SIP account in every queue that exists only while
 * `npm run call` runs, and never on a configured Asterisk. Whoever wants it
 * asks again every few seconds; when nobody asks any more, it goes.
 */
import type { AgentDefinition } from '../app/ports/store.ts'

export const DEMO_AGENT_ID = 'demo-agent'
/** How long it stays after it was last asked for: `npm run call` may be killed at any moment. */
const STAYS_MS = 15_000

export type DemoAgentSteps = {
  arrive(agent: AgentDefinition): Promise<{ username: string; password: string }>
  leave(id: string): Promise<void>
}

export class DemoAgent {
  #steps: DemoAgentSteps | null = null
  #queues: () => string[] = () => []
  #timer: NodeJS.Timeout | null = null
  #present: { username: string; password: string } | null = null

  /** Joined once, when store and telephony are there. */
  wire(steps: DemoAgentSteps, queues: () => string[]): void {
    this.#steps = steps
    this.#queues = queues
  }

  get definitions(): AgentDefinition[] {
    return this.#present === null ? [] : [this.#definition()]
  }

  /** Comes, or stays longer. */
  async keep(): Promise<{ username: string; password: string }> {
    if (this.#steps === null) throw new Error('wire() comes first')
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.dismiss(), STAYS_MS)
    this.#present ??= await this.#steps.arrive(this.#definition())
    return this.#present
  }

  async dismiss(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#present === null) return
    this.#present = null
    await this.#steps?.leave(DEMO_AGENT_ID)
  }

  #definition(): AgentDefinition {
    return { id: DEMO_AGENT_ID, name: 'Demo agent', endpoint: DEMO_AGENT_ID, queues: this.#queues(), skills: [] }
  }
}
