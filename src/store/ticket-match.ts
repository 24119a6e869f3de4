/** Whose a new ticket is, and which contract promises something for it. */
import { sql, type RawBuilder, type Transaction } from 'kysely'
import type { Schema } from './schema.ts'

export type TicketContract = { contractId: string; queue: string; slaMinutes: number | null; hours: string }
export type TicketMatch = { count: number; customerId: string | null } & (TicketContract | { [K in keyof TicketContract]: null })

/** What is known of a ticket: the customer and contract that were named, the call that it came over, the caller's number. */
export type TicketClues = { customerId: string | null; contractId: string | null; callId: string | null; caller: string | null }

/**
 * The customer is the one that was named, else the one whose PIN was right in the call, else the one whose number the caller has.
 * The contract is the one that was named, else that of the PIN, else the customer's that is valid at `at` and promises most.
 * All in one statement, which also draws the ticket's number: a voicemail is on the way of a call.
 */
export async function matchTicket(
  transaction: Transaction<Schema>,
  { customerId, contractId, callId, caller }: TicketClues,
  at: number,
): Promise<TicketMatch> {
  const { rows } = await sql<TicketMatch>`
    WITH call AS (
      SELECT k.id AS customer_id, c.contract_id FROM calls c JOIN customers k ON k.id = c.customer_id WHERE c.id = ${callId}),
    who AS (
      SELECT coalesce(${customerId}::uuid, (SELECT customer_id FROM call),
          (SELECT customer_id FROM customer_phone_numbers WHERE number = ${caller})) AS customer_id,
        coalesce(${contractId}::uuid, (SELECT contract_id FROM call)) AS contract_id)
    SELECT nextval('ticket_numbers_drawn') AS count, who.customer_id AS "customerId",
      c.id AS "contractId", c.queue, c.sla_minutes AS "slaMinutes", c.hours
    FROM who LEFT JOIN LATERAL (${contractOfWho(at)}) c ON true`.execute(transaction)
  return rows[0]!
}

/** The contract of a ticket that turns out to be of this customer: found as if the ticket were made now. */
export async function contractOfCustomer(
  transaction: Transaction<Schema>,
  { customerId, callId }: { customerId: string; callId: string | null },
  at: number,
): Promise<TicketContract | null> {
  const { rows } = await sql<TicketContract>`
    WITH who AS (SELECT ${customerId}::uuid AS customer_id, (SELECT contract_id FROM calls WHERE id = ${callId}) AS contract_id)
    SELECT c.id AS "contractId", c.queue, c.sla_minutes AS "slaMinutes", c.hours
    FROM who CROSS JOIN LATERAL (${contractOfWho(at)}) c`.execute(transaction)
  return rows[0] ?? null
}

/** Of `who`: the contract named there if it is the customer's, else the one that promises most. */
function contractOfWho(at: number): RawBuilder<unknown> {
  const time = sql`${new Date(at)}::timestamptz`
  return sql`
    SELECT id, queue, sla_minutes, hours FROM (
      SELECT 0 AS place, o.* FROM contracts o WHERE o.id = who.contract_id AND o.customer_id = who.customer_id
      UNION ALL
      SELECT 1 AS place, o.* FROM contracts o WHERE o.customer_id = who.customer_id
        AND (o.valid_from IS NULL OR o.valid_from <= ${time}) AND (o.valid_to IS NULL OR o.valid_to > ${time})) fitting
    ORDER BY place, sla_minutes NULLS LAST, created_at, id LIMIT 1`
}

/** A contract that somebody names, with whose it is. It stays until the transaction ends. */
export async function namedContract(
  transaction: Transaction<Schema>,
  id: string,
): Promise<(TicketContract & { customerId: string }) | undefined> {
  return transaction
    .selectFrom('contracts')
    .select(['id as contractId', 'customer_id as customerId', 'queue', 'sla_minutes as slaMinutes', 'hours'])
    .where('id', '=', id)
    .forKeyShare()
    .executeTakeFirst()
}
