/**
 * What becomes of an agent between offer and the next one. Each change is one
 * statement and a compare-and-set on (agent, call, offer), so whoever is late
 * changes nothing.
 *
 *   available ─dispatch→ reserved ─the call's row (calls.ts)→ ringing ─accept→ talking
 *   reserved, ringing, talking ─release→ available | wrap_up | resting | what a human asked for
 *   wrap_up, resting ─their time is up→ available, without a write
 */
import { randomBytes } from 'node:crypto'
import type { AgentDefinition, AgentReleaseRequest, CallRow, HeldPlace, Offer } from '../app/ports/store.ts'
import type { AgentRecord, AgentState, Result } from '../app/ports/records.ts'
import { saveCalls } from './calls.ts'
import type { Connections, Run, Statement } from './connections.ts'
import type { Keys } from './keys.ts'
import type { RowAgentState } from './schema.ts'

const accept: Statement = {
  name: 'agent talks',
  text: `WITH talking AS (
      UPDATE agents SET state = 'talking', since = CASE state WHEN 'talking' THEN since ELSE $4 END
      WHERE id = $1 AND call_id = $2 AND offer = $3 AND state IN ('reserved', 'ringing', 'talking')
        AND EXISTS (SELECT FROM queue_entries WHERE call_id = $2 AND agent_id = $1 AND state IN ('offered', 'talking'))
      RETURNING id)
    UPDATE queue_entries e SET state = 'talking' FROM talking
    WHERE e.call_id = $2 AND e.agent_id = talking.id AND e.state IN ('offered', 'talking')
    RETURNING e.call_id`,
}

const release: Statement = {
  name: 'release an agent',
  // Whoever was never in the conversation keeps the place among the idle that they had.
  text: `WITH released AS (
      UPDATE agents SET
        state = coalesce(asked_state, $4), reason = CASE WHEN asked_state IS NULL THEN NULL ELSE asked_reason END,
        since = $6,
        until_at = CASE WHEN asked_state IS NULL THEN $5::timestamptz END,
        free_since = CASE WHEN state = 'talking' OR $4 <> 'available' THEN coalesce($5, $6) ELSE free_since END,
        call_id = NULL, offer = NULL, asked_state = NULL, asked_reason = NULL
      WHERE id = $1 AND call_id = $2 AND offer = $3 AND state IN ('reserved', 'ringing', 'talking')
      RETURNING id)
    UPDATE queue_entries SET agent_id = NULL,
      state = CASE WHEN $7 THEN 'waiting' ELSE 'left' END, left_at = CASE WHEN $7 THEN NULL ELSE $6 END
    WHERE call_id = $2 AND agent_id = $1 AND offers = $3 AND state IN ('offered', 'talking')
      AND (SELECT count(*) FROM released) >= 0`,
}

const releaseStrayAgents: Statement = {
  name: 'release stray agents',
  text: `UPDATE agents a SET state = coalesce(asked_state, 'available'), reason = asked_reason, since = $3,
      free_since = CASE WHEN state = 'talking' THEN $3 ELSE free_since END,
      call_id = NULL, offer = NULL, asked_state = NULL, asked_reason = NULL
    WHERE a.call_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM jsonb_to_recordset($2::jsonb) AS h ("callId" text, "agentId" text) WHERE h."callId" = a.call_id AND h."agentId" = a.id)
      AND NOT EXISTS (SELECT FROM calls c WHERE c.id = a.call_id AND c.asterisk <> $1 AND c.ended_at IS NULL)
    RETURNING id`,
}

const endStrayEntries: Statement = {
  name: 'end stray queue entries',
  text: `UPDATE queue_entries e SET state = 'left', left_at = $3, agent_id = NULL
    WHERE e.state <> 'left'
      AND NOT EXISTS (SELECT FROM jsonb_to_recordset($2::jsonb) AS h ("callId" text) WHERE h."callId" = e.call_id)
      AND NOT EXISTS (SELECT FROM calls c WHERE c.id = e.call_id AND c.asterisk <> $1 AND c.ended_at IS NULL)
    RETURNING call_id`,
}

/** Callers whose agent has just been let go wait on, at the place they had. */
const waitOn: Statement = {
  name: 'let callers wait on',
  text: `UPDATE queue_entries e SET state = 'waiting', agent_id = NULL
    WHERE e.state IN ('offered', 'talking') AND NOT EXISTS (SELECT FROM agents a WHERE a.id = e.agent_id AND a.call_id = e.call_id)`,
}

const setState: Statement = {
  name: 'set the state of an agent',
  text: `UPDATE agents SET
      asked_state = CASE WHEN call_id IS NOT NULL AND $2 <> 'available' THEN $2 END,
      asked_reason = CASE WHEN call_id IS NOT NULL AND $2 <> 'available' THEN $3::text END,
      state = CASE WHEN call_id IS NULL THEN $2 ELSE state END,
      reason = CASE WHEN call_id IS NULL AND $2 <> 'available' THEN $3::text END,
      since = CASE WHEN call_id IS NULL AND state <> $2 THEN $4 ELSE since END,
      free_since = CASE WHEN call_id IS NULL AND state <> $2 THEN $4 ELSE free_since END,
      until_at = NULL
    WHERE id = $1 AND (removed_at IS NULL OR call_id IS NOT NULL)
    RETURNING id`,
}

const listed = `SELECT a.id, a.name, a.endpoint, a.state, coalesce(a.reason, a.asked_reason) AS reason, a.since,
      a.until_at AS "untilAt", a.skills, a.call_id AS "callId",
      coalesce((SELECT array_agg(queue ORDER BY queue) FROM agent_queues WHERE agent_id = a.id), '{}') AS queues
    FROM agents a WHERE (a.removed_at IS NULL OR a.call_id IS NOT NULL)`
const listAgents: Statement = { name: 'list agents', text: `${listed} ORDER BY a.name, a.id` }
const oneAgent: Statement = { name: 'one agent', text: `${listed} AND a.id = $1` }
type AgentRow = Omit<AgentRecord, 'state'> & { state: RowAgentState; untilAt: number | null }

const sealedPasswords: Statement = {
  name: 'sealed agent passwords',
  text: 'SELECT id, sealed_password AS sealed FROM agents WHERE removed_at IS NULL ORDER BY id',
}

const putPassword: Statement = {
  name: 'put an agent password',
  text: `INSERT INTO agents (id, name, endpoint, skills, sealed_password, state, since, free_since) VALUES ($1, $2, $3, $4, $5, 'available', $6, $6)
    ON CONFLICT (id) DO UPDATE SET sealed_password = excluded.sealed_password`,
}

export class Agents {
  readonly #connections: Connections
  readonly #keys: Keys

  constructor(connections: Connections, keys: Keys) {
    this.#connections = connections
    this.#keys = keys
  }

  /** False: the offer is no longer this call's. Twice is once. */
  async acceptOffer({ agentId, callId, offer }: Offer, row: CallRow | null, at: number): Promise<boolean> {
    // The row is sent first, as locks are taken call, agents.
    const [, accepted] = await this.#connections.inOrder((_run, one) =>
      one((run) => Promise.all([row === null ? null : saveCalls(run, [row]), run(accept, [agentId, callId, offer, new Date(at)])])),
    )
    return accepted.length > 0
  }

  async release(run: Run, request: AgentReleaseRequest): Promise<void> {
    const { agentId, callId, row, offer, next, backToQueue, at } = request
    const until = next.state === 'available' ? null : new Date(next.untilAt)
    await Promise.all([
      row === undefined ? null : saveCalls(run, [row]),
      run(release, [agentId, callId, offer, next.state, until, new Date(at), backToQueue]),
    ])
  }

  /** Lets go of agents and places in queues that no call of this Asterisk holds; other Asterisks' calls are left alone. */
  releaseStrays(asterisk: string, held: HeldPlace[], at: number): Promise<number> {
    return this.#connections.transaction(async (run) => {
      const values = [asterisk, JSON.stringify(held), new Date(at)]
      const agents = await run(releaseStrayAgents, values)
      const entries = await run(endStrayEntries, values)
      await run(waitOn, [])
      return agents.length + entries.length
    })
  }

  /** All who are in the definitions, and those removed from them who still talk. `at` decides whose rest is over. */
  async list(at: number): Promise<AgentRecord[]> {
    return (await this.#connections.run<AgentRow>(listAgents, [])).map((row) => asRecord(row, at))
  }

  async setState(id: string, state: 'available' | 'paused' | 'offline', reason: string | null, at: number): Promise<Result<AgentRecord>> {
    const changed = await this.#connections.run(setState, [id, state, reason, new Date(at)])
    if (changed.length > 0) this.#connections.changes.committed.agent()
    const [row] = changed.length === 0 ? [] : await this.#connections.run<AgentRow>(oneAgent, [id])
    if (row === undefined)
      return { ok: false, refusal: { refused: 'not_found', message: `There is no agent ${id}; agents are defined in pforte.yaml.` } }
    return { ok: true, value: asRecord(row, at) }
  }

  /** Draws a new SIP password in place of the old one. An agent who is in pforte.yaml but was never synced is entered for it. */
  async newPassword({ id, name, endpoint, skills }: AgentDefinition, at: number): Promise<string> {
    const password = drawPassword()
    await this.#connections.run(putPassword, [id, name, endpoint, skills, this.#keys.seal(password, id), new Date(at)])
    return password
  }

  /** Agent id → SIP password. */
  async passwords(): Promise<Map<string, string>> {
    const rows = await this.#connections.run<{ id: string; sealed: Buffer }>(sealedPasswords, [])
    return new Map(rows.map((row) => [row.id, this.#keys.unseal(row.sealed, row.id)]))
  }
}

function asRecord({ untilAt, ...row }: AgentRow, at: number): AgentRecord {
  return { ...row, ...shownState(row, untilAt, at) }
}

/** 144 bits, in letters that a softphone's settings take. */
export function drawPassword(): string {
  return randomBytes(18).toString('base64url')
}

/** Rest after an unanswered ring is shown as a pause, with its reason. */
export function shownState(
  row: { state: RowAgentState; reason: string | null; since: number },
  untilAt: number | null,
  at: number,
): { state: AgentState; reason: string | null; since: number } {
  if (untilAt !== null && untilAt <= at) return { state: 'available', reason: null, since: untilAt }
  if (row.state === 'resting') return { state: 'paused', reason: 'did not answer', since: row.since }
  return { state: row.state, reason: row.reason, since: row.since }
}
