/** Calls as people and other systems read them. */
import type { Kysely } from 'kysely'
import type { CallFilter, CallRecord, Page, PageRequest } from '../app/ports/records.ts'
import type { Connections } from './connections.ts'
import { isId } from './ids.ts'
import { newestFirst, pageOf } from './pages.ts'
import { printable } from './phone-numbers.ts'
import { moment, type Schema } from './schema.ts'

export class CallRecords {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** Newest first. An id that is none matches nothing. */
  async list(filter: CallFilter, page: PageRequest): Promise<Page<CallRecord>> {
    const { customerId, ticketId } = filter
    for (const id of [customerId, ticketId]) if (id !== undefined && !isId(id)) return { items: [], next: null }
    let query = records(this.#connections.kysely)
    if (customerId !== undefined) query = query.where('calls.customer_id', '=', customerId)
    if (ticketId !== undefined)
      query = query.where('calls.id', '=', (builder) =>
        builder.selectFrom('tickets').select('tickets.call_id').where('tickets.id', '=', ticketId),
      )
    if (filter.caller !== undefined) query = query.where('calls.caller', '=', printable(filter.caller))
    if (filter.line !== undefined) query = query.where('calls.line', '=', printable(filter.line))
    if (filter.outcome !== undefined) query = query.where('calls.outcome', '=', filter.outcome)
    if (filter.from !== undefined) query = query.where('calls.started_at', '>=', moment(filter.from))
    if (filter.to !== undefined) query = query.where('calls.started_at', '<', moment(filter.to))
    const rows = await newestFirst(query, 'calls.started_at', 'calls.id', () => true, page).execute()
    return pageOf(rows, page.limit, (row) => ({ at: row.startedAt, id: row.id }), asRecord)
  }

  async get(id: string): Promise<CallRecord | null> {
    const row = await records(this.#connections.kysely).where('calls.id', '=', printable(id)).executeTakeFirst()
    return row === undefined ? null : asRecord(row)
  }

  /** Those of them that there are, in no order. */
  async some(ids: readonly string[]): Promise<CallRecord[]> {
    const rows = await records(this.#connections.kysely).where('calls.id', 'in', ids.map(printable)).execute()
    return rows.map(asRecord)
  }
}

function records(database: Kysely<Schema>) {
  return database.selectFrom('calls').select((builder) => [
    'calls.id',
    'calls.line',
    'calls.caller',
    'calls.customer_id as customerId',
    'calls.contract_id as contractId',
    'calls.started_at as startedAt',
    'calls.answered_at as answeredAt',
    'calls.ended_at as endedAt',
    'calls.outcome',
    'calls.agent_id as agentId',
    'calls.path',
    'calls.queued_at as queuedAt',
    'calls.connected_at as connectedAt',
    // The call's row is journalled behind its back and may come after its ticket.
    builder.fn
      .coalesce(
        'calls.ticket_id',
        builder.selectFrom('tickets').select('tickets.id').whereRef('tickets.call_id', '=', 'calls.id').orderBy('tickets.id').limit(1),
      )
      .as('ticketId'),
  ])
}

type Row = Omit<CallRecord, 'waitMs' | 'talkMs'> & { queuedAt: number | null; connectedAt: number | null }

/** Waiting ends with the conversation, or with the call; both are null while they last. */
function asRecord({ queuedAt, connectedAt, ...call }: Row): CallRecord {
  const waitedUntil = connectedAt ?? call.endedAt
  return {
    ...call,
    waitMs: queuedAt === null || waitedUntil === null ? null : Math.max(0, waitedUntil - queuedAt),
    talkMs: connectedAt === null || call.endedAt === null ? null : Math.max(0, call.endedAt - connectedAt),
  }
}
