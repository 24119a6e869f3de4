/** Deliveries as people see them: what was sent, what became of it; and sending one again. */
import { isoTime, payloadOf } from './payload.ts'
import type { Selectable } from 'kysely'
import type { Page, PageRequest, Result } from '../../app/ports/records.ts'
import type { DeliveryRecord, DeliveryState } from '../../app/ports/webhooks.ts'
import { testEvent } from '../../domain/webhook/events.ts'
import type { Connections } from '../connections.ts'
import { refuse } from '../customers.ts'
import { isId, newId } from '../ids.ts'
import { newestFirst, pageOf } from '../pages.ts'
import type { Schema } from '../schema.ts'
import { hint, noWebhook } from './webhooks.ts'

const isOff = refuse('conflict', null, 'This webhook is switched off. Switch it on again with PATCH {"active": true}.')

export class WebhookDeliveries {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** Newest first; null: there is no such webhook. */
  async list(webhookId: string, filter: { state?: DeliveryState }, page: PageRequest): Promise<Page<DeliveryRecord> | null> {
    if (!isId(webhookId)) return null
    const { kysely } = this.#connections
    let query = kysely.selectFrom('webhook_deliveries').selectAll().where('webhook_id', '=', webhookId)
    if (filter.state !== undefined) query = query.where('state', '=', filter.state)
    const [rows, webhook] = await Promise.all([
      newestFirst(query, 'webhook_deliveries.happened_at', 'webhook_deliveries.id', isId, page).execute(),
      kysely.selectFrom('webhooks').select('id').where('id', '=', webhookId).executeTakeFirst(),
    ])
    if (webhook === undefined) return null
    return pageOf(rows, page.limit, (row) => ({ at: row.happened_at, id: row.id }), asRecord)
  }

  async test(webhookId: string, at: number): Promise<Result<DeliveryRecord>> {
    if (!isId(webhookId)) return noWebhook
    const time = new Date(at)
    return this.#connections.kyselyTransaction<Result<DeliveryRecord>>(async (transaction) => {
      const webhook = await transaction.selectFrom('webhooks').select(['disabled_at']).where('id', '=', webhookId).executeTakeFirst()
      if (webhook === undefined) return noWebhook
      if (webhook.disabled_at !== null) return isOff
      const row = await transaction
        .insertInto('webhook_deliveries')
        .values({
          id: newId(),
          webhook_id: webhookId,
          type: testEvent,
          object: 'webhook',
          // Each by itself: a test does not wait for the one before.
          object_id: newId(),
          data: JSON.stringify({ webhookId, sentAt: isoTime(at) }),
          happened_at: time,
          next_at: time,
          since: time,
          last_status: null,
          last_error: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      await hint(transaction, webhookId)
      return { ok: true, value: asRecord(row) }
    })
  }

  async resend(webhookId: string, id: string, at: number): Promise<Result<DeliveryRecord>> {
    const noDelivery = refuse('not_found', null, 'This webhook has no delivery with this id.')
    if (!isId(webhookId) || !isId(id)) return noDelivery
    return this.#connections.kyselyTransaction<Result<DeliveryRecord>>(async (transaction) => {
      const webhook = await transaction.selectFrom('webhooks').select('disabled_at').where('id', '=', webhookId).executeTakeFirst()
      if (webhook === undefined) return noDelivery
      if (webhook.disabled_at !== null) return isOff
      const row = await transaction
        .updateTable('webhook_deliveries')
        .set({ state: 'pending', attempts: 0, since: new Date(at), next_at: new Date(at), done_at: null })
        .where('id', '=', id)
        .where('webhook_id', '=', webhookId)
        .returningAll()
        .executeTakeFirst()
      if (row === undefined) return noDelivery
      await transaction.deleteFrom('webhook_health').where('webhook_id', '=', webhookId).execute()
      await hint(transaction, webhookId)
      return { ok: true, value: asRecord(row) }
    })
  }
}

function asRecord(row: Selectable<Schema['webhook_deliveries']>): DeliveryRecord {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    type: row.type,
    objectId: row.object_id,
    state: row.state,
    attempts: row.attempts,
    happenedAt: row.happened_at,
    nextTryAt: row.state === 'pending' ? row.next_at : null,
    lastTryAt: row.last_at,
    lastStatus: row.last_status,
    lastError: row.last_error,
    endedAt: row.done_at,
    payload: payloadOf(row.type, row.happened_at, row.data),
  }
}
