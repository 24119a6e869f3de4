/** What a message is meant to say and to whom, and the row that comes of it. Nothing here asks the database. */
import type { TicketStatus } from '../../app/ports/records.ts'
import type { StrangerCounts } from '../../domain/sms/caps.ts'
import type { ConsentChange } from '../../domain/sms/consent.ts'
import type { Decision, Facts } from '../../domain/sms/decide.ts'
import { senderFor, wordingFor, type SmsDefinition, type SmsTemplate } from '../../domain/sms/definition.ts'
import type { NumberFacts } from '../../domain/sms/recipient.ts'
import { encodeText, sayUnsendable } from '../../domain/sms/segments.ts'
import { renderTemplate } from '../../domain/sms/template.ts'
import type { TraceStep } from '../schema.ts'

/** What a message is about, and to whom. */
export type Intent = {
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

export type Worded = { body: string; parts: number; unsendable: string | null }

/** The intent's text in the language of whoever gets it; null: the template has none in any. */
export function worded(definition: SmsDefinition, { template, language, values }: Intent): Worded | null {
  const chosen = wordingFor(template, language, definition.languages)
  if (chosen === null) return null
  const rendered = renderTemplate(chosen.wording.template, values(chosen.language), chosen.wording.placeholders)
  const text = rendered.ok ? rendered.text : ''
  const encoded = encodeText(text, definition)
  if (encoded.ok) return { body: text, parts: encoded.parts.length, unsendable: null }
  // Postgres takes neither NUL nor half a character; neither is sent.
  return { body: text.toWellFormed().replaceAll('\0', ''), parts: 1, unsendable: sayUnsendable(encoded) }
}

/** What the store knows of the recipient and of the ticket. */
export type Known = {
  told: { status: TicketStatus; version: number } | null
  consent: ConsentChange[] | null
  sent: number[] | null
  stranger: StrangerCounts | null
}

export function factsOf(id: string, { template, refusal, timeZone, ticketId, tells }: Intent, known: Known, at: number): Facts {
  return {
    at,
    message: {
      id,
      ticketId,
      happenedAt: at,
      goodForMs: template.goodForMs,
      window: template.window,
      isAnswer: template.isAnswer,
      purpose: template.purpose,
      tells,
    },
    ticket: tells === null ? null : { version: tells.version, told: known.told },
    recipient: {
      refusal,
      timeZone,
      consent: known.consent ?? [],
      sentAt: known.sent ?? [],
      stranger: known.stranger,
    },
  }
}

/** As `intoMessages` takes it; times are epoch ms. */
export type IntentRow = {
  id: string
  recipient: string
  sender: string
  body: string
  state: string
  template: string
  ticketId: string | null
  customerId: string | null
  tellsStatus: TicketStatus | null
  tellsVersion: number | null
  isAnswer: boolean
  isStranger: boolean
  line: string | null
  timeZone: string
  dedupe: string
  dueAt: number | null
  parts: number
  trace: TraceStep[]
  at: number
  /** Base64, of a message whose `body` does not tell what is sent. */
  sealedText?: string
}

export function rowOf(definition: SmsDefinition, id: string, intent: Intent, text: Worded, decision: Decision, at: number): IntentRow {
  const { template, to, tells, stranger } = intent
  const { state, dueAt, trace } = planned(decision, text.unsendable, at)
  return {
    id,
    recipient: to?.number ?? '',
    sender: intent.from ?? senderFor(definition, template, to?.country ?? null),
    body: text.body,
    state,
    template: template.event,
    ticketId: intent.ticketId,
    customerId: intent.customerId,
    tellsStatus: tells?.status ?? null,
    tellsVersion: tells?.version ?? null,
    isAnswer: template.isAnswer,
    isStranger: stranger !== null,
    line: stranger?.line ?? null,
    timeZone: intent.timeZone,
    dedupe: `${intent.dedupe} ${to?.number ?? ''}`,
    dueAt,
    parts: text.parts,
    trace: [trace],
    at,
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

/** Rows of `IntentRow`, however many: `intoMessages`, a set of JSON records, `asIntentRows`. */
export const intoMessages = `
  INSERT INTO messages (id, direction, recipient, sender, body, state, template, ticket_id, customer_id, tells_status, tells_version,
    is_answer, is_stranger, line, time_zone, happened_at, dedupe_key, due_at, parts, trace, created_at, sealed_text)
  SELECT m.id, 'out', m.recipient, m.sender, m.body, m.state, m.template, m."ticketId", m."customerId", m."tellsStatus", m."tellsVersion",
    m."isAnswer", m."isStranger", m.line, m."timeZone", to_timestamp(m.at / 1000.0), m.dedupe, to_timestamp(m."dueAt" / 1000.0), m.parts,
    m.trace, to_timestamp(m.at / 1000.0), decode(m."sealedText", 'base64')
  FROM`
export const asIntentRows = `
  AS m (id uuid, recipient text, sender text, body text, state text, template text, "ticketId" uuid, "customerId" uuid, "tellsStatus" text,
    "tellsVersion" integer, "isAnswer" boolean, "isStranger" boolean, line text, "timeZone" text, dedupe text, "dueAt" float8, parts smallint,
    trace jsonb, at float8, "sealedText" text)`
