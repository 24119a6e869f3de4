/** Who somebody is that writes to us, and which ticket they mean: known by nothing but their number. */
import { sql, type Transaction } from 'kysely'
import type { Schema } from '../schema.ts'

export type OpenTicket = { id: string; customerId: string | null }

/** The customer who has this number. */
export async function customerOf(transaction: Transaction<Schema>, number: string): Promise<string | null> {
  const owner = await transaction.selectFrom('customer_phone_numbers').select('customer_id').where('number', '=', number).executeTakeFirst()
  return owner?.customer_id ?? null
}

/** The ticket that the last message to this number spoke of, or that goes on in its place, if it is open: most likely the one that is answered. */
export async function lastToldTicket(transaction: Transaction<Schema>, number: string): Promise<OpenTicket | null> {
  const { rows } = await sql<OpenTicket & { isOpen: boolean }>`
    SELECT t.id, t.customer_id AS "customerId", t.status <> 'completed' AS "isOpen"
    FROM messages m JOIN tickets told ON told.id = m.ticket_id JOIN tickets t ON t.id = coalesce(told.merged_into, told.id)
    WHERE m.recipient = ${number} AND m.direction = 'out' AND m.sent_at IS NOT NULL
    ORDER BY m.sent_at DESC, m.id DESC LIMIT 1`.execute(transaction)
  const [told] = rows
  return told === undefined || !told.isOpen ? null : { id: told.id, customerId: told.customerId }
}

/** The newest open ticket that began with this number, or is of the customer who has it, or that one of this number was merged into. */
export async function newestOpenTicket(
  transaction: Transaction<Schema>,
  number: string,
  customerId: string | null,
): Promise<OpenTicket | null> {
  const newestOf = (whose: ReturnType<typeof sql>): ReturnType<typeof sql> => sql`
    (SELECT id, customer_id, created_at FROM tickets WHERE ${whose} AND status <> 'completed' ORDER BY created_at DESC, id DESC LIMIT 1)`
  const { rows } = await sql<OpenTicket>`
    SELECT id, customer_id AS "customerId" FROM (
      ${newestOf(sql`caller = ${number}`)} UNION ALL ${newestOf(sql`customer_id = ${customerId}::uuid`)} UNION ALL
      ${newestOf(sql`id IN (SELECT merged_into FROM tickets WHERE caller = ${number} AND merged_into IS NOT NULL)`)}) open
    ORDER BY created_at DESC, id DESC LIMIT 1`.execute(transaction)
  return rows[0] ?? null
}

/** True for somebody who had a ticket before, or was sent a message. */
export async function isAcquainted(transaction: Transaction<Schema>, number: string): Promise<boolean> {
  const { rows } = await sql<{ known: boolean }>`
    SELECT EXISTS (SELECT FROM tickets WHERE caller = ${number})
      OR EXISTS (SELECT FROM messages WHERE recipient = ${number} AND direction = 'out' AND sent_at IS NOT NULL) AS known`.execute(
    transaction,
  )
  return rows[0]?.known === true
}
