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
import { contractOfCustomer, namedContract, type TicketContract } from './ticket-match.ts'
import { otherContract, otherPause, otherStatus, type Clocked } from './ticket-clock-changes.ts'
import { readTicket } from './ticket-records.ts'
import { createTicket, enterStatus } from './tickets.ts'

const noCustomer = refuse('not_found', 'customerId', 'There is no such customer.')
const noContract = refuse('not_found', 'contractId', 'There is no such contract.')
const otherCustomer = refuse('conflict', 'contractId', 'This contract is of another customer.')
const nobodysContract = refuse('conflict', 'contractId', 'A contract is of a customer, so customerId cannot be null beside it.')
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
        .select([...clockColumns, 'subject', 'version', 'customer_id', 'contract_id', 'queue', 'call_id', 'merged_into'])
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
        clocks: clocksOf(row),
      }
      const about = { createdAt: row.created_at, reportedAt: row.reported_at, callId: row.call_id }
      const after = await this.#changed(transaction, id, before, change, { ...about, at })
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
    about: About,
  ): Promise<Result<Standing>> {
    const rules = this.#sms.ticketRules
    const { status = before.clocks.status, fault = before.fault, noticeSentAt = before.clocks.noticeGivenAt } = change
    const { createdAt, reportedAt, at } = about
    if (status !== before.clocks.status && !mayBecome(before.clocks.status, status)) {
      return refuse('conflict', 'status', noWay(before.clocks.status, status))
    }
    let after: Standing = { ...before, fault }
    if (change.subject !== undefined) after = { ...after, subject: printable(change.subject) }
    const customerId = change.customerId?.toLowerCase() ?? change.customerId
    if (customerId !== undefined && customerId !== before.customerId) {
      const found = await this.#withCustomer(transaction, id, after, { customerId, contractId: change.contractId }, about)
      if (!found.ok) return found
      after = found.value
    } else if (change.contractId !== undefined && change.contractId !== before.contractId) {
      if (customerId === null && change.contractId !== null) return nobodysContract
      const found = await this.#withContract(transaction, id, after, change.contractId, about)
      if (!found.ok) return found
      after = found.value
    }
    const clocked: Clocked = { ...after.clocks, reportedAt: fault ? (reportedAt ?? createdAt) : null, noticeGivenAt: noticeSentAt }
    const paused = otherPause(otherStatus(clocked, status, rules, at), change, rules, at)
    return paused.ok ? { ok: true, value: { ...after, clocks: paused.value } } : paused
  }

  /** Another customer's, or nobody's; with the contract that was named, else the one that it would have had if it were made now. */
  async #withCustomer(
    transaction: Transaction<Schema>,
    id: string,
    before: Standing,
    { customerId, contractId }: { customerId: string | null; contractId: string | null | undefined },
    about: About,
  ): Promise<Result<Standing>> {
    const after = { ...before, customerId }
    if (customerId === null) return contractId == null ? { ok: true, value: withoutContract(after) } : nobodysContract
    if (!isId(customerId) || !(await isCustomer(transaction, customerId))) return noCustomer
    if (contractId !== undefined) return this.#withContract(transaction, id, after, contractId, about)
    const contract = await contractOfCustomer(transaction, { customerId, callId: about.callId }, about.at)
    return { ok: true, value: contract === null ? withoutContract(after) : await this.#promised(transaction, id, after, contract, about) }
  }

  async #withContract(
    transaction: Transaction<Schema>,
    id: string,
    before: Standing,
    contractId: string | null,
    about: About,
  ): Promise<Result<Standing>> {
    if (contractId === null) return { ok: true, value: withoutContract(before) }
    const contract = isId(contractId) ? await namedContract(transaction, contractId) : undefined
    if (contract === undefined) return noContract
    if (before.customerId !== null && before.customerId !== contract.customerId) return otherCustomer
    const after = { ...before, customerId: contract.customerId }
    return { ok: true, value: await this.#promised(transaction, id, after, contract, about) }
  }

  async #promised(
    transaction: Transaction<Schema>,
    id: string,
    before: Standing,
    contract: TicketContract,
    { createdAt, at }: About,
  ): Promise<Standing> {
    const changes = await transaction
      .selectFrom('ticket_changes')
      .select(['status', 'changed_at as at'])
      .where('ticket_id', '=', id)
      .orderBy('version')
      .execute()
    const clocks = otherContract(before.clocks, contract, { createdAt, changes }, this.#sms.ticketRules, at)
    return { ...before, contractId: contract.contractId, queue: contract.queue, clocks }
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
        notice_given_at: after.clocks.noticeGivenAt === null ? null : new Date(after.clocks.noticeGivenAt),
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
  clocks: Clocked
}

/** What of it cannot. Epoch ms. */
type About = { createdAt: number; reportedAt: number | null; callId: string | null; at: number }

function withoutContract(before: Standing): Standing {
  return { ...before, contractId: null, queue: null, clocks: { ...before.clocks, sla: null } }
}

function isSame(before: Standing, after: Standing): boolean {
  const said = ({ clocks: { status, sla, noticeGivenAt }, queue, ...rest }: Standing): string =>
    JSON.stringify([rest, status, noticeGivenAt, sla?.clock.is, sla?.clock.is === 'paused' ? sla.clock.why : null])
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
