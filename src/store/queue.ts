/**
 * The queue: who waits, and dispatch.
 *
 * Dispatch holds the row lock of the queue's group, so that one at a time
 * chooses (`domain/acd/choose.ts`), and reserves by compare-and-set, because
 * agents may be paused and callers may leave meanwhile without that lock.
 * Locks are taken call, group, agents, entries, in this order.
 */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Offer, QueueEntryRequest } from '../app/ports/store.ts'
import { choose, sortKeyAt, type FreeAgent, type Pairing, type WaitingCaller } from '../domain/acd/choose.ts'
import { saveCalls } from './calls.ts'
import type { Connections, Run, Statement } from './connections.ts'
import { milliseconds } from './milliseconds.ts'

const lockQueue: Statement = {
  name: 'lock the group of a queue',
  text: `SELECT q.name, q.group_name, q.max_waiting, q.priority_weight_ms
    FROM queues q JOIN queue_groups g ON g.name = q.group_name
    WHERE q.name = coalesce((SELECT queue FROM queue_replacements WHERE old_name = $1), $1)
    FOR UPDATE OF g`,
}
type Entered = { queue: LockedQueue; sortAt: number; at: number; row: Situation & { entered: boolean } }
type LockedQueue = { name: string; group_name: string; max_waiting: number; priority_weight_ms: number }

const lockGroup: Statement = { name: 'lock a group', text: 'SELECT FROM queue_groups WHERE name = $1 FOR UPDATE' }
const allGroups: Statement = { name: 'all groups', text: 'SELECT name FROM queue_groups ORDER BY name' }

/**
 * Free agents ($2: now): expired rest counts as free without having been written. Callers: of each queue the first
 * ones, as many as there are free agents. Of the agents only those who can matter: with so many callers, whoever is
 * chosen is among that many longest idle ones of some queue, as one caller takes one agent.
 */
const freeAndWaiting = `
  free AS (
    SELECT a.id, coalesce(a.until_at, a.free_since) AS free_since, array_agg(aq.queue) AS queues
    FROM agents a
    JOIN agent_queues aq ON aq.agent_id = a.id
    JOIN queues q ON q.name = aq.queue
    WHERE q.group_name = $1 AND ${isFree('a', '$2')}
    GROUP BY a.id),
  next AS (
    SELECT e.call_id AS "callId", e.queue, e.sort_at
    FROM queues q CROSS JOIN LATERAL (
      SELECT call_id, queue, sort_at FROM queue_entries
      WHERE queue = q.name AND state = 'waiting' ORDER BY sort_at, call_id LIMIT (SELECT count(*) FROM free)) e
    WHERE q.group_name = $1),
  first AS (
    SELECT DISTINCT id FROM (
      SELECT id, row_number() OVER (PARTITION BY queue ORDER BY free_since, id COLLATE "C") AS place
      FROM free CROSS JOIN unnest(queues) queue) ranked
    WHERE place <= (SELECT count(*) FROM next) + $3)`
const freeAndWaitingColumns = `
  (SELECT jsonb_agg(jsonb_build_object('agentId', id, 'queues', queues, 'freeSinceAt', ${milliseconds('free_since')}))
    FROM free JOIN first USING (id)) AS free,
  (SELECT jsonb_agg(jsonb_build_object('callId', "callId", 'queue', queue, 'sortAt', ${milliseconds('sort_at')})) FROM next) AS waiting,
  (SELECT min(a.until_at) FROM agents a JOIN agent_queues aq ON aq.agent_id = a.id JOIN queues q ON q.name = aq.queue
    WHERE q.group_name = $1 AND a.removed_at IS NULL AND a.state IN ('wrap_up', 'resting') AND a.until_at > $2) AS "nextChangeAt"`
/** `nextChangeAt`: when the first of those who rest or wrap up is free again. */
type Situation = { free: FreeAgent[] | null; waiting: WaitingCaller[] | null; nextChangeAt: number | null }

/** $3: how many callers come on top. */
const look: Statement = { name: 'look at a group', text: `WITH ${freeAndWaiting} SELECT ${freeAndWaitingColumns}` }

/**
 * Enters and looks in one: the new caller is not among `waiting`, which shows what was before. Nobody enters a queue
 * that is not as the statement was told.
 */
const enterAndLook: Statement = {
  name: 'enter a queue',
  text: `WITH ${freeAndWaiting},
    entered AS (
      INSERT INTO queue_entries AS e (call_id, queue, priority, entered_at, sort_at, state)
      SELECT $4, $5, $6, $7, $8, 'waiting'
      WHERE EXISTS (SELECT FROM queues WHERE name = $5 AND group_name = $1 AND max_waiting = $9 AND priority_weight_ms = $10)
        AND ($9::integer = 0 OR $9 > (SELECT count(*) FROM
          (SELECT FROM queue_entries WHERE queue = $5 AND state = 'waiting' LIMIT $9) others))
      ON CONFLICT (call_id) DO UPDATE
        SET queue = $5, priority = $6, entered_at = $7, sort_at = $8, state = 'waiting', agent_id = NULL, left_at = NULL
        WHERE e.state = 'left'
      RETURNING call_id)
    SELECT EXISTS (SELECT FROM entered) AS entered, ${freeAndWaitingColumns}`,
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

/**
 * Compare-and-set on both sides. Callers are held first: whoever left a moment ago gets no agent. Nobody else holds a
 * caller who waits and asks for an agent, so this order stands in nobody's way.
 */
const reserve: Statement = {
  name: 'reserve agents',
  text: `WITH chosen AS (SELECT "callId", "agentId" FROM jsonb_to_recordset($1::jsonb) AS p ("callId" text, "agentId" text)),
    held AS (
      SELECT e.call_id, e.offers, c."agentId" FROM queue_entries e JOIN chosen c ON c."callId" = e.call_id
      WHERE e.state = 'waiting' ORDER BY e.call_id FOR UPDATE OF e),
    reserved AS (
      UPDATE agents a
      SET state = 'reserved', call_id = h.call_id, offer = h.offers + 1, since = $2, until_at = NULL, reason = NULL,
        free_since = coalesce(a.until_at, a.free_since)
      FROM held h
      WHERE a.id = h."agentId" AND ${isFree('a', '$2')}
      RETURNING a.call_id AS "callId", a.id AS "agentId", a.endpoint, a.offer),
    offered AS (
      UPDATE queue_entries e SET state = 'offered', agent_id = r."agentId", offers = r.offer
      FROM reserved r WHERE e.call_id = r."callId")
    SELECT * FROM reserved`,
}

const stillReserved: Statement = {
  name: 'offers that were made after all',
  text: `SELECT a.call_id AS "callId", a.id AS "agentId", a.endpoint, a.offer
    FROM agents a JOIN jsonb_to_recordset($1::jsonb) AS p ("callId" text, "agentId" text) ON a.id = p."agentId" AND a.call_id = p."callId"
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
/** Reserves agents and commits. Answers the offers that could be made. */
type Reserving = (pairs: Pairing[], at: number) => Promise<Offer[]>
export type Looked = { nothingToDo: boolean; nextChangeAt: number | null }

export class Queue {
  readonly #connections: Connections
  readonly #now: () => number
  /** Queues by the name that calls have for them, as they were when last locked. */
  readonly #known = new Map<string, LockedQueue>()
  /** Pairs of transactions whose commit was never answered: perhaps made, told to nobody. */
  #untold: Pairing[] = []

  constructor(connections: Connections, now: () => number) {
    this.#connections = connections
    this.#now = now
  }

  /**
   * Writes the entry and dispatches. A call that is in already stays where it is; its standing offer is told again.
   * `entry.at` is since when the caller waits: long ago, if the call is resumed.
   */
  async enter(entry: QueueEntryRequest): Promise<{ entered: boolean } & Dispatched> {
    const result = await this.#remembering(async (run, reserving) => {
      // The row is sent first, as locks are taken call, group.
      const saved = entry.row === undefined ? null : saveCalls(run, [entry.row])
      const [found] = await Promise.all([this.#lockAndEnter(run, entry), saved])
      if (found === null) return { entered: false, offers: [], nextChangeAt: null }
      const { queue, sortAt, at, row } = found
      if (row.entered) {
        const waiting = [...(row.waiting ?? []), { callId: entry.callId, queue: queue.name, sortAt }]
        return { entered: true, ...(await offerAgents({ ...row, waiting }, at, reserving)) }
      }
      const [stands] = await run<Standing>(standing, [entry.callId])
      if (stands === undefined) return { entered: false, offers: [], nextChangeAt: null }
      const { agent_id: agentId, endpoint, offer } = stands
      const standingOffers = agentId === null ? [] : [{ callId: entry.callId, agentId, endpoint, offer }]
      const { offers, nextChangeAt } = await offerAgents(row, at, reserving)
      return { entered: true, offers: [...standingOffers, ...offers], nextChangeAt }
    })
    if (!result.entered) this.#connections.log.debug({ queue: entry.queue, callId: entry.callId }, 'not entered: the queue is full or gone')
    return result
  }

  /** Null: there is no such queue (any more). */
  async #lockAndEnter(run: Run, entry: QueueEntryRequest): Promise<Entered | null> {
    const at = Math.max(entry.at, this.#now())
    const known = this.#known.get(entry.queue)
    if (known !== undefined) {
      // Both leave together; whoever is told that the queue has changed since has entered nothing.
      const [queue, entered] = await Promise.all([this.#lock(run, entry.queue), enterAs(run, entry, known, at)])
      if (queue === null) return null
      if (isDeepStrictEqual(queue, known)) return entered
    }
    const queue = await this.#lock(run, entry.queue)
    return queue === null ? null : enterAs(run, entry, queue, at)
  }

  async #lock(run: Run, name: string): Promise<LockedQueue | null> {
    const [queue] = await run<LockedQueue>(lockQueue, [name])
    if (queue === undefined) this.#known.delete(name)
    else this.#known.set(name, queue)
    return queue ?? null
  }

  /**
   * Does `change`, which may set an agent free and begins all its statements at once, and looks whether there is anything
   * to dispatch then: not so if `nothingToDo`. The change is committed before the lock is asked for, and both are one
   * round trip.
   */
  async lookAfter(change: (run: Run) => Promise<unknown>, queue: string | null, at: number): Promise<Looked> {
    const known = queue === null ? undefined : this.#known.get(queue)
    if (queue === null || known === undefined || this.#untold.length > 0) {
      await this.#connections.inOrder((_run, one) => one(change))
      return { nothingToDo: false, nextChangeAt: null }
    }
    const [, [passed, situation]] = await this.#connections.inOrder((_run, one) =>
      Promise.all([one(change), one((run) => Promise.all([this.#lock(run, queue), lookAt(run, known.group_name, at)]))]),
    )
    if (passed?.group_name !== known.group_name) return { nothingToDo: false, nextChangeAt: null }
    return { nothingToDo: pairsOf(situation).length === 0, nextChangeAt: situation.nextChangeAt }
  }

  /** Offers free agents to waiting callers of the queue's group; null: of all groups. */
  async dispatch(queue: string | null, at: number): Promise<Dispatched> {
    if (queue !== null) {
      const passed = await this.#connections.inOrder((run) => this.#lock(run, queue))
      return passed === null ? { offers: [], nextChangeAt: null } : this.#dispatchGroup(passed.group_name, at)
    }
    const all: Dispatched = { offers: [], nextChangeAt: null }
    for (const { name: group } of await this.#connections.run<{ name: string }>(allGroups, [])) {
      await this.#connections.run(lockGroup, [group])
      const { offers, nextChangeAt } = await this.#dispatchGroup(group, at)
      all.offers.push(...offers)
      if (nextChangeAt !== null) all.nextChangeAt = Math.min(nextChangeAt, all.nextChangeAt ?? Infinity)
    }
    return all
  }

  /** Also frees an agent who was reserved for the call and not rung yet. */
  async leave(callId: string, at: number): Promise<{ agentFreed: boolean }> {
    const [left] = await this.#connections.run<{ freed: number }>(leave, [callId, new Date(at)])
    return { agentFreed: left !== undefined && left.freed > 0 }
  }

  /**
   * Looks first, and takes the lock for good only if there is something to do. Whoever calls this has passed through
   * the group's lock for a moment, so whoever was entering then has been written; whoever enters later will see,
   * under the lock, all that we see now.
   */
  async #dispatchGroup(group: string, at: number): Promise<Dispatched> {
    if (this.#untold.length === 0) {
      const situation = await this.#connections.inOrder((run) => lookAt(run, group, at))
      if (pairsOf(situation).length === 0) return { offers: [], nextChangeAt: situation.nextChangeAt }
    }
    return this.#remembering(async (run, reserving) => {
      const [, situation] = await Promise.all([run(lockGroup, [group]), lookAt(run, group, at)])
      return offerAgents(situation, at, reserving)
    })
  }

  /** Runs a dispatching transaction so that no offer is lost with the answer to its commit. */
  async #remembering<T extends Dispatched>(work: (run: Run, reserving: Reserving) => Promise<T>): Promise<T> {
    const untold = this.#untold
    let asked: Pairing[] = []
    try {
      const result = await this.#connections.transaction(async (run, last) => {
        const late = untold.length === 0 ? [] : await run<Offer>(stillReserved, [JSON.stringify(untold)])
        const done = await work(run, (pairs, at) => {
          asked = pairs
          return last<Offer>(reserve, [JSON.stringify(pairs), new Date(at)])
        })
        return { ...done, offers: unique([...late, ...done.offers]) }
      })
      this.#untold = this.#untold.filter((pair) => !untold.includes(pair))
      return result
    } catch (error) {
      this.#untold = [...this.#untold, ...asked]
      throw error
    }
  }
}

async function enterAs(run: Run, entry: QueueEntryRequest, queue: LockedQueue, at: number): Promise<Entered> {
  const sortAt = sortKeyAt(entry.at, entry.priority, queue.priority_weight_ms)
  const [row] = await run<Situation & { entered: boolean }>(enterAndLook, [
    queue.group_name,
    new Date(at),
    1,
    entry.callId,
    queue.name,
    entry.priority,
    new Date(entry.at),
    new Date(sortAt),
    queue.max_waiting,
    queue.priority_weight_ms,
  ])
  return { queue, sortAt, at, row: row! }
}

async function lookAt(run: Run, group: string, at: number): Promise<Situation> {
  const [situation] = await run<Situation>(look, [group, new Date(at), 0])
  return situation!
}

function pairsOf({ free, waiting }: Situation): Pairing[] {
  return choose(waiting ?? [], free ?? [])
}

/** Chooses and reserves. Needs the group's lock, and a look that was taken under it. */
async function offerAgents(situation: Situation, at: number, reserving: Reserving): Promise<Dispatched> {
  const { nextChangeAt } = situation
  const pairs = pairsOf(situation)
  if (pairs.length === 0) return { offers: [], nextChangeAt }
  const offers = await reserving(pairs, at)
  assert(new Set(offers.map(({ agentId }) => agentId)).size === offers.length, 'an agent has one caller at a time')
  return { offers, nextChangeAt }
}

/** An agent's row, as SQL: available at that time, by themselves too. */
function isFree(agent: string, at: string): string {
  return `${agent}.removed_at IS NULL AND (${agent}.state = 'available' OR ${agent}.state IN ('wrap_up', 'resting') AND ${agent}.until_at <= ${at})`
}

function unique(offers: Offer[]): Offer[] {
  const byKey = new Map(offers.map((offer) => [`${offer.offer} ${offer.agentId} ${offer.callId}`, offer]))
  return [...byKey.values()]
}
