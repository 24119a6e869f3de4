/**
 * A hotline after years: customers with their numbers and contracts, their
 * tickets, calls and messages, and who changed what, each a million. Most rows
 * are old and done, a few are open; a few people have very many.
 */
import type pg from 'pg'

export const ROWS = 1_000_000
const YEARS_MS = 3 * 365 * 86_400_000

/** One connection, on which triggers and foreign keys rest: what they would write is seeded as well. */
export async function seed(db: pg.Pool, rows: number, step: (what: string) => void): Promise<void> {
  const client = await db.connect()
  try {
    await client.query(`SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '256MB'`)
    for (const [what, statement] of Object.entries(statements(rows))) {
      step(what)
      await client.query(statement)
    }
    step('looking at what there is')
    await client.query('VACUUM (ANALYZE)')
  } finally {
    client.release(true)
  }
}

/** `n` goes from the oldest to the newest. */
function statements(rows: number): Record<string, string> {
  const series = `generate_series(1, ${rows}) n`
  const began = `(now() - interval '${YEARS_MS} ms')`
  const at = `date_trunc('milliseconds', ${began} + n * interval '${YEARS_MS / (rows + 1)} ms')`
  // An id that is found again from its place: 00000005-0000-7000-8000-000000000017 is the 23rd of kind 5.
  const id = (kind: number, place = 'n'): string =>
    `(lpad('${kind}', 8, '0') || '-0000-7000-8000-' || lpad(to_hex((${place})::bigint), 12, '0'))::uuid`
  // Spread over all of them, so that what belongs to one customer is not side by side.
  const owner = `(n::bigint * 7919 % ${rows} + 1)`
  const number = (place: string): string => `'+4915' || (200000000 + (${place}))`
  // One in fifty is of the same few people.
  const caller = `CASE WHEN n % 50 = 0 THEN ${number('n / 50 % 5')} ELSE ${number(owner)} END`
  const isOpen = `n > ${rows} - 3000`
  return {
    customers: `
      INSERT INTO customers (id, customer_number, name, language, time_zone, created_at)
      SELECT ${id(1)}, (n + 100000)::text,
        (ARRAY['Weber', 'Sommer', 'Bäckerei', 'Müller', 'Schmidt', 'Hotel', 'Autohaus', 'Praxis'])[n % 8 + 1] || ' ' || md5(n::text),
        CASE WHEN n % 10 = 0 THEN 'en' ELSE 'de' END, 'Europe/Berlin', ${at} FROM ${series}`,
    numbers: `INSERT INTO customer_phone_numbers (number, customer_id, place) SELECT ${number('n')}, ${id(1)}, 0 FROM ${series}`,
    contracts: `
      INSERT INTO contracts (id, customer_id, service, queue, priority, hours, sla_minutes, created_at)
      SELECT ${id(2)}, ${id(1)}, 'Entstörung in 8 Stunden', (SELECT name FROM queues ORDER BY name LIMIT 1), n % 3, 'always', 480, ${at}
      FROM ${series}`,
    PINs: `
      INSERT INTO pins (id, contract_id, digest, key_id, length, created_at, revoked_at)
      SELECT ${id(3)}, ${id(2, 'n % 50000 + 1')}, sha256(n::text::bytea), 'bench', 5, ${at}, CASE WHEN n % 20 > 0 THEN ${at} END
      FROM generate_series(1, ${Math.ceil(rows / 10)}) n`,
    tickets: `
      INSERT INTO tickets (id, number, customer_id, contract_id, queue, caller, subject, status, source, version, call_id, fault, merged_into,
        sla_minutes, sla_hours, sla_is, sla_spent_ms, sla_since, sla_due_at, is_overdue, clock_at, created_at, updated_at)
      SELECT ${id(4)}, (n + 1000000)::text, ${id(1, owner)}, ${id(2, owner)},
        CASE WHEN n % 100 = 0 THEN 'seldom' ELSE (SELECT name FROM queues ORDER BY name LIMIT 1) END, ${caller},
        'Anschluss gestört', CASE WHEN NOT (${isOpen}) THEN 'completed' WHEN n % 2 = 0 THEN 'received' ELSE 'in_progress' END,
        CASE WHEN n % 3 = 0 THEN 'api' ELSE 'voicemail' END, 3, 'call-' || n, n % 4 > 0,
        CASE WHEN n % 500 = 0 THEN ${id(4, 'n - n % 5000 + 1')} END,
        480, 'always', CASE WHEN ${isOpen} THEN 'running' ELSE 'stopped' END, 0, CASE WHEN ${isOpen} THEN ${at} END,
        ${at} + interval '8 hours', n % 40 = 0, CASE WHEN ${isOpen} THEN now() + interval '1 day' END, ${at}, ${at} + interval '1 day'
      FROM ${series}`,
    'their changes': `
      INSERT INTO ticket_changes (ticket_id, version, status, changed_at)
      SELECT ${id(4)}, 3, 'completed', ${at} FROM generate_series(${rows - 100_000}, ${rows}) n`,
    comments: `
      INSERT INTO ticket_comments (id, ticket_id, author, text, created_at)
      SELECT ${id(5)}, ${id(4, `${rows} - n % 20000`)}, 'Anna', 'Der Techniker kommt am Dienstag.', ${at} FROM ${series}`,
    calls: `
      INSERT INTO calls (id, asterisk, leg, line, dialled, caller, language, flow_hash, customer_id, contract_id, queued_at, started_at,
        answered_at, ended_at, outcome, ticket_id, path)
      SELECT 'call-' || n, 'pbx', 'leg', CASE WHEN n % 100 = 0 THEN 'hotline-en' ELSE 'hotline' END, '+49621555100', ${caller}, 'de', 'flow',
        ${id(1, owner)}, ${id(2, owner)}, ${at}, ${at}, ${at}, ${at} + interval '3 minutes',
        CASE WHEN n % 5000 = 0 THEN 'failed' WHEN n % 3 = 0 THEN 'voicemail' ELSE 'connected' END, ${id(4)},
        '[{"step": "ask_pin", "enteredAt": 1700000000000, "outcome": "right"}, {"step": "waiting", "enteredAt": 1700000010000, "outcome": "done"}]'
      FROM ${series}`,
    messages: `
      INSERT INTO messages (id, direction, recipient, sender, body, state, template, ticket_id, customer_id, tells_status, tells_version,
        time_zone, happened_at, dedupe_key, sent_at, done_at, trace, created_at)
      SELECT ${id(6)}, CASE WHEN n % 20 = 0 THEN 'in' ELSE 'out' END, CASE WHEN n % 20 = 0 THEN '+49621555100' ELSE ${caller} END,
        CASE WHEN n % 20 = 0 THEN ${caller} ELSE '+49621555100' END, 'Ihr Anliegen ist jetzt in Arbeit.',
        CASE WHEN n % 20 = 0 THEN 'received' WHEN n % 5001 = 0 THEN 'failed' WHEN n % 101 = 0 THEN 'undeliverable' ELSE 'delivered' END,
        CASE WHEN n % 20 = 0 THEN NULL WHEN n % 100 = 1 THEN 'payment.received' ELSE 'ticket.received' END, ${id(4)}, ${id(1, owner)},
        'received', 1, 'Europe/Berlin', ${at}, 'bench ' || n, ${at}, ${at},
        '[{"at": 1700000000000, "what": "queued", "why": "within the delivery window"}, {"at": 1700000000900, "what": "submitting", "why": "within the delivery window"}, {"at": 1700000001000, "what": "submitted", "why": "the carrier took it"}, {"at": 1700000002000, "what": "delivered", "why": "its receipt says so"}]',
        ${at}
      FROM ${series}`,
    'their parts': `
      INSERT INTO message_parts (message_id, attempt, part, state, route, carrier_id, submitted_at, done_at)
      SELECT ${id(6)}, 1, 0, 'delivered', 'route', n::text, ${at}, ${at} FROM ${series}`,
    'who changed what': `
      INSERT INTO audit (at, actor, action, object, object_id, customer_id, before, after)
      SELECT ${at}, CASE WHEN n % 1000 = 0 THEN '{"cli": "anna"}'::jsonb ELSE '{"keyId": "first", "name": "first administrator"}' END,
        'changed', CASE WHEN n % 500 = 0 THEN 'contract' ELSE 'ticket' END, ${id(4)}::text, ${id(1, owner)},
        '{"status": "received"}', '{"status": "in_progress"}' FROM ${series}`,
  }
}
