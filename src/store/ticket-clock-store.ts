/** The port `TicketClockStore`: what has fallen due is told in the transaction that writes down that it was. */
import { createHash } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { StoreUnavailable } from '../app/ports/store.ts'
import type { TicketClockStore } from '../app/ports/ticket-clocks.ts'
import { showTicket } from '../app/tickets/ticket-json.ts'
import { wind, type DueEvent } from '../domain/ticket/clocks.ts'
import { legalDates } from '../domain/ticket/tkg58.ts'
import { changedIn } from './changes.ts'
import type { Connections } from './connections.ts'
import { moment, type Schema } from './schema.ts'
import type { SmsIntents } from './sms/intents.ts'
import { clockColumns, clocksOf, clockValues, type ClockRow } from './ticket-clocks.ts'
import { readTickets } from './ticket-records.ts'

/** What cannot be told is tried again after so long, and keeps nothing else from being told. */
const triedAgainMs = 3_600_000
const setAtOnce = 500

type Row = ClockRow & { id: string }
type Told = { id: string; due: DueEvent }

export class TicketClockSets implements TicketClockStore {
  readonly #connections: Connections
  readonly #sms: SmsIntents

  constructor(connections: Connections, sms: SmsIntents) {
    this.#connections = connections
    this.#sms = sms
  }

  async tellDue(at: number, most: number): Promise<{ told: number; isMore: boolean }> {
    try {
      const { told, seen } = await this.#tell(at, most)
      return { told, isMore: seen === most }
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error
    }
    // One of them cannot be told: the others are, one by one.
    let told = 0
    for (let seen = 1, count = 0; seen === 1 && count < most; count++) {
      try {
        const one = await this.#tell(at, 1)
        told += one.told
        seen = one.seen
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error
        const { name, code } = error as { name?: string; code?: string }
        this.#connections.log.error(
          { error: name, code },
          'what has fallen due with a ticket cannot be told: a bug in Pforte; it is tried again',
        )
        await this.#putOff(at)
      }
    }
    return { told, isMore: true }
  }

  #tell(at: number, most: number): Promise<{ told: number; seen: number }> {
    const rules = this.#sms.ticketRules
    return this.#connections.kyselyTransaction(async (transaction) => {
      const rows: Row[] = await transaction
        .selectFrom('tickets')
        .select([...clockColumns, 'id'])
        .where('clock_at', '<=', moment(at))
        .orderBy('clock_at')
        .limit(most)
        .forUpdate()
        .skipLocked()
        .execute()
      if (rows.length === 0) return { told: 0, seen: 0 }
      const told: Told[] = []
      const values = rows.map((row) => {
        const clocks = clocksOf(row)
        const wound = wind(clocks, rules, at)
        for (const due of wound.due) told.push({ id: row.id, due })
        return { id: row.id, ...clockValues({ ...clocks, told: wound.told }, rules, at) }
      })
      await setClocks(transaction, values)
      await this.#tellWebhooks(transaction, told, at)
      if (rules.tkg58.sms) await this.#tellCustomers(transaction, rows, told, at)
      return { told: told.length, seen: rows.length }
    })
  }

  async #tellWebhooks(transaction: Transaction<Schema>, told: readonly Told[], at: number): Promise<void> {
    if (told.length === 0) return
    const tickets = await readTickets(
      transaction,
      this.#sms.ticketRules,
      told.map(({ id }) => id),
      at,
    )
    const byId = new Map(tickets.map((ticket) => [ticket.id, showTicket(ticket)]))
    const events = told.map(({ id, due }) => ({ type: `ticket.${eventOf[due.is]}`, id, data: { ...byId.get(id), ...dayOf(due) } }))
    await sql`
      SELECT webhook_event(type, 'ticket', id, data) FROM (
        SELECT e ->> 'type' AS type, e ->> 'id' AS id, e -> 'data' AS data
        FROM jsonb_array_elements(${JSON.stringify(events)}::jsonb) WITH ORDINALITY AS told (e, place) ORDER BY place) told`.execute(
      transaction,
    )
    for (const { id } of told) changedIn(transaction).ticket(id)
  }

  /** The notice while it is still in time, and compensation once: its text speaks of day 5 as well. */
  async #tellCustomers(transaction: Transaction<Schema>, rows: readonly Row[], told: readonly Told[], at: number): Promise<void> {
    const { timeZone } = this.#sms.ticketRules
    for (const { id, due } of told) {
      const row = rows.find((one) => one.id === id)!
      const { noticeDueAt } = legalDates(row.reported_at ?? row.created_at, timeZone)
      if (due.is === 'notice' && at < noticeDueAt) await this.#sms.ticketDate(transaction, 'ticket.notice', id, at)
      if (due.is === 'compensation') await this.#sms.ticketDate(transaction, 'ticket.compensation', id, at)
    }
  }

  /** The one that has waited longest. */
  async #putOff(at: number): Promise<void> {
    await sql`
      UPDATE tickets SET clock_at = ${new Date(at + triedAgainMs)} WHERE id = (
        SELECT id FROM tickets WHERE clock_at <= ${new Date(at)} ORDER BY clock_at LIMIT 1 FOR UPDATE SKIP LOCKED)`.execute(
      this.#connections.kysely,
    )
  }

  async setAgain(at: number, stop: AbortSignal): Promise<number> {
    const rules = this.#sms.ticketRules
    const digest = createHash('sha256').update(JSON.stringify(rules)).digest('base64url')
    const last = await this.#connections.kysely.selectFrom('ticket_clock_rules').select('digest').executeTakeFirst()
    if (last?.digest === digest) return 0
    let set = 0
    for (let after: string | null = '00000000-0000-0000-0000-000000000000'; after !== null; ) {
      if (stop.aborted || this.#sms.ticketRules !== rules) return set
      const ids: string[] = await this.#setPiece(after, at)
      set += ids.length
      after = ids.length === setAtOnce ? ids.at(-1)! : null
    }
    await sql`
      INSERT INTO ticket_clock_rules (digest) VALUES (${digest})
      ON CONFLICT (only_one) DO UPDATE SET digest = excluded.digest`.execute(this.#connections.kysely)
    return set
  }

  #setPiece(after: string, at: number): Promise<string[]> {
    return this.#connections.kyselyTransaction(async (transaction) => {
      const rows: (ClockRow & { id: string })[] = await transaction
        .selectFrom('tickets')
        .select([...clockColumns, 'id'])
        .where('id', '>', after)
        .where(sql<boolean>`status <> 'completed' AND (sla_is IS NOT NULL OR fault)`)
        .orderBy('id')
        .limit(setAtOnce)
        .forUpdate()
        .execute()
      await setClocks(
        transaction,
        rows.map((row) => ({ id: row.id, ...clockValues(clocksOf(row), this.#sms.ticketRules, at) })),
      )
      return rows.map(({ id }) => id)
    })
  }
}

const eventOf = { due_soon: 'due_soon', overdue: 'overdue', notice: 'notice_due', compensation: 'compensation_due' } as const

/** Which day of the law it is; and nothing for a promise. */
function dayOf(due: DueEvent): { day?: number } {
  return 'day' in due ? { day: due.day } : {}
}

/** What the clocks alone say of tickets; nothing of it is a change that shows, so they keep their versions. */
async function setClocks(
  transaction: Transaction<Schema>,
  values: readonly ({ id: string } & Pick<
    ReturnType<typeof clockValues>,
    'clock_at' | 'sla_told' | 'legal_told' | 'is_overdue' | 'sla_due_at'
  >)[],
): Promise<void> {
  if (values.length === 0) return
  const rows = values.map(({ id, clock_at, sla_told, legal_told, is_overdue, sla_due_at = null }) => ({
    id,
    clock_at,
    sla_told,
    legal_told,
    is_overdue,
    sla_due_at,
  }))
  await sql`
    UPDATE tickets t SET clock_at = v.clock_at, sla_told = v.sla_told, legal_told = v.legal_told, is_overdue = v.is_overdue,
      sla_due_at = CASE WHEN t.sla_is = 'running' THEN v.sla_due_at ELSE t.sla_due_at END
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS v (id uuid, clock_at timestamptz, sla_told smallint, legal_told smallint, is_overdue boolean, sla_due_at timestamptz)
    WHERE t.id = v.id`.execute(transaction)
}
