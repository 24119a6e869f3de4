/**
 * The clock of what a contract promises: so many minutes, counted while the
 * contract's hours are open.
 *
 *     started ──► runs ──pause──► paused ──resume──► runs ──stop──► stopped
 *                   └────────────────stop───────────────┘            │
 *                   ▲                                                │
 *                   └──────────────────── resume ────────────────────┘
 *
 * `stop` is the completed ticket, `resume` from there the reopened one: it goes
 * on with what was left. A clock that ran out does not run back.
 */
import { strict as assert } from 'node:assert'
import { openMsBetween, whenOpenFor, type CountingHours } from './open-time.ts'

/** `spentMs` is the open time that had passed when it was last set going or stopped. */
export type SlaClock = { minutes: number; spentMs: number } & (
  | { is: 'running'; since: number }
  | { is: 'paused'; why: string }
  | { is: 'stopped' }
)

export type SlaState = 'running' | 'paused' | 'met' | 'overdue' | 'missed'

const minuteMs = 60_000

/** Of a promise of so many minutes, from `at` (epoch ms) on. */
export function startedClock(minutes: number, at: number): SlaClock {
  return { minutes, spentMs: 0, is: 'running', since: at }
}

/** Open time that has passed by `at`, in ms. */
export function spentBy(clock: SlaClock, hours: CountingHours, at: number): number {
  return clock.spentMs + (clock.is === 'running' ? openMsBetween(hours, clock.since, at) : 0)
}

/** What is left at `at`, in ms of open time; below zero: how much it is over. */
export function remainingAt(clock: SlaClock, hours: CountingHours, at: number): number {
  return clock.minutes * minuteMs - spentBy(clock, hours, at)
}

/** Somebody else's turn: the customer must say or do something first. */
export function paused(clock: SlaClock, hours: CountingHours, why: string, at: number): SlaClock {
  assert(clock.is !== 'stopped', 'the clock of a completed ticket stands')
  return { minutes: clock.minutes, spentMs: spentBy(clock, hours, at), is: 'paused', why }
}

export function stopped(clock: SlaClock, hours: CountingHours, at: number): SlaClock {
  return { minutes: clock.minutes, spentMs: spentBy(clock, hours, at), is: 'stopped' }
}

/** Goes on with what was left. One that runs does so anyway. */
export function resumed(clock: SlaClock, at: number): SlaClock {
  return clock.is === 'running' ? clock : { minutes: clock.minutes, spentMs: clock.spentMs, is: 'running', since: at }
}

/** When this share of the minutes will have passed (100: all), if nothing stops it. Null while it stands, and for what never comes. */
export function whenSpent(clock: SlaClock, hours: CountingHours, percent: number): number | null {
  if (clock.is !== 'running') return null
  const wanted = Math.ceil((clock.minutes * minuteMs * percent) / 100)
  // One that is spent already was so when the clock was set going, at the latest.
  return whenOpenFor(hours, clock.since, wanted - clock.spentMs)
}

/** A pause gives no time back: what is overdue stays so. */
export function slaState(clock: SlaClock, hours: CountingHours, at: number): SlaState {
  const isOver = remainingAt(clock, hours, at) <= 0
  if (clock.is === 'stopped') return isOver ? 'missed' : 'met'
  return isOver ? 'overdue' : clock.is
}
