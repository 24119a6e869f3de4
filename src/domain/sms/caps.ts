/**
 * How many messages at most. Two kinds of cap: for everybody, so that messages
 * stay few and no two machines talk to each other for ever; and for numbers
 * that nobody vouches for, because a caller ID is easily forged and a forged
 * voicemail must not make us text strangers.
 */

/** At most `most` messages within any span of `inMs`. */
export type Cap = { most: number; inMs: number }

/**
 * The first moment from `at` on at which one more message keeps every cap. `sentAt` tells when earlier
 * ones went to this recipient, in any order; those older than the longest cap do not matter. Epoch ms.
 */
export function roomAt(caps: readonly Cap[], sentAt: readonly number[], at: number): number {
  const newestFirst = sentAt.toSorted((a, b) => b - a)
  let room = at
  for (const { most, inMs } of caps) {
    // One more fits in once only `most - 1` of them lie within the span.
    const inTheWay = newestFirst[most - 1]
    if (inTheWay !== undefined) room = Math.max(room, inTheWay + inMs)
  }
  return room
}

/** How far back messages to one recipient matter, and how many of the newest. */
export function reachOf(caps: readonly Cap[]): Cap {
  return { most: Math.max(0, ...caps.map(({ most }) => most)), inMs: Math.max(0, ...caps.map(({ inMs }) => inMs)) }
}

export type StrangerCaps = { perNumber: Cap; perLine: Cap; inTotal: Cap }

/**
 * Messages to strangers within the span of each cap, without the one in question: all that were meant to be sent,
 * whether they have been or still wait. `byLine` is null where no call came over a line.
 */
export type StrangerCounts = { byNumber: number; byLine: number | null; inTotal: number }

export type StrangerCap = 'stranger_number' | 'stranger_line' | 'stranger_total'

/** The cap that one more message to a stranger would break; the widest first, because it is the gravest. Null if none. */
export function strangerCapReached(caps: StrangerCaps, counts: StrangerCounts): StrangerCap | null {
  if (counts.inTotal >= caps.inTotal.most) return 'stranger_total'
  if (counts.byLine !== null && counts.byLine >= caps.perLine.most) return 'stranger_line'
  return counts.byNumber >= caps.perNumber.most ? 'stranger_number' : null
}
