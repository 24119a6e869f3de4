/**
 * Long replies come in parts, in any order, over any bind, some of them twice
 * and some never (3GPP TS 23.040, section 9.2.3.24.1). This puts them
 * together.
 *
 * What is kept for one sender is a short list of piles, plain data that fits
 * in a row: who takes a part reads the sender's piles, calls `takePart`, and
 * writes what comes back, in one transaction, so that several processes may
 * receive. Texts of parts may begin or end with half a character (decode.ts):
 * keep them as JSON, which escapes lone surrogates, and not as a text column.
 *
 * No text is ever lost: what cannot be completed comes out as it is, with a
 * mark where something is missing. A reference has 8 or 16 bits and is soon
 * used again, so a part that contradicts its pile begins a new one.
 */
import assert from 'node:assert/strict'
import { joinParts } from './decode.ts'

export type ReplyPart = {
  /** Who sends to whom over whose line; parts of one message agree in it. */
  key: string
  reference: number
  /** From 1. */
  part: number
  of: number
  /** As decoded (`decodeText`), not yet joined. */
  text: string
  /** Epoch ms at which it was received. */
  at: number
}

/** Parts of one message. A finished pile is kept until it expires, to know its parts again when they come twice. */
export type Pile = {
  key: string
  reference: number
  of: number
  texts: (string | null)[]
  firstAt: number
  lastAt: number
  isFinished: boolean
}

/**
 * A reply that is as whole as it will be.
 * - `complete`
 * - `expired`: the rest did not come in time
 * - `displaced`: a part of another message came under the same reference
 * - `crowded_out`: the sender began more messages than are kept; this was the oldest
 * - `no_part`: its numbers make no sense (part 0, 3 of 2, 1 of 200) or its text is too long; it stands alone
 */
export type JoinedReply = {
  key: string
  reference: number
  why: 'complete' | 'expired' | 'displaced' | 'crowded_out' | 'no_part'
  text: string
  /** Numbers of the parts that never came. */
  missing: number[]
  firstAt: number
  lastAt: number
}

export type ReassemblyLimits = {
  /** From a message's first part on; the rest comes within seconds, or after the phone found its network again. */
  expireAfterMs: number
  /** More parts than this are no reply that a person wrote. */
  mostParts: number
  /** UTF-16 units of one part's text. */
  mostPartUnits: number
  /** Messages begun by one sender at a time. */
  mostPiles: number
}

export const defaultReassemblyLimits: ReassemblyLimits = { expireAfterMs: 15 * 60_000, mostParts: 20, mostPartUnits: 500, mostPiles: 8 }

export type Taken = {
  /** What is to be kept for the sender. */
  piles: Pile[]
  finished: JoinedReply[]
  /** The part had come before; nothing is to be done about it. */
  isDuplicate: boolean
}

/** Takes one part to the sender's piles, `key` being the same in all of them. Also ends those whose time is over by then. */
export function takePart(piles: readonly Pile[], part: ReplyPart, limits: ReassemblyLimits): Taken {
  assert(
    piles.every(({ key }) => key === part.key),
    'piles are kept by sender',
  )
  const { piles: open, finished } = takeExpired(piles, part.at, limits)
  if (!isPart(part, limits)) return { piles: open, finished: [...finished, alone(part)], isDuplicate: false }

  const own = open.find(({ reference }) => reference === part.reference)
  const others = open.filter((pile) => pile !== own)
  if (own !== undefined && own.of === part.of && own.texts[part.part - 1] === part.text) return { piles: open, finished, isDuplicate: true }
  const fits = own !== undefined && !own.isFinished && own.of === part.of && own.texts[part.part - 1] === null
  if (own !== undefined && !fits && !own.isFinished) finished.push(joined(own, 'displaced'))
  const pile = withPart(fits ? own : emptyPile(part), part)
  if (pile.isFinished) finished.push(joined(pile, 'complete'))

  const kept = [...others, pile]
  const crowdedOut = kept.length > limits.mostPiles ? leastNeeded(kept, pile) : null
  if (crowdedOut !== null && !crowdedOut.isFinished) finished.push(joined(crowdedOut, 'crowded_out'))
  return { piles: kept.filter((one) => one !== crowdedOut), finished, isDuplicate: false }
}

/** Ends the piles whose time is over. */
export function takeExpired(piles: readonly Pile[], now: number, limits: ReassemblyLimits): Taken {
  const isOver = (pile: Pile): boolean => expiresAt(pile, limits) <= now
  return {
    piles: piles.filter((pile) => !isOver(pile)),
    finished: piles.filter((pile) => isOver(pile) && !pile.isFinished).map((pile) => joined(pile, 'expired')),
    isDuplicate: false,
  }
}

/** Epoch ms at which `takeExpired` will end this pile. */
export function expiresAt(pile: Pile, limits: ReassemblyLimits): number {
  return pile.firstAt + limits.expireAfterMs
}

function isPart({ part, of, text, reference }: ReplyPart, limits: ReassemblyLimits): boolean {
  return (
    [part, of, reference].every((number) => Number.isInteger(number) && number >= 0) &&
    part >= 1 &&
    part <= of &&
    of <= limits.mostParts &&
    text.length <= limits.mostPartUnits
  )
}

function emptyPile({ key, reference, of, at }: ReplyPart): Pile {
  return { key, reference, of, texts: Array.from({ length: of }, () => null), firstAt: at, lastAt: at, isFinished: false }
}

/** Clocks are set now and then, and parts are taken up by several processes: `at` may go back. */
function withPart(pile: Pile, { part, text, at }: ReplyPart): Pile {
  const texts = pile.texts.with(part - 1, text)
  return {
    ...pile,
    texts,
    firstAt: Math.min(pile.firstAt, at),
    lastAt: Math.max(pile.lastAt, at),
    isFinished: texts.every((one) => one !== null),
  }
}

/** The oldest of the finished ones, which are kept only to know their parts again; else the oldest that is not the newcomer. */
function leastNeeded(piles: readonly Pile[], newcomer: Pile): Pile | null {
  const candidates = piles.filter((pile) => pile !== newcomer || pile.isFinished)
  const [first = null] = candidates.toSorted((a, b) => Number(b.isFinished) - Number(a.isFinished) || a.firstAt - b.firstAt)
  return first
}

function joined(pile: Pile, why: JoinedReply['why']): JoinedReply {
  const { key, reference, texts, firstAt, lastAt } = pile
  const missing = texts.flatMap((text, index) => (text === null ? [index + 1] : []))
  return { key, reference, why, text: joinParts(texts), missing, firstAt, lastAt }
}

function alone({ key, reference, text, at }: ReplyPart): JoinedReply {
  return { key, reference, why: 'no_part', text: joinParts([text]), missing: [], firstAt: at, lastAt: at }
}
