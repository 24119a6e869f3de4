/**
 * The message of an event is written where the event is: in its transaction.
 * Whatever becomes of it (sent at once, held for the morning, not sent at all)
 * is decided here for the first time, and stands in its row with the reason.
 */
import { sql, type Transaction } from 'kysely'
import type { Log } from '../../app/ports/log.ts'
import type { TicketStatus } from '../../app/ports/records.ts'
import { reachOf, type StrangerCap, type StrangerCounts } from '../../domain/sms/caps.ts'
import type { ConsentChange } from '../../domain/sms/consent.ts'
import { decide, type Decision, type Facts } from '../../domain/sms/decide.ts'
import { senderFor, wordingFor, type SmsDefinition, type SmsTemplate } from '../../domain/sms/definition.ts'
import type { OwnEventName } from '../../domain/sms/events.ts'
import { chooseRecipient, refusalOf, type NumberFacts } from '../../domain/sms/recipient.ts'
import { encodeText, sayUnsendable } from '../../domain/sms/segments.ts'
import { renderTemplate } from '../../domain/sms/template.ts'
import { ticketValues } from '../../domain/sms/ticket-words.ts'
import type { Connections } from '../connections.ts'
import { newId } from '../ids.ts'
import type { Schema, TraceStep } from '../schema.ts'
import { consentOf, sentBefore, toldBefore } from './facts.ts'
import { numberFacts } from './number-facts.ts'

/** An alarm is told again if it still bites after this long. */
const alarmAgainMs = 3_600_000

export type SmsListeners = {
  /** After a commit: something may be due. */
  onDue: (() => void)[]
  /** A cap on messages to strangers bit: perhaps somebody uses us to text them. */
  onAlarm: ((cap: StrangerCap) => void)[]
}

/** What a message is about, and to whom. */
type Intent = {
  template: SmsTemplate
  /** Null: there is no number that could get it. */
  to: NumberFacts | null
  /** If not null: why `to` gets none. */
  refusal: Facts['recipient']['refusal']
  /** Null: nobody has told. */
  language: string | null
  timeZone: string
  /** Sent from where the reply went to; null: the usual sender. */
  from: string | null
  values: (language: string) => Record<string, string>
  ticketId: string | null
  customerId: string | null
  tells: { status: TicketStatus; version: number } | null
  /** Null: not to a stranger. */
  stranger: { line: string | null } | null
  dedupe: string
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

  constructor(connections: Connections, listeners: SmsListeners, log: Log) {
    this.#connections = connections
    this.#listeners = listeners
    this.#log = log
  }

  /** The message that tells a ticket's status. */
  async ticketEntered(
    transaction: Transaction<Schema>,
    entered: { ticketId: string; version: number; status: TicketStatus; line?: string | null; language?: string | null },
    at: number,
  ): Promise<void> {
    const { definition } = this
    if (definition === null) return
    const ticket = await ticketRow(transaction, entered.ticketId)
    const ofVoicemail = ticket.source === 'voicemail' && entered.status === 'received' && entered.version === 1
    const event: OwnEventName = ofVoicemail ? 'voicemail.received' : `ticket.${entered.status}`
    const template = definition.templates[event] ?? definition.templates[`ticket.${entered.status}`]
    if (template === undefined) return

    const caller = ticket.caller === null ? null : numberFacts(ticket.caller)
    const choice = chooseRecipient(caller, ticket.numbers.map(numberFacts), definition.recipients)
    const to = 'to' in choice ? choice.to : caller
    const isVouchedFor = ticket.source === 'api' || ticket.owner_id !== null || ('of' in choice && choice.of === 'customer')
    await this.#write(transaction, definition, at, {
      template,
      to,
      refusal: 'refusal' in choice ? choice.refusal : null,
      language: ticket.language ?? entered.language ?? null,
      timeZone: ticket.time_zone ?? definition.timeZone,
      from: null,
      values: (language) =>
        ticketValues(
          { number: ticket.number, subject: ticket.subject, status: entered.status, sinceAt: at },
          language,
          ticket.time_zone ?? definition.timeZone,
          definition.statusWords[language] ?? null,
        ),
      ticketId: entered.ticketId,
      customerId: ticket.customer_id ?? ticket.owner_id,
      tells: { status: entered.status, version: entered.version },
      stranger: isVouchedFor ? null : { line: entered.line ?? null },
      dedupe: `ticket ${entered.ticketId} ${entered.version} ${entered.status}`,
    })
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

  /** The message of another system's event, if its recipient can get one. `data` has what the template asks for. */
  async event(
    transaction: Transaction<Schema>,
    event: { id: string; template: SmsTemplate; to: string | null; customerId: string | null; data: Record<string, string> },
    at: number,
  ): Promise<string | null> {
    const { definition } = this
    if (definition === null) return null
    const { rows } = await sql<{ customer_id: string; language: string; time_zone: string; numbers: string[] }>`
      SELECT k.id AS customer_id, k.language, k.time_zone,
        ARRAY (SELECT number FROM customer_phone_numbers WHERE customer_id = k.id ORDER BY place) AS numbers
      FROM customers k
      WHERE k.id = coalesce(${event.customerId}::uuid, (SELECT customer_id FROM customer_phone_numbers WHERE number = ${event.to}))`.execute(
      transaction,
    )
    const customer = rows[0]
    const given = event.to === null ? null : numberFacts(event.to)
    const choice = chooseRecipient(given, given === null ? (customer?.numbers ?? []).map(numberFacts) : [], definition.recipients)
    return this.#write(transaction, definition, at, {
      template: event.template,
      to: 'to' in choice ? choice.to : given,
      refusal: 'refusal' in choice ? choice.refusal : null,
      language: customer?.language ?? null,
      timeZone: customer?.time_zone ?? definition.timeZone,
      from: null,
      values: () => Object.fromEntries(Object.entries(event.data).map(([name, value]) => [`data.${name}`, value])),
      ticketId: null,
      customerId: customer?.customer_id ?? null,
      tells: null,
      stranger: null,
      dedupe: `event ${event.id}`,
    })
  }

  async #write(transaction: Transaction<Schema>, definition: SmsDefinition, at: number, intent: Intent): Promise<string | null> {
    const { template, to } = intent
    const wording = wordingFor(template, intent.language, definition.languages)
    if (wording === null) return null
    const id = newId()
    const rendered = renderTemplate(wording.wording.template, intent.values(wording.language), wording.wording.placeholders)
    const text = rendered.ok ? rendered.text : ''
    const encoded = encodeText(text, definition)
    // Postgres takes neither NUL nor half a character; neither is sent.
    const body = encoded.ok ? text : text.toWellFormed().replaceAll('\0', '')
    const facts = await this.#facts(transaction, definition, at, id, intent)
    const decision = decide(facts, definition.rules)
    const { state, dueAt, trace } = planned(decision, encoded.ok ? null : sayUnsendable(encoded), at)
    const { rows } = await sql<{ id: string }>`
      INSERT INTO messages (id, direction, recipient, sender, body, state, template, ticket_id, customer_id, tells_status, tells_version,
        is_answer, is_stranger, line, time_zone, happened_at, dedupe_key, due_at, parts, trace, created_at)
      VALUES (${id}, 'out', ${to?.number ?? ''}, ${intent.from ?? senderFor(definition, template, to?.country ?? null)}, ${body}, ${state},
        ${template.event}, ${intent.ticketId}, ${intent.customerId}, ${intent.tells?.status ?? null}, ${intent.tells?.version ?? null},
        ${template.isAnswer}, ${intent.stranger !== null}, ${intent.stranger?.line ?? null}, ${intent.timeZone}, ${new Date(at)},
        ${`${intent.dedupe} ${to?.number ?? ''}`}, ${dueAt === null ? null : new Date(dueAt)}, ${encoded.ok ? encoded.parts.length : 1},
        ${JSON.stringify([trace])}::jsonb, ${new Date(at)})
      ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING
      RETURNING id`.execute(transaction)
    // The same intent twice: the first one tells.
    if (rows[0] === undefined) return null
    if (to !== null && intent.tells !== null) await supersedeOlder(transaction, intent, to.number, at)
    if (decision.do === 'suppress' && decision.alarm !== null) await this.#alarm(transaction, decision.alarm, at)
    if (dueAt !== null)
      this.#connections.afterCommit(transaction, () => {
        for (const listener of this.#listeners.onDue) listener()
      })
    return id
  }

  async #facts(transaction: Transaction<Schema>, definition: SmsDefinition, at: number, id: string, intent: Intent): Promise<Facts> {
    const { template, to, tells } = intent
    const { rules } = definition
    const reach = reachOf(template.isAnswer ? rules.answerCaps : rules.caps)
    const { rows } = await sql<{
      told: { status: TicketStatus; version: number } | null
      consent: ConsentChange[] | null
      sent: number[] | null
    }>`
      WITH m AS (SELECT ${id}::uuid AS id, ${intent.ticketId}::uuid AS ticket_id, ${to?.number ?? ''}::text AS recipient,
        ${template.isAnswer}::boolean AS is_answer)
      SELECT told.told, consent.consent, sent.sent FROM m
      LEFT JOIN LATERAL (${sql.raw(toldBefore)}) told ON true
      CROSS JOIN LATERAL (${sql.raw(consentOf)}) consent
      CROSS JOIN LATERAL (${sql.raw(sentBefore(`to_timestamp(${at - reach.inMs} / 1000.0)`, String(reach.most)))}) sent`.execute(
      transaction,
    )
    const { told = null, consent = null, sent = null } = rows[0] ?? {}
    const isToStranger = intent.stranger !== null && to !== null && intent.refusal === null
    return {
      at,
      message: {
        id,
        ticketId: intent.ticketId,
        happenedAt: at,
        goodForMs: template.goodForMs,
        window: template.window,
        isAnswer: template.isAnswer,
        purpose: template.purpose,
        tells,
      },
      ticket: tells === null ? null : { version: tells.version, told },
      recipient: {
        refusal: intent.refusal,
        timeZone: intent.timeZone,
        consent: consent ?? [],
        sentAt: sent ?? [],
        stranger: isToStranger ? await strangerCounts(transaction, definition, to.number, intent.stranger?.line ?? null, at) : null,
      },
    }
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

function planned(decision: Decision, unsendable: string | null, at: number): { state: string; dueAt: number | null; trace: TraceStep } {
  const trace = { at, what: decision.what, why: decision.why }
  switch (decision.do) {
    case 'suppress':
      return { state: 'suppressed', dueAt: null, trace }
    case 'supersede':
      return { state: 'superseded', dueAt: null, trace }
    case 'send':
    case 'hold':
      if (unsendable !== null) return { state: 'failed', dueAt: null, trace: { at, what: 'failed', why: unsendable } }
      return decision.do === 'send' ? { state: 'queued', dueAt: at, trace } : { state: 'held', dueAt: decision.until, trace }
  }
}

/** What waits and tells an older status of this ticket to the same number is pointless now; answers say what was asked. */
async function supersedeOlder(transaction: Transaction<Schema>, { ticketId, tells }: Intent, to: string, at: number): Promise<void> {
  const step = JSON.stringify([{ at, what: 'superseded', why: 'the ticket has moved on' } satisfies TraceStep])
  await sql`
    UPDATE messages SET state = 'superseded', due_at = NULL, trace = trace || ${step}::jsonb
    WHERE ticket_id = ${ticketId} AND recipient = ${to} AND state IN ('held', 'queued') AND NOT is_answer
      AND tells_version < ${tells?.version ?? 0}`.execute(transaction)
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
