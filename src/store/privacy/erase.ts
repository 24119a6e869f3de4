/**
 * Erases what is held about one customer, in one transaction. Rows stay, so
 * that what is counted stays true; whose they were is told by none of them.
 *
 * Each number becomes a pseudonym that is drawn here and forgotten here: the
 * same in all rows, so that calls still belong to the tickets that they asked
 * about, and a report says what it said before. What remains of the customer
 * is a row without a name, under another id than the one that others know.
 *
 * Calls that are under way go on: they are in memory, and only their rows
 * change.
 */
import { randomInt } from 'node:crypto'
import { sql, type RawBuilder, type Transaction } from 'kysely'
import type { Result } from '../../app/ports/records.ts'
import { mayReceive } from '../../domain/sms/consent.ts'
import { changedIn } from '../changes.ts'
import type { Connections } from '../connections.ts'
import { refuse } from '../customers.ts'
import { isId, newId } from '../ids.ts'
import type { Keys } from '../keys.ts'
import type { Schema, TraceStep } from '../schema.ts'
import { consentsOf, lockNumber } from '../sms/consents.ts'
import { type Holdings, holdingsOf, inPieces } from './holdings.ts'
import { withoutValues } from './retention.ts'
import { erasedText } from './sweeps.ts'

/** What begins like this is nobody's number. Letters only, in which no reader of numbers finds one. */
const PSEUDONYM_PREFIX = 'erased-'
const PSEUDONYM_LETTERS = 20

export class Erasure {
  readonly #connections: Connections
  readonly #keys: Keys
  readonly #pinsChanged: () => void

  /** @param pinsChanged told after the commit */
  constructor(connections: Connections, keys: Keys, pinsChanged: () => void) {
    this.#connections = connections
    this.#keys = keys
    this.#pinsChanged = pinsChanged
  }

  async erase(customerId: string, at: number): Promise<Result<null>> {
    const noCustomer = refuse('not_found', null, 'There is no such customer.')
    if (!isId(customerId)) return noCustomer
    const held = await this.#connections.kyselyTransaction(async (transaction) => {
      // Whoever would write something of this customer waits, and then finds that there is none.
      await sql`SELECT FROM customers WHERE id = ${customerId} FOR UPDATE`.execute(transaction)
      const numbers = await sql<{ number: string }>`
        SELECT number FROM customer_phone_numbers WHERE customer_id = ${customerId}
        UNION SELECT object_id FROM audit WHERE customer_id = ${customerId} AND object = 'phone_number' ORDER BY number`.execute(
        transaction,
      )
      for (const { number } of numbers.rows) await lockNumber(transaction, number)
      const held = await holdingsOf(transaction, customerId)
      if (held !== null) await this.#erase(transaction, held, at)
      return held
    })
    if (held === null) return noCustomer
    const { committed } = this.#connections.changes
    for (const id of [...held.ticketIds, ...held.othersTicketIds]) committed.ticket(id)
    for (const id of held.callIds) committed.call(id)
    committed.message(held.messageIds)
    await this.#connections.whenCommitted(this.#pinsChanged)
    return { ok: true, value: null }
  }

  async #erase(transaction: Transaction<Schema>, held: Holdings, at: number): Promise<void> {
    await sql.raw(withoutValues.text).execute(transaction)
    const remains = newId()
    const aliases = await aliasesFor(transaction, held)
    await moveCustomer(transaction, held, remains, aliases, at)
    await eraseTickets(transaction, held, remains, aliases, at)
    await this.#eraseRecordings(transaction, held, at)
    await eraseCalls(transaction, held, remains, aliases)
    await eraseMessages(transaction, held, remains, aliases, at)
    await this.#eraseConsents(transaction, held, aliases)
    await sql`UPDATE pin_attempts SET caller = NULL WHERE caller = ANY (${held.numbers})`.execute(transaction)
    await sql`DELETE FROM contracts WHERE customer_id = ${held.customerId}`.execute(transaction)
    await sql`DELETE FROM customers WHERE id = ${held.customerId}`.execute(transaction)
    await scrubAudit(transaction, held, remains, aliases)
    await scrubDeliveries(transaction, held)
  }

  async #eraseRecordings(transaction: Transaction<Schema>, { ticketIds }: Holdings, at: number): Promise<void> {
    for (const piece of inPieces(ticketIds)) {
      const recordings = await transaction.selectFrom('recordings').select(['id', 'name']).where('ticket_id', 'in', piece).execute()
      for (const { id, name } of recordings) {
        await transaction.deleteFrom('recording_chunks').where('recording_id', '=', id).execute()
        await transaction
          .updateTable('recordings')
          .set({
            name: name.startsWith(PSEUDONYM_PREFIX) ? name : this.#keys.erasedName(name),
            duration_ms: null,
            size_bytes: 0,
            erased_at: new Date(at),
          })
          .where('id', '=', id)
          .execute()
      }
    }
  }

  /** An opt-out outlives the erasure: by law nobody may write to this number, whoever learns it anew. */
  async #eraseConsents(transaction: Transaction<Schema>, { numbers, formerNumbers }: Holdings, aliases: Aliases): Promise<void> {
    for (const number of [...numbers, ...formerNumbers]) {
      const digest = this.#keys.erasedDigest(number)
      const said = await consentsOf(transaction, number, digest)
      const purposes = new Set(said.map(({ purpose }) => purpose))
      const isOut = [...purposes].some((purpose) => !mayReceive(said, purpose))
      await transaction
        .updateTable('sms_consents')
        .set({ number: aliases.own[number]!, evidence: null, erased_digest: isOut ? digest : null })
        .where((is) => is.or([is('number', '=', number), is('erased_digest', '=', digest)]))
        .execute()
    }
  }
}

/** Number → pseudonym. `own` hold wherever the number stands, `all` only in what is the customer's: other people's numbers are among them. */
type Aliases = { own: Record<string, string>; all: Record<string, string> }

async function aliasesFor(
  transaction: Transaction<Schema>,
  { customerId, numbers, formerNumbers, passedOnNumbers, ticketIds, messageIds }: Holdings,
): Promise<Aliases> {
  const own = Object.fromEntries([...numbers, ...formerNumbers].map((number) => [number, pseudonym()]))
  const others = new Set<string>(passedOnNumbers)
  const add = async (query: RawBuilder<{ number: string | null }>): Promise<void> => {
    const { rows } = await query.execute(transaction)
    for (const { number } of rows) {
      if (number !== null && number !== '' && !(number in own) && !number.startsWith(PSEUDONYM_PREFIX)) others.add(number)
    }
  }
  await add(sql`SELECT DISTINCT caller AS number FROM calls WHERE customer_id = ${customerId}`)
  for (const piece of inPieces(ticketIds)) await add(sql`SELECT DISTINCT caller AS number FROM tickets WHERE id = ANY (${piece})`)
  for (const piece of inPieces(messageIds)) {
    await add(
      sql`SELECT DISTINCT CASE direction WHEN 'in' THEN sender ELSE recipient END AS number FROM messages WHERE id = ANY (${piece})`,
    )
  }
  return { own, all: { ...Object.fromEntries([...others].map((number) => [number, pseudonym()])), ...own } }
}

function pseudonym(): string {
  return PSEUDONYM_PREFIX + Array.from({ length: PSEUDONYM_LETTERS }, () => String.fromCharCode(97 + randomInt(26))).join('')
}

/** What stands in the place of this column's number. */
function aliased(column: string, aliases: Record<string, string>): RawBuilder<string> {
  return sql`coalesce(${JSON.stringify(aliases)}::jsonb ->> ${sql.ref(column)}, ${sql.ref(column)})`
}

/** Everything of the customer hangs on the row that remains, from now on. */
async function moveCustomer(
  transaction: Transaction<Schema>,
  { customerId, numbers }: Holdings,
  remains: string,
  { own }: Aliases,
  at: number,
): Promise<void> {
  await sql`
    INSERT INTO customers (id, customer_number, name, language, time_zone, created_at, erased_at)
    SELECT ${remains}, NULL, '', language, time_zone, created_at, ${new Date(at)} FROM customers WHERE id = ${customerId}`.execute(
    transaction,
  )
  await sql`DELETE FROM customer_phone_numbers WHERE customer_id = ${customerId}`.execute(transaction)
  if (numbers.length === 0) return
  await transaction
    .insertInto('customer_phone_numbers')
    .values(numbers.map((number, place) => ({ number: own[number]!, customer_id: remains, place })))
    .execute()
}

async function eraseTickets(
  transaction: Transaction<Schema>,
  { customerId, ticketIds, othersTicketIds, othersCommentIds }: Holdings,
  remains: string,
  { own, all }: Aliases,
  at: number,
): Promise<void> {
  for (const piece of inPieces(ticketIds)) {
    await sql`
      UPDATE tickets SET caller = ${aliased('caller', all)}, subject = ${erasedText}, erased_at = ${new Date(at)}, contract_id = NULL,
        customer_id = CASE WHEN customer_id = ${customerId} THEN ${remains}::uuid ELSE customer_id END,
        sla_paused_reason = CASE WHEN sla_paused_reason IS NOT NULL THEN ${erasedText} END
      WHERE id = ANY (${piece})`.execute(transaction)
    await sql`UPDATE ticket_comments SET author = ${erasedText}, text = '' WHERE ticket_id = ANY (${piece})`.execute(transaction)
  }
  for (const piece of inPieces(othersTicketIds)) {
    // A voicemail's subject is the number that it came from.
    await sql`
      UPDATE tickets SET caller = ${aliased('caller', own)}, subject = replace(subject, caller, ${aliased('caller', own)})
      WHERE id = ANY (${piece})`.execute(transaction)
  }
  for (const piece of inPieces(othersCommentIds)) {
    const { rows } = await sql<{ ticketId: string }>`
      UPDATE ticket_comments SET author = ${erasedText}, text = '' WHERE id = ANY (${piece}) RETURNING ticket_id AS "ticketId"`.execute(
      transaction,
    )
    for (const { ticketId } of rows) changedIn(transaction).ticket(ticketId)
  }
}

async function eraseCalls(
  transaction: Transaction<Schema>,
  { customerId, callIds }: Holdings,
  remains: string,
  { own, all }: Aliases,
): Promise<void> {
  for (const piece of inPieces(callIds)) {
    await sql`
      UPDATE calls SET
        caller = CASE WHEN customer_id = ${customerId} THEN ${aliased('caller', all)} ELSE ${aliased('caller', own)} END,
        contract_id = CASE WHEN customer_id = ${customerId} THEN NULL ELSE contract_id END,
        customer_id = CASE WHEN customer_id = ${customerId} THEN ${remains}::uuid ELSE customer_id END
      WHERE id = ANY (${piece})`.execute(transaction)
  }
}

/** What may still leave does not. A sender that has one in hand at this moment has it in memory: it is gone. */
async function eraseMessages(
  transaction: Transaction<Schema>,
  { customerId, messageIds, numbers }: Holdings,
  remains: string,
  { all }: Aliases,
  at: number,
): Promise<void> {
  const step = JSON.stringify([{ at, what: 'suppressed', why: 'its customer was erased' } satisfies TraceStep])
  for (const piece of inPieces(messageIds)) {
    // Of the event that a message came from only a digest is kept; of what it told of, too.
    await sql`
      UPDATE events SET request_digest = '', idempotency_digest = NULL
      WHERE id IN (SELECT substr(dedupe_key, 7, 36)::uuid FROM messages WHERE id = ANY (${piece}) AND dedupe_key LIKE 'event %')`.execute(
      transaction,
    )
    await sql`
      UPDATE messages SET body = '', sealed_text = NULL, dedupe_key = NULL,
        recipient = CASE direction WHEN 'out' THEN ${aliased('recipient', all)} ELSE recipient END,
        sender = CASE direction WHEN 'in' THEN ${aliased('sender', all)} ELSE sender END,
        customer_id = CASE WHEN customer_id = ${customerId} THEN ${remains}::uuid ELSE customer_id END,
        trace = CASE WHEN state IN ('held', 'queued') THEN trace || ${step}::jsonb ELSE trace END,
        due_at = NULL,
        state = CASE WHEN state IN ('held', 'queued') THEN 'suppressed' ELSE state END
      WHERE id = ANY (${piece})`.execute(transaction)
  }
  await sql`UPDATE receipts SET recipient = NULL WHERE matched_at IS NULL AND recipient = ANY (${numbers})`.execute(transaction)
  await sql`DELETE FROM reply_piles WHERE sender = ANY (${numbers})`.execute(transaction)
}

/** Which columns changed stays; what was in them goes. That this customer was erased, when and by whom, is told by their last row. */
async function scrubAudit(
  transaction: Transaction<Schema>,
  { customerId, numbers, formerNumbers, ...held }: Holdings,
  remains: string,
  { own, all }: Aliases,
): Promise<void> {
  const ofTheirs = [...held.contractIds, ...held.pinIds, ...held.ticketIds, ...held.commentIds, ...held.othersCommentIds]
  const nameless = (column: string) => sql`(SELECT jsonb_object_agg(key, NULL) FROM jsonb_each(${sql.ref(column)}))`
  // The changes of this transaction would tell which row remains of whom, and which pseudonym is whose.
  await sql`
    DELETE FROM audit WHERE at = date_trunc('milliseconds', now()) AND customer_id IN (${customerId}, ${remains})
      AND NOT (object = 'customer' AND action = 'deleted')`.execute(transaction)
  for (const piece of inPieces([...ofTheirs, ...held.othersTicketIds, ...numbers, ...Object.values(own)])) {
    await sql`
      DELETE FROM audit WHERE at = date_trunc('milliseconds', now()) AND object_id = ANY (${piece})`.execute(transaction)
  }
  await sql`
    UPDATE audit SET before = ${nameless('before')}, after = ${nameless('after')},
      customer_id = CASE WHEN object = 'customer' THEN customer_id END, object_id = ${aliased('object_id', all)}
    WHERE customer_id = ${customerId}`.execute(transaction)
  for (const piece of inPieces([...ofTheirs, ...numbers])) {
    await sql`
      UPDATE audit SET before = ${nameless('before')}, after = ${nameless('after')}, customer_id = NULL, object_id = ${aliased('object_id', own)}
      WHERE object_id = ANY (${piece})`.execute(transaction)
  }
  // Whoever had one of these numbers before or after them keeps what is told of that.
  for (const piece of inPieces(formerNumbers)) {
    await sql`
      UPDATE audit SET before = ${nameless('before')}, after = ${nameless('after')}, object_id = ${aliased('object_id', own)}
      WHERE object_id = ANY (${piece}) AND customer_id IS NULL`.execute(transaction)
  }
  // Of other people's tickets only the number.
  for (const piece of inPieces(held.othersTicketIds)) {
    for (const [number, alias] of Object.entries(own)) {
      await sql`
        UPDATE audit SET before = replace(before::text, ${number}, ${alias})::jsonb, after = replace(after::text, ${number}, ${alias})::jsonb
        WHERE object_id = ANY (${piece})`.execute(transaction)
    }
  }
}

/** What webhooks were told stays told; what is still to be told them says no more than that it happened. */
async function scrubDeliveries(transaction: Transaction<Schema>, held: Holdings): Promise<void> {
  const told: [string, string[]][] = [
    ['ticket', [...held.ticketIds, ...held.othersTicketIds]],
    ['call', held.callIds],
    ['message', held.messageIds],
  ]
  for (const [object, ids] of told) {
    for (const piece of inPieces(ids)) {
      await sql`
        UPDATE webhook_deliveries SET last_error = NULL, data = data || (
          SELECT coalesce(jsonb_object_agg(key, CASE WHEN key IN ('customerId', 'contractId', 'caller') THEN 'null' ELSE to_jsonb(${erasedText}::text) END), '{}')
          FROM jsonb_object_keys(data) key WHERE key IN ('caller', 'subject', 'customerId', 'contractId', 'to', 'from', 'text'))
        WHERE object = ${object} AND object_id = ANY (${piece})`.execute(transaction)
    }
  }
}
