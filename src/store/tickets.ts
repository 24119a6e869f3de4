/**
 * Tickets. Every ticket that is made and every status that one enters goes
 * through `enterStatus`, inside the transaction of whatever caused it: what
 * must happen with a status (its SMS, its webhooks) has its place there.
 */
import { sql, type Kysely, type SelectQueryBuilder, type Transaction } from 'kysely'
import { ticketNumber } from '../domain/ticket/number.ts'
import type { Page, PageRequest, Ticket, TicketSource, TicketStatus, TimeRange } from '../app/ports/records.ts'
import { changedIn } from './changes.ts'
import type { Connections } from './connections.ts'
import { isId, newId } from './ids.ts'
import { newestFirst, pageOf } from './pages.ts'
import { moment, type Schema } from './schema.ts'
import type { SmsIntents } from './sms/intents.ts'

export type NewTicket = {
  customerId: string | null
  caller: string | null
  subject: string
  source: TicketSource
  callId: string | null
  /** `received` unless given. */
  status?: TicketStatus
  /** Of a voicemail: where the caller rang, and in which language they were spoken to. */
  line?: string | null
  language?: string | null
}

/** Makes a ticket, with the SMS that tells of it. Answers its id and number. */
export async function createTicket(
  transaction: Transaction<Schema>,
  sms: SmsIntents,
  ticket: NewTicket,
  at: number,
): Promise<{ id: string; number: string }> {
  const id = newId()
  const { rows } = await sql<{ count: number }>`SELECT nextval('ticket_numbers_drawn') AS count`.execute(transaction)
  const number = ticketNumber(rows[0]!.count)
  const time = new Date(at)
  const status = ticket.status ?? 'received'
  await transaction
    .insertInto('tickets')
    .values({
      id,
      number,
      customer_id: ticket.customerId,
      caller: ticket.caller,
      subject: ticket.subject,
      status,
      source: ticket.source,
      version: 1,
      call_id: ticket.callId,
      created_at: time,
      updated_at: time,
    })
    .execute()
  changedIn(transaction).ticket(id)
  const { line = null, language = null } = ticket
  await enterStatus(transaction, sms, { ticketId: id, version: 1, status, line, language }, at)
  return { id, number }
}

/** `line` and `language` are known of a call that is the reason. */
export type EnteredStatus = {
  ticketId: string
  version: number
  status: TicketStatus
  line?: string | null
  language?: string | null
}

/** Every entered status, in the order of its ticket's versions, with its SMS. Nothing else writes statuses. */
export async function enterStatus(transaction: Transaction<Schema>, sms: SmsIntents, entered: EnteredStatus, at: number): Promise<void> {
  await transaction
    .insertInto('ticket_changes')
    .values({ ticket_id: entered.ticketId, version: entered.version, status: entered.status, changed_at: new Date(at) })
    .execute()
  await sms.ticketEntered(transaction, entered, at)
}

export type TicketFilter = { status?: TicketStatus; caller?: string; customerId?: string } & TimeRange

export class Tickets {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** Newest first. An id that is none matches nothing. */
  async list(filter: TicketFilter, page: PageRequest): Promise<Page<Ticket>> {
    if (filter.customerId !== undefined && !isId(filter.customerId)) return { items: [], next: null }
    let query = ticketsWithVoicemail(this.#connections.kysely)
    if (filter.status !== undefined) query = query.where('tickets.status', '=', filter.status)
    if (filter.caller !== undefined) query = query.where('tickets.caller', '=', filter.caller)
    if (filter.customerId !== undefined) query = query.where('tickets.customer_id', '=', filter.customerId)
    if (filter.from !== undefined) query = query.where('tickets.created_at', '>=', moment(filter.from))
    if (filter.to !== undefined) query = query.where('tickets.created_at', '<', moment(filter.to))
    const rows = await newestFirst(query, 'tickets.created_at', 'tickets.id', isId, page).execute()
    return pageOf(rows, page.limit, (row) => ({ at: row.createdAt, id: row.id }), asTicket)
  }

  async get(id: string): Promise<Ticket | null> {
    return isId(id) ? readTicket(this.#connections.kysely, id) : null
  }

  /** Those of them that there are, in no order. */
  async some(ids: readonly string[]): Promise<Ticket[]> {
    const rows = await ticketsWithVoicemail(this.#connections.kysely).where('tickets.id', 'in', ids).execute()
    return rows.map(asTicket)
  }
}

/** As it stands, in a transaction or outside. */
export async function readTicket(database: Kysely<Schema>, id: string): Promise<Ticket | null> {
  const row = await ticketsWithVoicemail(database).where('tickets.id', '=', id).executeTakeFirst()
  return row === undefined ? null : asTicket(row)
}

type TicketRow = Omit<Ticket, 'voicemail'> & { durationMs: number | null }

function ticketsWithVoicemail(
  database: Kysely<Schema>,
): SelectQueryBuilder<
  Schema & { recordings: { ticket_id: string | null; duration_ms: number | null } },
  'tickets' | 'recordings',
  TicketRow
> {
  return database
    .selectFrom('tickets')
    .leftJoin('recordings', 'recordings.ticket_id', 'tickets.id')
    .select([
      'tickets.id',
      'tickets.number',
      'tickets.customer_id as customerId',
      'tickets.caller',
      'tickets.subject',
      'tickets.status',
      'tickets.source',
      'tickets.version',
      'tickets.created_at as createdAt',
      'tickets.updated_at as updatedAt',
      'recordings.duration_ms as durationMs',
    ]) as never
}

function asTicket({ durationMs, ...ticket }: TicketRow): Ticket {
  return { ...ticket, voicemail: durationMs === null ? null : { durationMs } }
}
