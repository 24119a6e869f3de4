/**
 * Which things this process changed, for those who watch: a hint after the
 * commit, and no more. What a thing is like then is read by whoever wants it.
 *
 * Where nobody listens a hint is a comparison, where somebody does it is an
 * entry in a set; so running calls and the outbox may give as many as they
 * like. How many are kept is bounded, whoever is slow to take them.
 */
import assert from 'node:assert/strict'
import type { Transaction } from 'kysely'
import type { Touched } from '../app/ports/live.ts'
import type { Schema } from './schema.ts'

/** Of a kind. Beyond it, it is no longer told what was changed, only that much was. */
export const mostTouched = 10_000

export type WhenCommitted = (hook: () => void) => void

type Kind = 'tickets' | 'calls' | 'messages'
type Gathered = { tickets: Set<string>; calls: Set<string>; messages: Set<string>; service: boolean; announcements: boolean }

/** Says what was changed, once it is committed. A change of which nobody knows whether it was committed may be told, too. */
export class Teller {
  readonly #changes: Changes
  readonly #whenCommitted: WhenCommitted

  constructor(changes: Changes, whenCommitted: WhenCommitted) {
    this.#changes = changes
    this.#whenCommitted = whenCommitted
  }

  /** A ticket itself, or what is said about it. */
  ticket(id: string): void {
    this.#whenCommitted(() => this.#changes.touch('tickets', id))
  }

  call(id: string): void {
    this.#whenCommitted(() => this.#changes.touch('calls', id))
  }

  message(ids: Iterable<string>): void {
    this.#whenCommitted(() => {
      for (const id of ids) this.#changes.touch('messages', id)
    })
  }

  /** Somebody's place in a queue. */
  queue(): void {
    this.#whenCommitted(() => this.#changes.touchAll('service'))
  }

  /** What an agent does, or who there is. */
  agent(): void {
    this.#whenCommitted(() => this.#changes.touchAll('service'))
  }

  announcement(): void {
    this.#whenCommitted(() => this.#changes.touchAll('announcements'))
  }
}

const tellers = new WeakMap<Transaction<Schema>, Teller>()

/** For what is changed within a transaction of `Connections.kyselyTransaction`. Told after its commit, and not without one. */
export function changedIn(transaction: Transaction<Schema>): Teller {
  const teller = tellers.get(transaction)
  assert(teller !== undefined, 'a transaction that kyselyTransaction began')
  return teller
}

export class Changes {
  /** For what is committed already, or will be with what is under way around it. */
  readonly committed: Teller
  #onTouched: (() => void) | null = null
  /** Null: nobody listens. */
  #gathered: Gathered | null = null
  /** Since the last `take`. */
  #isTold = false
  #isTooMuch = false

  constructor(whenCommitted: WhenCommitted) {
    this.committed = new Teller(this, whenCommitted)
  }

  /** What `changedIn` tells of this transaction goes through `whenCommitted`. */
  within(transaction: Transaction<Schema>, whenCommitted: WhenCommitted): void {
    tellers.set(transaction, new Teller(this, whenCommitted))
  }

  listen(onTouched: (() => void) | null): void {
    assert(onTouched === null || this.#onTouched === null, 'one at a time listens')
    this.#onTouched = onTouched
    this.#gathered = onTouched === null ? null : nothing()
    this.#isTold = false
    this.#isTooMuch = false
  }

  take(): Touched {
    const touched = { ...(this.#gathered ?? nothing()), isTooMuch: this.#isTooMuch }
    if (this.#gathered !== null) this.#gathered = nothing()
    this.#isTold = false
    this.#isTooMuch = false
    return touched
  }

  putBack({ tickets, calls, messages, service, announcements, isTooMuch }: Touched): void {
    for (const id of tickets) this.touch('tickets', id)
    for (const id of calls) this.touch('calls', id)
    for (const id of messages) this.touch('messages', id)
    if (service) this.touchAll('service')
    if (announcements) this.touchAll('announcements')
    if (isTooMuch) this.#forget()
  }

  touch(kind: Kind, id: string): void {
    if (this.#gathered === null || this.#isTooMuch) return
    const ids = this.#gathered[kind]
    if (ids.size >= mostTouched && !ids.has(id)) this.#forget()
    else ids.add(id)
    this.#tell()
  }

  touchAll(kind: 'service' | 'announcements'): void {
    if (this.#gathered === null) return
    this.#gathered[kind] = true
    this.#tell()
  }

  #tell(): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#onTouched?.()
  }

  #forget(): void {
    if (this.#gathered === null) return
    this.#gathered = nothing()
    this.#isTooMuch = true
    this.#tell()
  }
}

function nothing(): Gathered {
  return { tickets: new Set(), calls: new Set(), messages: new Set(), service: false, announcements: false }
}
