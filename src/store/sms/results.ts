/**
 * What the carrier answered, written down in batches. The common case, a whole
 * message accepted at its first try, is one statement for all of them; the rest
 * is looked at one message after the other, by `domain/sms/results.ts`.
 */
import type { TryResult } from '../../app/ports/outbox.ts'
import type { Reservation } from '../../app/ports/smsc.ts'
import type { MessageState, PartState } from '../../domain/sms/message-state.ts'
import type { TriedMessage, TriedPart } from '../../domain/sms/receipts.ts'
import { applyResult } from '../../domain/sms/results.ts'
import type { Connections, Run, Statement } from '../connections.ts'
import { printable } from '../phone-numbers.ts'
import type { TraceStep } from '../schema.ts'
import { matchWaiting } from './receipts.ts'

/** A refusal that may pass is waited out this long, twice as long each time. */
const firstRetryMs = 1_000
const longestRetryMs = 15 * 60_000

/** Locks in the order of ids, as whoever matches receipts does. */
const recordAccepted: Statement = {
  name: 'record accepted messages',
  text: `WITH given AS (
      SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, attempt integer, parts integer, route text, "carrierIds" jsonb)),
    locked AS (
      SELECT m.id FROM messages m JOIN given g ON m.id = g.id WHERE m.state = 'submitting' ORDER BY m.id FOR NO KEY UPDATE OF m),
    updated AS (
      UPDATE messages m SET state = 'submitted', sending_by = NULL, refusals = 0, sealed_text = NULL, trace = m.trace || $3::jsonb
      FROM given g JOIN locked ON locked.id = g.id
      WHERE m.id = g.id AND m.attempt = g.attempt AND m.state = 'submitting' AND m.parts = g.parts
      RETURNING m.id),
    parts AS (
      INSERT INTO message_parts (message_id, attempt, part, state, route, carrier_id, submitted_at)
      SELECT g.id, g.attempt, c.place - 1, 'submitted', g.route, nullif(c.id, ''), $2
      FROM given g JOIN updated u ON u.id = g.id CROSS JOIN LATERAL jsonb_array_elements_text(g."carrierIds") WITH ORDINALITY AS c (id, place)
      ON CONFLICT (message_id, attempt, part) DO NOTHING)
    SELECT id FROM updated`,
}

const lockMessage: Statement = {
  name: 'lock a message',
  text: `SELECT id, state, attempt, parts, refusals, bind, epoch, sequence FROM messages WHERE id = $1 FOR UPDATE`,
}
const triedParts: Statement = {
  name: 'tries of a message',
  text: `SELECT part, state, attempt, error IS NOT NULL AS "isRefused" FROM message_parts WHERE message_id = $1`,
}
const writePart: Statement = {
  name: 'write a part',
  text: `INSERT INTO message_parts (message_id, attempt, part, state, route, carrier_id, error, submitted_at, done_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (message_id, attempt, part) DO UPDATE SET state = excluded.state, carrier_id = coalesce(excluded.carrier_id, message_parts.carrier_id),
      error = coalesce(excluded.error, message_parts.error), done_at = coalesce(message_parts.done_at, excluded.done_at)`,
}
/** Where the state is what it was, so is its time. */
const writeMessage: Statement = {
  name: 'write a message after results',
  text: `UPDATE messages SET state = $2, due_at = CASE WHEN state = $2 THEN due_at ELSE $3 END, refusals = $4, trace = trace || $5::jsonb,
      sending_by = CASE WHEN $2 = 'submitting' THEN sending_by END,
      sealed_text = CASE WHEN $2 IN ('queued', 'submitting', 'uncertain') THEN sealed_text END,
      uncertain_at = CASE WHEN $2 = 'uncertain' THEN coalesce(uncertain_at, $6) END,
      sent_at = CASE WHEN $7 THEN NULL ELSE sent_at END,
      done_at = CASE WHEN $2 IN ('delivered', 'expired', 'undeliverable', 'failed') THEN coalesce(done_at, $6) END
    WHERE id = $1`,
}
/** Whose phone takes no more is given a rest: what else waits for the same number goes no sooner than what was refused. */
const restRecipients: Statement = {
  name: 'let the recipients of refused messages rest',
  text: `WITH refused AS (SELECT recipient, max(due_at) AS due_at FROM messages WHERE id = ANY ($1) AND state = 'queued' GROUP BY recipient),
    others AS (
      SELECT o.id, refused.due_at FROM refused
      JOIN messages o ON o.recipient = refused.recipient AND o.state IN ('held', 'queued') AND o.due_at < refused.due_at
      FOR NO KEY UPDATE OF o SKIP LOCKED)
    UPDATE messages m SET due_at = others.due_at FROM others WHERE m.id = others.id`,
}

type MessageRow = { id: string; state: MessageState | 'received'; attempt: number; parts: number; refusals: number } & Place
/** Where its latest try is, or was. */
type Place = { bind: string | null; epoch: number | null; sequence: number | null }

export async function recordResults(connections: Connections, results: readonly TryResult[], at: number): Promise<void> {
  const byMessage = new Map<string, TryResult[]>()
  for (const result of results) {
    const key = `${result.result.messageId} ${result.attempt}`
    const others = byMessage.get(key)
    if (others === undefined) byMessage.set(key, [result])
    else others.push(result)
  }
  const whole: object[] = []
  const rest = new Map<string, TryResult[]>()
  for (const [key, ofOne] of byMessage) {
    const accepted = wholeMessage(ofOne)
    if (accepted === null) rest.set(key, ofOne)
    else whole.push(accepted)
  }
  const recorded = new Set<string>()
  if (whole.length > 0) {
    const trace: TraceStep[] = [{ at, what: 'submitted', why: 'the carrier took it' }]
    const rows = await connections.run<{ id: string }>(recordAccepted, [JSON.stringify(whole), new Date(at), JSON.stringify(trace)])
    for (const { id } of rows) recorded.add(id)
    connections.changes.committed.message(recorded)
  }
  for (const [key, ofOne] of byMessage) {
    const { messageId } = ofOne[0]!.result
    if (!rest.has(key) && recorded.has(messageId)) continue
    await recordOne(connections, messageId, ofOne, at)
  }
  const full = results.flatMap(({ result }) => (result.is === 'rejected' && result.kind === 'queue_full' ? [result.messageId] : []))
  if (full.length > 0) await connections.run(restRecipients, [full])
  const ids = results.flatMap(({ result }) =>
    result.is === 'accepted' && result.carrierId !== ''
      ? [{ route: result.reservation.route, carrierId: printable(result.carrierId) }]
      : [],
  )
  // A receipt may have been faster than the answer.
  if (ids.length > 0) await matchWaiting(connections, ids, at)
}

/** For the one statement: all parts of one try, accepted in time. */
function wholeMessage(results: readonly TryResult[]): object | null {
  const [{ attempt, result: first }] = results as [TryResult]
  const { parts } = first.reservation
  if (results.length !== parts) return null
  const carrierIds: string[] = []
  for (const { result } of results) {
    if (result.is !== 'accepted' || result.late || carrierIds[result.part] !== undefined) return null
    carrierIds[result.part] = printable(result.carrierId)
  }
  return { id: first.messageId, attempt, parts, route: first.reservation.route, carrierIds }
}

async function recordOne(connections: Connections, messageId: string, results: readonly TryResult[], at: number): Promise<void> {
  await connections.transaction(async (run) => {
    const [row] = await run<MessageRow>(lockMessage, [messageId])
    // Erased meanwhile.
    if (row === undefined || row.state === 'received') return
    const tried = await run<TriedPart & { isRefused: boolean }>(triedParts, [messageId])
    let message: TriedMessage = { state: row.state, attempt: row.attempt, parts: row.parts, tried }
    const steps: TraceStep[] = []
    // Of one try; its parts may be refused one after the other.
    let isRefused = tried.some((one) => one.isRefused && one.state === 'queued' && one.attempt === row.attempt)
    for (const { attempt, result } of results) {
      // A claim that failed may have been committed or not; then another sender's try has the same count.
      if (result.is === 'unwritten' && !isPlace(row, result.reservation)) continue
      const effect = applyResult(message, { attempt, part: result.part, result })
      message = effect.message
      if (!effect.isNews) continue
      await writeTry(run, messageId, effect.own, result, at)
      isRefused ||= result.is === 'rejected' && result.kind !== 'permanent'
      steps.push(stepOf(result, effect.own.state, message.parts, at))
    }
    if (steps.length === 0) return
    const isUnwritten = results.every(({ result }) => result.is === 'unwritten')
    await writeState(run, row, message.state, { steps, isRefused, isUnwritten }, at)
  })
  connections.changes.committed.message([messageId])
}

function isPlace(row: Place, { bind, epoch, sequence }: Reservation): boolean {
  return row.bind === bind && row.epoch === epoch && row.sequence === sequence
}

async function writeTry(
  run: Run,
  messageId: string,
  { attempt, part, state }: TriedPart,
  result: TryResult['result'],
  at: number,
): Promise<void> {
  await run(writePart, [
    messageId,
    attempt,
    part,
    state,
    result.reservation.route,
    // Some carriers answer without an id: then no receipt can be matched by it.
    result.is === 'accepted' && result.carrierId !== '' ? printable(result.carrierId) : null,
    result.is === 'rejected' ? result.status : null,
    new Date(at),
    state === 'failed' ? new Date(at) : null,
  ])
}

async function writeState(
  run: Run,
  before: MessageRow,
  state: MessageState,
  { steps, isRefused, isUnwritten }: { steps: TraceStep[]; isRefused: boolean; isUnwritten: boolean },
  at: number,
): Promise<void> {
  const isToWait = isRefused && state === 'queued' && before.state !== 'queued'
  const isTaken = state !== 'queued' && state !== 'submitting' && state !== 'uncertain'
  const refusals = isTaken ? 0 : isToWait ? before.refusals + 1 : before.refusals
  const retryMs = isToWait ? Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(before.refusals, 20)) : 0
  // An uncertain one is settled by its template's policy, which is asked at once and says until when to wait.
  const dueAt = state === 'queued' ? at + retryMs : state === 'uncertain' ? at : null
  await run(writeMessage, [
    before.id,
    state,
    dueAt === null ? null : new Date(dueAt),
    refusals,
    JSON.stringify(steps),
    new Date(at),
    isUnwritten && state === 'queued',
  ])
}

function stepOf(result: TryResult['result'], after: PartState, parts: number, at: number): TraceStep {
  const which = parts === 1 ? '' : ` (part ${result.part + 1} of ${parts})`
  switch (result.is) {
    case 'accepted':
      return { at, what: after, why: `the carrier took it${result.late ? ', as it said late' : ''}${which}` }
    case 'rejected':
      return { at, what: after, why: `${result.status}${result.kind === 'permanent' ? '' : ', which may pass'}${which}` }
    case 'unanswered':
      return { at, what: after, why: `written, but not answered: ${result.why}${which}` }
    case 'unwritten':
      return { at, what: after, why: `not written: ${result.why}${which}` }
  }
}
