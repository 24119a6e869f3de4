/**
 * The demo agent: a SIP account in every queue that exists only while
 * `npm run call` runs, and never on a configured Asterisk. Whoever wants it
 * asks again every few seconds; when nobody asks any more, it goes.
 */
import type { AgentDefinition } from '../app/ports/store.ts'
import { untilStored } from '../app/store-patience.ts'

export const DEMO_AGENT_ID = 'demo-agent'
/** How long it stays after it was last asked for: `npm run call` may be killed at any moment. */
const STAYS_MS = 15_000

export type DemoAgentSurroundings = {
  queues(): string[]
  /** `definitions` has changed: store and PBX are to be told. */
  changed(): Promise<void>
  available(id: string): Promise<void>
  passwordOf(id: string): Promise<string | null>
  /** Nobody asked for it any more, and yet it could not go. */
  stayed(why: unknown): void
}

export class DemoAgent {
  #surroundings: DemoAgentSurroundings | null = null
  #timer: NodeJS.Timeout | null = null
  #isPresent = false

  /** Joined once, when store and telephony are there. */
  wire(surroundings: DemoAgentSurroundings): void {
    this.#surroundings = surroundings
  }

  get definitions(): AgentDefinition[] {
    if (!this.#isPresent) return []
    return [{ id: DEMO_AGENT_ID, name: 'Demo agent', endpoint: DEMO_AGENT_ID, queues: this.#surroundings?.queues() ?? [], skills: [] }]
  }

  /** Comes, or stays longer. */
  async keep(): Promise<{ username: string; password: string }> {
    if (this.#surroundings === null) throw new Error('wire() comes first')
    clearTimeout(this.#timer ?? undefined)
    // A process that has closed everything else does not wait for it: the next one knows of no guests.
    this.#timer = setTimeout(() => this.#goUnasked(), STAYS_MS).unref()
    if (!this.#isPresent) {
      await this.#become(true)
      await this.#surroundings.available(DEMO_AGENT_ID)
    }
    const password = await this.#surroundings.passwordOf(DEMO_AGENT_ID)
    if (password === null) throw new Error('an agent in the definitions has a password')
    return { username: DEMO_AGENT_ID, password }
  }

  async dismiss(): Promise<void> {
    clearTimeout(this.#timer ?? undefined)
    this.#timer = null
    if (!this.#isPresent) return
    await this.#become(false)
  }

  /** What could not be told is not so, and is tried again by whoever asks next. */
  async #become(isPresent: boolean): Promise<void> {
    this.#isPresent = isPresent
    try {
      await this.#surroundings?.changed()
    } catch (error) {
      this.#isPresent = !isPresent
      throw error
    }
  }

  #goUnasked(): void {
    // Whoever asks again meanwhile sets the timer, and keeps it.
    this.#timer = null
    untilStored(
      () => this.dismiss(),
      () => this.#timer === null,
    ).catch((error: unknown) => this.#surroundings?.stayed(error))
  }
}
