import { defaultRingLimits, type RingLimits } from './ring.ts'

/** What keeps those who watch from costing those who call. */
export type LiveLimits = {
  ring: RingLimits
  /** Changes are gathered for so long … */
  gatherMs: number
  /** … and reading and telling may take this share of the time, the pause being so many times as long. */
  pauseFactor: number
  longestPauseMs: number
  /** Of each kind at a time; the rest comes the next time. */
  atOnce: number
  lookEveryMs: number
  beatEveryMs: number
  lingerMs: number
  /** What was missed is told again up to this size; beyond it, what stands is told anew. */
  missedBytes: number
  subscribers: number
}

export const defaultLiveLimits: LiveLimits = {
  ring: defaultRingLimits,
  gatherMs: 50,
  pauseFactor: 4,
  longestPauseMs: 2_000,
  atOnce: 500,
  lookEveryMs: 2_000,
  beatEveryMs: 15_000,
  lingerMs: 60_000,
  missedBytes: 512 * 1024,
  subscribers: 2_000,
}
