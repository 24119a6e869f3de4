/**
 * Both clocks of a ticket together: what has fallen due and was not told yet,
 * and when to look next. Told is a count along a fixed order, so that whoever
 * keeps it with the ticket tells each thing once.
 */
import type { Hours } from '../call/flow.ts'
import type { CountingHours } from './open-time.ts'
import { whenSpent, type SlaClock } from './sla.ts'
import type { TicketStatus } from './status.ts'
import { legalDates, legalSteps, stepAt } from './tkg58.ts'

/** What `pforte.yaml` says of it. */
export type TicketRules = {
  timeZone: string
  /** By name, as contracts name them. */
  hours: Record<string, Hours>
  dueSoonPercent: number
  /** Whether a ticket for which nothing is said reports a fault. */
  faultByDefault: boolean
  /** `sms`: its dates are also told to the customer. */
  tkg58: { on: boolean; sms: boolean }
}

/** Until `pforte.yaml` is read. */
export const plainTicketRules: TicketRules = {
  timeZone: 'UTC',
  hours: {},
  dueSoonPercent: 80,
  faultByDefault: false,
  tkg58: { on: true, sms: false },
}

/** Hours that the file does not know any more count as open: a gap in our file must not take from those who pay. */
export function countingHours(rules: TicketRules, name: string): CountingHours {
  if (name === 'always' || !Object.hasOwn(rules.hours, name)) return 'always'
  return rules.hours[name]!
}

export type TicketClocks = {
  status: TicketStatus
  /** A fault's; epoch ms. Null: no fault, and so no legal clock. */
  reportedAt: number | null
  /** When the customer was told by other means than SMS what is being done about the fault; epoch ms. Null: they were not, or by SMS. */
  noticeGivenAt: number | null
  /** Null: nobody promised anything. */
  sla: { clock: SlaClock; hours: string } | null
  told: Told
}

/** How far each clock has been told: of the promise 0 nothing, 1 due soon, 2 overdue; of the legal one, how many of `legalSteps`. */
export type Told = { sla: number; legal: number }

export const slaSteps = ['due_soon', 'overdue'] as const
/** `at`: when it fell due, epoch ms. */
export type DueEvent =
  | { is: 'due_soon' | 'overdue'; at: number }
  | { is: 'notice'; at: number; day: 1 }
  | { is: 'compensation'; at: number; day: 3 | 5 }

export type Wound = {
  /** In the order of time. */
  due: DueEvent[]
  told: Told
  /** When something falls due next, unless somebody changes the ticket. Epoch ms. */
  nextAt: number | null
}

/**
 * What has fallen due by `at` and was not told. Whoever was away when a promise ran short and comes back when it is broken is
 * told of that alone; legal dates are told each, but for a notice that was given.
 */
export function wind(clocks: TicketClocks, rules: TicketRules, at: number): Wound {
  const sla = windSla(clocks, rules, at)
  const legal = windLegal(clocks, rules, at)
  const nexts = [sla.nextAt, legal.nextAt].filter((next) => next !== null)
  return {
    due: [...sla.due, ...legal.due].sort((a, b) => a.at - b.at),
    told: { sla: sla.told, legal: legal.told },
    nextAt: nexts.length === 0 ? null : Math.min(...nexts),
  }
}

/** What stays told of a ticket that was changed: no more than has been reached by its clocks as they are now. */
export function clampTold(before: Told, reached: Told): Told {
  return { sla: Math.min(before.sla, reached.sla), legal: before.legal }
}

/**
 * A fault that is open again at `at`. Its dates went on while nobody had anything to do about them, and are not told all at once
 * now: only the newest of those that passed, and no notice whose day is over.
 */
export function pastOver(clocks: TicketClocks, rules: TicketRules, at: number): TicketClocks {
  const { reportedAt, told } = clocks
  if (reportedAt === null) return clocks
  const passed = legalSteps.filter((step) => stepAt(step, reportedAt, rules.timeZone) <= at)
  const isLate = passed.at(-1)?.is === 'notice' && at >= legalDates(reportedAt, rules.timeZone).noticeDueAt
  return { ...clocks, told: { ...told, legal: Math.max(told.legal, passed.length - (isLate ? 0 : 1)) } }
}

type WoundOne = { due: DueEvent[]; told: number; nextAt: number | null }

function windSla({ status, sla, told }: TicketClocks, rules: TicketRules, at: number): WoundOne {
  if (sla === null) return { due: [], told: 0, nextAt: null }
  if (status === 'completed' || sla.clock.is !== 'running') return { due: [], told: told.sla, nextAt: null }
  const hours = countingHours(rules, sla.hours)
  const moments = [whenSpent(sla.clock, hours, rules.dueSoonPercent), whenSpent(sla.clock, hours, 100)]
  const reached = moments.filter((moment) => moment !== null && moment <= at).length
  const newest = slaSteps[reached - 1]
  const due: DueEvent[] = newest === undefined || reached <= told.sla ? [] : [{ is: newest, at: moments[reached - 1]! }]
  // Longer hours or another contract may have given time back: what comes nearer once more is told once more.
  return { due, told: reached, nextAt: moments[reached] ?? null }
}

function windLegal({ status, reportedAt, noticeGivenAt, told }: TicketClocks, rules: TicketRules, at: number): WoundOne {
  if (reportedAt === null || !rules.tkg58.on || status === 'completed') return { due: [], told: told.legal, nextAt: null }
  const due: DueEvent[] = []
  let reached = told.legal
  for (const step of legalSteps.slice(told.legal)) {
    const isDone = step.is === 'notice' && noticeGivenAt !== null
    const stepsAt = stepAt(step, reportedAt, rules.timeZone)
    // One that was given before its day is not told yet: it may still be taken back.
    if (stepsAt > at && isDone) continue
    if (stepsAt > at) return { due, told: reached, nextAt: stepsAt }
    if (!isDone) due.push({ ...step, at: stepsAt })
    reached++
  }
  return { due, told: reached, nextAt: null }
}
