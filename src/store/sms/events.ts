/** Events of other systems: each becomes a message, once. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { EventRecord, EventRequest, Result } from '../../app/ports/records.ts'
import { nearestName } from '../../domain/nearest-name.ts'
import type { SmsDefinition, SmsTemplate } from '../../domain/sms/definition.ts'
import { ownEvent } from '../../domain/sms/events.ts'
import type { Connections } from '../connections.ts'
import { isId, newId } from '../ids.ts'
import type { SmsIntents } from './intents.ts'

export class SmsEvents {
  readonly #connections: Connections
  readonly #sms: SmsIntents

  constructor(connections: Connections, sms: SmsIntents) {
    this.#connections = connections
    this.#sms = sms
  }

  /** Event and message are one transaction. The same key with the same request answers what it answered then. */
  async post(event: EventRequest, at: number): Promise<Result<EventRecord>> {
    const { definition } = this.#sms
    const template = templateOf(event, definition)
    if (!('event' in template)) return template
    if (event.customerId !== null && !isId(event.customerId)) return unknownCustomer
    const digest = digestOf(event)
    return this.#connections.kyselyTransaction(async (transaction): Promise<Result<EventRecord>> => {
      if (event.idempotencyKey !== null) {
        // Two with one key take turns; the lock goes with the transaction.
        await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`pforte event ${event.idempotencyKey}`}, 0))`.execute(transaction)
        const before = await transaction
          .selectFrom('events')
          .select(['id', 'request_digest', 'message_ids'])
          .where('idempotency_key', '=', event.idempotencyKey)
          .executeTakeFirst()
        if (before !== undefined) {
          if (digest.equals(before.request_digest)) return { ok: true, value: { id: before.id, messageIds: before.message_ids } }
          return {
            ok: false,
            refusal: {
              refused: 'conflict',
              field: 'Idempotency-Key',
              message: 'This key came with another request before. Draw a new one.',
            },
          }
        }
      }
      if (event.customerId !== null) {
        const customer = await transaction.selectFrom('customers').select('id').where('id', '=', event.customerId).executeTakeFirst()
        if (customer === undefined) return unknownCustomer
      }
      const id = newId()
      const { to, customerId, data } = event
      const messageId = await this.#sms.event(transaction, { id, template, to, customerId, data }, at)
      const messageIds = messageId === null ? [] : [messageId]
      await transaction
        .insertInto('events')
        .values({
          id,
          type: event.type,
          idempotency_key: event.idempotencyKey,
          request_digest: digest,
          message_ids: messageIds,
          created_at: new Date(at),
        })
        .execute()
      return { ok: true, value: { id, messageIds } }
    })
  }
}

const unknownCustomer: Result<never> = {
  ok: false,
  refusal: { refused: 'not_found', field: 'customerId', message: 'There is no such customer.' },
}

/** The template of another system's event, if what it needs is there. */
function templateOf(event: EventRequest, definition: SmsDefinition | null): SmsTemplate | Result<never> {
  const invalid = (field: string, message: string): Result<never> => ({ ok: false, refusal: { refused: 'invalid', field, message } })
  if (definition === null) return invalid('type', 'No SMS are sent here: pforte.yaml has no section sms.')
  const known = Object.keys(definition.templates).filter((name) => ownEvent(name) === null)
  // Names come from outside; `constructor` is no template.
  const template = Object.hasOwn(definition.templates, event.type) ? definition.templates[event.type] : undefined
  if (template === undefined || ownEvent(event.type) !== null) {
    const near = nearestName(event.type, known)
    const hint = near === null ? `Known: ${known.join(', ') || 'none'}` : `Did you mean ${near}? Known: ${known.join(', ')}`
    return invalid('type', `has no template under sms.templates in pforte.yaml. ${hint}.`)
  }
  const missing = template.data.find((name) => event.data[name] === undefined)
  if (missing !== undefined) return invalid(`data.${missing}`, 'is missing; the template of this event speaks of it.')
  const unknown = Object.keys(event.data).find((name) => !template.data.includes(name))
  if (unknown !== undefined)
    return invalid(`data.${unknown}`, `is not known to this event's template. It has: ${template.data.join(', ') || 'no data'}.`)
  return template
}

/** What makes two requests the same, without keeping what is in them. */
function digestOf({ type, to, customerId, data }: EventRequest): Buffer {
  const sorted = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([type, to, customerId, sorted]))
    .digest()
}
