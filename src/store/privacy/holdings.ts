/** What is held about one customer: what is theirs by id, and what came from or went to a number of theirs. */
import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Schema } from '../schema.ts'

export type Holdings = {
  customerId: string
  /** E.164, the first one first. */
  numbers: string[]
  /** That they had before, for as long as the audit tells of it, and that are nobody's today. Of what came from one only consents are theirs. */
  formerNumbers: string[]
  /** That they had before, and that are another customer's today: only that they had them is theirs. */
  passedOnNumbers: string[]
  contractIds: string[]
  pinIds: string[]
  /** Theirs, or of nobody and from one of their numbers. */
  ticketIds: string[]
  /** Of somebody else, but from one of their numbers: only the number is theirs. */
  othersTicketIds: string[]
  /** Of their own tickets. */
  commentIds: string[]
  /** That one of their numbers wrote, on tickets that are not theirs: after a merge, or in answer to what was told of another's. */
  othersCommentIds: string[]
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
  const former = (isAnothers: RawBuilder<boolean>) =>
    ids(sql`
    SELECT had.number AS id FROM (SELECT DISTINCT object_id AS number FROM audit WHERE customer_id = ${customerId} AND object = 'phone_number') had
    WHERE had.number <> ALL (${numbers}) AND ${isAnothers} ORDER BY had.number`)
  const isHeld = sql<boolean>`EXISTS (SELECT FROM customer_phone_numbers held WHERE held.number = had.number)`
  const contractIds = await ids(sql`SELECT id FROM contracts WHERE customer_id = ${customerId} ORDER BY id`)
  const ticketIds = await ids(sql`
    SELECT id FROM tickets WHERE customer_id = ${customerId}
    UNION SELECT id FROM tickets WHERE caller = ANY (${numbers}) AND customer_id IS NULL ORDER BY id`)
  return {
    customerId,
    numbers,
    formerNumbers: await former(sql`NOT ${isHeld}`),
    passedOnNumbers: await former(isHeld),
    contractIds,
    pinIds: await ids(sql`SELECT id FROM pins WHERE contract_id = ANY (${contractIds}) ORDER BY id`),
    ticketIds,
    othersTicketIds: await ids(sql`SELECT id FROM tickets WHERE caller = ANY (${numbers}) AND customer_id <> ${customerId} ORDER BY id`),
    commentIds: await ids(sql`SELECT id FROM ticket_comments WHERE ticket_id = ANY (${ticketIds}) ORDER BY id`),
    // Only what numbers wrote is in the index, which is small for it.
    othersCommentIds: await ids(sql`
      SELECT id FROM ticket_comments WHERE author = ANY (${numbers}) AND author LIKE '+%' AND ticket_id <> ALL (${ticketIds}) ORDER BY id`),
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
