/**
 * Tickets as people read them. Every list reads one index from its front, and
 * whatever else a page shows is looked up for its rows alone.
 */
import { sql, type Kysely, type RawBuilder } from 'kysely'
import {
  BadCursor,
  type Page,
  type PageRequest,
  type Ticket,
  type TicketFilter,
  type TicketLegal,
  type TicketSla,
} from '../app/ports/records.ts'
import { countingHours, type TicketRules } from '../domain/ticket/clocks.ts'
import type { CountingHours } from '../domain/ticket/open-time.ts'
import { remainingAt, slaState, type SlaClock } from '../domain/ticket/sla.ts'
import { ticketStatuses } from '../domain/ticket/status.ts'
import { legalDates } from '../domain/ticket/tkg58.ts'
import type { Connections, Statement } from './connections.ts'
import { isId } from './ids.ts'
import { decodeCursor, pageOf } from './pages.ts'
import { moment, type Schema } from './schema.ts'
import { clocksOf, type ClockRow } from './ticket-clocks.ts'

type Row = ClockRow & {
  id: string
  number: string
  customer_id: string | null
  caller: string | null
  subject: string
  source: Ticket['source']
  version: number
  updated_at: number
  contract_id: string | null
  merged_into: string | null
  sla_due_at: number | null
  notice_given_at: number | null
  duration_ms: number | null
  confirmation_sent_at: number | null
  confirmation_delivered_at: number | null
  notice_sent_at: number | null
}

/** What a page shows beside its tickets. TKG § 58 asks for the confirmation's proof only where a fault was reported. */
const beside = sql`
  LEFT JOIN recordings r ON r.ticket_id = t.id
  LEFT JOIN LATERAL (
    SELECT min(m.sent_at) FILTER (WHERE m.tells_status = 'received') AS confirmation_sent_at,
      min(m.done_at) FILTER (WHERE m.tells_status = 'received' AND m.state = 'delivered') AS confirmation_delivered_at,
      min(m.sent_at) FILTER (WHERE m.template = 'ticket.notice') AS notice_sent_at
    FROM messages m WHERE t.fault AND m.ticket_id = t.id AND m.direction = 'out'
      AND m.state IN ('submitted', 'uncertain', 'delivered', 'undeliverable', 'expired')) told ON true`
const shown = sql`t.*, r.duration_ms, told.confirmation_sent_at, told.confirmation_delivered_at, told.notice_sent_at`

/** A queue under the names that it had: tickets keep the one that their contract had. */
const queueNames: Statement = {
  name: 'names of a queue',
  text: `SELECT old_name AS name FROM queue_replacements WHERE queue = $1 UNION ALL SELECT $1`,
}

export class Tickets {
  readonly #connections: Connections
  readonly #rules: () => TicketRules
  readonly #now: () => number

  constructor(connections: Connections, rules: () => TicketRules, now: () => number) {
    this.#connections = connections
    this.#rules = rules
    this.#now = now
  }

  /** Newest first. An id that is none matches nothing. */
  async list(filter: TicketFilter, page: PageRequest, at = this.#now()): Promise<Page<Ticket>> {
    for (const id of [filter.customerId, filter.mergedInto]) if (id !== undefined && !isId(id)) return { items: [], next: null }
    const queues = filter.queue === undefined ? [] : await this.#connections.run<{ name: string }>(queueNames, [filter.queue])
    const { rows } = await ticketPage(
      filter,
      queues.map(({ name }) => name),
      page,
      at,
    ).execute(this.#connections.kysely)
    const rules = this.#rules()
    return pageOf(
      rows,
      page.limit,
      (row) => ({ at: row.created_at, id: row.id }),
      (row) => asTicket(row, rules, at),
    )
  }

  async get(id: string, at = this.#now()): Promise<Ticket | null> {
    return isId(id) ? readTicket(this.#connections.kysely, this.#rules(), id, at) : null
  }

  /** Those of them that there are, in no order. */
  some(ids: readonly string[], at = this.#now()): Promise<Ticket[]> {
    return readTickets(this.#connections.kysely, this.#rules(), ids, at)
  }
}

/** A page, with one row more where there is another. @param queues all names of the filter's queue */
export function ticketPage(filter: TicketFilter, queues: readonly string[], page: PageRequest, at: number): RawBuilder<Row> {
  const most = page.limit + 1
  return sql<Row>`
    SELECT ${shown} FROM (${found(filter, queues, page, at)}) t ${beside}
    ORDER BY t.created_at DESC, t.id DESC LIMIT ${most}`
}

/** As it stands, in a transaction or outside. */
export async function readTicket(database: Kysely<Schema>, rules: TicketRules, id: string, at: number): Promise<Ticket | null> {
  return (await readTickets(database, rules, [id], at))[0] ?? null
}

/** Those of them that there are, in no order. */
export async function readTickets(database: Kysely<Schema>, rules: TicketRules, ids: readonly string[], at: number): Promise<Ticket[]> {
  const { rows } = await sql<Row>`SELECT ${shown} FROM tickets t ${beside} WHERE t.id = ANY (${ids}::uuid[])`.execute(database)
  return rows.map((row) => asTicket(row, rules, at))
}

/** Overdue as of its last write, or since. */
function overdue(at: number): { written: RawBuilder<unknown>; since: RawBuilder<unknown> } {
  return {
    written: sql`t.is_overdue`,
    since: sql`t.sla_is = 'running' AND NOT t.is_overdue AND t.sla_due_at <= ${moment(at)}`,
  }
}

/** How an index has the time: as it stands, or (`tickets_by_queue`, `tickets_by_fault`) in a form of its own. */
type TimeForm = (time: RawBuilder<unknown>) => RawBuilder<unknown>
const asItStands: TimeForm = (time) => time
const inUtc: TimeForm = (time) => sql`(${time} AT TIME ZONE 'UTC')`

/** But for the queue, which may have several names. */
function conditions(filter: TicketFilter, { cursor }: PageRequest, at: number, form: TimeForm): RawBuilder<unknown>[] {
  const all: RawBuilder<unknown>[] = []
  const madeAt = form(sql`t.created_at`)
  if (filter.number !== undefined) all.push(sql`t.number = ${filter.number}`)
  if (filter.caller !== undefined) all.push(sql`t.caller = ${filter.caller}`)
  if (filter.customerId !== undefined) all.push(sql`t.customer_id = ${filter.customerId}`)
  if (filter.mergedInto !== undefined) all.push(sql`t.merged_into = ${filter.mergedInto}`)
  if (filter.fault !== undefined) all.push(filter.fault ? sql`t.fault` : sql`NOT t.fault`)
  if (filter.status !== undefined) all.push(sql`t.status = ${filter.status}`)
  if (filter.overdue === false) all.push(sql`NOT (${overdue(at).written} OR coalesce(${overdue(at).since}, false))`)
  if (filter.from !== undefined) all.push(sql`${madeAt} >= ${form(moment(filter.from))}`)
  if (filter.to !== undefined) all.push(sql`${madeAt} < ${form(moment(filter.to))}`)
  if (cursor !== null) {
    const key = decodeCursor(cursor)
    if (key === null || !isId(key.id))
      throw new BadCursor('This cursor is none that a page gave. Use `next` of the page before, unchanged.')
    all.push(sql`(${madeAt}, t.id) < (${form(moment(key.at))}, ${key.id})`)
  }
  return all
}

/** The newest that fit, by the index of what narrows them most. */
function found(filter: TicketFilter, queues: readonly string[], page: PageRequest, at: number): RawBuilder<unknown> {
  const { number, caller, customerId, mergedInto, queue, fault } = filter
  const most = page.limit + 1
  const isNarrow = [number, caller, customerId, mergedInto].some((narrow) => narrow !== undefined)
  if (filter.overdue === true || isNarrow || (queue === undefined && fault === undefined)) {
    const fitting = conditions(filter, page, at, asItStands)
    if (queue !== undefined) fitting.push(sql`t.queue = ANY (${queues}::text[])`)
    if (filter.overdue !== true) return newest(fitting, most, asItStands)
    const { written, since } = overdue(at)
    // OFFSET 0: what has come since is found by its due time, of which Postgres cannot know how seldom it is.
    const lately = sql`(SELECT * FROM tickets t WHERE ${since} OFFSET 0)`
    return sql`(${newest([written, ...fitting], most, asItStands)}) UNION ALL (${newest(fitting, most, asItStands, lately)})`
  }
  const fitting = conditions(filter, page, at, inUtc)
  const statuses = sql`unnest(${filter.status === undefined ? ticketStatuses : [filter.status]}::text[]) also (status)`
  return queue === undefined
    ? sql`SELECT t.* FROM ${statuses} CROSS JOIN LATERAL (${newest([sql`t.status = also.status`, ...fitting], most, inUtc)}) t`
    : sql`SELECT t.* FROM unnest(${queues}::text[]) asked (queue), ${statuses}
        CROSS JOIN LATERAL (${newest([sql`t.queue = asked.queue AND t.status = also.status`, ...fitting], most, inUtc)}) t`
}

function newest(fitting: RawBuilder<unknown>[], most: number, form: TimeForm, source = sql`tickets`): RawBuilder<unknown> {
  const where = fitting.length === 0 ? sql`` : sql`WHERE ${sql.join(fitting, sql` AND `)}`
  return sql`SELECT * FROM ${source} t ${where} ORDER BY ${form(sql`t.created_at`)} DESC, t.id DESC LIMIT ${most}`
}

function asTicket(row: Row, rules: TicketRules, at: number): Ticket {
  const { sla, reportedAt } = clocksOf(row)
  return {
    id: row.id,
    number: row.number,
    customerId: row.customer_id,
    caller: row.caller,
    subject: row.subject,
    status: row.status,
    source: row.source,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    voicemail: row.duration_ms === null ? null : { durationMs: row.duration_ms },
    contractId: row.contract_id,
    fault: row.fault,
    mergedInto: row.merged_into,
    sla: sla === null ? null : shownSla(row, sla.clock, countingHours(rules, sla.hours), at),
    legal: reportedAt === null || !rules.tkg58.on ? null : shownLegal(row, reportedAt, rules.timeZone),
  }
}

function shownSla(row: Row, clock: SlaClock, hours: CountingHours, at: number): TicketSla {
  return {
    minutes: clock.minutes,
    state: slaState(clock, hours, at),
    dueAt: row.sla_due_at,
    remainingMs: remainingAt(clock, hours, at),
    pausedReason: row.sla_paused_reason,
  }
}

function shownLegal(row: Row, reportedAt: number, timeZone: string): TicketLegal {
  const { noticeDueAt, compensationFromAt, raisedCompensationFromAt } = legalDates(reportedAt, timeZone)
  return {
    confirmationSentAt: row.confirmation_sent_at,
    confirmationDeliveredAt: row.confirmation_delivered_at,
    noticeDueAt,
    noticeSentAt: row.notice_given_at ?? row.notice_sent_at,
    compensationFromAt,
    raisedCompensationFromAt,
  }
}
