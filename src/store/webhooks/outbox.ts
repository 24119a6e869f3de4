/**
 * What is to be delivered, in order. Only the first pending delivery of an
 * object can be due; those behind one that waits for its next try are put off
 * to that time, so that what is due is read from the front of an index, however
 * many wait behind.
 *
 * Few statements at a time: deliveries are never in the way of calls.
 */
import pLimit from 'p-limit'
import type { Delivery, DeliveryOutbox, Outcome, Target } from '../../app/ports/webhooks.ts'
import type { Connections, Statement } from '../connections.ts'
import { payloadOf } from './payload.ts'
import type { WebhookRecords } from './webhooks.ts'

/** Of the store's connections, which calls need. */
const statementsAtOnce = 2
const mostLookedAt = 500
const mostAtOnce = 1_000
const removedIsForgottenAfter = '1 hour'

/** $1 webhook, $2 now, $3 how many, $4 lanes that are busy. */
export const due: Statement = {
  name: 'deliveries that are due',
  text: `WITH looked AS MATERIALIZED (
      SELECT id, object, object_id FROM webhook_deliveries
      WHERE webhook_id = $1 AND state = 'pending' AND next_at <= $2 ORDER BY next_at, seq LIMIT ${mostLookedAt}),
    placed AS MATERIALIZED (
      SELECT looked.id, first.id AS first_id, first.next_at FROM looked CROSS JOIN LATERAL (
        SELECT d.id, d.next_at FROM webhook_deliveries d
        WHERE d.webhook_id = $1 AND d.state = 'pending' AND d.object = looked.object AND d.object_id = looked.object_id
        ORDER BY d.seq LIMIT 1) first),
    put_off AS (
      UPDATE webhook_deliveries d SET next_at = placed.next_at FROM placed WHERE d.id = placed.id AND placed.next_at > $2)
    SELECT d.id, d.seq, d.object, d.object_id AS "objectId", d.type, d.data, d.happened_at AS "happenedAt", d.attempts, d.since
    FROM webhook_deliveries d
    WHERE d.id IN (SELECT first_id FROM placed WHERE next_at <= $2) AND NOT d.object || ' ' || d.object_id = ANY ($4::text[])
    ORDER BY d.next_at, d.seq LIMIT $3`,
}
type DueRow = Omit<Delivery, 'payload'> & { type: string; data: object; happenedAt: number }

export const nextDelivery: Statement = {
  name: 'when the next delivery is due',
  text: `SELECT next_at AS "nextAt" FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'pending' ORDER BY next_at LIMIT 1`,
}

/** $2 state, $3 when it is tried next, $4 now, $5 status, $6 error. One that was asked for again meanwhile begins anew. */
const keepTry: Statement = {
  name: 'write down a try of a delivery',
  text: `UPDATE webhook_deliveries SET state = $2, attempts = attempts + 1, next_at = coalesce($3::timestamptz, next_at), last_at = $4,
      last_status = $5, last_error = $6, done_at = CASE WHEN $2 = 'pending' THEN NULL ELSE $4::timestamptz END
    WHERE id = $1 AND state = 'pending' AND attempts = $7`,
}

const disable: Statement = {
  name: 'switch a webhook off whose receiver is gone',
  text: `UPDATE webhooks SET disabled_at = $2, disabled_why = 'gone' WHERE id = $1 AND disabled_at IS NULL`,
}
const endAll: Statement = {
  name: 'end the deliveries of a webhook',
  text: `UPDATE webhook_deliveries SET state = 'dead', done_at = $2, last_error = $3
    WHERE id = ANY (ARRAY(SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'pending' ORDER BY next_at LIMIT ${mostAtOnce}))
    RETURNING id`,
}

const keepHealth: Statement = {
  name: 'write down how a receiver does',
  text: `INSERT INTO webhook_health (webhook_id, failures, rests_until) SELECT id, $2, $3 FROM webhooks WHERE id = $1
    ON CONFLICT (webhook_id) DO UPDATE SET failures = excluded.failures, rests_until = excluded.rests_until`,
}

export const waiting: Statement = {
  name: 'webhooks with something pending',
  text: `SELECT w.id AS "webhookId", greatest(d.next_at, h.rests_until) AS "nextAt" FROM webhooks w
    CROSS JOIN LATERAL (
      SELECT next_at FROM webhook_deliveries WHERE webhook_id = w.id AND state = 'pending' ORDER BY next_at LIMIT 1) d
    LEFT JOIN webhook_health h ON h.webhook_id = w.id
    WHERE w.disabled_at IS NULL`,
}

/** Read webhook by webhook, and changed by their ids: the planner, left to itself, would rather read all there is. */
export const giveUp: Statement = {
  name: 'give up what waits behind receivers that rest',
  text: `UPDATE webhook_deliveries SET state = 'dead', done_at = $2, last_error = coalesce(last_error, 'the receiver takes nothing')
    WHERE id = ANY (ARRAY(
      SELECT d.id FROM (
        SELECT webhook_id FROM webhook_health WHERE rests_until IS NOT NULL
        UNION SELECT id FROM webhooks WHERE disabled_at IS NOT NULL) rests
      CROSS JOIN LATERAL (
        SELECT id, since FROM webhook_deliveries WHERE webhook_id = rests.webhook_id AND state = 'pending' AND next_at < $1
        ORDER BY next_at LIMIT ${mostAtOnce}) d
      WHERE d.since < $1 LIMIT ${mostAtOnce}))
    RETURNING id`,
}

export const sweepRemoved: Statement = {
  name: 'delete deliveries of removed webhooks',
  text: `WITH forgotten AS (
      DELETE FROM webhooks_removed r WHERE removed_at < $1::timestamptz - interval '${removedIsForgottenAfter}'
        AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.webhook_id = r.webhook_id))
    DELETE FROM webhook_deliveries WHERE id = ANY (ARRAY(
      SELECT d.id FROM webhooks_removed r CROSS JOIN LATERAL (
        SELECT id FROM webhook_deliveries WHERE webhook_id = r.webhook_id LIMIT ${mostAtOnce}) d
      LIMIT ${mostAtOnce}))
    RETURNING id`,
}

export class PostgresDeliveries implements DeliveryOutbox {
  readonly #connections: Connections
  readonly #records: WebhookRecords
  readonly #limit = pLimit(statementsAtOnce)

  constructor(connections: Connections, records: WebhookRecords) {
    this.#connections = connections
    this.#records = records
  }

  target(webhookId: string, at: number): Promise<Target | null> {
    return this.#limit(() => this.#records.target(webhookId, at))
  }

  async due(webhookId: string, at: number, most: number, busy: readonly string[]): Promise<Delivery[]> {
    const rows = await this.#run<DueRow>(due, [webhookId, new Date(at), most, busy])
    return rows.map(({ type, happenedAt, data, ...row }) => ({ ...row, payload: payloadOf(type, happenedAt, data) }))
  }

  async nextAt(webhookId: string): Promise<number | null> {
    const [row] = await this.#run<{ nextAt: number }>(nextDelivery, [webhookId])
    return row?.nextAt ?? null
  }

  async record(webhookId: string, { id, attempts }: Delivery, outcome: Outcome, at: number): Promise<void> {
    const now = new Date(at)
    if (outcome.is === 'delivered') {
      await this.#run(keepTry, [id, 'delivered', null, now, outcome.status, null, attempts])
      return
    }
    if (outcome.is === 'failed') {
      const { status, error, nextAt } = outcome
      await this.#run(keepTry, [
        id,
        nextAt === null ? 'dead' : 'pending',
        nextAt === null ? null : new Date(nextAt),
        now,
        status,
        error,
        attempts,
      ])
      return
    }
    const gone = 'the receiver is gone: it answered 410'
    await this.#run(keepTry, [id, 'dead', null, now, 410, gone, attempts])
    await this.#run(disable, [webhookId, now])
    while ((await this.#run(endAll, [webhookId, now, gone])).length === mostAtOnce);
  }

  async keepHealth(webhookId: string, failures: number, restsUntil: number | null): Promise<void> {
    await this.#run(keepHealth, [webhookId, failures, restsUntil === null ? null : new Date(restsUntil)])
  }

  waiting(): Promise<{ webhookId: string; nextAt: number }[]> {
    return this.#run(waiting, [])
  }

  async giveUp(since: number, at: number): Promise<number> {
    let ended = 0
    for (;;) {
      const some = await this.#run(giveUp, [new Date(since), new Date(at)])
      ended += some.length
      if (some.length < mostAtOnce) return ended
    }
  }

  async sweepRemoved(at: number): Promise<void> {
    while ((await this.#run(sweepRemoved, [new Date(at)])).length === mostAtOnce);
  }

  #run<Row extends object>(statement: Statement, values: unknown[]): Promise<Row[]> {
    return this.#limit(() => this.#connections.run<Row>(statement, values))
  }
}
