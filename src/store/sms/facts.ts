/**
 * What `domain/sms/decide.ts` has to know of a message, as SQL: the same pieces
 * at the intent and at the claim, so that both decide by the same facts.
 *
 * `m` stands for the message, or for whatever has its columns.
 */
import { milliseconds } from '../milliseconds.ts'

/** Answers a row with `version`: of the ticket on entering its present status. */
export const presentStatus = `
  SELECT version, status FROM ticket_changes WHERE ticket_id = m.ticket_id ORDER BY version DESC LIMIT 1`

/** The last status of the ticket that went to this number by another message. */
export const toldBefore = `
  SELECT jsonb_build_object('status', o.tells_status, 'version', o.tells_version) AS told FROM messages o
  WHERE o.ticket_id = m.ticket_id AND o.recipient = m.recipient AND o.id <> m.id AND o.tells_version IS NOT NULL
    AND o.state IN ('submitting', 'uncertain', 'submitted', 'delivered')
  ORDER BY o.tells_version DESC LIMIT 1`

/**
 * What was said about getting messages, in the order of its saying. An opt-out is found after its customer was erased, too.
 * @param erased SQL for the number's `Keys.erasedDigest`; where a message was written with it, its opt-out has been heeded already
 */
export const consentOf = (erased = 'NULL'): string => `
  SELECT jsonb_agg(jsonb_build_object('purpose', purpose, 'is', CASE WHEN is_in THEN 'in' ELSE 'out' END, 'at', ${milliseconds('said_at')})
    ORDER BY id) AS consent
  FROM sms_consents WHERE number = m.recipient OR erased_digest = ${erased}::bytea`

/**
 * When messages of this kind (answers, or all others) went to the number: the newest `most` since `since`. A message may have
 * been made long before it left, so it is looked back further, by the longest `good_for`.
 */
export const sentBefore = (since: string, most: string): string => `
  SELECT jsonb_agg(${milliseconds('sent_at')}) AS sent FROM (
    SELECT sent_at FROM messages s
    WHERE s.recipient = m.recipient AND s.created_at > ${since} - interval '32 days' AND s.sent_at > ${since}
      AND s.is_answer = m.is_answer AND s.id <> m.id
    ORDER BY s.sent_at DESC LIMIT ${most}) newest`
