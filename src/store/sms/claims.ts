/**
 * Claiming what is due. One transaction locks the first that are due (SKIP
 * LOCKED: another sender takes the next ones), decides about each once more by
 * the facts of this moment, and writes down under which sequence number it goes
 * out. Only when that is committed is anything written to the carrier.
 */
import type { Claimed, ClaimRequest, DueMessage, Submitting, Taken } from '../../app/ports/outbox.ts'
import type { TicketStatus } from '../../app/ports/records.ts'
import { reachOf } from '../../domain/sms/caps.ts'
import type { ConsentChange } from '../../domain/sms/consent.ts'
import { decide, type Decision, type Facts } from '../../domain/sms/decide.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import type { MessageState } from '../../domain/sms/message-state.ts'
import { pinEvent } from '../../domain/sms/pin-words.ts'
import { refusalOf } from '../../domain/sms/recipient.ts'
import type { Connections, Run, Statement } from '../connections.ts'
import type { Keys } from '../keys.ts'
import type { TraceStep } from '../schema.ts'
import { consentOf, presentStatus, sentBefore, toldBefore } from './facts.ts'
import { numberFacts } from './number-facts.ts'

/** $1 now, $2 how many, $3 $4 since when and how many earlier messages to a recipient matter. */
export const claimDue: Statement = {
  name: 'claim what is due',
  text: `WITH m AS MATERIALIZED (
      SELECT * FROM messages WHERE state IN ('held', 'queued') AND due_at <= $1 ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
    SELECT m.id, m.recipient AS "to", m.sender AS "from", m.body AS text, m.sealed_text AS "sealedText", m.template, m.ticket_id AS "ticketId", m.tells_status AS "tellsStatus",
      m.tells_version AS "tellsVersion", m.happened_at AS "happenedAt", m.time_zone AS "timeZone", m.attempt, m.is_answer AS "isAnswer",
      present.version AS "presentVersion", told.told, consent.consent, sent.sent, settled.settled
    FROM m
    LEFT JOIN LATERAL (${presentStatus}) present ON true
    LEFT JOIN LATERAL (${toldBefore}) told ON m.tells_version IS NOT NULL
    CROSS JOIN LATERAL (${consentOf()}) consent
    CROSS JOIN LATERAL (${sentBefore('$3::timestamptz', '$4::bigint')}) sent
    LEFT JOIN LATERAL (
      SELECT jsonb_agg(part) AS settled FROM (
        SELECT DISTINCT ON (part) part, state FROM message_parts WHERE message_id = m.id ORDER BY part, attempt DESC) latest
      WHERE state <> 'queued') settled ON m.attempt > 0
    ORDER BY m.due_at, m.id`,
}

type DueRow = {
  id: string
  to: string
  from: string
  text: string
  /** Of a message whose row does not tell what is sent. */
  sealedText: Buffer | null
  template: string | null
  ticketId: string | null
  tellsStatus: TicketStatus | null
  tellsVersion: number | null
  happenedAt: number
  timeZone: string | null
  attempt: number
  isAnswer: boolean
  presentVersion: number | null
  told: { status: TicketStatus; version: number } | null
  consent: ConsentChange[] | null
  sent: number[] | null
  settled: number[] | null
}

const writeClaims: Statement = {
  name: 'write what becomes of the due',
  text: `UPDATE messages m SET state = d.state, due_at = to_timestamp(d."dueAt" / 1000.0), trace = m.trace || d.trace,
      attempt = d.attempt, sending_by = d."sendingBy", bind = d.bind, route = d.route, epoch = d.epoch, sequence = d.sequence,
      sent_at = coalesce(to_timestamp(d."sentAt" / 1000.0), m.sent_at),
      sealed_text = CASE WHEN d.state IN ('held', 'submitting') THEN m.sealed_text END
    FROM jsonb_to_recordset($1::jsonb) AS d (id uuid, state text, "dueAt" float8, trace jsonb, attempt integer, "sendingBy" text, bind text,
      route text, epoch bigint, sequence bigint, "sentAt" float8)
    WHERE m.id = d.id`,
}

export const nextDue: Statement = {
  name: 'when the next message is due',
  text: `SELECT due_at AS "dueAt" FROM messages WHERE state IN ('held', 'queued') ORDER BY due_at LIMIT 1`,
}

type Written = {
  id: string
  state: MessageState
  dueAt: number | null
  trace: TraceStep[]
  attempt: number
  sendingBy?: string
  bind?: string
  route?: string
  epoch?: number
  sequence?: number
  sentAt?: number
}

const gone: Decision = {
  do: 'suppress',
  reason: 'too_late',
  alarm: null,
  what: 'suppressed',
  why: 'its template is no longer in pforte.yaml',
}

export async function claim<T extends Taken>(
  connections: Connections,
  keys: Keys,
  definition: SmsDefinition,
  { at, sender, most, take, untake }: ClaimRequest<T>,
): Promise<Claimed<T>> {
  const reach = reachOf([...definition.rules.caps, ...definition.rules.answerCaps])
  let submitting: Submitting<T>[] = []
  const untakeAll = (): void => {
    for (const { taken } of submitting) untake(taken)
    submitting = []
  }
  let written: Written[] = []
  const work = async (run: Run, last: Run): Promise<{ looked: number; isFull: boolean }> => {
    untakeAll()
    written = []
    const due = await run<DueRow>(claimDue, [new Date(at), most, new Date(at - reach.inMs), reach.most])
    /** Two of a kind to one recipient in one batch: the second sees the first. */
    const sentNow = new Map<string, number>()
    const kindOf = ({ to, isAnswer }: DueRow): string => `${isAnswer} ${to}`
    let isFull = false
    for (const row of due) {
      const decision = decided(row, definition, sentNow.get(kindOf(row)) ?? 0, at)
      if (decision.do !== 'send') {
        written.push(refused(row, decision, at))
        continue
      }
      const text = textOf(row, keys)
      if (text === null) {
        written.push(ended(row, 'failed', { at, what: 'failed', why: 'what it was to say cannot be read any more' }))
        continue
      }
      const message: DueMessage = {
        id: row.id,
        attempt: row.attempt + 1,
        to: row.to,
        from: row.from,
        text,
        settledParts: row.settled ?? [],
      }
      const taken = take(message)
      if (taken === null) {
        isFull = true
        break
      }
      if ('unsendable' in taken) {
        written.push(ended(row, 'failed', { at, what: 'failed', why: taken.unsendable }))
        continue
      }
      sentNow.set(kindOf(row), (sentNow.get(kindOf(row)) ?? 0) + 1)
      submitting.push({ message, taken, validUntil: decision.validUntil })
      const { bind, route, epoch, sequence } = taken.reservation
      const trace = { at, what: 'submitting', why: decision.why }
      written.push({
        id: row.id,
        state: 'submitting',
        dueAt: null,
        trace: [trace],
        attempt: message.attempt,
        sendingBy: sender,
        bind,
        route,
        epoch,
        sequence,
        sentAt: at,
      })
    }
    if (written.length > 0) await last(writeClaims, [JSON.stringify(written)])
    return { looked: due.length, isFull }
  }
  const { looked, isFull } = await connections.transaction(work).catch((error: unknown) => {
    untakeAll()
    throw error
  })
  connections.changes.committed.message(written.map(({ id }) => id))
  const isMore = looked >= most || isFull
  const [next] = isMore ? [] : await connections.run<{ dueAt: number }>(nextDue, [])
  return { submitting, isMore, nextDueAt: next?.dueAt ?? null }
}

/** What is sent. Null: that was encrypted, and is gone or cannot be opened; what stands in the row in its place is nothing to send. */
function textOf({ id, text, sealedText, template }: DueRow, keys: Keys): string | null {
  if (sealedText === null) return template === pinEvent ? null : text
  try {
    return keys.unsealText(sealedText, id)
  } catch {
    // Not as it was written. It costs this message, and none that is due with it.
    return null
  }
}

/** What becomes of a due message by what is known now. `more`: so many of its kind went to the same number a moment ago. */
function decided(row: DueRow, definition: SmsDefinition, more: number, at: number): Decision {
  const template = row.template === null ? undefined : definition.templates[row.template]
  if (template === undefined) return gone
  const tells = row.tellsStatus === null || row.tellsVersion === null ? null : { status: row.tellsStatus, version: row.tellsVersion }
  const facts: Facts = {
    at,
    message: {
      id: row.id,
      ticketId: row.ticketId,
      happenedAt: row.happenedAt,
      goodForMs: template.goodForMs,
      window: template.window,
      isAnswer: template.isAnswer,
      purpose: template.purpose,
      tells,
    },
    ticket: tells === null || row.presentVersion === null ? null : { version: row.presentVersion, told: row.told },
    recipient: {
      refusal: refusalOf(numberFacts(row.to), definition.recipients),
      timeZone: row.timeZone ?? definition.timeZone,
      consent: row.consent ?? [],
      sentAt: more === 0 ? (row.sent ?? []) : [...(row.sent ?? []), ...Array<number>(more).fill(at)],
      stranger: null,
    },
  }
  return decide(facts, definition.rules)
}

function refused(row: DueRow, decision: Exclude<Decision, { do: 'send' }>, at: number): Written {
  const trace = { at, what: decision.what, why: decision.why }
  if (decision.do !== 'hold') return ended(row, decision.do === 'suppress' ? 'suppressed' : 'superseded', trace)
  return { id: row.id, state: 'held', dueAt: decision.until, trace: [trace], attempt: row.attempt }
}

function ended(row: DueRow, state: MessageState, trace: TraceStep): Written {
  return { id: row.id, state, dueAt: null, trace: [trace], attempt: row.attempt }
}
