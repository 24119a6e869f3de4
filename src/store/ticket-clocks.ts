/** A ticket's clocks between its row and `domain/ticket`: what of them is written whenever a ticket changes. */
import { clampTold, countingHours, wind, type TicketClocks, type TicketRules } from '../domain/ticket/clocks.ts'
import { slaState, whenSpent, type SlaClock } from '../domain/ticket/sla.ts'
import type { TicketStatus } from '../domain/ticket/status.ts'

/** As a row has them. Times are epoch ms. */
export type ClockRow = {
  status: TicketStatus
  fault: boolean
  created_at: number
  reported_at: number | null
  notice_given_at: number | null
  sla_minutes: number | null
  sla_hours: string | null
  sla_is: SlaClock['is'] | null
  sla_spent_ms: number | null
  sla_since: number | null
  sla_paused_reason: string | null
  sla_told: number
  legal_told: number
}

export const clockColumns = [
  'status',
  'fault',
  'created_at',
  'reported_at',
  'notice_given_at',
  'sla_minutes',
  'sla_hours',
  'sla_is',
  'sla_spent_ms',
  'sla_since',
  'sla_paused_reason',
  'sla_told',
  'legal_told',
] as const

export function clocksOf(row: ClockRow): TicketClocks {
  const clock = clockOf(row)
  return {
    status: row.status,
    reportedAt: row.fault ? (row.reported_at ?? row.created_at) : null,
    noticeGivenAt: row.notice_given_at,
    sla: clock === null ? null : { clock, hours: row.sla_hours! },
    told: { sla: row.sla_told, legal: row.legal_told },
  }
}

function clockOf({ sla_minutes, sla_is, sla_spent_ms, sla_since, sla_paused_reason }: ClockRow): SlaClock | null {
  if (sla_is === null) return null
  const counted = { minutes: sla_minutes!, spentMs: sla_spent_ms! }
  switch (sla_is) {
    case 'running':
      return { ...counted, is: 'running', since: sla_since! }
    case 'paused':
      return { ...counted, is: 'paused', why: sla_paused_reason! }
    case 'stopped':
      return { ...counted, is: 'stopped' }
  }
}

/** What to write after the ticket has become this at `at`. Nothing is told by it: what has fallen due is, when the clocks are looked at. */
export function clockValues(clocks: TicketClocks, rules: TicketRules, at: number) {
  const { sla, status } = clocks
  const wound = wind(clocks, rules, at)
  const told = clampTold(clocks.told, wound.told)
  const next = wound.due[0]?.at ?? wound.nextAt
  return {
    ...(sla === null ? noSla : slaValues(sla.clock, sla.hours, rules)),
    is_overdue: sla !== null && status !== 'completed' && slaState(sla.clock, countingHours(rules, sla.hours), at) === 'overdue',
    sla_told: told.sla,
    legal_told: told.legal,
    clock_at: next === null ? null : new Date(next),
  }
}

const noSla = {
  sla_minutes: null,
  sla_hours: null,
  sla_is: null,
  sla_spent_ms: null,
  sla_since: null,
  sla_paused_reason: null,
  sla_due_at: null,
}

function slaValues(clock: SlaClock, hours: string, rules: TicketRules) {
  const dueAt = whenSpent(clock, countingHours(rules, hours), 100)
  return {
    sla_minutes: clock.minutes,
    sla_hours: hours,
    sla_is: clock.is,
    sla_spent_ms: clock.spentMs,
    sla_since: clock.is === 'running' ? new Date(clock.since) : null,
    sla_paused_reason: clock.is === 'paused' ? clock.why : null,
    // Of a completed one what it was last: when it would have been due.
    ...(clock.is === 'stopped' ? {} : { sla_due_at: dueAt === null ? null : new Date(dueAt) }),
  }
}
