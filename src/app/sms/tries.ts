/**
 * Which try of its message each reservation is, so that what the carrier says
 * of a part is written down for the right one. A try is known until each of its
 * parts has settled, whatever goes on beside it: the windows bound how many
 * those are. Late answers are heeded as long as they are likely to come.
 */
import assert from 'node:assert/strict'
import type { PartResult, Reservation } from '../ports/smsc.ts'

/** Tries of which an answer was overdue. */
const mostOverdue = 20_000

export class Tries {
  readonly #underWay = new Map<string, { attempt: number; left: number }>()
  readonly #overdue = new Map<string, number>()

  begin(reservation: Reservation, attempt: number): void {
    this.#underWay.set(keyOf(reservation), { attempt, left: reservation.parts })
  }

  /** One part has settled, in time or as unanswered. @returns the try */
  settle({ is, reservation }: PartResult): number {
    const key = keyOf(reservation)
    const one = this.#underWay.get(key)
    assert(one !== undefined, 'each part settles once')
    if (--one.left === 0) this.#underWay.delete(key)
    if (is === 'unanswered') this.#remember(key, one.attempt)
    return one.attempt
  }

  /** An answer to what was unanswered. @returns the try; null if that was too long ago */
  late(reservation: Reservation): number | null {
    return this.#overdue.get(keyOf(reservation)) ?? null
  }

  #remember(key: string, attempt: number): void {
    this.#overdue.set(key, attempt)
    if (this.#overdue.size <= mostOverdue) return
    const [oldest] = this.#overdue.keys()
    this.#overdue.delete(oldest!)
  }
}

const keyOf = ({ bind, epoch, sequence }: Reservation): string => `${bind} ${epoch} ${sequence}`
