/** A sender without a wire: it makes room for what is claimed, and says what the carrier answered. And how messages stand then. */
import type { DueMessage, Taken, TryResult } from '../../../src/app/ports/outbox.ts'
import type { PartResult, Reservation } from '../../../src/app/ports/smsc.ts'
import { claim } from '../../../src/store/sms/claims.ts'
import type { Test } from 'tap'
import type { SmsDefinition } from '../../../src/domain/sms/definition.ts'
import type { Connections } from '../../../src/store/connections.ts'
import { keys, route, type MessageRow, type statusLine } from './status-line.ts'

type Line = { connections: Connections; sms: { definition: SmsDefinition | null } }

export class Hand {
  readonly sender: string
  /** What the store showed, in its order. */
  readonly offered: DueMessage[] = []
  readonly released: Taken[] = []
  readonly #line: Line
  #room: number
  #sequence = 0

  /** @param room for so many messages */
  constructor(line: Line, { room = Number.POSITIVE_INFINITY, sender = 'a sender' } = {}) {
    this.#line = line
    this.#room = room
    this.sender = sender
  }

  claim(at: number, { most = 100, parts = 1 } = {}) {
    return claim<Taken>(this.#line.connections, keys, this.#line.sms.definition!, {
      at,
      sender: this.sender,
      most,
      take: (message) => {
        this.offered.push(message)
        if (this.#room < 1) return null
        this.#room--
        const reservation: Reservation = { bind: 'bind 1', route, epoch: 1, sequence: ++this.#sequence, parts }
        return { reservation }
      },
      untake: (taken) => {
        this.released.push(taken)
        this.#room++
      },
    })
  }
}

type Said<R = PartResult> = R extends PartResult ? Omit<R, 'messageId' | 'part' | 'reservation'> : never

export const says = {
  takes: (carrierId: string, late = false): Said => ({ is: 'accepted', carrierId, late }),
  refuses: (status: string, kind: 'permanent' | 'throttled' | 'queue_full' | 'temporary' = 'permanent', late = false): Said => ({
    is: 'rejected',
    kind,
    status,
    late,
  }),
  nothing: { is: 'unanswered', why: 'no answer within 30000 ms' } as Said,
  unwritten: { is: 'unwritten', why: 'the session ended before' } as Said,
}

/** What became of one part. */
export function answer(messageId: string, said: Said, { part = 0, parts = 1, attempt = 1, sequence = 1 } = {}): TryResult {
  const reservation = { bind: 'bind 1', route, epoch: 1, sequence, parts }
  return { attempt, result: { messageId, part, reservation, ...said } as PartResult }
}

export type Stamped = { [Column in keyof MessageRow]: MessageRow[Column] extends Date | null ? number | null : MessageRow[Column] }

/** Messages as they stand, with times as epoch ms: `match` takes any Date for any other. */
export async function stands({ messages }: Pick<Awaited<ReturnType<typeof statusLine>>, 'messages'>, where = 'true'): Promise<Stamped[]> {
  const stamped = (value: unknown): unknown => (value instanceof Date ? value.getTime() : value)
  return (await messages(where)).map(
    (row) => Object.fromEntries(Object.entries(row).map(([column, value]) => [column, stamped(value)])) as Stamped,
  )
}

/** As many as are wanted, and each as it is wanted: `match` overlooks those that are too many. */
export function exactly(t: Test, found: readonly unknown[], wanted: readonly unknown[], what = 'as many'): void {
  t.equal(found.length, wanted.length, what)
  t.match(found, wanted, what)
}

export function traceOf({ trace }: Pick<MessageRow, 'trace'>): string[] {
  return trace.map(({ what, why }) => `${what}: ${why}`)
}
