/** Tickets that people and other systems make and change over the API; each entered status goes through `enterStatus`. */
import type { Transaction } from 'kysely'
import type { NewTicketRequest, Result, Ticket, TicketChange, TicketStatus } from '../app/ports/records.ts'
import { mayBecome, ticketStatuses } from '../domain/ticket/status.ts'
import { changedIn } from './changes.ts'
import type { Connections } from './connections.ts'
import { refuse } from './customers.ts'
import { isId } from './ids.ts'
import { printable, type PhoneNumbers } from './phone-numbers.ts'
import type { Schema } from './schema.ts'
import type { SmsIntents } from './sms/intents.ts'
import { createTicket, enterStatus, readTicket } from './tickets.ts'

export class TicketChanges {
  readonly #connections: Connections
  readonly #numbers: PhoneNumbers
  readonly #sms: SmsIntents

  constructor(connections: Connections, numbers: PhoneNumbers, sms: SmsIntents) {
    this.#connections = connections
    this.#numbers = numbers
    this.#sms = sms
  }

  /** Enters just the status that is given. Whose number the caller's is owns the ticket, unless a customer is named. */
  async create(request: NewTicketRequest, at: number): Promise<Result<Ticket>> {
    const noCustomer = refuse('not_found', 'customerId', 'There is no such customer.')
    const { customerId, status } = request
    if (customerId !== null && !isId(customerId)) return noCustomer
    const caller = request.caller === null ? null : this.#numbers.e164(request.caller)
    if (caller === null && request.caller !== null) {
      return refuse('invalid', 'caller', 'must be a telephone number, best in the form +4962155501')
    }
    return this.#connections.kyselyTransaction<Result<Ticket>>(async (transaction) => {
      if (customerId !== null && !(await isCustomer(transaction, customerId))) return noCustomer
      const owner = customerId ?? (caller === null ? null : await ownerOf(transaction, caller))
      const ticket = { customerId: owner, caller, subject: printable(request.subject), source: 'api' as const, callId: null, status }
      const { id } = await createTicket(transaction, this.#sms, ticket, at)
      return { ok: true, value: (await readTicket(transaction, id))! }
    })
  }

  /** One after the other: the row is locked, so that of two who complete it one does nothing. */
  async change(id: string, change: TicketChange, at: number): Promise<Result<Ticket>> {
    const noTicket = refuse('not_found', null, 'There is no ticket with this id.')
    if (!isId(id)) return noTicket
    return this.#connections.kyselyTransaction<Result<Ticket>>(async (transaction) => {
      const before = await transaction
        .selectFrom('tickets')
        .select(['status', 'subject', 'version'])
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst()
      if (before === undefined) return noTicket
      if (change.version !== undefined && change.version !== before.version) {
        return refuse('conflict', 'version', `The ticket has version ${before.version} by now: somebody has changed it.`)
      }
      const status = change.status ?? before.status
      const subject = change.subject === undefined ? before.subject : printable(change.subject)
      if (status !== before.status && !mayBecome(before.status, status)) return refuse('conflict', 'status', noWay(before.status, status))
      if (status !== before.status || subject !== before.subject) {
        const version = before.version + 1
        await transaction
          .updateTable('tickets')
          .set({ status, subject, version, updated_at: new Date(at) })
          .where('id', '=', id)
          .execute()
        changedIn(transaction).ticket(id)
        if (status !== before.status) await enterStatus(transaction, this.#sms, { ticketId: id, version, status }, at)
      }
      return { ok: true, value: (await readTicket(transaction, id))! }
    })
  }
}

async function isCustomer(transaction: Transaction<Schema>, id: string): Promise<boolean> {
  return (await transaction.selectFrom('customers').select('id').where('id', '=', id).forKeyShare().executeTakeFirst()) !== undefined
}

async function ownerOf(transaction: Transaction<Schema>, number: string): Promise<string | null> {
  const owner = await transaction.selectFrom('customer_phone_numbers').select('customer_id').where('number', '=', number).executeTakeFirst()
  return owner?.customer_id ?? null
}

function noWay(from: TicketStatus, to: TicketStatus): string {
  const ways = ticketStatuses.filter((status) => mayBecome(from, status))
  return `A ticket that is ${from} cannot become ${to}, only ${ways.join(' or ')}.`
}
