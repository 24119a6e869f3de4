/**
 * Requests of ours on one connection, until each has settled: answered,
 * unanswered (in time, or before the connection ended), or unwritten.
 *
 * Answers that come after their time still count, so those whose time is over
 * are remembered, as many as make sense.
 */
import type { CommandName } from '../wire/smpp/constants.ts'
import type { Pdu } from '../wire/smpp/pdu.ts'

export type Answer =
  | { is: 'answered'; pdu: Pdu; late: boolean }
  /** Written, at least in part. */
  | { is: 'unanswered'; why: string }
  /** Not a byte left. */
  | { is: 'unwritten'; why: string }

/** Called once, and a second time only with a late answer. */
export type Settle = (answer: Answer) => void

type Request = { command: CommandName; writtenAt: number | null; settle: Settle }

const MOST_OVERDUE = 1_000

export class Pending {
  /** By sequence number, in the order in which they were written. */
  readonly #requests = new Map<number, Request>()
  readonly #overdue = new Map<number, Request>()

  add(sequence: number, command: CommandName, settle: Settle): Request {
    const request: Request = { command, writtenAt: null, settle }
    // A number comes again after two thousand million others.
    this.#overdue.delete(sequence)
    this.#requests.set(sequence, request)
    return request
  }

  /** @returns false for an answer to nothing that we asked */
  answer(pdu: Pdu): boolean {
    const request = this.#take(pdu.sequence, (command) => pdu.command === `${command}_resp` || pdu.command === 'generic_nack')
    request?.settle({ is: 'answered', pdu, late: request.late })
    return request !== null
  }

  /** An answer came and could not be read. @returns as `answer` */
  answerIllegibly(sequence: number, why: string): boolean {
    const request = this.#take(sequence, () => true)
    if (request !== null && !request.late) request.settle({ is: 'unanswered', why })
    return request !== null
  }

  /** Those written before this moment are overdue. @returns their commands */
  expire(writtenBefore: number, why: string): CommandName[] {
    const expired: CommandName[] = []
    for (const [sequence, request] of this.#requests) {
      if (request.writtenAt === null || request.writtenAt >= writtenBefore) break
      this.#requests.delete(sequence)
      this.#overdue.set(sequence, request)
      expired.push(request.command)
      request.settle({ is: 'unanswered', why })
    }
    for (const sequence of this.#overdue.keys()) {
      if (this.#overdue.size <= MOST_OVERDUE) break
      this.#overdue.delete(sequence)
    }
    return expired
  }

  /** The connection is gone. */
  end(why: string): void {
    const requests = [...this.#requests.values()]
    this.#requests.clear()
    this.#overdue.clear()
    for (const { writtenAt, settle } of requests) settle({ is: writtenAt === null ? 'unwritten' : 'unanswered', why })
  }

  #take(sequence: number, fits: (command: CommandName) => boolean): (Request & { late: boolean }) | null {
    const inTime = this.#requests.get(sequence)
    const request = inTime ?? this.#overdue.get(sequence)
    if (request === undefined || !fits(request.command)) return null
    ;(inTime === undefined ? this.#overdue : this.#requests).delete(sequence)
    return { ...request, late: inTime === undefined }
  }
}
