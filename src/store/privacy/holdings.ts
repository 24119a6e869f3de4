/** What is held about one customer: what is theirs by id, and what came from or went to a number of theirs. */
import { sql, type Kysely } from 'kysely'
import type { Schema } from '../schema.ts'

export type Holdings = {
  customerId: string
  /** E.164, the first one first. */
  numbers: string[]
  contractIds: string[]
  pinIds: string[]
  /** Theirs, or of nobody and from one of their numbers. */
  ticketIds: string[]
  /** Of somebody else, but from one of their numbers: only the number is theirs. */
  othersTicketIds: string[]
  /** Of their own tickets. */
  commentIds: string[]
  callIds: string[]
  /** About their tickets, to or from their numbers, or theirs by id. */
  messageIds: string[]
}

/** Each question reads an index. Null: there is no such customer. */
export async function holdingsOf(database: Kysely<Schema>, customerId: string): Promise<Holdings | null> {
  const customer = await database
    .selectFrom('customers')
    .select('id')
    .where('id', '=', customerId)
    .where('erased_at', 'is', null)
    .executeTakeFirst()
  if (customer === undefined) return null
  const ids = async (query: ReturnType<typeof sql<{ id: string }>>): Promise<string[]> => {
    const { rows } = await query.execute(database)
    return rows.map(({ id }) => id)
  }
  const numbers = await ids(sql`SELECT number AS id FROM customer_phone_numbers WHERE customer_id = ${customerId} ORDER BY place`)
  const contractIds = await ids(sql`SELECT id FROM contracts WHERE customer_id = ${customerId} ORDER BY id`)
  const ticketIds = await ids(sql`
    SELECT id FROM tickets WHERE customer_id = ${customerId}
    UNION SELECT id FROM tickets WHERE caller = ANY (${numbers}) AND customer_id IS NULL ORDER BY id`)
  return {
    customerId,
    numbers,
    contractIds,
    pinIds: await ids(sql`SELECT id FROM pins WHERE contract_id = ANY (${contractIds}) ORDER BY id`),
    ticketIds,
    othersTicketIds: await ids(sql`SELECT id FROM tickets WHERE caller = ANY (${numbers}) AND customer_id <> ${customerId} ORDER BY id`),
    commentIds: await ids(sql`SELECT id FROM ticket_comments WHERE ticket_id = ANY (${ticketIds}) ORDER BY id`),
    callIds: await ids(sql`
      SELECT id FROM calls WHERE customer_id = ${customerId} UNION SELECT id FROM calls WHERE caller = ANY (${numbers}) ORDER BY id`),
    messageIds: await ids(sql`
      SELECT id FROM messages WHERE customer_id = ${customerId}
      UNION SELECT id FROM messages WHERE recipient = ANY (${numbers})
      UNION SELECT id FROM messages WHERE sender = ANY (${numbers}) AND direction = 'in'
      UNION SELECT id FROM messages WHERE ticket_id = ANY (${ticketIds}) ORDER BY id`),
  }
}

const MOST_AT_ONCE = 1000

/** Few enough for one statement, however much is held. */
export function* inPieces<T>(all: readonly T[], most = MOST_AT_ONCE): Generator<T[]> {
  for (let place = 0; place < all.length; place += most) yield all.slice(place, place + most)
}
