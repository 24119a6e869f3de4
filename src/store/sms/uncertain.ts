/**
 * Messages of which nobody knows whether the carrier has them: those that a
 * process was submitting when it died, and those that were never answered.
 */
import { settle } from '../../domain/sms/uncertain.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import type { Connections, Statement } from '../connections.ts'
import type { TraceStep } from '../schema.ts'
import { senderLockKey } from './sender-lease.ts'

const othersSubmitting: Statement = {
  name: 'who else is submitting',
  text: `SELECT DISTINCT sending_by AS sender FROM messages WHERE state = 'submitting' AND sending_by IS DISTINCT FROM $1`,
}
/** Only a dead one's lock can be had; ours goes with this transaction. */
const isDead: Statement = { name: 'whether a sender is dead', text: `SELECT pg_try_advisory_xact_lock(${senderLockKey}) AS dead` }
const nowUncertain: Statement = {
  name: 'what a dead sender was submitting',
  text: `WITH lost AS (
      UPDATE messages SET state = 'uncertain', sending_by = NULL, uncertain_at = $2, due_at = $2, trace = trace || $3::jsonb
      WHERE state = 'submitting' AND sending_by = $1 RETURNING id)
    SELECT id FROM lost`,
}

export async function rescue(connections: Connections, sender: string, at: number): Promise<{ uncertain: number }> {
  let uncertain = 0
  for (const { sender: other } of await connections.run<{ sender: string }>(othersSubmitting, [sender])) {
    const lost = await connections.transaction(async (run) => {
      const [lock] = await run<{ dead: boolean }>(isDead, [other])
      if (lock?.dead !== true) return []
      const step: TraceStep = { at, what: 'uncertain', why: 'its sender died while it was being written' }
      return run<{ id: string }>(nowUncertain, [other, new Date(at), JSON.stringify([step])])
    })
    uncertain += lost.length
    connections.changes.committed.message(lost.map(({ id }) => id))
  }
  return { uncertain }
}

/** So many are settled in one transaction. */
const mostAtOnce = 100

const dueUncertain: Statement = {
  name: 'uncertain messages to be settled',
  text: `SELECT id, template, uncertain_at AS "uncertainAt", repeats, happened_at AS "happenedAt" FROM messages
    WHERE state = 'uncertain' AND due_at <= $1 ORDER BY due_at LIMIT ${mostAtOnce} FOR UPDATE SKIP LOCKED`,
}
type UncertainRow = { id: string; template: string | null; uncertainAt: number; repeats: number; happenedAt: number }

const waitOn: Statement = { name: 'wait on for an answer', text: 'UPDATE messages SET due_at = $2 WHERE id = $1' }
/** We do not send it again; what the carrier says late may still end it. */
const leaveIt: Statement = {
  name: 'leave a message uncertain',
  text: 'UPDATE messages SET due_at = NULL, sealed_text = NULL, trace = trace || $2::jsonb WHERE id = $1',
}
/** The claim decides anew whether it may go, so nothing is decided here. */
const sendAgain: Statement = {
  name: 'send an uncertain message again',
  text: `WITH parts AS (UPDATE message_parts SET state = 'queued' WHERE message_id = $1 AND state = 'uncertain')
    UPDATE messages SET state = 'queued', due_at = $3, repeats = repeats + 1, uncertain_at = NULL, trace = trace || $2::jsonb WHERE id = $1`,
}
const nextUncertain: Statement = {
  name: 'when the next uncertain message is to be settled',
  text: `SELECT due_at AS "dueAt" FROM messages WHERE state = 'uncertain' AND due_at IS NOT NULL ORDER BY due_at LIMIT 1`,
}

/** For a look at their plans. */
export const lookingForUncertain = [othersSubmitting, dueUncertain, nextUncertain]

export async function settleUncertain(connections: Connections, definition: SmsDefinition, at: number): Promise<{ nextAt: number | null }> {
  // Those of a crash may be many, and none waits for the next time that somebody looks.
  while ((await settleSome(connections, definition, at)) === mostAtOnce);
  const [next] = await connections.run<{ dueAt: number }>(nextUncertain, [])
  return { nextAt: next?.dueAt ?? null }
}

/** @returns how many were due */
async function settleSome(connections: Connections, definition: SmsDefinition, at: number): Promise<number> {
  const settled = await connections.transaction(async (run) => {
    const due = await run<UncertainRow>(dueUncertain, [new Date(at)])
    for (const row of due) {
      const policy = (row.template === null ? undefined : definition.templates[row.template])?.onUncertain ?? { is: 'leave' as const }
      const settled = settle(policy, { sinceAt: row.uncertainAt, at, repeats: row.repeats }, () => ({
        do: 'send',
        validUntil: Number.MAX_SAFE_INTEGER,
        what: 'queued',
        why: 'asked again when it is claimed',
      }))
      if (settled.do === 'wait') await run(waitOn, [row.id, new Date(settled.until)])
      else {
        const step = JSON.stringify([{ at, what: settled.what, why: settled.why } satisfies TraceStep])
        if (settled.do === 'leave') await run(leaveIt, [row.id, step])
        else await run(sendAgain, [row.id, step, new Date(at)])
      }
    }
    return due.map(({ id }) => id)
  })
  connections.changes.committed.message(settled)
  return settled.length
}
