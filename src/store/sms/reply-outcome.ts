/**
 * What comes of a whole reply: an order is followed at once, everything else
 * is for a person to read. All in the transaction that writes the reply.
 */
import type { Transaction } from 'kysely'
import type { ReplyBecame } from '../../app/ports/replies.ts'
import { everyPurpose } from '../../domain/sms/consent.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import type { OwnEventName } from '../../domain/sms/events.ts'
import { defaultKeywords, keywordsOf, readOrder, type Keywords, type Order } from '../../domain/sms/keywords.ts'
import { changedIn } from '../changes.ts'
import { newId } from '../ids.ts'
import type { Schema } from '../schema.ts'
import { createTicket } from '../tickets.ts'
import { sayConsent } from './consents.ts'
import { customerOf, isAcquainted, lastToldTicket, newestOpenTicket, type OpenTicket } from './correspondents.ts'
import type { SmsIntents } from './intents.ts'

export type WrittenReply = { messageId: string; route: string; from: string; to: string; text: string; order: ReplyOrder | null }
/** `word` as it is configured, folded. */
export type ReplyOrder = { order: Order; word: string; purpose: string }

export type Outcome = { became: ReplyBecame; ticketId: string | null; customerId: string | null; trace: { what: string; why: string }[] }

/** What can stand where an answer is sent from: a number with its country code, or a short code. */
const answersFrom = /^(\+[1-9]\d{6,14}|\d{3,8})$/

const keywordsByDefinition = new WeakMap<SmsDefinition, Keywords>()
/** Where no SMS are sent, people may still say that they want none. */
const usualKeywords = keywordsOf(defaultKeywords).keywords

/** Null for a text that is to be read. */
export function orderIn(text: string, definition: SmsDefinition | null): ReplyOrder | null {
  const found = readOrder(text, definition === null ? usualKeywords : keywordsFor(definition))
  if (found === null) return null
  const { order, word } = found
  return { order, word, purpose: (order === 'status' ? undefined : definition?.purposes[order][word]) ?? everyPurpose }
}

function keywordsFor(definition: SmsDefinition): Keywords {
  let keywords = keywordsByDefinition.get(definition)
  if (keywords === undefined) keywordsByDefinition.set(definition, (keywords = keywordsOf(definition.words).keywords))
  return keywords
}

export async function follow(transaction: Transaction<Schema>, sms: SmsIntents, reply: WrittenReply, at: number): Promise<Outcome> {
  const customerId = await customerOf(transaction, reply.from)
  if (reply.order?.order === 'status') return tellStatus(transaction, sms, reply, customerId, at)
  if (reply.order !== null) return changeConsent(transaction, sms, reply, reply.order, customerId, at)
  if (reply.text.trim() === '') return { became: 'kept', ticketId: null, customerId, trace: [{ what: 'kept', why: 'it is empty' }] }
  return toBeRead(transaction, sms, reply, customerId, at)
}

async function tellStatus(
  transaction: Transaction<Schema>,
  sms: SmsIntents,
  reply: WrittenReply,
  customerId: string | null,
  at: number,
): Promise<Outcome> {
  const ticket = await newestOpenTicket(transaction, reply.from, customerId)
  const asks = { what: 'status', why: ticket === null ? 'asked for, and no ticket is open' : 'asked for; told of the newest open ticket' }
  const about = { ticketId: ticket?.id ?? null, customerId: customerId ?? ticket?.customerId ?? null }
  const answer = await answerWith(transaction, sms, reply, ticket === null ? 'status.no_ticket' : 'status.reply', about, at)
  return { became: 'status', ...about, trace: [asks, answer] }
}

async function changeConsent(
  transaction: Transaction<Schema>,
  sms: SmsIntents,
  reply: WrittenReply,
  { order, word, purpose }: ReplyOrder,
  customerId: string | null,
  at: number,
): Promise<Outcome> {
  const isOut = order === 'opt_out'
  const { from: number, messageId, route, to } = reply
  const said = { number, purpose, is: isOut ? ('out' as const) : ('in' as const), word, messageId, over: `${route} ${to}`, evidence: null }
  const { changes } = await sayConsent(transaction, sms, said, at)
  const ticket = await ticketMeant(transaction, number, customerId)
  const about = { ticketId: ticket?.id ?? null, customerId: customerId ?? ticket?.customerId ?? null }
  const of = purpose === everyPurpose ? 'of all messages' : `of messages for ${purpose}`
  const what = isOut ? 'opted out' : 'opted in'
  const became = isOut ? 'opt_out' : 'opt_in'
  if (!changes) return { became, ...about, trace: [{ what, why: `${of}, as before` }] }
  const answer = await answerWith(transaction, sms, reply, isOut ? 'opt_out.confirmation' : 'opt_in.confirmation', about, at)
  return { became, ...about, trace: [{ what, why: of }, answer] }
}

/** Sent at once, from the number that they wrote to. */
async function answerWith(
  transaction: Transaction<Schema>,
  sms: SmsIntents,
  reply: WrittenReply,
  event: OwnEventName,
  { ticketId, customerId }: { ticketId: string | null; customerId: string | null },
  at: number,
): Promise<{ what: string; why: string }> {
  const from = answersFrom.test(reply.to) ? reply.to : null
  // A confirmation speaks of no ticket; it would look like news of it.
  const about = event === 'status.reply' ? ticketId : null
  const answer = { event, to: reply.from, from, ticketId: about, customerId, dedupe: `reply ${reply.messageId}` }
  const id = await sms.answer(transaction, answer, at)
  return id === null ? { what: 'not answered', why: `there is no text for ${event}` } : { what: 'answered', why: event }
}

async function toBeRead(
  transaction: Transaction<Schema>,
  sms: SmsIntents,
  reply: WrittenReply,
  customerId: string | null,
  at: number,
): Promise<Outcome> {
  const { from, text } = reply
  const told = await lastToldTicket(transaction, from)
  const ticket = told ?? (await newestOpenTicket(transaction, from, customerId))
  if (ticket !== null) {
    await comment(transaction, ticket.id, { author: from, text }, at)
    const why = told === null ? 'on the newest open ticket of this number' : 'on the ticket that the last message spoke of'
    return { became: 'comment', ticketId: ticket.id, customerId: customerId ?? ticket.customerId, trace: [{ what: 'comment', why }] }
  }
  if (customerId === null && !(await isAcquainted(transaction, from))) {
    return { became: 'kept', ticketId: null, customerId: null, trace: [{ what: 'kept', why: 'nobody is known by this number' }] }
  }
  const created = await createTicket(
    transaction,
    sms,
    { customerId, caller: from, subject: subjectOf(from, sms.definition), source: 'sms', callId: null },
    at,
  )
  await comment(transaction, created.id, { author: from, text }, at)
  return { became: 'ticket', ticketId: created.id, customerId, trace: [{ what: 'ticket', why: 'none was open' }] }
}

async function ticketMeant(transaction: Transaction<Schema>, number: string, customerId: string | null): Promise<OpenTicket | null> {
  return (await lastToldTicket(transaction, number)) ?? (await newestOpenTicket(transaction, number, customerId))
}

async function comment(
  transaction: Transaction<Schema>,
  ticketId: string,
  { author, text }: { author: string; text: string },
  at: number,
): Promise<void> {
  await transaction
    .insertInto('ticket_comments')
    .values({ id: newId(), ticket_id: ticketId, author, text, created_at: new Date(at) })
    .execute()
  changedIn(transaction).ticket(ticketId)
}

/** In the language of the lines, as with voicemails: agents read it. */
function subjectOf(from: string, definition: SmsDefinition | null): string {
  const [language = 'de'] = definition?.languages ?? []
  return language.startsWith('de') ? `SMS von ${from}` : `SMS from ${from}`
}
