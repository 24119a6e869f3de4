/**
 * The queue: who waits, and dispatch.
 *
 * Dispatch holds the row lock of the queue's group, so that one at a time
 * chooses (`domain/acd/choose.ts`), and reserves by compare-and-set, because
 * agents may be paused and callers may leave meanwhile without that lock.
 * Locks are taken group, agents, entries, in this order.
 */
import assert from 'node:assert/strict'
import type { Offer, QueueEntryRequest } from '../app/ports/store.ts'
import { choose, sortKeyAt, type FreeAgent, type Pairing, type WaitingCaller } from '../domain/acd/choose.ts'
import type { Connections, Run, Statement } from './connections.ts'

const lockQueue: Statement = {
  name: 'lock the group of a queue',
  text: `SELECT q.name, q.group_name, q.max_waiting, q.priority_weight_ms
    FROM queues q JOIN queue_groups g ON g.name = q.group_name
    WHERE q.name = coalesce((SELECT queue FROM queue_replacements WHERE old_name = $1), $1)
    FOR UPDATE OF g`,
}
type LockedQueue = { name: string; group_name: string; max_waiting: number; priority_weight_ms: number }

const lockGroup: Statement = { name: 'lock a group', text: 'SELECT FROM queue_groups WHERE name = $1 FOR UPDATE' }
const allGroups: Statement = { name: 'all groups', text: 'SELECT name FROM queue_groups ORDER BY name' }

const enter: Statement = {
  name: 'enter a queue',
  text: `INSERT INTO queue_entries AS e (call_id, queue, priority, entered_at, sort_at, state)
    SELECT $1, $2, $3, $4, $5, 'waiting'
    WHERE $6::integer = 0 OR $6 > (SELECT count(*) FROM
      (SELECT FROM queue_entries WHERE queue = $2 AND state = 'waiting' LIMIT $6) others)
    ON CONFLICT (call_id) DO UPDATE
      SET queue = $2, priority = $3, entered_at = $4, sort_at = $5, state = 'waiting', agent_id = NULL, left_at = NULL
      WHERE e.state = 'left'
    RETURNING call_id`,
}

/** A call's place in the queue and, while one stands, its offer. */
const standing: Statement = {
  name: 'where a call stands',
  text: `SELECT e.state, a.id AS agent_id, a.endpoint, a.offer
    FROM queue_entries e
    LEFT JOIN agents a ON a.call_id = e.call_id AND a.id = e.agent_id AND e.state = 'offered'
    WHERE e.call_id = $1 AND e.state <> 'left'`,
}
type Standing = { state: string; agent_id: string | null; endpoint: string; offer: number }

/** Those who are free now or will be by themselves. Expired rest counts as free without having been written. */
const idleAgents: Statement = {
  name: 'idle agents of a group',
  text: `SELECT a.id AS "agentId", a.until_at AS "untilAt", coalesce(a.until_at, a.free_since) AS "freeSinceAt",
      array_agg(aq.queue) AS queues
    FROM agents a
    JOIN agent_queues aq ON aq.agent_id = a.id
    JOIN queues q ON q.name = aq.queue
    WHERE q.group_name = $1 AND a.removed_at IS NULL AND a.state IN ('available', 'wrap_up', 'resting')
    GROUP BY a.id`,
}

const nextCallers: Statement = {
  name: 'next callers of a group',
  text: `SELECT e.call_id AS "callId", e.queue, e.sort_at AS "sortAt"
    FROM queues q CROSS JOIN LATERAL (
      SELECT call_id, queue, sort_at FROM queue_entries
      WHERE queue = q.name AND state = 'waiting' ORDER BY sort_at, call_id LIMIT $2) e
    WHERE q.group_name = $1`,
}

const reserve: Statement = {
  name: 'reserve agents',
  text: `UPDATE agents a
    SET state = 'reserved', call_id = p.call_id, offer = e.offers + 1, since = $2, until_at = NULL, reason = NULL,
      free_since = coalesce(a.until_at, a.free_since)
    FROM jsonb_to_recordset($1::jsonb) AS p (call_id text, agent_id text)
    JOIN queue_entries e ON e.call_id = p.call_id
    WHERE a.id = p.agent_id AND a.removed_at IS NULL
      AND (a.state = 'available' OR a.state IN ('wrap_up', 'resting') AND a.until_at <= $2)
    RETURNING a.call_id AS "callId", a.id AS "agentId", a.endpoint, a.offer`,
}

const offerCallers: Statement = {
  name: 'offer callers to agents',
  text: `UPDATE queue_entries e SET state = 'offered', agent_id = o."agentId", offers = o.offer
    FROM jsonb_to_recordset($1::jsonb) AS o ("callId" text, "agentId" text, offer integer)
    WHERE e.call_id = o."callId" AND e.state = 'waiting'
    RETURNING e.call_id AS "callId"`,
}

/** For agents whose caller left between the choice and the offer. */
const unreserve: Statement = {
  name: 'unreserve agents',
  text: `UPDATE agents SET state = 'available', call_id = NULL, offer = NULL WHERE id = ANY ($1) AND state = 'reserved'`,
}

const stillReserved: Statement = {
  name: 'offers that were made after all',
  text: `SELECT a.call_id AS "callId", a.id AS "agentId", a.endpoint, a.offer
    FROM agents a JOIN jsonb_to_recordset($1::jsonb) AS o ("callId" text, "agentId" text, offer integer)
      ON a.id = o."agentId" AND a.call_id = o."callId" AND a.offer = o.offer
    WHERE a.state = 'reserved'`,
}

const leave: Statement = {
  name: 'leave the queue',
  text: `WITH freed AS (
      UPDATE agents SET state = coalesce(asked_state, 'available'), reason = asked_reason, since = $2,
        call_id = NULL, offer = NULL, asked_state = NULL, asked_reason = NULL
      WHERE call_id = $1 AND state = 'reserved' RETURNING id)
    UPDATE queue_entries SET state = 'left', left_at = $2, agent_id = NULL
    WHERE call_id = $1 AND state <> 'left' AND (SELECT count(*) FROM freed) >= 0
    RETURNING (SELECT count(*) FROM freed) AS freed`,
}

export type Dispatched = { offers: Offer[]; nextChangeAt: number | null }

export class Queue {
  readonly #connections: Connections
  readonly #now: () => number
  /** Offers of transactions whose commit was never answered: perhaps made, told to nobody. */
  #untold: Offer[] = []

  constructor(connections: Connections, now: () => number) {
    this.#connections = connections
    this.#now = now
  }

  /**
   * Writes the entry and dispatches. A call that is in already stays where it is; its standing offer is told again.
   * `entry.at` is since when the caller waits: long ago, if the call is resumed.
   */
  async enter(entry: QueueEntryRequest): Promise<{ entered: boolean } & Dispatched> {
    const result = await this.#remembering(async (run) => {
      const [queue] = await run<LockedQueue>(lockQueue, [entry.queue])
      if (queue === undefined) return { entered: false, offers: [], nextChangeAt: null }
      const sortAt = sortKeyAt(entry.at, entry.priority, queue.priority_weight_ms)
      const entered = await run(enter, [entry.callId, queue.name, entry.priority, new Date(entry.at), new Date(sortAt), queue.max_waiting])
      const standingOffers: Offer[] = []
      if (entered.length === 0) {
        const [stands] = await run<Standing>(standing, [entry.callId])
        if (stands === undefined) return { entered: false, offers: [], nextChangeAt: null }
        if (stands.agent_id !== null) standingOffers.push({ callId: entry.callId, agentId: stands.agent_id, endpoint: stands.endpoint, offer: stands.offer })
      }
      const { offers, nextChangeAt } = await dispatchGroup(run, queue.group_name, Math.max(entry.at, this.#now()))
      return { entered: true, offers: [...standingOffers, ...offers], nextChangeAt }
    })
    if (!result.entered) this.#connections.log.debug({ queue: entry.queue, callId: entry.callId }, 'not entered: the queue is full or gone')
    return result
  }

  /** Offers free agents to waiting callers of the queue's group; null: of all groups. */
  async dispatch(queue: string | null, at: number): Promise<Dispatched> {
    if (queue !== null) {
      return this.#remembering(async (run) => {
        const [locked] = await run<LockedQueue>(lockQueue, [queue])
        return locked === undefined ? { offers: [], nextChangeAt: null } : dispatchGroup(run, locked.group_name, at)
      })
    }
    const all: Dispatched = { offers: [], nextChangeAt: null }
    for (const { name } of await this.#connections.run<{ name: string }>(allGroups, [])) {
      const { offers, nextChangeAt } = await this.#remembering(async (run) => {
        await run(lockGroup, [name])
        return dispatchGroup(run, name, at)
      })
      all.offers.push(...offers)
      all.nextChangeAt = earlier(all.nextChangeAt, nextChangeAt)
    }
    return all
  }

  /** Also frees an agent who was reserved for the call and not rung yet. */
  async leave(callId: string, at: number): Promise<{ agentFreed: boolean }> {
    const [left] = await this.#connections.run<{ freed: number }>(leave, [callId, new Date(at)])
    return { agentFreed: left !== undefined && left.freed > 0 }
  }

  /** Runs a dispatching transaction so that no offer is lost with the answer to its commit. */
  async #remembering<T extends Dispatched>(work: (run: Run) => Promise<T>): Promise<T> {
    const untold = this.#untold
    let made: Offer[] = []
    try {
      const result = await this.#connections.transaction(async (run) => {
        const late = untold.length === 0 ? [] : await run<Offer>(stillReserved, [JSON.stringify(untold)])
        const done = await work(run)
        return { ...done, offers: unique([...late, ...done.offers]) }
      }, ({ offers }) => { made = offers })
      this.#untold = this.#untold.filter((offer) => !untold.includes(offer))
      return result
    } catch (error) {
      this.#untold = unique([...this.#untold, ...made])
      throw error
    }
  }
}

/** Needs the group's lock. */
async function dispatchGroup(run: Run, group: string, at: number): Promise<Dispatched> {
  const idle = await run<FreeAgent & { untilAt: number | null }>(idleAgents, [group])
  const later = idle.filter((agent) => agent.untilAt !== null && agent.untilAt > at)
  const free = idle.filter((agent) => !later.includes(agent))
  const nextChangeAt = later.reduce<number | null>((first, agent) => earlier(first, agent.untilAt), null)
  if (free.length === 0) return { offers: [], nextChangeAt }
  const waiting = await run<WaitingCaller>(nextCallers, [group, free.length])
  const pairings = choose(waiting, free)
  return { offers: pairings.length === 0 ? [] : await offerAgents(run, pairings, at), nextChangeAt }
}

async function offerAgents(run: Run, pairings: Pairing[], at: number): Promise<Offer[]> {
  const wanted = pairings.map(({ callId, agentId }) => ({ call_id: callId, agent_id: agentId }))
  const reserved = await run<Offer>(reserve, [JSON.stringify(wanted), new Date(at)])
  if (reserved.length === 0) return []
  const offered = new Set((await run<{ callId: string }>(offerCallers, [JSON.stringify(reserved)])).map((row) => row.callId))
  const inVain = reserved.filter((offer) => !offered.has(offer.callId))
  if (inVain.length > 0) await run(unreserve, [inVain.map((offer) => offer.agentId)])
  const made = reserved.filter((offer) => offered.has(offer.callId))
  assert(new Set(made.map((offer) => offer.agentId)).size === made.length, 'an agent has one caller at a time')
  return made
}

function earlier(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}

function unique(offers: Offer[]): Offer[] {
  const byKey = new Map(offers.map((offer) => [`${offer.offer} ${offer.agentId} ${offer.callId}`, offer]))
  return [...byKey.values()]
}
