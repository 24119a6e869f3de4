/**
 * Tickets. Every ticket that is made and every status that one enters goes
 * through `enterStatus`, inside the transaction of whatever caused it: what
 * must happen with a status (its SMS, its webhooks) has its place there.
 */
import type { Transaction } from 'kysely'
import { countingHours, type TicketClocks } from '../domain/ticket/clocks.ts'
import { ticketNumber } from '../domain/ticket/number.ts'
import { startedClock, stopped } from '../domain/ticket/sla.ts'
import type { TicketSource, TicketStatus } from '../app/ports/records.ts'
import { changedIn } from './changes.ts'
import { newId } from './ids.ts'
import type { Schema } from './schema.ts'
import type { SmsIntents } from './sms/intents.ts'
import { clockValues } from './ticket-clocks.ts'
import { matchTicket, type TicketMatch } from './ticket-match.ts'

export type NewTicket = {
  /** Null: to be found by the call, or by the caller's number. */
  customerId: string | null
  /** Null or not given: to be found by the call, or by the customer. */
  contractId?: string | null
  caller: string | null
  subject: string
  source: TicketSource
  callId: string | null
  /** As `pforte.yaml` says unless given. */
  fault?: boolean
  /** `received` unless given. */
  status?: TicketStatus
  /** Of a voicemail: where the caller rang, and in which language they were spoken to. */
  line?: string | null
  language?: string | null
}

/** Makes a ticket, with its clocks and the SMS that tells of it. Answers its id and number. */
export async function createTicket(
  transaction: Transaction<Schema>,
  sms: SmsIntents,
  ticket: NewTicket,
  at: number,
): Promise<{ id: string; number: string }> {
  const id = newId()
  const { customerId, contractId = null, callId, caller } = ticket
  const match = await matchTicket(transaction, { customerId, contractId, callId, caller }, at)
  const number = ticketNumber(match.count)
  const time = new Date(at)
  const { status = 'received', fault = sms.ticketRules.faultByDefault } = ticket
  await transaction
    .insertInto('tickets')
    .values({
      id,
      number,
      customer_id: match.customerId,
      contract_id: match.contractId,
      queue: match.queue,
      caller,
      subject: ticket.subject,
      status,
      source: ticket.source,
      version: 1,
      call_id: callId,
      created_at: time,
      updated_at: time,
      fault,
      ...clockValues(
        { status, reportedAt: fault ? at : null, noticeGivenAt: null, sla: promise(match, status, sms, at), told: { sla: 0, legal: 0 } },
        sms.ticketRules,
        at,
      ),
    })
    .execute()
  changedIn(transaction).ticket(id)
  const { line = null, language = null } = ticket
  await enterStatus(transaction, sms, { ticketId: id, version: 1, status, line, language }, at)
  return { id, number }
}

function promise({ slaMinutes, hours }: TicketMatch, status: TicketStatus, sms: SmsIntents, at: number): TicketClocks['sla'] {
  if (slaMinutes === null || hours === null) return null
  const clock = startedClock(slaMinutes, at)
  return { clock: status === 'completed' ? stopped(clock, countingHours(sms.ticketRules, hours), at) : clock, hours }
}

/** `line` and `language` are known of a call that is the reason. */
export type EnteredStatus = {
  ticketId: string
  version: number
  status: TicketStatus
  line?: string | null
  language?: string | null
}

/** Every entered status, in the order of its ticket's versions, with its SMS. Nothing else writes statuses. */
export async function enterStatus(transaction: Transaction<Schema>, sms: SmsIntents, entered: EnteredStatus, at: number): Promise<void> {
  await enterQuietly(transaction, entered, at)
  await sms.ticketEntered(transaction, entered, at)
}

/** Without an SMS: for what is no news to the customer. */
export async function enterQuietly(transaction: Transaction<Schema>, entered: EnteredStatus, at: number): Promise<void> {
  await transaction
    .insertInto('ticket_changes')
    .values({ ticket_id: entered.ticketId, version: entered.version, status: entered.status, changed_at: new Date(at) })
    .execute()
}
