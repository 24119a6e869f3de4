import type { Webhooks } from '../../app/ports/webhooks.ts'
import type { Connections } from '../connections.ts'
import { WebhookDeliveries } from './deliveries.ts'
import type { WebhookRecords } from './webhooks.ts'

export { PostgresDeliveries } from './outbox.ts'
export { WebhookRecords } from './webhooks.ts'

/** The port `Webhooks`. */
export function webhookStore(connections: Connections, records: WebhookRecords): Webhooks {
  const deliveries = new WebhookDeliveries(connections)
  return {
    create: (webhook, at) => records.create(webhook, at),
    list: (page, at) => records.list(page, at),
    get: (id, at) => records.get(id, at),
    change: (id, change, at) => records.change(id, change, at),
    remove: (id, at) => records.remove(id, at),
    rotate: (id, overlapMs, at) => records.rotate(id, overlapMs, at),
    test: (id, at) => deliveries.test(id, at),
    deliveries: (id, filter, page) => deliveries.list(id, filter, page),
    resend: (id, deliveryId, at) => deliveries.resend(id, deliveryId, at),
  }
}
