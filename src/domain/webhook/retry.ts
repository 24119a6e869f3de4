/**
 * When a delivery that failed is tried again, and when it is given up; and how
 * long a receiver is left alone that takes nothing at all.
 *
 * Delays double from five seconds, so that a restart is bridged in seconds and
 * an outage of hours costs some twenty tries. The last one is a day after the
 * first, to the second.
 */

const firstDelayMs = 5_000
const longestDelayMs = 4 * 60 * 60_000
const givenUpAfterMs = 24 * 60 * 60_000
/** A receiver may ask for so much patience, and no more. */
const mostAskedForMs = 60 * 60_000

export type FailedTry = {
  /** Tries so far, this one included. */
  attempts: number
  /** Since when it has been tried, and when this try failed. Epoch ms. */
  since: number
  at: number
  /** What the receiver asked for (Retry-After), or null. */
  retryAfterMs: number | null
  /** 0 up to 1: several that failed together are not tried together. */
  random: number
}

/** Epoch ms of the next try; null: it is given up. */
export function nextTryAt({ attempts, since, at, retryAfterMs, random }: FailedTry): number | null {
  const lastTryAt = since + givenUpAfterMs
  if (at >= lastTryAt) return null
  const grownMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempts - 1, 20))
  const delayMs = Math.max(grownMs * (1 + random / 5), Math.min(retryAfterMs ?? 0, mostAskedForMs))
  return Math.min(at + Math.round(delayMs), lastTryAt)
}

/** So many failures in a row say that it is the receiver, and not what it was sent. */
const restsAfterFailures = 10
const firstRestMs = 10_000
const longestRestMs = 5 * 60_000

/** How long nothing is sent to a receiver that has failed so often in a row; null: it is not left alone. */
export function restMs(failures: number): number | null {
  if (failures < restsAfterFailures) return null
  return Math.min(longestRestMs, firstRestMs * 2 ** Math.min(failures - restsAfterFailures, 20))
}

/** One at a time while the last try failed after so many: the next is to find out whether it is back. */
export function sideBySide(failures: number, most: number): number {
  return failures < restsAfterFailures ? most : 1
}

/** What waits behind a receiver that rests is given up without a try of its own after this long. */
export const untriedGivenUpAfterMs = givenUpAfterMs
