/** What customers have bought: which queue their callers go to, when, and how fast they are served. */
import type { Kysely, SelectQueryBuilder, Transaction } from 'kysely'
import type { Contract, ContractChange, NewContract, Page, PageRequest, Refusal, Result } from '../app/ports/records.ts'
import type { Connections } from './connections.ts'
import { refuse } from './customers.ts'
import { isId, newId } from './ids.ts'
import { newestFirst, pageOf } from './pages.ts'
import { printable } from './phone-numbers.ts'
import type { Schema } from './schema.ts'

export class Contracts {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  async create(contract: NewContract, at: number): Promise<Result<Contract>> {
    const noCustomer = refuse('not_found', 'customerId', 'There is no such customer.')
    if (!isId(contract.customerId)) return noCustomer
    const mistake = endBeforeBeginning(contract)
    if (mistake !== null) return mistake
    return this.#connections.kyselyTransaction<Result<Contract>>(async (transaction) => {
      const customer = await transaction
        .selectFrom('customers')
        .select('id')
        .where('id', '=', contract.customerId)
        .where('erased_at', 'is', null)
        .forKeyShare()
        .executeTakeFirst()
      if (customer === undefined) return noCustomer
      const noQueue = await unknownQueue(transaction, contract.queue)
      if (noQueue !== null) return noQueue
      const id = newId()
      const pinBySms = contract.pinBySms ?? false
      await transaction
        .insertInto('contracts')
        .values({
          id,
          customer_id: contract.customerId,
          service: printable(contract.service),
          queue: contract.queue,
          priority: contract.priority,
          hours: contract.hours,
          sla_minutes: contract.slaMinutes,
          pin_by_sms: pinBySms,
          created_at: new Date(at),
          valid_from: timeOf(contract.validFrom),
          valid_to: timeOf(contract.validTo),
        })
        .execute()
      return { ok: true, value: { ...contract, id, pinBySms, service: printable(contract.service) } }
    })
  }

  async get(id: string): Promise<Contract | null> {
    return isId(id) ? readContract(this.#connections.kysely, id) : null
  }

  /** Newest first; null: there is no such customer. */
  async ofCustomer(customerId: string, page: PageRequest): Promise<Page<Contract> | null> {
    if (!isId(customerId)) return null
    const { kysely } = this.#connections
    const query = contracts(kysely).select('contracts.created_at as createdAt').where('contracts.customer_id', '=', customerId)
    const rows = await newestFirst(query, 'contracts.created_at', 'contracts.id', isId, page).execute()
    if (rows.length === 0) {
      const there = kysely.selectFrom('customers').select('id').where('id', '=', customerId).where('erased_at', 'is', null)
      const customer = await there.executeTakeFirst()
      if (customer === undefined) return null
    }
    return pageOf(
      rows,
      page.limit,
      (row) => ({ at: row.createdAt, id: row.id }),
      ({ createdAt: _, ...contract }) => contract,
    )
  }

  /** Only what is given changes. A `validTo` that has come ends it, and its PINs open nothing any more. */
  async change(id: string, change: ContractChange): Promise<Result<Contract>> {
    const noContract = refuse('not_found', null, 'There is no such contract.')
    if (!isId(id)) return noContract
    return this.#connections.kyselyTransaction<Result<Contract>>(async (transaction) => {
      const found = await transaction.selectFrom('contracts').select('id').where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
      if (found === undefined) return noContract
      const before = (await readContract(transaction, id))!
      const after: Contract = { ...before, ...change, ...(change.service === undefined ? {} : { service: printable(change.service) }) }
      const mistake = endBeforeBeginning(after) ?? (after.queue === before.queue ? null : await unknownQueue(transaction, after.queue))
      if (mistake !== null) return mistake
      await transaction
        .updateTable('contracts')
        .set({
          service: after.service,
          queue: after.queue,
          priority: after.priority,
          hours: after.hours,
          sla_minutes: after.slaMinutes,
          pin_by_sms: after.pinBySms,
          valid_from: timeOf(after.validFrom),
          valid_to: timeOf(after.validTo),
        })
        .where('id', '=', id)
        .execute()
      return { ok: true, value: after }
    })
  }
}

async function readContract(database: Kysely<Schema>, id: string): Promise<Contract | null> {
  return (await contracts(database).where('contracts.id', '=', id).executeTakeFirst()) ?? null
}

function contracts(database: Kysely<Schema>): SelectQueryBuilder<Schema, 'contracts', Contract> {
  return database
    .selectFrom('contracts')
    .select([
      'contracts.id',
      'contracts.customer_id as customerId',
      'contracts.service',
      'contracts.queue',
      'contracts.priority',
      'contracts.hours',
      'contracts.sla_minutes as slaMinutes',
      'contracts.pin_by_sms as pinBySms',
      'contracts.valid_from as validFrom',
      'contracts.valid_to as validTo',
    ])
}

/** Holds the queue, so that no reload takes it away before the contract is written. */
async function unknownQueue(transaction: Transaction<Schema>, name: string): Promise<{ ok: false; refusal: Refusal } | null> {
  const queue = await transaction.selectFrom('queues').select('name').where('name', '=', name).forKeyShare().executeTakeFirst()
  return queue === undefined
    ? refuse('invalid', 'queue', `There is no queue "${printable(name)}"; queues are defined in pforte.yaml.`)
    : null
}

function endBeforeBeginning({ validFrom, validTo }: Pick<Contract, 'validFrom' | 'validTo'>): { ok: false; refusal: Refusal } | null {
  if (validFrom === null || validTo === null || validFrom < validTo) return null
  return refuse('invalid', 'validTo', 'The contract would end before it begins.')
}

function timeOf(at: number | null): Date | null {
  return at === null ? null : new Date(at)
}
