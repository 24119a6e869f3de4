/** Who wants to be told what, with the secrets that sign it: encrypted, and shown once. */
import { randomBytes } from 'node:crypto'
import { sql, type Selectable, type Transaction } from 'kysely'
import type { Page, PageRequest, Result } from '../../app/ports/records.ts'
import type { NewWebhook, Target, Webhook, WebhookChange, WebhookWithSecret } from '../../app/ports/webhooks.ts'
import type { Connections } from '../connections.ts'
import { refuse } from '../customers.ts'
import { isId, newId } from '../ids.ts'
import type { Keys } from '../keys.ts'
import { newestFirst, pageOf } from '../pages.ts'
import { printable } from '../phone-numbers.ts'
import type { Schema } from '../schema.ts'

/** Each that is slow has a worker of its own (store/jobs), and there are a few more than that. */
export const mostWebhooks = 50
/** Standard Webhooks asks for 24 to 64 bytes. */
const secretBytes = 32

type Row = Selectable<Schema['webhooks']>

export const noWebhook = refuse('not_found', null, 'There is no webhook with this id.')

export class WebhookRecords {
  readonly #connections: Connections
  readonly #keys: Keys

  constructor(connections: Connections, keys: Keys) {
    this.#connections = connections
    this.#keys = keys
  }

  async create(webhook: NewWebhook, at: number): Promise<Result<WebhookWithSecret>> {
    const id = newId()
    const secret = newSecret()
    return this.#connections.kyselyTransaction<Result<WebhookWithSecret>>(async (transaction) => {
      // Two who make the last one take turns.
      await sql`SELECT pg_advisory_xact_lock(hashtextextended('pforte webhooks', 0))`.execute(transaction)
      const { count } = await transaction
        .selectFrom('webhooks')
        .select((is) => is.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      if (count >= mostWebhooks) {
        return refuse(
          'conflict',
          null,
          `There are ${mostWebhooks} webhooks already, as many as there may be. Delete one that nobody needs.`,
        )
      }
      const row = await transaction
        .insertInto('webhooks')
        .values({
          id,
          url: webhook.url,
          description: printable(webhook.description),
          events: webhook.events,
          secret: this.#keys.sealWebhookSecret(secret, id),
          old_secret: null,
          disabled_why: null,
          created_at: new Date(at),
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return { ok: true, value: { ...asWebhook(row, at), secret } }
    })
  }

  /** Newest first. */
  async list(page: PageRequest, at: number): Promise<Page<Webhook>> {
    const all = this.#connections.kysely.selectFrom('webhooks').selectAll()
    const rows = await newestFirst(all, 'webhooks.created_at', 'webhooks.id', isId, page).execute()
    return pageOf(
      rows,
      page.limit,
      (row) => ({ at: row.created_at, id: row.id }),
      (row) => asWebhook(row, at),
    )
  }

  async get(id: string, at: number): Promise<Webhook | null> {
    if (!isId(id)) return null
    const row = await this.#connections.kysely.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : asWebhook(row, at)
  }

  async change(id: string, change: WebhookChange, at: number): Promise<Result<Webhook>> {
    return this.#changing(id, async (transaction, before) => {
      const { url, description, events, active } = change
      const isActive = before.disabled_at === null
      const row = await transaction
        .updateTable('webhooks')
        .set({
          ...(url === undefined ? {} : { url }),
          ...(description === undefined ? {} : { description: printable(description) }),
          ...(events === undefined ? {} : { events }),
          ...(active === undefined || active === isActive
            ? {}
            : active
              ? { disabled_at: null, disabled_why: null }
              : { disabled_at: new Date(at), disabled_why: 'api' as const }),
          // Something to set, whatever was given.
          id,
        })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow()
      // Whoever mends an address or switches it on again wants to see at once whether it works.
      await transaction.deleteFrom('webhook_health').where('webhook_id', '=', id).execute()
      await hint(transaction, id)
      return { ok: true, value: asWebhook(row, at) }
    })
  }

  async remove(id: string, at: number): Promise<Result<null>> {
    return this.#changing(id, async (transaction) => {
      await transaction
        .insertInto('webhooks_removed')
        .values({ webhook_id: id, removed_at: new Date(at) })
        .execute()
      await transaction.deleteFrom('webhooks').where('id', '=', id).execute()
      return { ok: true, value: null }
    })
  }

  async rotate(id: string, overlapMs: number, at: number): Promise<Result<WebhookWithSecret>> {
    const secret = newSecret()
    return this.#changing(id, async (transaction, before) => {
      const row = await transaction
        .updateTable('webhooks')
        .set({
          secret: this.#keys.sealWebhookSecret(secret, id),
          ...(overlapMs === 0
            ? { old_secret: null, old_secret_until: null }
            : { old_secret: before.secret, old_secret_until: new Date(at + overlapMs) }),
        })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow()
      return { ok: true, value: { ...asWebhook(row, at), secret } }
    })
  }

  async target(id: string, at: number): Promise<Target | null> {
    const row = await this.#connections.kysely
      .selectFrom('webhooks')
      .leftJoin('webhook_health', 'webhook_health.webhook_id', 'webhooks.id')
      .select(['url', 'secret', 'old_secret', 'old_secret_until', 'failures', 'rests_until'])
      .where('id', '=', id)
      .where('disabled_at', 'is', null)
      .executeTakeFirst()
    if (row === undefined) return null
    const sealed = [row.secret, ...(row.old_secret !== null && (row.old_secret_until ?? 0) > at ? [row.old_secret] : [])]
    return {
      url: row.url,
      secrets: sealed.map((secret) => this.#keys.unsealWebhookSecret(secret, id)),
      failures: row.failures ?? 0,
      restsUntil: row.rests_until,
    }
  }

  async #changing<T>(id: string, work: (transaction: Transaction<Schema>, before: Row) => Promise<Result<T>>): Promise<Result<T>> {
    if (!isId(id)) return noWebhook
    return this.#connections.kyselyTransaction<Result<T>>(async (transaction) => {
      const before = await transaction.selectFrom('webhooks').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
      return before === undefined ? noWebhook : work(transaction, before)
    })
  }
}

/** For whoever delivers: there is, or may be, something to do. Comes with the commit. */
export async function hint(transaction: Transaction<Schema>, webhookId: string): Promise<void> {
  await sql`SELECT pg_notify('pforte_webhooks', ${webhookId})`.execute(transaction)
}

/** In the form of Standard Webhooks. */
function newSecret(): string {
  return `whsec_${randomBytes(secretBytes).toString('base64')}`
}

function asWebhook(row: Row, at: number): Webhook {
  const { id, url, description, events } = row
  return {
    id,
    url,
    description,
    events,
    active: row.disabled_at === null,
    disabledWhy: row.disabled_why,
    oldSecretUntil: row.old_secret_until !== null && row.old_secret_until > at ? row.old_secret_until : null,
    createdAt: row.created_at,
  }
}
