/** Who changed what, as the triggers of migrations/0007_writes.sql wrote it down. */
import type { AuditFilter, AuditRecord, Page, PageRequest } from '../app/ports/records.ts'
import type { Connections } from './connections.ts'
import { isId } from './ids.ts'
import { newestFirst, pageOf } from './pages.ts'
import { printable } from './phone-numbers.ts'
import { moment } from './schema.ts'

/** Of the identity column. */
const isRowNumber = (text: string): boolean => /^\d{1,18}$/.test(text)

export class Audit {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** Newest first. What no row can have matches nothing. */
  async list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditRecord>> {
    if (filter.customerId !== undefined && !isId(filter.customerId)) return { items: [], next: null }
    let query = this.#connections.kysely
      .selectFrom('audit')
      .select(['id', 'at', 'actor', 'request_id as requestId', 'action', 'object', 'object_id as objectId', 'customer_id as customerId'])
      .select(['before', 'after'])
    if (filter.object !== undefined) query = query.where('object', '=', printable(filter.object))
    if (filter.objectId !== undefined) query = query.where('object_id', '=', printable(filter.objectId))
    if (filter.customerId !== undefined) query = query.where('customer_id', '=', filter.customerId)
    if (filter.actor !== undefined) query = query.where('actor_id', '=', printable(filter.actor))
    if (filter.from !== undefined) query = query.where('at', '>=', moment(filter.from))
    if (filter.to !== undefined) query = query.where('at', '<', moment(filter.to))
    const rows = await newestFirst(query, 'at', 'id', isRowNumber, page).execute()
    return pageOf(
      rows,
      page.limit,
      (row) => ({ at: row.at, id: String(row.id) }),
      ({ before, after, ...row }) => ({ ...row, id: String(row.id), before: asFields(before), after: asFields(after) }),
    )
  }
}

/** Columns under the names that fields have outside. */
function asFields(columns: Record<string, unknown> | null): Record<string, unknown> | null {
  if (columns === null) return null
  return Object.fromEntries(
    Object.entries(columns).map(([name, value]) => [name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value]),
  )
}
