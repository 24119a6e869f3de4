/**
 * Receipts: stored, and then matched with the parts that they are for.
 *
 * A receipt may be here before the answer that brings its part's id. So both
 * sides write, commit, and then look: whoever stored a receipt looks for its
 * part, whoever recorded an answer looks for receipts that wait for its id
 * (`matchWaiting`), and whichever of the two commits last sees the other. What
 * a process left undone that died in between is found by `matchLeft`.
 *
 * A receipt is applied once: it is taken under a lock (`matched_at`) after its
 * message is, in the order of ids, as everybody locks them here.
 */
import type { ReceiptStore } from '../../app/ports/receipts.ts'
import type { Incoming } from '../../app/ports/smsc.ts'
import { StoreUnavailable } from '../../app/ports/store.ts'
import type { MessageState, ReceiptState } from '../../domain/sms/message-state.ts'
import { applyReceipt, hasEnded, type TriedMessage, type TriedPart } from '../../domain/sms/receipts.ts'
import type { Connections, Run, Statement } from '../connections.ts'
import { printable } from '../phone-numbers.ts'
import type { TraceStep } from '../schema.ts'

export type IncomingReceipt = Extract<Incoming, { kind: 'receipt' }>
/** Under which ids a carrier took parts. */
export type TakenUnder = { route: string; carrierId: string }

/** So many are matched in one transaction. */
const mostAtOnce = 500
/** Carriers use ids again: what is done for so long is not what a new receipt is for. */
const doubledWithin = '1 day'
/** They are counted at each scrape; more than so many are as alarming as these. */
export const mostCounted = 10_000
/** What is kept of a carrier's error code; no code is longer. */
const mostErrorUnits = 40

const storeReceipts: Statement = {
  name: 'store receipts',
  text: `INSERT INTO receipts (route, carrier_ids, recipient, state, error, done_at, received_at)
    SELECT route, "carrierIds", recipient, state, error, to_timestamp("doneAt" / 1000.0), $2
    FROM jsonb_to_recordset($1::jsonb) AS r (route text, "carrierIds" text[], recipient text, state text, error text, "doneAt" float8)
    RETURNING id`,
}

/** The likeliest form of the id first; of several parts that had one id, one that is still open, and the newest. */
export const findParts: Statement = {
  name: 'which parts receipts are for',
  text: `SELECT r.id AS "receiptId", r.state, r.error, r.done_at AS "doneAt", p.message_id AS "messageId", p.attempt, p.part
    FROM receipts r
    CROSS JOIN LATERAL (
      SELECT found.* FROM unnest(r.carrier_ids) WITH ORDINALITY AS form (id, place)
      CROSS JOIN LATERAL (
        SELECT message_id, attempt, part FROM message_parts
        WHERE carrier_id = form.id AND route = r.route AND (done_at IS NULL OR done_at > r.received_at - interval '${doubledWithin}')
        ORDER BY done_at IS NOT NULL, submitted_at DESC LIMIT 1) found
      ORDER BY form.place LIMIT 1) p
    WHERE r.id = ANY ($1) AND r.matched_at IS NULL
    ORDER BY r.id`,
}
type FoundPart = {
  receiptId: number
  state: ReceiptState
  error: string | null
  doneAt: number | null
  messageId: string
  attempt: number
  part: number
}

/**
 * A message whose answer was lost has no id that a receipt could name. If it is the only uncertain one to that number, and
 * nothing is on its way there whose answer is yet to come, the receipt can only be its own: if it came later, and has an id,
 * by which those of its kind are found.
 */
export const adoptIds: Statement = {
  name: 'give uncertain messages the ids of their receipts',
  text: `WITH waiting AS (
      SELECT route, carrier_ids[1] AS carrier_id, recipient, received_at FROM receipts r
      WHERE id = ANY ($1) AND matched_at IS NULL AND recipient IS NOT NULL AND carrier_ids[1] <> ''
        AND NOT EXISTS (SELECT FROM message_parts p WHERE p.carrier_id = ANY (r.carrier_ids) AND p.route = r.route))
    INSERT INTO message_parts (message_id, attempt, part, state, route, carrier_id, submitted_at)
    SELECT DISTINCT ON (m.id) m.id, m.attempt, 0, 'uncertain', waiting.route, waiting.carrier_id, m.sent_at
    FROM waiting CROSS JOIN LATERAL (
      SELECT id, attempt, parts, sent_at, count(*) OVER () AS candidates, bool_or(state = 'submitting') OVER () AS are_others_under_way
      FROM messages WHERE recipient = waiting.recipient AND route = waiting.route AND state IN ('uncertain', 'submitting') LIMIT 2) m
    WHERE m.candidates = 1 AND NOT m.are_others_under_way AND m.parts = 1 AND waiting.received_at >= m.sent_at
    ON CONFLICT (message_id, attempt, part) DO UPDATE SET carrier_id = excluded.carrier_id WHERE message_parts.carrier_id IS NULL
    RETURNING message_id`,
}

const lockMessages: Statement = {
  name: 'lock messages that have receipts',
  text: 'SELECT id, state, attempt, parts, trace FROM messages WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE',
}
type LockedMessage = Omit<TriedMessage, 'tried'> & { id: string; trace: TraceStep[] }

/** Whose they are is known from now on by their messages. */
const takeThem: Statement = {
  name: 'take receipts',
  text: `WITH waiting AS (SELECT id FROM receipts WHERE id = ANY ($1) AND matched_at IS NULL ORDER BY id FOR NO KEY UPDATE)
    UPDATE receipts r SET matched_at = $2, recipient = NULL FROM waiting WHERE r.id = waiting.id RETURNING r.id`,
}
const triedParts: Statement = {
  name: 'all tries of parts',
  text: `SELECT message_id AS "messageId", attempt, part, state, submitted_at AS "submittedAt", done_at AS "doneAt"
    FROM message_parts WHERE message_id = ANY ($1)`,
}
type PartRow = TriedPart & { messageId: string; submittedAt: number; doneAt: number | null }

const writeParts: Statement = {
  name: 'write parts after receipts',
  text: `UPDATE message_parts p SET state = d.state, error = coalesce(d.error, p.error),
      done_at = coalesce(p.done_at, to_timestamp(d."doneAt" / 1000.0))
    FROM jsonb_to_recordset($1::jsonb) AS d ("messageId" uuid, attempt integer, part smallint, state text, error text, "doneAt" float8)
    WHERE p.message_id = d."messageId" AND p.attempt = d.attempt AND p.part = d.part`,
}
/** What a state brings with it, as at the other places that write one: nobody sends it, nothing is to be looked at. */
const writeMessages: Statement = {
  name: 'write messages after receipts',
  text: `UPDATE messages m SET state = d.state, trace = m.trace || d.trace,
      done_at = coalesce(to_timestamp(d."doneAt" / 1000.0), m.done_at),
      due_at = CASE WHEN d.state = m.state THEN m.due_at END,
      sending_by = CASE WHEN d.state = m.state THEN m.sending_by END,
      sealed_text = CASE WHEN d.state IN ('held', 'queued', 'submitting', 'uncertain') THEN m.sealed_text END,
      uncertain_at = CASE WHEN d.state = m.state THEN m.uncertain_at END
    FROM jsonb_to_recordset($1::jsonb) AS d (id uuid, state text, trace jsonb, "doneAt" float8)
    WHERE m.id = d.id`,
}

export const findWaiting: Statement = {
  name: 'receipts that wait for these ids',
  text: 'SELECT id, route FROM receipts WHERE matched_at IS NULL AND carrier_ids && $1::text[]',
}
const findLeft: Statement = {
  name: 'receipts that were left unmatched',
  text: `SELECT id, received_at AS "receivedAt" FROM receipts WHERE matched_at IS NULL AND (received_at, id) > ($1, $2)
    ORDER BY received_at, id LIMIT ${mostAtOnce}`,
}
const countLeft: Statement = {
  name: 'count receipts that wait',
  text: `SELECT count(*) AS count FROM (SELECT FROM receipts WHERE matched_at IS NULL AND received_at <= $1 LIMIT ${mostCounted}) waiting`,
}
const purgeSome: Statement = {
  name: 'purge old receipts',
  text: `WITH old AS (DELETE FROM receipts WHERE id IN (SELECT id FROM receipts WHERE received_at < $1 ORDER BY received_at LIMIT 5000)
      RETURNING matched_at)
    SELECT count(*) AS purged, count(*) FILTER (WHERE matched_at IS NULL) AS unmatched FROM old`,
}

/**
 * They are stored when this settles, and most often matched, too: when the store goes away between the two, `matchLeft` matches
 * them later.
 * @throws StoreUnavailable if they are not stored
 */
export async function takeReceipts(connections: Connections, receipts: readonly IncomingReceipt[], at: number): Promise<void> {
  const rows = receipts.map(({ route, to, carrierIds, state, error, doneAt }) => ({
    route,
    recipient: printable(to),
    // What a carrier writes may hold what no text can; nothing of it shall keep the others from being stored.
    carrierIds: carrierIds.map(printable),
    state,
    error: error === null ? null : printable(error).slice(0, mostErrorUnits),
    doneAt,
  }))
  const stored = await connections.run<{ id: number }>(storeReceipts, [JSON.stringify(rows), new Date(at)])
  try {
    await matchInPieces(
      connections,
      stored.map(({ id }) => id),
      at,
    )
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    connections.log.info({ receipts: stored.length }, 'Postgres went away before these receipts were matched; they are matched later')
  }
}

/** After answers were recorded (committed): applies the receipts that were faster. Returns how many. @throws StoreUnavailable */
export async function matchWaiting(connections: Connections, taken: readonly TakenUnder[], at: number): Promise<number> {
  const routes = new Set(taken.map(({ route }) => route))
  const ids = [...new Set(taken.map(({ carrierId }) => printable(carrierId)))]
  const waiting = await connections.run<{ id: number; route: string }>(findWaiting, [ids])
  return matchInPieces(
    connections,
    waiting.filter(({ route }) => routes.has(route)).map(({ id }) => id),
    at,
  )
}

/**
 * Looks once more for the parts of all receipts that were received after `since` and match none yet: what a process left undone.
 * Returns how many were matched. @throws StoreUnavailable
 */
export async function matchLeft(connections: Connections, since: number, at: number, stop?: AbortSignal): Promise<number> {
  let matched = 0
  let last = { receivedAt: since, id: 0 }
  for (;;) {
    const left = await connections.run<{ id: number; receivedAt: number }>(findLeft, [new Date(last.receivedAt), last.id])
    matched += await matchInPieces(
      connections,
      left.map(({ id }) => id),
      at,
    )
    const end = left.at(-1)
    if (end === undefined || left.length < mostAtOnce || stop?.aborted === true) return matched
    last = end
  }
}

/** Receipts that were received by then and match no part of ours, `mostCounted` at most. @throws StoreUnavailable */
export async function countUnmatched(connections: Connections, receivedBy: number): Promise<number> {
  const [row] = await connections.run<{ count: number }>(countLeft, [new Date(receivedBy)])
  return row?.count ?? 0
}

/** Deletes what was received before then. `unmatched` of them never matched a part. @throws StoreUnavailable */
export async function purgeReceipts(
  connections: Connections,
  before: number,
  stop?: AbortSignal,
): Promise<{ purged: number; unmatched: number }> {
  const total = { purged: 0, unmatched: 0 }
  for (;;) {
    const [row] = await connections.run<{ purged: number; unmatched: number }>(purgeSome, [new Date(before)])
    if (row === undefined || row.purged === 0) return total
    total.purged += row.purged
    total.unmatched += row.unmatched
    if (stop?.aborted === true) return total
  }
}

/** The port `ReceiptStore`. */
export function receiptStore(connections: Connections): ReceiptStore {
  return {
    matchLeft: (since, at, stop) => matchLeft(connections, since, at, stop),
    countUnmatched: (receivedBy) => countUnmatched(connections, receivedBy),
    purgeReceipts: (before, stop) => purgeReceipts(connections, before, stop),
  }
}

async function matchInPieces(connections: Connections, ids: readonly number[], at: number): Promise<number> {
  let matched = 0
  for (let place = 0; place < ids.length; place += mostAtOnce) {
    const piece = ids.slice(place, place + mostAtOnce)
    const byId = await match(connections, piece, at)
    matched += byId
    if (byId < piece.length && (await connections.run(adoptIds, [piece])).length > 0) matched += await match(connections, piece, at)
  }
  return matched
}

async function match(connections: Connections, ids: readonly number[], at: number): Promise<number> {
  let messageIds: string[] = []
  const matched = await connections.transaction(async (run, last) => {
    const found = await run<FoundPart>(findParts, [ids])
    if (found.length === 0) return 0
    messageIds = [...new Set(found.map(({ messageId }) => messageId))]
    const [messages, taken, parts] = await Promise.all([
      run<LockedMessage>(lockMessages, [messageIds]),
      run<{ id: number }>(takeThem, [found.map(({ receiptId }) => receiptId), new Date(at)]),
      run<PartRow>(triedParts, [messageIds]),
    ])
    const ours = new Set(taken.map(({ id }) => id))
    const receipts = found.filter(({ receiptId }) => ours.has(receiptId))
    await apply(run, last, messages, parts, receipts, at)
    return ours.size
  })
  connections.changes.committed.message(messageIds)
  return matched
}

/** Writes what comes of them. Messages that were erased meanwhile are not among `messages`. */
async function apply(
  run: Run,
  last: Run,
  messages: readonly LockedMessage[],
  parts: readonly PartRow[],
  receipts: readonly FoundPart[],
  at: number,
): Promise<void> {
  const changes = messages.map((message) => {
    const isIts = ({ messageId }: { messageId: string }): boolean => messageId === message.id
    return changesOf(message, parts.filter(isIts), receipts.filter(isIts), at)
  })
  const changedParts = changes.flatMap((change) => change.parts)
  const changedMessages = changes.flatMap((change) => change.message ?? [])
  const writing = changedParts.length > 0 ? [run(writeParts, [JSON.stringify(changedParts)])] : []
  if (changedMessages.length > 0) writing.push(last(writeMessages, [JSON.stringify(changedMessages)]))
  await Promise.all(writing)
}

type ChangedPart = TriedPart & { messageId: string; error: string | null; doneAt: number | null }
type ChangedMessage = { id: string; state: MessageState; trace: TraceStep[]; doneAt: number | null }

/** `receipts` of this message, in the order in which they came. */
function changesOf(
  { id, trace, ...message }: LockedMessage,
  rows: readonly PartRow[],
  receipts: readonly FoundPart[],
  at: number,
): { parts: ChangedPart[]; message: ChangedMessage | null } {
  const changed = new Map<string, ChangedPart>()
  const steps: TraceStep[] = []
  let after: TriedMessage = { ...message, tried: rows.map(({ attempt, part, state }) => ({ attempt, part, state })) }
  for (const receipt of receipts) {
    const isIts = ({ attempt, part }: TriedPart): boolean => attempt === receipt.attempt && part === receipt.part
    // Erased between the look and the lock.
    if (!after.tried.some(isIts)) continue
    const effect = applyReceipt(after, receipt)
    after = effect.message
    for (const one of effect.changed) {
      const doneAt = hasEnded(one.state) ? endOf(receipt.doneAt, rows.find(isIts)?.submittedAt ?? at, at) : null
      changed.set(`${one.attempt} ${one.part}`, { messageId: id, ...one, error: receipt.error, doneAt })
    }
    const { step } = effect
    if (step === null) continue
    const why = withError(step.why, receipt)
    const isTold = [...trace, ...steps].some((told) => told.what === step.what && told.why === why)
    if (!isTold) steps.push({ at, what: step.what, why })
  }
  const parts = [...changed.values()]
  const hasChanged = after.state !== message.state
  if (steps.length === 0 && !hasChanged) return { parts, message: null }
  // Parts may have ended in any order.
  const doneAt = hasChanged && hasEnded(after.state) ? Math.max(...[...rows, ...parts].map((part) => part.doneAt ?? 0)) : null
  return { parts, message: { id, state: after.state, trace: steps, doneAt } }
}

/** As the carrier says if that can be true: its clock may be wrong, and most tell no seconds. */
function endOf(said: number | null, submittedAt: number, at: number): number {
  return said !== null && said > submittedAt && said <= at ? said : at
}

/** Carriers write zeros where there is none. */
function withError(why: string, { error, state }: FoundPart): string {
  return error === null || state === 'delivered' || /^[0/]*$/.test(error) ? why : `${why}, error ${error}`
}
