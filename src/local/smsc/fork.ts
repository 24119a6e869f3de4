/** A simulator in a process of its own, so that it takes nothing from the one that is measured. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Outcome } from './deliveries.ts'
import type { Fault } from './faults.ts'
import type { ShownMessage } from './phones.ts'
import type { Reply } from './reply.ts'
import type { Counts, SimulatorOptions } from './simulator.ts'

export type Order = { id: number } & (
  | { what: 'start'; options: SimulatorOptions }
  | { what: 'faults'; faults: Fault[] }
  | { what: 'clear_faults' | 'counts' | 'close' }
  | { what: 'reply'; reply: Reply }
  | { what: 'inbox'; number: string }
)
export type Answer = { id: number; value?: unknown; error?: string }

/** With what its process has cost so far: resident memory, and processor time. */
export type ForkedCounts = Counts & { memoryBytes: number; cpuMs: number }

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never

export class ForkedSimulator {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #orders = 0
  #url = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (answer: Answer) => {
      const settle = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      settle?.(answer)
    })
    child.on('exit', () => {
      for (const [id, settle] of this.#waiting) settle({ id, error: 'the simulator has ended' })
      this.#waiting.clear()
    })
  }

  static async start(options: SimulatorOptions = {}): Promise<ForkedSimulator> {
    const simulator = new ForkedSimulator(fork(join(import.meta.dirname, 'main.ts'), { execArgv: [] }))
    simulator.#url = (await simulator.#order({ what: 'start', options })) as string
    return simulator
  }

  /** As in SMPP_URL. */
  get url(): string {
    return this.#url
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async faults(...faults: Fault[]): Promise<void> {
    await this.#order({ what: 'faults', faults })
  }

  async clearFaults(): Promise<void> {
    await this.#order({ what: 'clear_faults' })
  }

  async counts(): Promise<ForkedCounts> {
    return (await this.#order({ what: 'counts' })) as ForkedCounts
  }

  async reply(reply: Reply): Promise<Outcome[]> {
    return (await this.#order({ what: 'reply', reply })) as Outcome[]
  }

  async inbox(number: string): Promise<ReturnType<ShownMessage['toJSON']>[]> {
    return (await this.#order({ what: 'inbox', number })) as ReturnType<ShownMessage['toJSON']>[]
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    await this.#order({ what: 'close' }).catch(() => {})
    this.#child.disconnect()
    await exited
  }

  async #order(order: Unnumbered<Order>): Promise<unknown> {
    const id = ++this.#orders
    const { error, value } = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve)
      this.#child.send({ id, ...order }, (failed) => failed !== null && resolve({ id, error: failed.message }))
    })
    if (error !== undefined) throw new Error(error)
    return value
  }
}
