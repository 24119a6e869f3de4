/** Messages of both directions as people read them. */
import { sql, type RawBuilder } from 'kysely'
import {
  BadCursor,
  type MessageFilter,
  type MessageRecord,
  type MessageRecordState,
  type Page,
  type PageRequest,
} from '../../app/ports/records.ts'
import { messageStates } from '../../domain/sms/message-state.ts'
import type { Connections } from '../connections.ts'
import { isId } from '../ids.ts'
import { decodeCursor, pageOf } from '../pages.ts'
import { printable } from '../phone-numbers.ts'
import { moment } from '../schema.ts'

/** What a reply is in, and nothing else. */
const received = 'received'
const everyState: readonly MessageRecordState[] = [...messageStates, received]

type Row = Omit<MessageRecord, 'parts'> & {
  parts: number
  /** Of those parts that have a row; null: none has. */
  known: { part: number; messageId: string | null; state: string }[] | null
}

const columns = sql`m.id, m.direction, m.recipient AS "to", m.sender AS "from", m.body AS text, m.template, m.ticket_id AS "ticketId",
  m.customer_id AS "customerId", m.state, m.parts, m.trace, m.created_at AS "createdAt", known.known`

/** Of each part the row of its last try. */
const knownParts = sql`LEFT JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_object('part', part, 'messageId', carrier_id, 'state', state)) AS known FROM (
    SELECT DISTINCT ON (part) part, carrier_id, state FROM message_parts WHERE message_id = m.id ORDER BY part, attempt DESC) latest) known
  ON true`

export class Messages {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** Newest first. An id that is none matches nothing. */
  async list(filter: MessageFilter, page: PageRequest): Promise<Page<MessageRecord>> {
    for (const id of [filter.ticketId, filter.customerId]) if (id !== undefined && !isId(id)) return { items: [], next: null }
    const most = page.limit + 1
    const { rows } = await sql<Row>`
      SELECT ${columns} FROM (${found(filter, conditions(filter, page), most)}) m ${knownParts}
      ORDER BY m.created_at DESC, m.id DESC LIMIT ${most}`.execute(this.#connections.kysely)
    return pageOf(rows, page.limit, (row) => ({ at: row.createdAt, id: row.id }), asRecord)
  }

  async get(id: string): Promise<MessageRecord | null> {
    if (!isId(id)) return null
    const { rows } = await sql<Row>`SELECT ${columns} FROM messages m ${knownParts} WHERE m.id = ${id}`.execute(this.#connections.kysely)
    return rows[0] === undefined ? null : asRecord(rows[0])
  }

  /** Those of them that there are, in no order. */
  async some(ids: readonly string[]): Promise<MessageRecord[]> {
    const { rows } = await sql<Row>`SELECT ${columns} FROM messages m ${knownParts} WHERE m.id = ANY (${ids}::uuid[])`.execute(
      this.#connections.kysely,
    )
    return rows.map(asRecord)
  }
}

function conditions(filter: MessageFilter, { cursor }: PageRequest): RawBuilder<unknown>[] {
  const all: RawBuilder<unknown>[] = []
  if (filter.ticketId !== undefined) all.push(sql`m.ticket_id = ${filter.ticketId}`)
  if (filter.customerId !== undefined) all.push(sql`m.customer_id = ${filter.customerId}`)
  if (filter.to !== undefined) all.push(sql`m.recipient = ${printable(filter.to)}`)
  if (filter.from !== undefined) all.push(sql`m.sender = ${printable(filter.from)}`)
  if (filter.template !== undefined) all.push(sql`m.template = ${printable(filter.template)}`)
  if (filter.since !== undefined) all.push(sql`m.created_at >= ${moment(filter.since)}`)
  if (filter.until !== undefined) all.push(sql`m.created_at < ${moment(filter.until)}`)
  if (cursor !== null) {
    const key = decodeCursor(cursor)
    if (key === null || !isId(key.id))
      throw new BadCursor('This cursor is none that a page gave. Use `next` of the page before, unchanged.')
    all.push(sql`(m.created_at, m.id) < (${moment(key.at)}, ${key.id})`)
  }
  return all
}

/**
 * The newest that fit, by the index of what narrows them most: of a ticket, a customer or a recipient, of a sender or a template, whatever
 * their state; of one state. Postgres chooses where there are several, because it knows which values are rare. Where nothing
 * narrows them, those of each state by an index of its own.
 */
function found(filter: MessageFilter, fitting: RawBuilder<unknown>[], most: number): RawBuilder<unknown> {
  const { ticketId, customerId, to, from, template } = filter
  const states = statesOf(filter)
  const isReply = states.length === 1 && states[0] === received
  // Only what we write has a template.
  if (states.length === 0 || (isReply && template !== undefined)) return newest([sql`false`], most)
  const isNarrow = [ticketId, customerId, to, from, template].some((narrow) => narrow !== undefined)
  if (states.length === 1) return newest([sql`m.state = ${states[0]}`, ...fitting], most)
  if (!isNarrow) return ofEachState(states, fitting, most)
  return newest(states.length === everyState.length ? fitting : [sql`m.state = ANY (${states}::text[])`, ...fitting], most)
}

function newest(fitting: RawBuilder<unknown>[], most: number): RawBuilder<unknown> {
  return sql`SELECT * FROM messages m WHERE ${sql.join(fitting, sql` AND `)} ORDER BY m.created_at DESC, m.id DESC LIMIT ${most}`
}

function ofEachState(states: readonly string[], fitting: RawBuilder<unknown>[], most: number): RawBuilder<unknown> {
  return sql`SELECT m.* FROM unnest(${states}::text[]) asked (state)
    CROSS JOIN LATERAL (${newest([sql`m.state = asked.state`, ...fitting], most)}) m`
}

function statesOf({ state, direction }: MessageFilter): MessageRecordState[] {
  return everyState.filter(
    (each) => (state === undefined || each === state) && (direction === undefined || (direction === 'in') === (each === received)),
  )
}

/** A part without a row of its own stands where its message stands. */
function asRecord({ parts, known, ...message }: Row): MessageRecord {
  const byPart = new Map(known?.map(({ part, messageId, state }) => [part, { messageId, state }]))
  return {
    ...message,
    parts: Array.from({ length: parts }, (_, part) => byPart.get(part) ?? { messageId: null, state: message.state }),
  }
}
