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
import { clockColumns, clocksOf, clockValues } from './ticket-clocks.ts'
import { namedContract } from './ticket-match.ts'
import { otherContract, otherPause, otherStatus, type Clocked } from './ticket-clock-changes.ts'
import { readTicket } from './ticket-records.ts'
import { createTicket, enterStatus } from './tickets.ts'

const noCustomer = refuse('not_found', 'customerId', 'There is no such customer.')
const noContract = refuse('not_found', 'contractId', 'There is no such contract.')
const otherCustomer = refuse('conflict', 'contractId', 'This contract is of another customer.')
const noTicket = refuse('not_found', null, 'There is no ticket with this id.')

export class TicketChanges {
  readonly #connections: Connections
  readonly #numbers: PhoneNumbers
  readonly #sms: SmsIntents

  constructor(connections: Connections, numbers: PhoneNumbers, sms: SmsIntents) {
    this.#connections = connections
    this.#numbers = numbers
    this.#sms = sms
  }

  /**
   * Enters just the status that is given. Whose number the caller's is owns the ticket, unless a customer or a contract is named; of
   * the contract, `matchTicket` says more.
   */
  async create(request: NewTicketRequest, at: number): Promise<Result<Ticket>> {
    const { customerId, contractId = null, status, fault } = request
    if (customerId !== null && !isId(customerId)) return noCustomer
    if (contractId !== null && !isId(contractId)) return noContract
    const caller = request.caller === null ? null : this.#numbers.e164(request.caller)
    if (caller === null && request.caller !== null) {
      return refuse('invalid', 'caller', 'must be a telephone number, best in the form +4962155501')
    }
    return this.#connections.kyselyTransaction<Result<Ticket>>(async (transaction) => {
      if (customerId !== null && !(await isCustomer(transaction, customerId))) return noCustomer
      const contract = contractId === null ? null : await namedContract(transaction, contractId)
      if (contract === undefined) return noContract
      if (contract !== null && customerId !== null && contract.customerId !== customerId) return otherCustomer
      const owner = customerId ?? contract?.customerId ?? null
      const about = { customerId: owner, contractId, caller, subject: printable(request.subject), source: 'api' as const, callId: null }
      const ticket = { ...about, status, ...(fault === undefined ? {} : { fault }) }
      const { id } = await createTicket(transaction, this.#sms, ticket, at)
      return { ok: true, value: await this.#read(transaction, id, at) }
    })
  }

  /** One after the other: the row is locked, so that of two who complete it one does nothing. */
  async change(id: string, change: TicketChange, at: number): Promise<Result<Ticket>> {
    if (!isId(id)) return noTicket
    return this.#connections.kyselyTransaction<Result<Ticket>>(async (transaction) => {
      const row = await transaction
        .selectFrom('tickets')
        .select([...clockColumns, 'subject', 'version', 'customer_id', 'contract_id', 'queue', 'notice_given_at', 'merged_into'])
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst()
      if (row === undefined) return noTicket
      if (change.version !== undefined && change.version !== row.version) {
        return refuse('conflict', 'version', `The ticket has version ${row.version} by now: somebody has changed it.`)
      }
      const before: Standing = {
        subject: row.subject,
        fault: row.fault,
        customerId: row.customer_id,
        contractId: row.contract_id,
        queue: row.queue,
        noticeGivenAt: row.notice_given_at,
        clocks: clocksOf(row),
      }
      const after = await this.#changed(transaction, id, before, change, { createdAt: row.created_at, reportedAt: row.reported_at, at })
      if (!after.ok) return after
      if (!isSame(before, after.value)) {
        if (row.merged_into !== null) return refuse('conflict', null, await mergedAway(transaction, row.merged_into))
        await this.#write(transaction, id, row.version + 1, before, after.value, at)
      }
      return { ok: true, value: await this.#read(transaction, id, at) }
    })
  }

  /** What the ticket becomes, or why it cannot. */
  async #changed(
    transaction: Transaction<Schema>,
    id: string,
    before: Standing,
    change: TicketChange,
    { createdAt, reportedAt, at }: { createdAt: number; reportedAt: number | null; at: number },
  ): Promise<Result<Standing>> {
    const rules = this.#sms.ticketRules
    const { status = before.clocks.status, fault = before.fault, noticeSentAt = before.noticeGivenAt } = change
    if (status !== before.clocks.status && !mayBecome(before.clocks.status, status)) {
      return refuse('conflict', 'status', noWay(before.clocks.status, status))
    }
    let after: Standing = { ...before, fault, noticeGivenAt: noticeSentAt }
    if (change.subject !== undefined) after = { ...after, subject: printable(change.subject) }
    if (change.contractId !== undefined && change.contractId !== before.contractId) {
      const found = await this.#withContract(transaction, id, after, change.contractId, createdAt, at)
      if (!found.ok) return found
      after = found.value
    }
    const clocked: Clocked = { ...after.clocks, reportedAt: fault ? (reportedAt ?? createdAt) : null }
    const paused = otherPause(otherStatus(clocked, status, rules, at), change, rules, at)
    return paused.ok ? { ok: true, value: { ...after, clocks: paused.value } } : paused
  }

  async #withContract(
    transaction: Transaction<Schema>,
    id: string,
    before: Standing,
    contractId: string | null,
    createdAt: number,
    at: number,
  ): Promise<Result<Standing>> {
    const rules = this.#sms.ticketRules
    if (contractId === null) {
      return { ok: true, value: { ...before, contractId: null, queue: null, clocks: { ...before.clocks, sla: null } } }
    }
    const contract = isId(contractId) ? await namedContract(transaction, contractId) : undefined
    if (contract === undefined) return noContract
    if (before.customerId !== null && before.customerId !== contract.customerId) return otherCustomer
    const changes = await transaction
      .selectFrom('ticket_changes')
      .select(['status', 'changed_at as at'])
      .where('ticket_id', '=', id)
      .orderBy('version')
      .execute()
    const clocks = otherContract(before.clocks, contract, { createdAt, changes }, rules, at)
    return { ok: true, value: { ...before, customerId: contract.customerId, contractId, queue: contract.queue, clocks } }
  }

  async #write(
    transaction: Transaction<Schema>,
    id: string,
    version: number,
    before: Standing,
    after: Standing,
    at: number,
  ): Promise<void> {
    const { status } = after.clocks
    await transaction
      .updateTable('tickets')
      .set({
        status,
        subject: after.subject,
        fault: after.fault,
        customer_id: after.customerId,
        contract_id: after.contractId,
        queue: after.queue,
        notice_given_at: after.noticeGivenAt === null ? null : new Date(after.noticeGivenAt),
        version,
        updated_at: new Date(at),
        ...clockValues(after.clocks, this.#sms.ticketRules, at),
      })
      .where('id', '=', id)
      .execute()
    changedIn(transaction).ticket(id)
    if (status === before.clocks.status) return
    await enterStatus(transaction, this.#sms, { ticketId: id, version, status }, at)
    if (status === 'completed') await this.#sms.supersede(transaction, id, ['ticket.notice'], 'the fault was fixed', at)
  }

  async #read(transaction: Transaction<Schema>, id: string, at: number): Promise<Ticket> {
    return (await readTicket(transaction, this.#sms.ticketRules, id, at))!
  }
}

/** What of a ticket can be changed. */
type Standing = {
  subject: string
  fault: boolean
  customerId: string | null
  contractId: string | null
  queue: string | null
  noticeGivenAt: number | null
  clocks: Clocked
}

function isSame(before: Standing, after: Standing): boolean {
  const said = ({ clocks: { status, sla }, queue, ...rest }: Standing): string =>
    JSON.stringify([rest, status, sla?.clock.is, sla?.clock.is === 'paused' ? sla.clock.why : null])
  return said(before) === said(after)
}

async function isCustomer(transaction: Transaction<Schema>, id: string): Promise<boolean> {
  const there = transaction.selectFrom('customers').select('id').where('id', '=', id).where('erased_at', 'is', null)
  return (await there.forKeyShare().executeTakeFirst()) !== undefined
}

/** For people: which ticket to work on. */
export async function mergedAway(transaction: Transaction<Schema>, into: string): Promise<string> {
  const { number } = await transaction.selectFrom('tickets').select('number').where('id', '=', into).executeTakeFirstOrThrow()
  return `This ticket was merged into ticket ${number} (${into}), which goes on in its place. Change that one.`
}

function noWay(from: TicketStatus, to: TicketStatus): string {
  const ways = ticketStatuses.filter((status) => mayBecome(from, status))
  return `A ticket that is ${from} cannot become ${to}, only ${ways.join(' or ')}.`
}
