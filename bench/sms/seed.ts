/** Messages by the thousand, as rows: what is measured begins with their commit. */
import type pg from 'pg'
import { EVENT } from './pforte-side.ts'

const FAR_AHEAD = '2 years'

/** Writes messages that are held for later, each to a number of its own. Answers the batch's mark. */
export async function seedHeld(db: pg.Pool, count: number, batch: string): Promise<void> {
  await db.query(
    `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, time_zone, dedupe_key, due_at, parts, trace, created_at)
    SELECT uuidv7(), 'out', '+4915' || (200000000 + n)::text, 'Pforte', 'Ihre Zahlung ist eingegangen. Vielen Dank.', 'held', $3, now(),
      'Europe/Berlin', $2 || ' ' || n, now() + interval '${FAR_AHEAD}' + n * interval '1 ms', 1,
      jsonb_build_array(jsonb_build_object('at', 0, 'what', 'held', 'why', 'for the bench')), now()
    FROM generate_series(1, $1::integer) n`,
    [count, batch, EVENT],
  )
  await db.query('VACUUM (ANALYZE) messages')
}

/** Makes a batch due, in one commit: from here on it counts. */
export async function makeDue(db: pg.Pool, batch: string): Promise<void> {
  await db.query(`UPDATE messages SET state = 'queued', due_at = now() WHERE state = 'held' AND dedupe_key LIKE $1 || ' %'`, [batch])
}

/** How many of a batch have come so far. */
export async function countIn(db: pg.Pool, state: string, batch: string): Promise<number> {
  const { rows } = await db.query<{ count: string }>(`SELECT count(*) FROM messages WHERE state = $1 AND dedupe_key LIKE $2 || ' %'`, [
    state,
    batch,
  ])
  return Number(rows[0]!.count)
}
