/**
 * Replies: each is taken in one transaction, with all that comes of it, or not
 * at all. Whoever takes one holds its number's lock, so that what one person
 * writes is taken in order, whichever of several processes or binds brings it.
 */
import pLimit from 'p-limit'
import type { Transaction } from 'kysely'
import type { ReceivedReply } from '../../app/ports/replies.ts'
import { StoreUnavailable } from '../../app/ports/store.ts'
import type { Incoming } from '../../app/ports/smsc.ts'
import { changesConsent } from '../../domain/sms/consent.ts'
import {
  defaultReassemblyLimits,
  expiresAt,
  takeExpired,
  takePart,
  type JoinedReply,
  type Pile,
  type Taken,
} from '../../domain/sms/reassembly.ts'
import { changedIn } from '../changes.ts'
import type { Connections } from '../connections.ts'
import { newId } from '../ids.ts'
import { printable } from '../phone-numbers.ts'
import { moment, type Schema, type TraceStep } from '../schema.ts'
import { consentsOf, lockNumber } from './consents.ts'
import type { SmsIntents } from './intents.ts'
import { follow, orderIn, type ReplyOrder } from './reply-outcome.ts'

export type IncomingReply = Extract<Incoming, { kind: 'reply' }>
/** For whoever is to hear of replies: called after the commit, in this process. Nobody asks yet; webhooks will. */
export type OnReply = (reply: ReceivedReply) => void

/** A carrier that did not get our answer delivers again within minutes. Nobody minds if a text that comes twice in them counts once. */
const redeliveredWithinMs = 5 * 60_000
/** Senders whose replies are taken at a time; each holds a connection. */
const sendersAtOnce = 3
/** No number is longer, and no name that a network lets through. */
const mostAddressUnits = 64
const pilesAtOnce = 100
/** A pile that cannot be taken, whatever is wrong with it, stands in nobody's way until it is tried again. */
const triedAgainMs = 60 * 60_000

const limits = defaultReassemblyLimits

type Correspondence = { route: string; from: string; to: string }
type WholeReply = Correspondence & { text: string; parts: number; isWhole: boolean; why: string }

/** They are stored when this settles. Of those that came before, as carriers do it, nothing comes. @throws StoreUnavailable */
export async function takeReplies(
  connections: Connections,
  sms: SmsIntents,
  replies: readonly IncomingReply[],
  at: number,
  onReply: OnReply = () => {},
): Promise<void> {
  const bySender = Map.groupBy(replies, ({ from }) => from)
  const limit = pLimit(sendersAtOnce)
  const taking = [...bySender.values()].map((ofOne) =>
    limit(async () => {
      for (const reply of ofOne) await takeReply(connections, sms, reply, at, onReply)
    }),
  )
  const failed = (await Promise.allSettled(taking)).find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** Long replies whose other parts did not come in time are taken as they are; between two of them it stops when it is to. @throws StoreUnavailable */
export async function expirePiles(
  connections: Connections,
  sms: SmsIntents,
  at: number,
  onReply: OnReply = () => {},
  stop?: AbortSignal,
): Promise<{ nextAt: number | null }> {
  const isToStop = (): boolean => stop?.aborted === true
  while (!isToStop()) {
    const over = await connections.kysely
      .selectFrom('reply_piles')
      .select(['route', 'sender as from', 'recipient as to'])
      .where('expires_at', '<=', moment(at))
      .orderBy('expires_at')
      .limit(pilesAtOnce)
      .execute()
    for (const between of over) {
      if (isToStop()) break
      try {
        await inOrder(connections, between.from, onReply, (transaction) =>
          changePiles(transaction, sms, between, (piles) => takeExpired(piles, at, limits), at),
        )
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error
        // Its message may quote what somebody wrote.
        const { name, code } = error as { name?: string; code?: string }
        connections.log.error({ error: name, code }, 'a long reply that is not whole cannot be taken: a bug in Pforte; it is tried again')
        await putOff(connections, between, at + triedAgainMs)
      }
    }
    if (over.length < pilesAtOnce) break
  }
  const next = await connections.kysely
    .selectFrom('reply_piles')
    .select('expires_at as nextAt')
    .orderBy('expires_at')
    .limit(1)
    .executeTakeFirst()
  return { nextAt: next?.nextAt ?? null }
}

async function putOff({ kysely }: Connections, { route, from, to }: Correspondence, until: number): Promise<void> {
  await kysely
    .updateTable('reply_piles')
    .set({ expires_at: new Date(until) })
    .where((is) => is.and({ route, sender: from, recipient: to }))
    .execute()
}

async function takeReply(connections: Connections, sms: SmsIntents, reply: IncomingReply, at: number, onReply: OnReply): Promise<void> {
  const { route, text, concatenation } = reply
  const between = { route, from: address(reply.from), to: address(reply.to) }
  await inOrder(connections, between.from, onReply, async (transaction) => {
    if (concatenation === null) {
      const taken = await takeWhole(transaction, sms, { ...between, text, parts: 1, isWhole: true, why: 'in one part' }, at)
      return taken === null ? [] : [taken]
    }
    const part = { key: keyOf(between), ...concatenation, text, at }
    return changePiles(transaction, sms, between, (piles) => takePart(piles, part, limits), at)
  })
}

/** Whom the audit log names. */
const smsLine = { pforte: 'sms' }

async function inOrder(
  connections: Connections,
  from: string,
  onReply: OnReply,
  work: (transaction: Transaction<Schema>) => Promise<ReceivedReply[]>,
): Promise<void> {
  const received = await connections.kyselyTransaction(async (transaction) => {
    await lockNumber(transaction, from)
    return work(transaction)
  }, smsLine)
  for (const reply of received) onReply(reply)
}

/** Changes what is kept of long replies, and takes what is as whole as it will be. */
async function changePiles(
  transaction: Transaction<Schema>,
  sms: SmsIntents,
  between: Correspondence,
  change: (piles: readonly Pile[]) => Taken,
  at: number,
): Promise<ReceivedReply[]> {
  const row = await transaction
    .selectFrom('reply_piles')
    .select('piles')
    .where((is) => is.and({ route: between.route, sender: between.from, recipient: between.to }))
    .executeTakeFirst()
  const before: Pile[] = row === undefined ? [] : JSON.parse(row.piles)
  const { piles, finished } = change(before)
  await keepPiles(transaction, between, piles)
  const received: ReceivedReply[] = []
  for (const joined of finished) {
    const parts = [...piles, ...before].find(({ reference }) => reference === joined.reference)?.of ?? 1
    const reply = { ...between, text: joined.text, parts, isWhole: joined.missing.length === 0, why: whys[joined.why] }
    const taken = await takeWhole(transaction, sms, reply, at)
    if (taken !== null) received.push(taken)
  }
  return received
}

const whys: Readonly<Record<JoinedReply['why'], string>> = {
  complete: 'all parts came',
  expired: 'the other parts did not come in time',
  displaced: 'the other parts had not come when the next text began',
  crowded_out: 'the sender began too many long texts at once',
  no_part: 'a part of a text that cannot be',
}

async function keepPiles(transaction: Transaction<Schema>, { route, from, to }: Correspondence, piles: readonly Pile[]): Promise<void> {
  if (piles.length === 0) {
    await transaction
      .deleteFrom('reply_piles')
      .where((is) => is.and({ route, sender: from, recipient: to }))
      .execute()
    return
  }
  const kept = { piles: JSON.stringify(piles), expires_at: new Date(Math.min(...piles.map((pile) => expiresAt(pile, limits)))) }
  await transaction
    .insertInto('reply_piles')
    .values({ route, sender: from, recipient: to, ...kept })
    .onConflict((conflict) => conflict.columns(['route', 'sender', 'recipient']).doUpdateSet(kept))
    .execute()
}

/** Null for one that came before. */
async function takeWhole(transaction: Transaction<Schema>, sms: SmsIntents, reply: WholeReply, at: number): Promise<ReceivedReply | null> {
  const { route, from, to, text, parts } = reply
  // Where something is missing nobody knows what else was said.
  const order = reply.isWhole ? orderIn(text, sms.definition) : null
  if (await cameBefore(transaction, sms, reply, order, at)) return null
  const messageId = newId()
  const { became, ticketId, customerId, trace } = await follow(transaction, sms, { messageId, route, from, to, text, order }, at)
  const steps: TraceStep[] = [{ what: 'received', why: reply.why }, ...trace].map((step) => ({ at, ...step }))
  await transaction
    .insertInto('messages')
    .values({
      id: messageId,
      direction: 'in',
      recipient: to,
      sender: from,
      body: text,
      state: 'received',
      template: null,
      ticket_id: ticketId,
      customer_id: customerId,
      tells_status: null,
      tells_version: null,
      line: null,
      time_zone: null,
      happened_at: new Date(at),
      dedupe_key: null,
      parts,
      sending_by: null,
      bind: null,
      route,
      epoch: null,
      sequence: null,
      trace: JSON.stringify(steps),
      created_at: new Date(at),
    })
    .execute()
  changedIn(transaction).message([messageId])
  return { messageId, at, route, from, to, text, became, ticketId, customerId }
}

/**
 * Held against what was kept, under the number's lock: neither a digest nor a key of its own is needed. A STOP that would change
 * something is never taken for one that came before: between the two there was a START.
 */
async function cameBefore(
  transaction: Transaction<Schema>,
  sms: SmsIntents,
  reply: WholeReply,
  order: ReplyOrder | null,
  at: number,
): Promise<boolean> {
  const same = await transaction
    .selectFrom('messages')
    .select('id')
    .where('direction', '=', 'in')
    .where('sender', '=', reply.from)
    .where('created_at', '>', moment(at - redeliveredWithinMs))
    .where('recipient', '=', reply.to)
    .where('route', '=', reply.route)
    .where('body', '=', reply.text)
    .limit(1)
    .executeTakeFirst()
  if (same === undefined || order?.order !== 'opt_out') return same !== undefined
  return !changesConsent(await consentsOf(transaction, reply.from, sms.erasedDigest(reply.from)), { purpose: order.purpose, is: 'out' })
}

function keyOf({ route, from, to }: Correspondence): string {
  return `${route} ${from} ${to}`
}

/** What a carrier writes may hold what no text can. */
function address(said: string): string {
  return printable(said).trim().slice(0, mostAddressUnits)
}
