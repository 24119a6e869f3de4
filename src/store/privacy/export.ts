/**
 * All that is held about one customer, as one JSON document (GDPR Art. 15 and
 * 20). It is written piece by piece, so that nobody's history is too long for
 * the memory, and no connection is held while whoever reads it is slow.
 */
import { sql, type RawBuilder } from 'kysely'
import type { Connections } from '../connections.ts'
import { isId } from '../ids.ts'
import type { Keys } from '../keys.ts'
import { consentsOf } from '../sms/consents.ts'
import { type Holdings, holdingsOf, inPieces } from './holdings.ts'

/** Of each table in one go. */
const ROWS_A_PIECE = 200

type Row = Record<string, unknown>

export class CustomerExport {
  readonly #connections: Connections
  readonly #keys: Keys

  constructor(connections: Connections, keys: Keys) {
    this.#connections = connections
    this.#keys = keys
  }

  async of(customerId: string, at: number): Promise<AsyncIterable<string> | null> {
    if (!isId(customerId)) return null
    const held = await holdingsOf(this.#connections.kysely, customerId)
    return held === null ? null : this.#pieces(held, at)
  }

  async *#pieces(held: Holdings, at: number): AsyncGenerator<string> {
    const { customerId, numbers } = held
    const [customer] = await this.#rows(sql`
      SELECT id, customer_number AS "customerNumber", name, language, time_zone AS "timeZone", created_at AS "createdAt"
      FROM customers WHERE id = ${customerId}`)
    yield `{"exportedAt":${JSON.stringify(new Date(at))},"customer":${JSON.stringify({ ...customer, numbers })}`
    yield* this.#list(
      'contracts',
      held.contractIds,
      (ids) => sql`
      SELECT id, service, queue, priority, hours, sla_minutes AS "slaMinutes", pin_by_sms AS "pinBySms", valid_from AS "validFrom",
        valid_to AS "validTo", created_at AS "createdAt" FROM contracts WHERE id = ANY (${ids}) ORDER BY id`,
    )
    // Nobody knows a PIN but who has it.
    yield* this.#list(
      'pins',
      held.pinIds,
      (ids) => sql`
      SELECT id, contract_id AS "contractId", length, valid_from AS "validFrom", valid_to AS "validTo", created_at AS "createdAt",
        revoked_at AS "revokedAt" FROM pins WHERE id = ANY (${ids}) ORDER BY id`,
    )
    yield* this.#list(
      'calls',
      held.callIds,
      (ids) => sql`
      SELECT id, line, dialled, caller, customer_id AS "customerId", contract_id AS "contractId", agent_id AS "agentId", language,
        started_at AS "startedAt", answered_at AS "answeredAt", queued_at AS "queuedAt", connected_at AS "connectedAt",
        ended_at AS "endedAt", outcome, ticket_id AS "ticketId", path FROM calls WHERE id = ANY (${ids}) ORDER BY id`,
    )
    yield* this.#list('tickets', held.ticketIds, (ids) => this.#tickets(ids))
    // Only the number in them is this customer's.
    yield* this.#list(
      'ticketsOfOthersFromTheirNumbers',
      held.othersTicketIds,
      (ids) => sql`
      SELECT id, number, caller, created_at AS "createdAt" FROM tickets WHERE id = ANY (${ids}) ORDER BY id`,
    )
    yield* this.#list(
      'commentsOnTicketsOfOthers',
      held.othersCommentIds,
      (ids) => sql`
      SELECT id, ticket_id AS "ticketId", author, text, created_at AS "createdAt" FROM ticket_comments WHERE id = ANY (${ids}) ORDER BY id`,
    )
    yield* this.#list(
      'messages',
      held.messageIds,
      (ids) => sql`
      SELECT id, direction, recipient AS "to", sender AS "from", body AS text, template, ticket_id AS "ticketId", state, trace,
        sent_at AS "sentAt", done_at AS "doneAt", created_at AS "createdAt" FROM messages WHERE id = ANY (${ids}) ORDER BY id`,
    )
    const consents: object[] = []
    for (const number of numbers) {
      const said = await consentsOf(this.#connections.kysely, number, this.#keys.erasedDigest(number))
      consents.push(...said.map(({ at: saidAt, ...one }) => ({ number, ...one, at: new Date(saidAt) })))
    }
    yield `,"consents":${JSON.stringify(consents)}`
    yield* this.#list(
      'wrongPins',
      numbers,
      (given) => sql`
      SELECT caller, line, call_id AS "callId", attempted_at AS "at" FROM pin_attempts WHERE caller = ANY (${given}) ORDER BY id`,
    )
    const formerNumbers = [...held.formerNumbers, ...held.passedOnNumbers]
    const ownIds = [customerId, ...held.contractIds, ...held.pinIds, ...held.ticketIds, ...held.commentIds, ...held.othersCommentIds]
    yield* this.#list(
      'changes',
      [...ownIds, ...numbers, ...formerNumbers],
      (ids) => sql`
      SELECT at, action, object, object_id AS "objectId", before, after FROM audit
      WHERE object_id = ANY (${ids}) AND (customer_id = ${customerId} OR object_id <> ALL (${formerNumbers})) ORDER BY at, id`,
    )
    yield* this.#list(
      'toldToWebhooks',
      [...held.ticketIds, ...held.callIds, ...held.messageIds],
      (ids) => sql`
      SELECT type, object, object_id AS "objectId", happened_at AS "happenedAt", state, data FROM webhook_deliveries
      WHERE object IN ('ticket', 'call', 'message') AND object_id = ANY (${ids}) ORDER BY seq`,
    )
    yield '}\n'
  }

  #tickets(ids: string[]): RawBuilder<Row> {
    return sql`
      SELECT t.id, t.number, t.caller, t.subject, t.status, t.source, t.contract_id AS "contractId", t.fault, t.merged_into AS "mergedInto",
        t.call_id AS "callId", t.created_at AS "createdAt", t.updated_at AS "updatedAt",
        (SELECT jsonb_agg(jsonb_build_object('status', c.status, 'at', c.changed_at) ORDER BY c.version) FROM ticket_changes c
          WHERE c.ticket_id = t.id) AS changes,
        (SELECT jsonb_agg(jsonb_build_object('author', c.author, 'text', c.text, 'at', c.created_at) ORDER BY c.created_at, c.id)
          FROM ticket_comments c WHERE c.ticket_id = t.id) AS comments,
        (SELECT jsonb_build_object('durationMs', r.duration_ms, 'url', '/v1/tickets/' || t.id || '/voicemail') FROM recordings r
          WHERE r.ticket_id = t.id AND r.erased_at IS NULL) AS voicemail
      FROM tickets t WHERE t.id = ANY (${ids}) ORDER BY t.id`
  }

  async *#list(name: string, all: readonly string[], query: (piece: string[]) => RawBuilder<Row>): AsyncGenerator<string> {
    yield `,${JSON.stringify(name)}:[`
    let isFirst = true
    for (const piece of inPieces(all, ROWS_A_PIECE)) {
      for (const row of await this.#rows(query(piece))) {
        yield `${isFirst ? '' : ','}${JSON.stringify(row)}`
        isFirst = false
      }
    }
    yield ']'
  }

  /** Times come as epoch milliseconds, and leave as ISO 8601. */
  async #rows(query: RawBuilder<Row>): Promise<Row[]> {
    const { rows } = await query.execute(this.#connections.kysely)
    return rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, isTime(name, value) ? new Date(value) : value])),
    )
  }
}

function isTime(name: string, value: unknown): value is number {
  return typeof value === 'number' && /(^at|At|From|To)$/.test(name)
}
