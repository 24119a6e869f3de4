/** What a batch of events asks and writes: one statement each, however many they are. */
import { milliseconds } from '../milliseconds.ts'
import type { Statement } from '../prepared.ts'
import { consentOf, sentBefore } from './facts.ts'
import { asIntentRows, intoMessages } from './intent.ts'

/** Digests go as hex. $1: those of keys. */
export const eventsBefore: Statement = {
  name: 'events that came with these keys',
  text: `SELECT encode(idempotency_digest, 'hex') AS key, id, encode(request_digest, 'hex') AS request, message_ids AS "messageIds",
      ${milliseconds('created_at')} AS at
    FROM events WHERE idempotency_digest = ANY ($1::bytea[])`,
}

/** Of each event the customer that it names, else the one who has its number. */
export const customersAsked: Statement = {
  name: 'customers of events',
  text: `SELECT asked.place, k.id, k.language, k.time_zone AS "timeZone",
      ARRAY (SELECT number FROM customer_phone_numbers WHERE customer_id = k.id ORDER BY place) AS numbers
    FROM jsonb_to_recordset($1::jsonb) AS asked (place integer, "customerId" uuid, "to" text)
    LEFT JOIN customer_phone_numbers n ON n.number = asked."to"
    JOIN customers k ON k.id = coalesce(asked."customerId", n.customer_id)`,
}

/** $2 $3: since when and how many earlier messages to a recipient matter. */
export const knownOfRecipients: Statement = {
  name: 'what is known of recipients of events',
  text: `SELECT m.place, consent.consent, sent.sent
    FROM jsonb_to_recordset($1::jsonb) AS m (place integer, id uuid, recipient text, is_answer boolean, erased text)
    CROSS JOIN LATERAL (${consentOf("decode(m.erased, 'hex')")}) consent
    CROSS JOIN LATERAL (${sentBefore('$2::timestamptz', '$3::bigint')}) sent`,
}

/** Keys that count no more, by the events that came with them. */
export const forgetKeys: Statement = {
  name: 'forget keys of events',
  text: 'UPDATE events SET idempotency_digest = NULL WHERE id = ANY ($1::uuid[])',
}

/**
 * $1: events, $2: their messages. An event whose key another process was faster with is not written, nor is its message.
 * Keys go in by their order, so that two processes that write the same ones wait for each other and do not lock each other out.
 */
export const writeEvents: Statement = {
  name: 'write events and their messages',
  text: `WITH event AS (
      INSERT INTO events (id, type, idempotency_digest, request_digest, message_ids, created_at)
      SELECT id, type, decode(key, 'hex'), decode(request, 'hex'), "messageIds", to_timestamp(at / 1000.0)
      FROM jsonb_to_recordset($1::jsonb) AS e (id uuid, type text, key text, request text, "messageIds" uuid[], at float8)
      ORDER BY key
      ON CONFLICT (idempotency_digest) DO NOTHING
      RETURNING id, message_ids),
    message AS (
      ${intoMessages} jsonb_to_recordset($2::jsonb) ${asIntentRows}
      WHERE m.id IN (SELECT unnest(message_ids) FROM event))
    SELECT id FROM event`,
}
