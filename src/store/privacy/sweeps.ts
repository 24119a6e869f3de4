/**
 * What is old, kind by kind: how it is found and how it is taken away.
 *
 * Each look is a page of an index, from the oldest on, and goes on behind the
 * last row that it saw. Most kinds have an index of just what is still to go.
 * Calls and messages have none, because each call and message would pay for
 * it: there the look begins where everything before was done (`progress`).
 */
import type { RetentionKind } from '../../app/ports/retention.ts'
import type { Statement } from '../connections.ts'

export type Sweep = {
  /**
   * $1 what is older goes, $2 $3 behind which time and id, and with `states` $4 of which state. Answers the page's rows in order:
   * `id`, `at` (as Postgres writes it), and whether it `goes`. Planned for its values: for any values Postgres may take the rows
   * between for few, and sort them all at each page.
   */
  find: Statement
  /** $1 ids of rows that go, and what else `given` says. Looks once more whether they still do. Answers `id` of what was taken away. */
  take: Statement
  given: (old: readonly Old[], by: { at: number; erasedName: (name: string) => string }) => unknown[]
  pageRows: number
  /** Before the first row. */
  firstId: string
  /** Its name, if it has one; `waiting` answers the time of the oldest row that cannot go yet (`oldest`), or null. */
  progress: { name: string; waiting: Statement } | null
  /** One after the other; a message that moves on while they are walked is met again. Null: no states. */
  states: readonly string[] | null
}

export type Old = { id: string; at: string; goes: boolean; name?: string }

const idsOf = (old: readonly Old[]): string[] => old.map(({ id }) => id)

const noUuid = '00000000-0000-0000-0000-000000000000'
const usual = { pageRows: 500, firstId: noUuid, progress: null, states: null, given: (old: readonly Old[]) => [idsOf(old)] } as const
/** $2 is now. */
const withTime: Sweep['given'] = (old, { at }) => [idsOf(old), new Date(at)]

/** Much to be deleted with each: three minutes are some 3 MB. */
const recordings: Sweep = {
  ...usual,
  pageRows: 20,
  given: withTime,
  find: {
    name: 'old recordings',
    text: `SELECT r.id, r.created_at::text AS at, t.status = 'completed' AS goes FROM recordings r JOIN tickets t ON t.id = r.ticket_id
      WHERE r.erased_at IS NULL AND r.created_at < $1 AND (r.created_at, r.id) > ($2::timestamptz, $3::uuid)
      ORDER BY r.created_at, r.id LIMIT 20`,
  },
  take: {
    name: 'take recordings away',
    text: `WITH gone AS (
        UPDATE recordings r SET erased_at = $2, duration_ms = NULL, size_bytes = 0 FROM tickets t
        WHERE r.id = ANY ($1) AND t.id = r.ticket_id AND t.status = 'completed' AND r.erased_at IS NULL RETURNING r.id),
      sound AS (DELETE FROM recording_chunks WHERE recording_id IN (SELECT id FROM gone))
      SELECT id FROM gone`,
  },
}

/** Its name has the caller's number, whatever became of the sound. */
const fallbackNames: Sweep = {
  ...usual,
  pageRows: 100,
  // $2 the names' digests.
  given: (old, { erasedName }) => [idsOf(old), old.map(({ name = '' }) => erasedName(name))],
  find: {
    name: 'old recordings that are named by their caller',
    text: `SELECT id, created_at::text AS at, true AS goes, name FROM recordings
      WHERE name LIKE 'pforte-fallback-%' AND created_at < $1 AND (created_at, id) > ($2::timestamptz, $3::uuid)
      ORDER BY created_at, id LIMIT 100`,
  },
  take: {
    name: 'rename recordings',
    text: `UPDATE recordings SET name = ($2::text[])[array_position($1::uuid[], id)] WHERE id = ANY ($1) RETURNING id`,
  },
}

/** In the order in which a message goes through them. Those that may still leave are not among them. */
const settledStates = [
  ...['uncertain', 'submitted', 'delivered', 'undeliverable', 'expired', 'failed'],
  ...['suppressed', 'superseded', 'received'],
] as const

const waitingMessages: Statement = {
  name: 'oldest message that may still leave',
  text: `SELECT min(at) AS oldest FROM (
      SELECT found.at FROM unnest(ARRAY['held', 'queued', 'submitting']) asked (state)
        CROSS JOIN LATERAL (SELECT created_at AS at FROM messages WHERE state = asked.state ORDER BY created_at LIMIT 1) found
      UNION ALL SELECT min(created_at) FROM messages WHERE state = 'uncertain' AND due_at IS NOT NULL) waiting`,
}

const oldMessages = (goes: string): string => `
  SELECT id, created_at::text AS at, ${goes} AS goes FROM messages
  WHERE state = $4 AND created_at < $1 AND (created_at, id) > ($2::timestamptz, $3::uuid)
  ORDER BY created_at, id LIMIT 500`

const hasText = `(body <> '' OR sealed_text IS NOT NULL) AND (state <> 'uncertain' OR due_at IS NULL)`
const messageTexts: Sweep = {
  ...usual,
  progress: { name: 'texts of messages', waiting: waitingMessages },
  states: settledStates,
  find: { name: 'old texts of messages', text: oldMessages(hasText) },
  take: {
    name: 'take texts of messages away',
    text: `UPDATE messages SET body = '', sealed_text = NULL
      WHERE id = ANY ($1) AND ${hasText} AND state = ANY ('{${settledStates.join()}}') RETURNING id`,
  },
}

const hasNumber = `CASE direction WHEN 'out' THEN recipient ELSE sender END <> '' AND (state <> 'uncertain' OR due_at IS NULL)`
const numbersOfMessages: Sweep = {
  ...usual,
  progress: { name: 'numbers of messages', waiting: waitingMessages },
  states: settledStates,
  find: { name: 'old numbers of messages', text: oldMessages(hasNumber) },
  take: {
    name: 'take numbers of messages away',
    text: `UPDATE messages SET dedupe_key = NULL, recipient = CASE direction WHEN 'out' THEN '' ELSE recipient END,
        sender = CASE direction WHEN 'in' THEN '' ELSE sender END
      WHERE id = ANY ($1) AND ${hasNumber} AND state = ANY ('{${settledStates.join()}}') RETURNING id`,
  },
}

const numbersOfCalls: Sweep = {
  ...usual,
  firstId: '',
  progress: {
    name: 'numbers of calls',
    waiting: { name: 'oldest call under way', text: 'SELECT min(started_at) AS oldest FROM calls WHERE ended_at IS NULL' },
  },
  find: {
    name: 'old numbers of calls',
    text: `SELECT id, started_at::text AS at, caller IS NOT NULL AND ended_at IS NOT NULL AS goes FROM calls
      WHERE started_at < $1 AND (started_at, id) > ($2::timestamptz, $3) ORDER BY started_at, id LIMIT 500`,
  },
  take: {
    name: 'take numbers of calls away',
    text: `UPDATE calls SET caller = NULL
      WHERE id = ANY ($1) AND caller IS NOT NULL AND ended_at IS NOT NULL RETURNING id`,
  },
}

/** What a ticket that nobody may read any more says in the place of its subject; a comment, in the place of its author. */
export const erasedText = 'erased'

const tickets: Sweep = {
  ...usual,
  pageRows: 100,
  given: withTime,
  find: {
    name: 'old tickets',
    text: `SELECT id, updated_at::text AS at, true AS goes FROM tickets
      WHERE status = 'completed' AND erased_at IS NULL AND updated_at < $1 AND (updated_at, id) > ($2::timestamptz, $3::uuid)
      ORDER BY updated_at, id LIMIT 100`,
  },
  take: {
    name: 'take away what tickets say',
    // Contract and call lead to the customer, too. A call knows its ticket only if the ticket knows its call.
    text: `WITH called AS (SELECT id, call_id FROM tickets WHERE id = ANY ($1) AND call_id IS NOT NULL),
      gone AS (
        UPDATE tickets SET subject = '${erasedText}', caller = NULL, customer_id = NULL, contract_id = NULL, call_id = NULL, erased_at = $2
        WHERE id = ANY ($1) AND status = 'completed' AND erased_at IS NULL RETURNING id),
      said AS (UPDATE ticket_comments SET author = '${erasedText}', text = '' 
        WHERE ticket_id = ANY ($1) AND ticket_id IN (SELECT id FROM gone) AND text <> ''),
      untied AS (UPDATE calls c SET ticket_id = NULL FROM called
        WHERE c.id = called.call_id AND c.ticket_id = called.id AND called.id IN (SELECT id FROM gone)),
      heard AS (UPDATE recordings SET call_id = NULL
        WHERE ticket_id = ANY ($1) AND ticket_id IN (SELECT id FROM gone) AND call_id IS NOT NULL)
      SELECT id FROM gone`,
  },
}

/** Of tickets that had been taken away when they were written. */
const lateComments: Sweep = {
  ...usual,
  pageRows: 100,
  find: {
    name: 'old comments',
    text: `SELECT c.id, c.created_at::text AS at, t.status = 'completed' AND t.updated_at < $1 AS goes
      FROM ticket_comments c JOIN tickets t ON t.id = c.ticket_id
      WHERE c.text <> '' AND c.created_at < $1 AND (c.created_at, c.id) > ($2::timestamptz, $3::uuid)
      ORDER BY c.created_at, c.id LIMIT 100`,
  },
  take: {
    name: 'take comments away',
    text: `UPDATE ticket_comments c SET author = '${erasedText}', text = '' FROM tickets t
      WHERE c.id = ANY ($1) AND c.text <> '' AND t.id = c.ticket_id AND t.status = 'completed' RETURNING c.id`,
  },
}

const events: Sweep = {
  ...usual,
  pageRows: 1000,
  find: {
    name: 'old events',
    text: `SELECT id, created_at::text AS at, true AS goes FROM events
      WHERE created_at < $1 AND (created_at, id) > ($2::timestamptz, $3::uuid) ORDER BY created_at, id LIMIT 1000`,
  },
  take: { name: 'take events away', text: 'DELETE FROM events WHERE id = ANY ($1) RETURNING id' },
}

/** What is still to be delivered is not old yet; it is given up within a day. */
const webhooks: Sweep = {
  ...usual,
  pageRows: 1000,
  find: {
    name: 'old deliveries to webhooks',
    text: `SELECT id, done_at::text AS at, true AS goes FROM webhook_deliveries
      WHERE state <> 'pending' AND done_at < $1 AND (done_at, id) > ($2::timestamptz, $3::uuid) ORDER BY done_at, id LIMIT 1000`,
  },
  take: {
    name: 'take deliveries to webhooks away',
    text: `DELETE FROM webhook_deliveries WHERE id = ANY ($1) AND state <> 'pending' RETURNING id`,
  },
}

const audit: Sweep = {
  ...usual,
  pageRows: 1000,
  firstId: '0',
  // $2 their times, which lead to them.
  given: (old) => [idsOf(old), old.map(({ at }) => at)],
  find: {
    name: 'old changes',
    text: `SELECT a.id, a.at::text AS at, true AS goes FROM audit a
      WHERE a.at < $1 AND (a.at, a.id) > ($2::timestamptz, $3::bigint) ORDER BY a.at, a.id LIMIT 1000`,
  },
  take: {
    name: 'take changes away',
    text: `DELETE FROM audit WHERE (at, id) IN (SELECT * FROM unnest($2::timestamptz[], $1::bigint[])) RETURNING id`,
  },
}

export const sweeps: Readonly<Record<RetentionKind, readonly Sweep[]>> = {
  recordings: [recordings],
  message_texts: [messageTexts],
  numbers: [numbersOfCalls, numbersOfMessages, fallbackNames],
  tickets: [tickets, lateComments],
  events: [events],
  webhooks: [webhooks],
  audit: [audit],
}
