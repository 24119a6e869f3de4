/**
 * The message of an event is written where the event is: in its transaction.
 * Whatever becomes of it (sent at once, held for the morning, not sent at all)
 * is decided here for the first time, and stands in its row with the reason.
 */
import { sql, type Transaction } from 'kysely'
import type { Log } from '../../app/ports/log.ts'
import type { TicketStatus } from '../../app/ports/records.ts'
import { reachOf, type StrangerCap, type StrangerCounts } from '../../domain/sms/caps.ts'
import { decide } from '../../domain/sms/decide.ts'
import type { SmsDefinition, SmsTemplate } from '../../domain/sms/definition.ts'
import type { OwnEventName } from '../../domain/sms/events.ts'
import { chooseRecipient, refusalOf } from '../../domain/sms/recipient.ts'
import { ticketValues } from '../../domain/sms/ticket-words.ts'
import { plainTicketRules, type TicketRules } from '../../domain/ticket/clocks.ts'
import { changedIn } from '../changes.ts'
import type { Connections } from '../connections.ts'
import { newId } from '../ids.ts'
import type { Schema, TraceStep } from '../schema.ts'
import { consentOf, sentBefore, toldBefore } from './facts.ts'
import { asIntentRows, factsOf, intoMessages, rowOf, worded, type Intent, type Known } from './intent.ts'
import { numberFacts } from './number-facts.ts'

/** An alarm is told again if it still bites after this long. */
const alarmAgainMs = 3_600_000

export type SmsListeners = {
  /** After a commit: something may be due. */
  onDue: (() => void)[]
  /** A cap on messages to strangers bit: perhaps somebody uses us to text them. */
  onAlarm: ((cap: StrangerCap) => void)[]
}

type TicketRow = {
  number: string
  subject: string
  caller: string | null
  source: string
  customer_id: string | null
  /** Who has the caller's number. */
  owner_id: string | null
  language: string | null
  time_zone: string | null
  numbers: string[]
}

export class SmsIntents {
  readonly #connections: Connections
  readonly #listeners: SmsListeners
  readonly #log: Log
  /** Null: no SMS at all. */
  definition: SmsDefinition | null = null
  /** What the clocks of tickets go by; replies make tickets, too. */
  ticketRules: TicketRules = plainTicketRules

  /** What is known of somebody's opt-out once they were erased (`Keys.erasedDigest`), by their number; null where nobody is erased. */
  readonly erasedDigest: (number: string) => Buffer | null

  constructor(connections: Connections, listeners: SmsListeners, log: Log, erasedDigest: (number: string) => Buffer | null = () => null) {
    this.#connections = connections
    this.#listeners = listeners
    this.#log = log
    this.erasedDigest = erasedDigest
  }

  /** The message that tells a ticket's status. */
  async ticketEntered(
    transaction: Transaction<Schema>,
    entered: { ticketId: string; version: number; status: TicketStatus; line?: string | null; language?: string | null },
    at: number,
  ): Promise<void> {
    const { definition } = this
    if (definition === null) return
    const { ticketId, version, status, line = null, language = null } = entered
    const ticket = await ticketRow(transaction, ticketId)
    const ofVoicemail = ticket.source === 'voicemail' && status === 'received' && version === 1
    const event: OwnEventName = ofVoicemail ? 'voicemail.received' : `ticket.${status}`
    const template = definition.templates[event] ?? definition.templates[`ticket.${status}`]
    if (template === undefined) return
    await this.#write(transaction, definition, at, {
      ...ofTicket(definition, template, ticketId, ticket, { status, sinceAt: at, line, language }),
      tells: { status, version },
      dedupe: `ticket ${ticketId} ${version} ${status}`,
    })
  }

  /** The message that tells a date of a ticket's legal clock, once a ticket. */
  async ticketDate(
    transaction: Transaction<Schema>,
    event: 'ticket.notice' | 'ticket.compensation',
    ticketId: string,
    at: number,
  ): Promise<void> {
    const template = this.definition?.templates[event]
    if (this.definition === null || template === undefined) return
    const ticket = await ticketRow(transaction, ticketId)
    const { status, sinceAt } = await ticketStanding(transaction, ticketId)
    await this.#write(transaction, this.definition, at, {
      ...ofTicket(this.definition, template, ticketId, ticket, { status, sinceAt, line: null, language: null }),
      tells: null,
      dedupe: `${event} ${ticketId}`,
    })
  }

  /** What waits and would tell of a ticket what is not so any more is not told. Null: all but answers. */
  async supersede(
    transaction: Transaction<Schema>,
    ticketId: string,
    templates: string[] | null,
    why: 'the fault was fixed' | 'the ticket was merged into another',
    at: number,
  ): Promise<void> {
    const step = JSON.stringify([{ at, what: 'superseded', why } satisfies TraceStep])
    const { rows } = await sql<{ id: string }>`
      UPDATE messages SET state = 'superseded', due_at = NULL, trace = trace || ${step}::jsonb
      WHERE ticket_id = ${ticketId} AND state IN ('held', 'queued') AND NOT is_answer
        AND (${templates}::text[] IS NULL OR template = ANY (${templates}::text[]))
      RETURNING id`.execute(transaction)
    changedIn(transaction).message(rows.map(({ id }) => id))
  }

  /**
   * The answer to what somebody just wrote to us: it goes out at once.
   * @param answer.from the number that they wrote to
   * @returns the message's id; null if there is none to send
   */
  async answer(
    transaction: Transaction<Schema>,
    answer: { event: OwnEventName; to: string; from: string | null; ticketId: string | null; customerId: string | null; dedupe: string },
    at: number,
  ): Promise<string | null> {
    const { definition } = this
    const template = definition?.templates[answer.event]
    if (definition === null || template === undefined) return null
    const to = numberFacts(answer.to)
    const asked = await sql<{ language: string; time_zone: string }>`
      SELECT k.language, k.time_zone FROM customer_phone_numbers n JOIN customers k ON k.id = n.customer_id WHERE n.number = ${answer.to}`.execute(
      transaction,
    )
    const customer = asked.rows[0]
    const timeZone = customer?.time_zone ?? definition.timeZone
    const ticket = answer.ticketId === null ? null : await ticketStanding(transaction, answer.ticketId)
    return this.#write(transaction, definition, at, {
      template,
      to,
      refusal: refusalOf(to, definition.recipients),
      language: customer?.language ?? null,
      timeZone,
      from: answer.from,
      values: (language) => (ticket === null ? {} : ticketValues(ticket, language, timeZone, definition.statusWords[language] ?? null)),
      ticketId: answer.ticketId,
      customerId: answer.customerId,
      tells: null,
      stranger: customer === undefined ? { line: null } : null,
      dedupe: answer.dedupe,
    })
  }

  async #write(transaction: Transaction<Schema>, definition: SmsDefinition, at: number, intent: Intent): Promise<string | null> {
    const { to } = intent
    const text = worded(definition, intent)
    if (text === null) return null
    const id = newId()
    const known = await this.#known(transaction, definition, at, id, intent)
    const decision = decide(factsOf(id, intent, known, at), definition.rules)
    const row = rowOf(definition, id, intent, text, decision, at)
    const { rows } = await sql<{ id: string }>`
      ${sql.raw(intoMessages)} jsonb_to_recordset(${JSON.stringify([row])}::jsonb) ${sql.raw(asIntentRows)}
      ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING
      RETURNING id`.execute(transaction)
    // The same intent twice: the first one tells.
    if (rows[0] === undefined) return null
    changedIn(transaction).message([id])
    if (to !== null && intent.tells !== null) await supersedeOlder(transaction, intent, to.number, at)
    if (decision.do === 'suppress' && decision.alarm !== null) await this.#alarm(transaction, decision.alarm, at)
    if (row.dueAt !== null) this.#connections.afterCommit(transaction, () => this.tellDue())
    return id
  }

  async #known(transaction: Transaction<Schema>, definition: SmsDefinition, at: number, id: string, intent: Intent): Promise<Known> {
    const { template, to } = intent
    const { rules } = definition
    const reach = reachOf(template.isAnswer ? rules.answerCaps : rules.caps)
    const { rows } = await sql<Omit<Known, 'stranger'>>`
      WITH m AS (SELECT ${id}::uuid AS id, ${intent.ticketId}::uuid AS ticket_id, ${to?.number ?? ''}::text AS recipient,
        ${template.isAnswer}::boolean AS is_answer, ${to === null ? null : this.erasedDigest(to.number)}::bytea AS erased)
      SELECT told.told, consent.consent, sent.sent FROM m
      LEFT JOIN LATERAL (${sql.raw(toldBefore)}) told ON true
      CROSS JOIN LATERAL (${sql.raw(consentOf('m.erased'))}) consent
      CROSS JOIN LATERAL (${sql.raw(sentBefore(`to_timestamp(${at - reach.inMs} / 1000.0)`, String(reach.most)))}) sent`.execute(
      transaction,
    )
    const isToStranger = intent.stranger !== null && to !== null && intent.refusal === null
    return {
      ...rows[0]!,
      stranger: isToStranger ? await strangerCounts(transaction, definition, to.number, intent.stranger?.line ?? null, at) : null,
    }
  }

  /** After a commit: something may be due. */
  tellDue(): void {
    for (const listener of this.#listeners.onDue) listener()
  }

  async #alarm(transaction: Transaction<Schema>, cap: StrangerCap, at: number): Promise<void> {
    const { rows } = await sql<{ told: boolean; count: number }>`
      INSERT INTO sms_alarms AS a (what, raised_at, count) VALUES (${cap}, ${new Date(at)}, 1)
      ON CONFLICT (what) DO UPDATE SET count = a.count + 1,
        raised_at = CASE WHEN a.raised_at <= ${new Date(at - alarmAgainMs)} THEN excluded.raised_at ELSE a.raised_at END
      RETURNING raised_at = ${new Date(at)} AS told, count`.execute(transaction)
    this.#connections.afterCommit(transaction, () => {
      for (const listener of this.#listeners.onAlarm) listener(cap)
      if (rows[0]?.told === true)
        this.#log.error(
          { cap, suppressed: rows[0].count },
          'ALARM: messages to unknown numbers reach their cap: perhaps somebody with forged caller IDs uses this line to text strangers',
        )
    })
  }
}

/** To whom a ticket's message goes, and what it can say. */
function ofTicket(
  definition: SmsDefinition,
  template: SmsTemplate,
  ticketId: string,
  ticket: TicketRow,
  { status, sinceAt, line, language }: { status: TicketStatus; sinceAt: number; line: string | null; language: string | null },
): Omit<Intent, 'tells' | 'dedupe'> {
  const caller = ticket.caller === null ? null : numberFacts(ticket.caller)
  const choice = chooseRecipient(caller, ticket.numbers.map(numberFacts), definition.recipients)
  const isVouchedFor = ticket.source === 'api' || ticket.owner_id !== null || ('of' in choice && choice.of === 'customer')
  const timeZone = ticket.time_zone ?? definition.timeZone
  const { number, subject } = ticket
  return {
    template,
    to: 'to' in choice ? choice.to : caller,
    refusal: 'refusal' in choice ? choice.refusal : null,
    language: ticket.language ?? language,
    timeZone,
    from: null,
    values: (spoken) => ticketValues({ number, subject, status, sinceAt }, spoken, timeZone, definition.statusWords[spoken] ?? null),
    ticketId,
    customerId: ticket.customer_id ?? ticket.owner_id,
    stranger: isVouchedFor ? null : { line },
  }
}

/** What waits and tells an older status of this ticket to the same number is pointless now; answers say what was asked. */
async function supersedeOlder(transaction: Transaction<Schema>, { ticketId, tells }: Intent, to: string, at: number): Promise<void> {
  const step = JSON.stringify([{ at, what: 'superseded', why: 'the ticket has moved on' } satisfies TraceStep])
  const { rows } = await sql<{ id: string }>`
    UPDATE messages SET state = 'superseded', due_at = NULL, trace = trace || ${step}::jsonb
    WHERE ticket_id = ${ticketId} AND recipient = ${to} AND state IN ('held', 'queued') AND NOT is_answer
      AND tells_version < ${tells?.version ?? 0}
    RETURNING id`.execute(transaction)
  changedIn(transaction).message(rows.map(({ id }) => id))
}

/** How many messages to strangers there were, one transaction after the other, so that two do not both see the last free place. */
async function strangerCounts(
  transaction: Transaction<Schema>,
  { rules: { strangerCaps } }: SmsDefinition,
  number: string,
  line: string | null,
  at: number,
): Promise<StrangerCounts> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('pforte sms to strangers', 0))`.execute(transaction)
  const since = (inMs: number): Date => new Date(at - inMs)
  const meant = sql`is_stranger AND state <> 'suppressed'`
  const { rows } = await sql<StrangerCounts>`
    SELECT
      (SELECT count(*) FROM messages WHERE ${meant} AND created_at > ${since(strangerCaps.perNumber.inMs)} AND recipient = ${number}) AS "byNumber",
      (SELECT count(*) FROM messages WHERE ${meant} AND created_at > ${since(strangerCaps.perLine.inMs)} AND line = ${line}) AS "byLine",
      (SELECT count(*) FROM messages WHERE ${meant} AND created_at > ${since(strangerCaps.inTotal.inMs)}) AS "inTotal"`.execute(transaction)
  const { byNumber, byLine, inTotal } = rows[0]!
  return { byNumber, byLine: line === null ? null : byLine, inTotal }
}

async function ticketRow(transaction: Transaction<Schema>, ticketId: string): Promise<TicketRow> {
  const { rows } = await sql<TicketRow>`
    SELECT t.number, t.subject, t.caller, t.source, t.customer_id, n.customer_id AS owner_id, k.language, k.time_zone,
      ARRAY (SELECT number FROM customer_phone_numbers WHERE customer_id = t.customer_id ORDER BY place) AS numbers
    FROM tickets t
    LEFT JOIN customer_phone_numbers n ON n.number = t.caller
    LEFT JOIN customers k ON k.id = coalesce(t.customer_id, n.customer_id)
    WHERE t.id = ${ticketId}`.execute(transaction)
  return rows[0]!
}

async function ticketStanding(
  transaction: Transaction<Schema>,
  ticketId: string,
): Promise<{ number: string; subject: string; status: TicketStatus; sinceAt: number }> {
  const { rows } = await sql<{ number: string; subject: string; status: TicketStatus; sinceAt: number }>`
    SELECT t.number, t.subject, t.status, c.changed_at AS "sinceAt"
    FROM tickets t JOIN LATERAL (
      SELECT changed_at FROM ticket_changes WHERE ticket_id = t.id ORDER BY version DESC LIMIT 1) c ON true
    WHERE t.id = ${ticketId}`.execute(transaction)
  return rows[0]!
}
