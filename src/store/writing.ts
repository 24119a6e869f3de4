/** Writes of people and other systems: one transaction each, and with an Idempotency-Key done once, whichever process it comes to. */
import { setTimeout as wait } from 'node:timers/promises'
import { StoreUnavailable } from '../app/ports/store.ts'
import type { Actor, KeptAnswer, Write, Writing, Written } from '../app/ports/writing.ts'
import type { Connections } from './connections.ts'
import type { Hook } from './joined.ts'
import { forgetAnswers, keepAnswer, KeyAtHand, takeKey } from './idempotency.ts'
import type { Keys } from './keys.ts'

const lockNotAvailable = '55P03'

export class PostgresWriting implements Writing {
  readonly #connections: Connections
  readonly #keys: Keys
  /** Keys that this process is at work for, with the end of that: who comes with the same one waits here and not with a connection. */
  readonly #atWork = new Map<string, Promise<void>>()

  constructor(connections: Connections, keys: Keys) {
    this.#connections = connections
    this.#keys = keys
  }

  asOne<T>(actor: Actor, work: () => Promise<T>): Promise<T> {
    return this.#connections.asOne(actor, work)
  }

  whenCommitted(hook: Hook): void | Promise<void> {
    return this.#connections.whenCommitted(hook)
  }

  forgetAnswers(at: number, signal: AbortSignal): Promise<number> {
    return forgetAnswers(this.#connections, at, signal)
  }

  async once(write: Write, at: number, act: () => Promise<KeptAnswer>): Promise<Written> {
    if (write.idempotency === null) return this.#write(write, null, at, act)
    const key = new KeyAtHand(this.#keys, idOf(write.actor), write.idempotency)
    if (!(await this.#turn(key.name))) return { is: 'in_progress' }
    const { promise: end, resolve: ended } = Promise.withResolvers<void>()
    this.#atWork.set(key.name, end)
    try {
      return await this.#write(write, key, at, act)
    } finally {
      this.#atWork.delete(key.name)
      ended()
    }
  }

  async #write(write: Write, key: KeyAtHand | null, at: number, act: () => Promise<KeptAnswer>): Promise<Written> {
    const work = async (): Promise<Written> => {
      if (key !== null) {
        const taken = await this.#connections.transaction((run) => takeKey(run, key, at, this.#patienceMs))
        if (taken.is !== 'ours') return taken
      }
      const answer = await act()
      if (!isSuccess(answer)) throw new Undone(answer)
      if (key !== null) await this.#connections.transaction((run) => keepAnswer(run, key, answer))
      return { is: 'done', answer }
    }
    try {
      return await this.#connections.asOne(write.actor, work, write.requestId)
    } catch (error) {
      if (error instanceof Undone) return { is: 'done', answer: error.answer }
      if (key !== null && isHeldByAnother(error)) return { is: 'in_progress' }
      throw error
    }
  }

  /** False: the one before is still at work after all the time that we have. */
  async #turn(name: string): Promise<boolean> {
    const patience = AbortSignal.timeout(this.#patienceMs)
    for (let end = this.#atWork.get(name); end !== undefined; end = this.#atWork.get(name)) {
      if (patience.aborted) return false
      const left = new AbortController()
      const signal = AbortSignal.any([patience, left.signal])
      await Promise.race([end, wait(this.#patienceMs, undefined, { signal }).catch(() => {})])
      left.abort()
    }
    return true
  }

  /** Shorter than a statement may take, so that it shows what was waited for. */
  get #patienceMs(): number {
    return Math.ceil((this.#connections.waits.statementMs * 2) / 3)
  }
}

/** Carries an answer out of the transaction that it undoes. */
class Undone extends Error {
  readonly answer: KeptAnswer

  constructor(answer: KeptAnswer) {
    super('an answer that changes nothing')
    this.answer = answer
  }
}

function isSuccess({ status }: KeptAnswer): boolean {
  return status >= 200 && status < 300
}

function isHeldByAnother(error: unknown): boolean {
  return error instanceof StoreUnavailable && (error.cause as { code?: unknown } | null)?.code === lockNotAvailable
}

function idOf(actor: Actor): string {
  return 'keyId' in actor ? actor.keyId : ''
}
