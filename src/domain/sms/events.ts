/**
 * The events of Pforte's own that have a message. Other systems report theirs
 * over the API, under names of their own (`payment.received`).
 */
import type { TicketStatus } from '../ticket/status.ts'

export type OwnEvent = {
  /** Answers what the recipient did just now, so it goes out at once, at night too. */
  isAnswer: boolean
  /** The status that a ticket entered. */
  tells: TicketStatus | null
  /** There is a ticket to speak of. */
  hasTicket: boolean
  /** Null: asked for in so many words, so that no opt-out holds it back. */
  purpose: string | null
  /** Null: as long as other messages. */
  goodForMs: number | null
}

/** What people are told of their tickets. */
const aboutTickets = 'status'
/** Whoever asked an hour ago does not look at the phone any more. */
const answerGoodForMs = 3_600_000

/** On the day after, what it tells of is over. */
const noticeGoodForMs = 24 * 3_600_000

const status = (tells: TicketStatus): OwnEvent => ({ isAnswer: false, tells, hasTicket: true, purpose: aboutTickets, goodForMs: null })
const answer = (hasTicket: boolean): OwnEvent => ({ isAnswer: true, tells: null, hasTicket, purpose: null, goodForMs: answerGoodForMs })

export const ownEvents = {
  'ticket.received': status('received'),
  'ticket.in_progress': status('in_progress'),
  'ticket.completed': status('completed'),
  /** What TKG § 58 asks for (domain/ticket/tkg58.ts): told the day after a fault was reported … */
  'ticket.notice': { isAnswer: false, tells: null, hasTicket: true, purpose: aboutTickets, goodForMs: noticeGoodForMs },
  /** … and on the third day, when it begins to cost. */
  'ticket.compensation': { isAnswer: false, tells: null, hasTicket: true, purpose: aboutTickets, goodForMs: null },
  /** Instead of `ticket.received`, for a ticket that began with a voicemail. Somebody who opted out gets none: they did not ask. */
  'voicemail.received': { ...status('received'), isAnswer: true },
  /** To STATUS from somebody with an open ticket … */
  'status.reply': answer(true),
  /** … and without one. */
  'status.no_ticket': answer(false),
  'opt_out.confirmation': answer(false),
  'opt_in.confirmation': answer(false),
  /** Brings a new PIN to its customer, if the contract allows that (pin-words.ts). */
  'pin.issued': { isAnswer: false, tells: null, hasTicket: false, purpose: 'pin', goodForMs: null },
} as const satisfies Record<string, OwnEvent>

export type OwnEventName = keyof typeof ownEvents
export const ownEventNames = Object.keys(ownEvents) as OwnEventName[]

/** Null for an event of another system. */
export function ownEvent(name: string): OwnEvent | null {
  return Object.hasOwn(ownEvents, name) ? ownEvents[name as OwnEventName] : null
}
