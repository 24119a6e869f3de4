/**
 * What becomes of a message: asked when it is meant (in the transaction of the
 * event) and again when it is due, because between the two somebody may have
 * said STOP, the ticket may have moved on, and the day may have ended.
 *
 * The rules, in their order:
 *
 * 1. A number that can take no message gets none.
 * 2. News that is too old is none.
 * 3. A ticket's status that was overtaken is not told any more, and one that was told last is not told again. What waits overnight
 *    thus becomes the one current status at the opening.
 * 4. Who does not want messages for this purpose gets none.
 * 5. Numbers that nobody vouches for get few, and all of them together not many.
 * 6. A message waits for its window, and for room under the recipient's cap. One that answers what the recipient just did goes out
 *    at once, at night too, and does not wait for room: later it would be no answer.
 *
 * The carrier is told to give up when the window closes, so that it cannot deliver at night what it could not by day.
 */
import type { TicketStatus } from '../ticket/status.ts'
import { roomAt, strangerCapReached } from './caps.ts'
import type { Cap, StrangerCap, StrangerCaps, StrangerCounts } from './caps.ts'
import { mayReceive } from './consent.ts'
import type { ConsentChange } from './consent.ts'
import type { RecipientRefusal } from './recipient.ts'
import { placeInBurstMs } from './spread.ts'
import { openingFrom } from './window.ts'
import type { Window } from './window.ts'

/** All times are epoch ms. */
export type Facts = {
  at: number
  message: {
    id: string
    ticketId: string | null
    /** When what it tells of happened. */
    happenedAt: number
    goodForMs: number
    /** An answer has it too, for when it could not leave while it was fresh. */
    window: Window
    /** Answers what the recipient did: left a voicemail, asked for the status, opted out. */
    isAnswer: boolean
    /** Null: asked for in so many words, whatever else is not wanted. */
    purpose: string | null
    /** For a message that tells a ticket's status: which, and the ticket's version on entering it. */
    tells: { status: TicketStatus; version: number } | null
  }
  /** Null where there is none. */
  ticket: {
    /** On entering its present status. */
    version: number
    /** The last of its statuses that was sent to this recipient by another message, unless that came to a bad end. */
    told: { status: TicketStatus; version: number } | null
  } | null
  recipient: {
    refusal: RecipientRefusal | null
    timeZone: string
    consent: readonly ConsentChange[]
    /** When earlier messages went to this number: answers if this is one, else all others. As far back as `reachOf` says. */
    sentAt: readonly number[]
    /** Null for a number of a customer, one that came over the API, and when it was counted before (the message is due). */
    stranger: StrangerCounts | null
  }
}

export type Rules = {
  /** For one recipient, answers apart. */
  caps: readonly Cap[]
  answerCaps: readonly Cap[]
  strangerCaps: StrangerCaps
  /** What waited for an opening is spread over so long after it. */
  spreadMs: number
}

export type HoldReason = 'window' | 'cap'
export type SuppressReason = RecipientRefusal | StrangerCap | 'too_late' | 'already_told' | 'opted_out' | 'too_many_answers'

/** `what` and `why` are for the message's trace: fixed words that tell of nobody. */
export type Decision = { what: string; why: string } & (
  | { do: 'send'; validUntil: number }
  | { do: 'hold'; until: number; reason: HoldReason }
  /** `alarm`: somebody may be using us to text strangers. */
  | { do: 'suppress'; reason: SuppressReason; alarm: StrangerCap | null }
  | { do: 'supersede' }
)

/** A carrier that has less time than this will hardly use it. */
const shortestValidityMs = 60_000
/** So long after what they did, people are still up and at their phone. */
export const freshForMs = 3_600_000

const whys: Readonly<Record<SuppressReason, string>> = {
  no_number: 'there is no number to send it to',
  invalid_number: 'the number is none that can be in use',
  foreign: 'numbers of this country get no messages',
  landline: 'landlines get no messages',
  no_mobile: 'the number is not of a mobile phone',
  too_late: 'too late to be of use',
  already_told: 'the recipient was told this status last',
  opted_out: 'the recipient opted out',
  too_many_answers: 'cap: too many answers to this number',
  stranger_number: 'cap: too many messages to this unknown number',
  stranger_line: 'cap: too many messages to unknown numbers on this line',
  stranger_total: 'cap: too many messages to unknown numbers in total',
}

/** The same facts give the same decision, in any process. */
export function decide(facts: Facts, rules: Rules): Decision {
  const { at, message, recipient } = facts
  if (recipient.refusal !== null) return suppress(recipient.refusal)
  if (at > lastMoment(message)) return suppress('too_late')
  const overtaken = ofTicket(facts)
  if (overtaken !== null) return overtaken
  if (message.purpose !== null && !mayReceive(recipient.consent, message.purpose)) return suppress('opted_out')
  const strangerCap = recipient.stranger === null ? null : strangerCapReached(rules.strangerCaps, recipient.stranger)
  if (strangerCap !== null) return suppress(strangerCap, strangerCap)
  return whenItMayGo(facts, rules)
}

function ofTicket({ at, message, ticket }: Facts): Decision | null {
  const { tells } = message
  if (tells === null || ticket === null) return null
  // An answer gives way only to news that was told: what is still held may come hours later.
  const newest = isFresh(message, at) ? (ticket.told?.version ?? 0) : ticket.version
  if (newest > tells.version) {
    return { do: 'supersede', what: 'superseded', why: 'the ticket has moved on' }
  }
  return ticket.told?.status === tells.status ? suppress('already_told') : null
}

function whenItMayGo({ at, message, recipient }: Facts, rules: Rules): Decision {
  const lastAt = message.happenedAt + message.goodForMs
  const room = roomAt(message.isAnswer ? rules.answerCaps : rules.caps, recipient.sentAt, at)
  if (room > at && message.isAnswer) return suppress('too_many_answers')
  const { from, validUntil } = chance(message, recipient.timeZone, room, rules.spreadMs)
  const freshUntil = Math.min(message.happenedAt + freshForMs, lastAt)
  const isAtOnce = isFresh(message, at)
  if (from <= at) {
    const why = message.window === 'always' ? 'it has no delivery window' : 'within the delivery window'
    const until = Math.min(validUntil ?? lastAt, lastAt)
    return send(isAtOnce ? Math.max(until, freshUntil) : until, why)
  }
  if (isAtOnce) return send(freshUntil, 'at once: it answers what the recipient did')
  if (from > lastMoment(message)) return suppress('too_late')
  return room > at
    ? { do: 'hold', until: from, reason: 'cap', what: 'held', why: 'cap: enough messages to this recipient for now' }
    : { do: 'hold', until: from, reason: 'window', what: 'held', why: 'outside the delivery window' }
}

/** The first moment from `at` on that leaves the carrier time to deliver within the window, and when that time ends. */
function chance(
  { id, ticketId, window }: Facts['message'],
  timeZone: string,
  at: number,
  spreadMs: number,
): { from: number; validUntil: number | null } {
  const now = openingFrom(window, timeZone, at)
  const isNearlyOver = now.closesAt !== null && now.opensAt <= at && now.closesAt - at < shortestValidityMs
  if (now.opensAt <= at && !isNearlyOver) return { from: at, validUntil: now.closesAt }
  const { opensAt, closesAt } = isNearlyOver ? openingFrom(window, timeZone, now.closesAt ?? at) : now
  const halfOfIt = closesAt === null ? spreadMs : Math.floor((closesAt - opensAt) / 2)
  return { from: opensAt + placeInBurstMs(ticketId ?? id, Math.min(spreadMs, halfOfIt)), validUntil: closesAt }
}

/** An answer that still finds people where they asked. */
function isFresh({ isAnswer, happenedAt }: Facts['message'], at: number): boolean {
  return isAnswer && at <= happenedAt + freshForMs - shortestValidityMs
}

/** To leave at: after it the carrier has too little time. */
function lastMoment({ happenedAt, goodForMs }: Facts['message']): number {
  return happenedAt + goodForMs - shortestValidityMs
}

function send(validUntil: number, why: string): Decision {
  return { do: 'send', validUntil, what: 'queued', why }
}

function suppress(reason: SuppressReason, alarm: StrangerCap | null = null): Decision {
  return { do: 'suppress', reason, alarm, what: 'suppressed', why: whys[reason] }
}
