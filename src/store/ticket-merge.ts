/**
 * Of two tickets about the same thing one goes on. The other is completed
 * without a word, its comments move, and what its customer writes from now on
 * is about the one that goes on. Its voicemail stays where it is.
 */
import { sql, type Transaction } from 'kysely'
import type { Result, Ticket } from '../app/ports/records.ts'
import { countingHours, pastOver } from '../domain/ticket/clocks.ts'
import { resumed, stopped } from '../domain/ticket/sla.ts'
import { changedIn } from './changes.ts'
import type { Connections } from './connections.ts'
import { refuse } from './customers.ts'
import { isId } from './ids.ts'
import type { Schema } from './schema.ts'
import type { SmsIntents } from './sms/intents.ts'
import { mergedAway } from './ticket-changes.ts'
import { clockColumns, clocksOf, clockValues, type ClockRow } from './ticket-clocks.ts'
import { readTicket } from './ticket-records.ts'
import { enterQuietly } from './tickets.ts'

type Row = ClockRow & {
  id: string
  version: number
  customer_id: string | null
  contract_id: string | null
  queue: string | null
  merged_into: string | null
}

export class TicketMerge {
  readonly #connections: Connections
  readonly #sms: SmsIntents

  constructor(connections: Connections, sms: SmsIntents) {
    this.#connections = connections
    this.#sms = sms
  }

  /**
   * A merge that was done already does nothing. Answers the merged ticket.
   * @param version that the ticket that ends must have; undefined: any
   */
  async merge(id: string, into: string, version: number | undefined, at: number): Promise<Result<Ticket>> {
    const noTarget = refuse('not_found', 'into', 'There is no such ticket.')
    if (!isId(id)) return refuse('not_found', null, 'There is no ticket with this id.')
    if (!isId(into)) return noTarget
    return this.#connections.kyselyTransaction<Result<Ticket>>(async (transaction) => {
      // Both at once and in one order, so that two who merge them crosswise take turns.
      const rows: Row[] = await transaction
        .selectFrom('tickets')
        .select([...clockColumns, 'id', 'version', 'customer_id', 'contract_id', 'queue', 'merged_into'])
        .where('id', 'in', [id, into])
        .orderBy('id')
        .forUpdate()
        .execute()
      const source = rows.find((row) => row.id === id.toLowerCase())
      const target = rows.find((row) => row.id === into.toLowerCase())
      if (source === undefined) return refuse('not_found', null, 'There is no ticket with this id.')
      if (target === undefined) return noTarget
      if (source.merged_into !== target.id) {
        if (version !== undefined && version !== source.version) {
          return refuse('conflict', 'version', `The ticket has version ${source.version} by now: somebody has changed it.`)
        }
        if (source === target) return refuse('conflict', 'into', 'A ticket cannot be merged into itself.')
        if (source.merged_into !== null) return refuse('conflict', null, await mergedAway(transaction, source.merged_into))
        if (target.merged_into !== null) return refuse('conflict', 'into', await mergedAway(transaction, target.merged_into))
        if (target.status === 'completed') return refuse('conflict', 'into', 'The ticket that is to go on is completed: reopen it first.')
        await this.#close(transaction, source, target.id, at)
        await this.#takeOver(transaction, source, target, at)
      }
      return { ok: true, value: (await readTicket(transaction, this.#sms.ticketRules, source.id, at))! }
    })
  }

  async #close(transaction: Transaction<Schema>, source: Row, into: string, at: number): Promise<void> {
    const rules = this.#sms.ticketRules
    const version = source.version + 1
    const clocks = clocksOf(source)
    const { sla } = clocks
    const stands = sla === null ? null : { ...sla, clock: stopped(sla.clock, countingHours(rules, sla.hours), at) }
    await transaction
      .updateTable('tickets')
      .set({
        status: 'completed',
        merged_into: into,
        version,
        updated_at: new Date(at),
        ...clockValues({ ...clocks, status: 'completed', sla: stands }, rules, at),
      })
      .where('id', '=', source.id)
      .execute()
    changedIn(transaction).ticket(source.id)
    if (source.status !== 'completed') await enterQuietly(transaction, { ticketId: source.id, version, status: 'completed' }, at)
    await this.#sms.supersede(transaction, source.id, null, 'the ticket was merged into another', at)
    // Of those that were merged into it, too, so that nobody ever has to follow a chain.
    const { rows: earlier } = await sql<{ id: string }>`
      UPDATE tickets SET merged_into = ${into}, version = version + 1, updated_at = ${new Date(at)} WHERE merged_into = ${source.id}
      RETURNING id`.execute(transaction)
    for (const { id } of earlier) changedIn(transaction).ticket(id)
  }

  /** What was said, and what the one that goes on did not know: whose it is, what was promised, since when there is a fault. */
  async #takeOver(transaction: Transaction<Schema>, source: Row, target: Row, at: number): Promise<void> {
    await transaction.updateTable('ticket_comments').set({ ticket_id: target.id }).where('ticket_id', '=', source.id).execute()
    changedIn(transaction).ticket(target.id)
    const taken = takenOver(source, target)
    if (Object.keys(taken).every((column) => taken[column as keyof Row] === target[column as keyof Row])) return
    const row = { ...target, ...taken }
    // What was completed is open again under another number, and its fault has as few dates to tell as if it had been reopened.
    const { sla, ...clocks } =
      source.fault && source.status === 'completed' ? pastOver(clocksOf(row), this.#sms.ticketRules, at) : clocksOf(row)
    await transaction
      .updateTable('tickets')
      .set({
        customer_id: row.customer_id,
        contract_id: row.contract_id,
        queue: row.queue,
        fault: row.fault,
        reported_at: row.reported_at === null ? null : new Date(row.reported_at),
        notice_given_at: row.notice_given_at === null ? null : new Date(row.notice_given_at),
        version: target.version + 1,
        updated_at: new Date(at),
        // The promise of a ticket that was completed goes on with what was left, as if it had been reopened.
        ...clockValues(
          { ...clocks, sla: sla === null ? null : { ...sla, clock: sla.clock.is === 'stopped' ? resumed(sla.clock, at) : sla.clock } },
          this.#sms.ticketRules,
          at,
        ),
      })
      .where('id', '=', target.id)
      .execute()
  }
}

function takenOver(source: Row, target: Row): Partial<Row> {
  const isSameCustomer = target.customer_id === null || source.customer_id === null || target.customer_id === source.customer_id
  const promise: Partial<Row> =
    target.contract_id !== null || !isSameCustomer || source.contract_id === null
      ? {}
      : {
          contract_id: source.contract_id,
          queue: source.queue,
          sla_minutes: source.sla_minutes,
          sla_hours: source.sla_hours,
          // As it stood before the merge stopped it.
          sla_is: source.sla_is,
          sla_spent_ms: source.sla_spent_ms,
          sla_since: source.sla_since,
          sla_paused_reason: source.sla_paused_reason,
          sla_told: source.sla_told,
        }
  if (!source.fault) return { customer_id: target.customer_id ?? source.customer_id, ...promise }
  const reportedAt = Math.min(source.reported_at ?? source.created_at, target.fault ? (target.reported_at ?? target.created_at) : Infinity)
  return {
    customer_id: target.customer_id ?? source.customer_id,
    ...promise,
    fault: true,
    // The law counts from the first report, whichever ticket that was.
    reported_at: reportedAt === target.created_at ? null : reportedAt,
    notice_given_at: target.notice_given_at ?? source.notice_given_at,
    legal_told: Math.max(source.legal_told, target.legal_told),
  }
}
