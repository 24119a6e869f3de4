/**
 * Statements that need not wait for each other leave together, with one Sync:
 * each Sync makes Postgres answer by itself, and each answer wakes this process
 * (some 30 µs, most of what a small statement costs here).
 *
 * What a connection has not been asked before it is asked one by one: a
 * statement that is prepared within a batch could be skipped unseen.
 */
import assert from 'node:assert/strict'
import type { Run } from './connections.ts'
import { asParameter } from './parameters.ts'
import type { GuardedClient } from './pool.ts'
import type { Asked, Statement } from './prepared.ts'

export const begin: Statement = { name: 'begin', text: 'BEGIN' }
export const commit: Statement = { name: 'commit', text: 'COMMIT' }

type Waiting = Asked & { resolve: (rows: never[]) => void; reject: (error: unknown) => void }

/** Statements of a transaction that goes on: those that are begun in the same turn are a batch. */
export class Batches {
  readonly #client: GuardedClient
  #waiting: Waiting[] = []

  constructor(client: GuardedClient) {
    this.#client = client
  }

  readonly run: Run = (statement, values) => {
    if (this.#waiting.length === 0) process.nextTick(this.send)
    return ask(this.#waiting, statement, values)
  }

  /** Sends what waits for the end of the turn; whatever is asked past this comes after it. */
  readonly send = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    const answered = waiting.length > 1 ? this.#client.executeAll(waiting) : null
    if (answered !== null) return settle(waiting, answered)
    // The transaction holds them together, so each may be told by itself.
    for (const one of waiting) {
      const { statement, values, resolve, reject } = one
      this.#client.execute(statement, values).then(({ rows }) => resolve(rows as never[]), reject)
    }
  }
}

/**
 * Runs the statements that `part` begins, all of them before it waits for any, as one transaction: all or none of them
 * have happened.
 */
export function allOrNone<T>(client: GuardedClient, part: (run: Run) => Promise<T>): Promise<T> {
  const waiting: Waiting[] = []
  let isSent = false
  const result = part((statement, values) => {
    assert(!isSent, 'what is one transaction is begun at once')
    return ask(waiting, statement, values)
  })
  isSent = true
  settle(waiting, client.executeAll(waiting) ?? oneByOne(client, waiting))
  return result
}

async function oneByOne(client: GuardedClient, asked: readonly Asked[]): Promise<{ rows: object[] }[]> {
  const all = [{ statement: begin, values: [] }, ...asked, { statement: commit, values: [] }]
  // After one that failed, COMMIT undoes what was done.
  const results = await Promise.all(all.map(({ statement, values }) => client.execute(statement, values)))
  return results.slice(1, -1)
}

function ask<Row extends object>(waiting: Waiting[], statement: Statement, values: unknown[]): Promise<Row[]> {
  return new Promise((resolve, reject) => waiting.push({ statement, values: values.map(asParameter), resolve, reject }))
}

function settle(waiting: readonly Waiting[], answered: Promise<{ rows: object[] }[]>): void {
  answered.then(
    (results) => {
      for (const [place, { resolve }] of waiting.entries()) resolve(results[place]!.rows as never[])
    },
    (error: unknown) => {
      for (const { reject } of waiting) reject(error)
    },
  )
}
