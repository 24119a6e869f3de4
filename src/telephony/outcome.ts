/**
 * What Asterisk answered, as one of the few outcomes that a call acts on.
 *
 * While somebody hangs up, the same fact comes under many codes: 404 for a
 * channel that is gone, 409 "not in Stasis" for one that is going, 400 and 422
 * when the bridge is asked to take it. All of these are `gone`; 409 for an id
 * or a name that is taken is `conflict`; whatever else Asterisk says is
 * `refused` (res/ari/resource_*.c).
 */
import type { Outcome } from '../app/ports/telephony.ts'
import type { AriReply } from './ari-call.ts'

const DONE: Outcome<never> = { ok: true, value: undefined as never }

/** A success whose body nobody needs. */
export function outcomeOf(reply: AriReply): Outcome {
  return isSuccess(reply) ? DONE : failureOf(reply)
}

export function isSuccess(reply: AriReply): reply is Extract<AriReply, { status: number }> {
  return reply.status !== null && reply.status >= 200 && reply.status < 300
}

export function failureOf(reply: AriReply): Extract<Outcome, { ok: false }> {
  if (reply.status === null) return { ok: false, why: reply.why, detail: reply.detail }
  const detail = `${reply.status} ${reply.detail}`
  switch (reply.status) {
    case 404:
      return { ok: false, why: 'gone', detail }
    case 409:
      // "… already exists", "… already in progress"; but "Channel … currently recording" when a bridge wants it.
      return {
        ok: false,
        why: /not in (stasis|session)/i.test(reply.detail) ? 'gone' : /already/i.test(reply.detail) ? 'conflict' : 'refused',
        detail,
      }
    case 400:
    case 422:
      return { ok: false, why: /not (found|in stasis)/i.test(reply.detail) ? 'gone' : 'refused', detail }
    case 401:
    case 403:
      return { ok: false, why: 'refused', detail: `${detail}: ari.conf must give this user its password and read_only = no` }
    default:
      return { ok: false, why: 'refused', detail }
  }
}
