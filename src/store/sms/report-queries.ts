/**
 * The figures of the report on status SMS, as SQL. Each takes $1 from, $2 to;
 * all read their period by an index on its time.
 */

/** No message is of use for longer (config/schema/sms.ts), so what left in a period was made in it or this long before. */
const longestGood = `interval '31 days'`
const outbound = `ARRAY['held', 'queued', 'submitting', 'uncertain', 'submitted', 'delivered', 'undeliverable', 'expired', 'failed',
  'suppressed', 'superseded']`
/** A caller with more tickets than that is a switchboard. */
const mostTickets = 50

/** Of whoever is `p.number`, or `p.customer_id`: the newest ticket that was open at `p.at`. */
const openTicket = (whose: string): string => `
  (SELECT t.id, t.created_at FROM (
    SELECT id, created_at FROM tickets WHERE ${whose} AND created_at < p.at ORDER BY created_at DESC, id DESC LIMIT ${mostTickets}) t
  WHERE (SELECT c.status FROM ticket_changes c WHERE c.ticket_id = t.id AND c.changed_at <= p.at ORDER BY c.version DESC LIMIT 1)
    IS DISTINCT FROM 'completed'
  ORDER BY t.created_at DESC, t.id DESC LIMIT 1)`

/**
 * $3 the time zone. Calls by whoever had an open ticket; replies that were put on an open ticket, or asked for the status of
 * one: what a reply became is in its trace (store/sms/reply-outcome.ts). Answers one row.
 */
export const enquiries = `
  WITH called AS (
    SELECT c.started_at AS at, c.outcome = 'informed' AS informed, c.caller AS number,
      coalesce(c.customer_id, (SELECT n.customer_id FROM customer_phone_numbers n WHERE n.number = c.caller)) AS customer_id
    FROM calls c WHERE c.started_at >= $1 AND c.started_at < $2),
  replied AS (
    SELECT created_at AS at, ticket_id, trace @> '[{"what": "status"}]' AS asks
    FROM messages WHERE state = 'received' AND created_at >= $1 AND created_at < $2 AND ticket_id IS NOT NULL
      AND (trace @> '[{"what": "status"}]' OR trace @> '[{"what": "comment"}]')),
  asked AS MATERIALIZED (
    SELECT 'call' AS kind, p.at, p.informed, false AS asks, t.id AS ticket_id, t.created_at AS ticket_since FROM called p
      CROSS JOIN LATERAL (
        SELECT * FROM (${openTicket('caller = p.number')} UNION ALL ${openTicket('customer_id = p.customer_id')}) found
        ORDER BY created_at DESC, id DESC LIMIT 1) t
    UNION ALL
    SELECT 'reply', r.at, false, r.asks, t.id, t.created_at FROM replied r JOIN tickets t ON t.id = r.ticket_id)
  SELECT
    (SELECT coalesce(jsonb_agg(day ORDER BY date), '[]') FROM (
      SELECT (at AT TIME ZONE $3)::date::text AS date, count(*) FILTER (WHERE kind = 'call') AS calls,
        count(*) FILTER (WHERE kind = 'reply') AS replies, count(*) FILTER (WHERE asks) AS "statusWords"
      FROM asked GROUP BY 1) day) AS days,
    (SELECT count(*) FROM asked WHERE informed) AS "callsEndedInformed",
    (SELECT count(DISTINCT ticket_id) FROM asked WHERE ticket_since >= $1) AS "ticketsAskedAbout",
    (SELECT count(*) FROM tickets WHERE created_at >= $1 AND created_at < $2) AS "ticketsCreated"`

/** $3 what left after it may still be followed by a call. From any number of the customer, or the one that was told. */
export const statusMessages = `
  WITH told AS MATERIALIZED (
    SELECT recipient, customer_id, sent_at FROM messages
    WHERE state IN ('submitted', 'delivered') AND created_at >= $1::timestamptz - ${longestGood} AND created_at < $2
      AND sent_at >= $1 AND sent_at < least($2::timestamptz, $3::timestamptz) AND tells_status IS NOT NULL)
  SELECT count(*) AS "statusMessages", count(*) FILTER (WHERE NOT EXISTS (
    SELECT FROM (SELECT told.recipient AS number UNION SELECT number FROM customer_phone_numbers WHERE customer_id = told.customer_id) n
      JOIN calls c ON c.caller = n.number
    WHERE c.started_at > told.sent_at AND c.started_at <= told.sent_at + interval '24 hours')) AS "statusMessagesWithoutCall"
  FROM told`

/** Of messages that were made in the period, whatever became of them since. */
export const statesByTemplate = `
  SELECT template, state, count(*) AS messages FROM messages
  WHERE state = ANY (${outbound}) AND created_at >= $1 AND created_at < $2 AND template IS NOT NULL
  GROUP BY template, state ORDER BY template, state`

/** Of messages that left in the period. */
export const sentByTemplate = `
  SELECT template, count(*) AS sent FROM messages
  WHERE state = ANY (${outbound}) AND created_at >= $1::timestamptz - ${longestGood} AND created_at < $2
    AND sent_at >= $1 AND sent_at < $2 AND template IS NOT NULL
  GROUP BY template`

/** The last message before `s.at` that somebody may have had enough of. Null: they got none in the two days before. */
const messageBefore = `LEFT JOIN LATERAL (
    SELECT m.template FROM messages m
    WHERE m.recipient = s.number AND m.direction = 'out' AND m.created_at >= s.at - interval '2 days' - ${longestGood} AND m.created_at < s.at
      AND m.sent_at > s.at - interval '2 days' AND m.sent_at < s.at
      AND m.template NOT IN ('opt_out.confirmation', 'opt_in.confirmation')
    ORDER BY m.sent_at DESC, m.id DESC LIMIT 1) told ON true`

export const optOutsByTemplate = `
  SELECT told.template, count(*) AS count
  FROM (SELECT number, said_at AS at FROM sms_consents WHERE NOT is_in AND said_at >= $1 AND said_at < $2) s ${messageBefore}
  GROUP BY told.template`

/** Replies that became a ticket of their own: nothing was open, and the message brought work instead of sparing it. */
export const complaintsByTemplate = `
  SELECT told.template, count(*) AS count
  FROM (SELECT sender AS number, created_at AS at FROM messages
    WHERE state = 'received' AND created_at >= $1 AND created_at < $2 AND trace @> '[{"what": "ticket"}]') s ${messageBefore}
  WHERE told.template IS NOT NULL
  GROUP BY told.template`

const deliveryMs = (share: number): string =>
  `round(percentile_cont(${share}) WITHIN GROUP (ORDER BY greatest(0, extract(epoch FROM done_at - sent_at)::float8 * 1000))
    FILTER (WHERE state = 'delivered' AND done_at IS NOT NULL))::bigint`

export const byRoute = `
  SELECT coalesce(route, '') AS route, count(*) AS sent, count(*) FILTER (WHERE state = 'delivered') AS delivered,
    count(*) FILTER (WHERE state = 'undeliverable') AS undeliverable, count(*) FILTER (WHERE state = 'expired') AS expired,
    count(*) FILTER (WHERE state = 'failed') AS failed, ${deliveryMs(0.5)} AS "deliveryP50Ms", ${deliveryMs(0.95)} AS "deliveryP95Ms"
  FROM messages
  WHERE state = ANY (${outbound}) AND created_at >= $1::timestamptz - ${longestGood} AND created_at < $2 AND sent_at >= $1 AND sent_at < $2
  GROUP BY 1 ORDER BY 1`
