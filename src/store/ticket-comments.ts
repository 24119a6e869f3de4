/** What is said about a ticket: by people, other systems, and its customer's replies. */
import type { Page, PageRequest, Result, TicketComment } from '../app/ports/records.ts'
import { changedIn } from './changes.ts'
import type { Connections } from './connections.ts'
import { refuse } from './customers.ts'
import { isId, newId } from './ids.ts'
import { newestFirst, pageOf } from './pages.ts'
import { printable } from './phone-numbers.ts'

export class TicketComments {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** Changes nothing of the ticket itself, its version neither. */
  async add(ticketId: string, { author, text }: { author: string; text: string }, at: number): Promise<Result<TicketComment>> {
    const noTicket = refuse('not_found', null, 'There is no ticket with this id.')
    if (!isId(ticketId)) return noTicket
    return this.#connections.kyselyTransaction<Result<TicketComment>>(async (transaction) => {
      const ticket = await transaction
        .selectFrom('tickets')
        .select(['id', 'merged_into'])
        .where('id', '=', ticketId)
        .forKeyShare()
        .executeTakeFirst()
      if (ticket === undefined) return noTicket
      // What is said about a merged ticket is said about the one that goes on.
      const about = ticket.merged_into ?? ticket.id
      const comment = { id: newId(), author: printable(author), text: text.toWellFormed().replaceAll('\0', '') }
      await transaction
        .insertInto('ticket_comments')
        .values({ ...comment, ticket_id: about, created_at: new Date(at) })
        .execute()
      changedIn(transaction).ticket(about)
      return { ok: true, value: { ...comment, ticketId: about, createdAt: at } }
    })
  }

  /** Newest first. Null: there is no such ticket. */
  async list(ticketId: string, page: PageRequest): Promise<Page<TicketComment> | null> {
    if (!isId(ticketId)) return null
    const { kysely } = this.#connections
    const ticket = await kysely.selectFrom('tickets').select('id').where('id', '=', ticketId).executeTakeFirst()
    if (ticket === undefined) return null
    const comments = kysely
      .selectFrom('ticket_comments')
      .select(['id', 'ticket_id as ticketId', 'author', 'text', 'created_at as createdAt'])
      .where('ticket_id', '=', ticketId)
    const rows = await newestFirst(comments, 'created_at', 'id', isId, page).execute()
    return pageOf(
      rows,
      page.limit,
      (row) => ({ at: row.createdAt, id: row.id }),
      (row) => row,
    )
  }
}
