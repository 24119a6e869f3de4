/** What a change of a ticket does to its clocks. Without I/O: the rows are read and written elsewhere. */
import type { Result, TicketChange, TicketStatus } from '../app/ports/records.ts'
import { countingHours, pastOver, type TicketClocks, type TicketRules } from '../domain/ticket/clocks.ts'
import { openMsBetween } from '../domain/ticket/open-time.ts'
import { paused, resumed, spentBy, stopped, type SlaClock } from '../domain/ticket/sla.ts'
import { refuse } from './customers.ts'
import type { TicketContract } from './ticket-match.ts'

export type Clocked = TicketClocks
/** When the ticket began, and which statuses it entered since, in order. Epoch ms. */
export type TicketPast = { createdAt: number; changes: { status: TicketStatus; at: number }[] }

/** Completed, the promise is kept or broken; reopened, it goes on with what was left, and the law without what has passed. */
export function otherStatus(before: Clocked, status: TicketStatus, rules: TicketRules, at: number): Clocked {
  if (status === before.status) return before
  const isReopened = before.status === 'completed'
  const clocks = { ...(isReopened ? pastOver(before, rules, at) : before), status }
  const { sla } = clocks
  if (sla === null) return clocks
  if (status === 'completed') return { ...clocks, sla: { ...sla, clock: stopped(sla.clock, countingHours(rules, sla.hours), at) } }
  return isReopened ? { ...clocks, sla: { ...sla, clock: resumed(sla.clock, at) } } : clocks
}

/** As a change asks for it, or why it cannot be. */
export function otherPause(
  clocks: Clocked,
  { slaPaused, pausedReason }: Pick<TicketChange, 'slaPaused' | 'pausedReason'>,
  rules: TicketRules,
  at: number,
): Result<Clocked> {
  const { sla } = clocks
  /** What it waits for now. */
  const why = sla?.clock.is === 'paused' ? sla.clock.why : null
  const wanted = slaPaused ?? why !== null
  if (pausedReason !== undefined && !wanted) return refuse('invalid', 'pausedReason', 'belongs to slaPaused: true')
  if (!wanted)
    return { ok: true, value: sla === null || why === null ? clocks : { ...clocks, sla: { ...sla, clock: resumed(sla.clock, at) } } }
  if (why !== null && (pausedReason ?? why) === why) return { ok: true, value: clocks }
  if (sla === null) return refuse('conflict', 'slaPaused', 'No contract promises a time for this ticket, so there is nothing to pause.')
  if (clocks.status === 'completed') return refuse('conflict', 'slaPaused', 'The clock of a completed ticket stands.')
  if (pausedReason === undefined) return refuse('invalid', 'pausedReason', 'is missing: say what the ticket waits for')
  return { ok: true, value: { ...clocks, sla: { ...sla, clock: paused(sla.clock, countingHours(rules, sla.hours), pausedReason, at) } } }
}

/**
 * Another contract's promise. What has been spent stays so; where nothing was promised before, the time since the ticket was made
 * counts in which it was open.
 */
export function otherContract(
  clocks: Clocked,
  { slaMinutes: minutes, hours }: TicketContract,
  past: TicketPast,
  rules: TicketRules,
  at: number,
): Clocked {
  if (minutes === null) return { ...clocks, sla: null }
  const { sla } = clocks
  if (sla === null) {
    const spentMs = spentWhileOpen(past, hours, rules, at)
    const clock: SlaClock = { minutes, spentMs, ...(clocks.status === 'completed' ? { is: 'stopped' } : { is: 'running', since: at }) }
    return { ...clocks, sla: { clock, hours } }
  }
  const spentMs = spentBy(sla.clock, countingHours(rules, sla.hours), at)
  const clock: SlaClock = sla.clock.is === 'running' ? { ...sla.clock, minutes, spentMs, since: at } : { ...sla.clock, minutes }
  return { ...clocks, sla: { clock, hours } }
}

function spentWhileOpen({ createdAt, changes }: TicketPast, hours: string, rules: TicketRules, at: number): number {
  const counting = countingHours(rules, hours)
  const ends = [...changes.slice(1).map((change) => change.at), at]
  return changes.reduce(
    (spent, { status, at: since }, index) =>
      status === 'completed' ? spent : spent + openMsBetween(counting, index === 0 ? createdAt : since, ends[index]!),
    0,
  )
}
