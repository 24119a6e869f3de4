/** Calls as the runner journals and resumes them. Reading them for people is in `call-records.ts`. */
import type { CallRow, FlowPrompts, OpenCall } from '../app/ports/store.ts'
import type { Flow } from '../domain/call/flow.ts'
import type { Connections, Run, Statement } from './connections.ts'

const columns = `id, asterisk, leg, line, dialled, caller, trunk, language, flow_hash, state, customer_id, contract_id,
  agent_id, queued_at, started_at, answered_at, connected_at, ended_at, outcome, path`

/**
 * A whole batch in one statement. A row that has ended takes no state of a call that goes on
 * (a write that was tried again may come late), and what the kept voicemail said stays said. The
 * reservation of an agent is durable already; that the phone rings is for those who watch, so it
 * comes with the row, and the row of an agent who is talking or free by then stays as it is.
 */
const save: Statement = {
  name: 'save calls',
  text: `WITH given AS (
      SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (
        id text, asterisk text, leg text, line text, dialled text, caller text, trunk text, language text, "flowHash" text,
        state jsonb, "customerId" uuid, "contractId" uuid, "agentId" text, "queuedAt" float8, "startedAt" float8,
        "answeredAt" float8, "connectedAt" float8, "endedAt" float8, outcome text, path jsonb, rings jsonb)),
    ringing AS (
      UPDATE agents a SET state = 'ringing', since = to_timestamp((g.rings ->> 'at')::float8 / 1000.0)
      FROM given g
      WHERE a.id = g.rings ->> 'agentId' AND a.call_id = g.id AND a.offer = (g.rings ->> 'offer')::integer AND a.state = 'reserved')
    INSERT INTO calls AS c (${columns})
    SELECT id, asterisk, leg, line, dialled, caller, trunk, language, "flowHash",
      CASE WHEN "endedAt" IS NULL THEN state END, "customerId", "contractId", "agentId",
      to_timestamp("queuedAt" / 1000.0), to_timestamp("startedAt" / 1000.0), to_timestamp("answeredAt" / 1000.0),
      to_timestamp("connectedAt" / 1000.0), to_timestamp("endedAt" / 1000.0), outcome, path
    FROM given
    ON CONFLICT (id) DO UPDATE SET
      asterisk = excluded.asterisk, leg = excluded.leg, language = excluded.language, flow_hash = excluded.flow_hash,
      state = excluded.state, agent_id = excluded.agent_id, queued_at = excluded.queued_at,
      customer_id = coalesce(excluded.customer_id, c.customer_id), contract_id = coalesce(excluded.contract_id, c.contract_id),
      answered_at = excluded.answered_at, connected_at = excluded.connected_at, ended_at = excluded.ended_at,
      outcome = CASE WHEN c.ticket_id IS NOT NULL THEN c.outcome ELSE coalesce(excluded.outcome, c.outcome) END,
      path = excluded.path
    WHERE c.ended_at IS NULL OR excluded.ended_at IS NOT NULL`,
}

const open: Statement = {
  name: 'open calls',
  text: `SELECT o.id, o.asterisk, o.leg, o.line, o.dialled, o.caller, o.trunk, o.language, o.flow_hash AS "flowHash", o.state,
      o.customer_id AS "customerId", o.contract_id AS "contractId", o.agent_id AS "agentId", o.queued_at AS "queuedAt",
      o.started_at AS "startedAt", o.answered_at AS "answeredAt", o.connected_at AS "connectedAt", o.ended_at AS "endedAt",
      o.outcome, o.path, k.name AS "customerName", c.service
    FROM calls o LEFT JOIN contracts c ON c.id = o.contract_id LEFT JOIN customers k ON k.id = c.customer_id
    WHERE o.asterisk = $1 AND o.ended_at IS NULL ORDER BY o.started_at, o.id`,
}

const flowByHash: Statement = { name: 'flow by hash', text: 'SELECT flow, prompts FROM flows WHERE hash = $1' }

export class Calls {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  async save(rows: CallRow[]): Promise<void> {
    await saveCalls(this.#connections.run, rows)
  }

  async open(asterisk: string): Promise<OpenCall[]> {
    const rows = await this.#connections.run<CallRow & OpenCall['known']>(open, [asterisk])
    return rows.map(({ customerName, service, ...row }) => ({ row, known: { customerName, service } }))
  }

  async flowByHash(hash: string): Promise<{ flow: Flow; prompts: FlowPrompts } | null> {
    const [row] = await this.#connections.run<{ flow: Flow; prompts: FlowPrompts }>(flowByHash, [hash])
    return row ?? null
  }
}

/** The last of several rows of one call counts. */
export async function saveCalls(run: Run, rows: CallRow[]): Promise<void> {
  if (rows.length === 0) return
  const newest = [...new Map(rows.map((row) => [row.id, row])).values()]
    // Two batches that share calls lock them in the same order.
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  await run(save, [asJson(newest)])
}

/**
 * jsonb takes neither U+0000 nor half a surrogate pair, both of which a trunk
 * may send as a caller's name; one such call must not hold up the batch.
 */
function asJson(rows: CallRow[]): string {
  const json = JSON.stringify(rows)
  // It writes nothing else that way.
  if (!json.includes('\\u')) return json
  return JSON.stringify(rows, (_key, value: unknown) => (typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '') : value))
}
