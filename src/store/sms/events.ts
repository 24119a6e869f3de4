/**
 * Events of other systems: each becomes a message, once.
 *
 * A shop's evening run brings thousands, so what comes while a transaction is
 * under way shares the next one: however many they are, the events of a batch
 * cost three round trips and one commit. Each is judged as if it had come
 * alone. No message counts for a cap before it leaves, so those of one batch
 * need not see each other; and two with one key are never in the same batch.
 */
import { createHash } from 'node:crypto'
import type { EventRecord, EventRequest, Refusal, Result } from '../../app/ports/records.ts'
import { nearestName } from '../../domain/nearest-name.ts'
import { reachOf } from '../../domain/sms/caps.ts'
import { decide } from '../../domain/sms/decide.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import { ownEvent } from '../../domain/sms/events.ts'
import { chooseRecipient } from '../../domain/sms/recipient.ts'
import type { Connections, Run } from '../connections.ts'
import { again, Gathered } from '../gathered.ts'
import { isId, newId } from '../ids.ts'
import { customersAsked, eventsBefore, forgetKeys, knownOfRecipients, writeEvents } from './event-statements.ts'
import { factsOf, rowOf, worded, type Intent, type Worded } from './intent.ts'
import type { SmsIntents } from './intents.ts'
import { numberFacts } from './number-facts.ts'

/** More of them would make a transaction longer, and hardly cheaper for each. */
const mostAtOnce = 200
/** So long the same Idempotency-Key is the same request. */
const keyCountsMs = 86_400_000

/** `key` and `request` are digests, in hex. */
type Posted = { event: EventRequest; at: number; key: string | null; request: string }
type Answer = Result<EventRecord> | typeof again

export class SmsEvents {
  readonly #connections: Connections
  readonly #sms: SmsIntents
  readonly #posted: Gathered<Posted, Result<EventRecord>>

  constructor(connections: Connections, sms: SmsIntents) {
    this.#connections = connections
    this.#sms = sms
    this.#posted = new Gathered({ run: (posted) => this.#take(posted), keyOf: ({ key }) => key, most: mostAtOnce })
  }

  /**
   * Settles once event and message are committed, in one transaction. The same key of the same API key with the same request
   * answers within 24 hours what it answered before.
   * @param at epoch ms
   * @throws StoreUnavailable
   */
  async post(event: EventRequest, at: number): Promise<Result<EventRecord>> {
    const refusal = refusalOf(event, this.#sms.definition)
    if (refusal !== null) return { ok: false, refusal }
    return this.#posted.do({ event, at, key: keyDigest(event), request: requestDigest(event) })
  }

  async #take(posted: readonly Posted[]): Promise<Answer[]> {
    const sms = this.#sms
    const { definition } = sms
    const { answers, isDue } = await this.#connections.transaction((run, last) => takeAll(posted, sms, definition, run, last))
    if (isDue) sms.tellDue()
    this.#connections.changes.committed.message(answers.flatMap(newMessages))
    return answers
  }
}

type Before = { key: string; id: string; request: string; messageIds: string[]; at: number }
type Customer = { place: number; id: string; language: string; timeZone: string; numbers: string[] }
type Known = { place: number; consent: Parameters<typeof factsOf>[2]['consent']; sent: number[] | null }
/** An event that is new, with its message if its template has a text. */
type Entry = Posted & { place: number; id: string; message: { id: string; intent: Intent; text: Worded } | null }

async function takeAll(
  posted: readonly Posted[],
  sms: SmsIntents,
  definition: SmsDefinition | null,
  run: Run,
  last: Run,
): Promise<{ answers: Answer[]; isDue: boolean }> {
  const keys = posted.flatMap(({ key }) => (key === null ? [] : [`\\x${key}`]))
  const asked = posted.map(({ event: { to, customerId } }, place) => ({ place, to, customerId }))
  const [before, customers] = await Promise.all([
    keys.length === 0 ? [] : run<Before>(eventsBefore, [keys]),
    run<Customer>(customersAsked, [JSON.stringify(asked)]),
  ])
  const byKey = new Map(before.map((one) => [one.key, one]))
  const byPlace = new Map(customers.map((customer) => [customer.place, customer]))
  const entries: Entry[] = []
  const expired: string[] = []
  const answers = posted.map((one, place): Answer => {
    const earlier = one.key === null ? undefined : byKey.get(one.key)
    if (earlier !== undefined && one.at - earlier.at < keyCountsMs) return answeredBefore(earlier, one)
    // Between its coming and now the file may have been read again.
    const refusal = refusalOf(one.event, definition)
    if (refusal !== null || definition === null) return { ok: false, refusal: refusal ?? noSms }
    const customer = byPlace.get(place) ?? null
    if (one.event.customerId !== null && customer === null) return { ok: false, refusal: unknownCustomer }
    if (earlier !== undefined) expired.push(earlier.id)
    entries.push(entryOf(one, place, definition, customer))
    return again
  })
  if (entries.length === 0 || definition === null) return { answers, isDue: false }
  const rows = await messageRows(entries, sms, definition, run)
  if (expired.length > 0) await run(forgetKeys, [expired])
  const events = entries.map(({ id, event: { type }, key, request, message, at }) => ({
    id,
    type,
    key,
    request,
    messageIds: message === null ? [] : [message.id],
    at,
  }))
  const written = new Set((await last<{ id: string }>(writeEvents, [JSON.stringify(events), JSON.stringify(rows)])).map(({ id }) => id))
  for (const { place, id, message } of entries) {
    const value: EventRecord = { id, messageIds: message === null ? [] : [message.id], isReplay: false }
    if (written.has(id)) answers[place] = { ok: true, value }
  }
  return { answers, isDue: rows.some(({ dueAt }) => dueAt !== null) }
}

function newMessages(answer: Answer): string[] {
  return answer !== again && answer.ok && !answer.value.isReplay ? answer.value.messageIds : []
}

function answeredBefore(earlier: Before, { request }: Posted): Result<EventRecord> {
  if (earlier.request === request) return { ok: true, value: { id: earlier.id, messageIds: earlier.messageIds, isReplay: true } }
  return {
    ok: false,
    refusal: { refused: 'key_reused', field: 'Idempotency-Key', message: 'This key came with another request before. Draw a new one.' },
  }
}

function entryOf(posted: Posted, place: number, definition: SmsDefinition, customer: Customer | null): Entry {
  const { to, data, type } = posted.event
  const id = newId()
  const given = to === null ? null : numberFacts(to)
  const choice = chooseRecipient(given, given === null ? (customer?.numbers ?? []).map(numberFacts) : [], definition.recipients)
  const intent: Intent = {
    template: definition.templates[type]!,
    to: 'to' in choice ? choice.to : given,
    refusal: 'refusal' in choice ? choice.refusal : null,
    language: customer?.language ?? null,
    timeZone: customer?.timeZone ?? definition.timeZone,
    from: null,
    values: () => Object.fromEntries(Object.entries(data).map(([name, value]) => [`data.${name}`, value])),
    ticketId: null,
    customerId: customer?.id ?? null,
    tells: null,
    // Whoever may post events vouches for the numbers in them.
    stranger: null,
    dedupe: `event ${id}`,
  }
  const text = worded(definition, intent)
  return { ...posted, place, id, message: text === null ? null : { id: newId(), intent, text } }
}

async function messageRows(
  entries: readonly Entry[],
  sms: SmsIntents,
  definition: SmsDefinition,
  run: Run,
): Promise<ReturnType<typeof rowOf>[]> {
  const { caps, answerCaps } = definition.rules
  const reach = reachOf([...caps, ...answerCaps])
  const meant = entries.flatMap(({ place, at, message }) => (message === null ? [] : [{ place, at, ...message }]))
  const asked = meant.map(({ place, id, intent: { to, template } }) => ({
    place,
    id,
    recipient: to?.number ?? '',
    is_answer: template.isAnswer,
    erased: to === null ? null : (sms.erasedDigest(to.number)?.toString('hex') ?? null),
  }))
  const since = new Date(Math.min(...meant.map(({ at }) => at)) - reach.inMs)
  const known = new Map((await run<Known>(knownOfRecipients, [JSON.stringify(asked), since, reach.most])).map((one) => [one.place, one]))
  return meant.map(({ place, at, id, intent, text }) => {
    const { consent, sent } = known.get(place)!
    const decision = decide(factsOf(id, intent, { told: null, consent, sent, stranger: null }, at), definition.rules)
    return rowOf(definition, id, intent, text, decision, at)
  })
}

const unknownCustomer: Refusal = { refused: 'not_found', field: 'customerId', message: 'There is no such customer.' }
const noSms: Refusal = { refused: 'invalid', field: 'type', message: 'No SMS are sent here: pforte.yaml has no section sms.' }

/** Why this event cannot be told, whoever it is for; null if it can. */
function refusalOf(event: EventRequest, definition: SmsDefinition | null): Refusal | null {
  if (definition === null) return noSms
  const invalid = (field: string, message: string): Refusal => ({ refused: 'invalid', field, message })
  // Names come from outside; `constructor` is no template.
  const template = Object.hasOwn(definition.templates, event.type) ? definition.templates[event.type] : undefined
  if (template === undefined || ownEvent(event.type) !== null) {
    const known = Object.keys(definition.templates).filter((name) => ownEvent(name) === null)
    const near = nearestName(event.type, known)
    const hint = near === null ? `Known: ${known.join(', ') || 'none'}` : `Did you mean ${near}? Known: ${known.join(', ')}`
    return invalid('type', `has no template under sms.templates in pforte.yaml. ${hint}.`)
  }
  const missing = template.data.find((name) => event.data[name] === undefined)
  if (missing !== undefined) return invalid(`data.${missing}`, 'is missing; the template of this event speaks of it.')
  const unknown = Object.keys(event.data).find((name) => !template.data.includes(name))
  if (unknown !== undefined)
    return invalid(`data.${unknown}`, `is not known to this event's template. It has: ${template.data.join(', ') || 'no data'}.`)
  return event.customerId !== null && !isId(event.customerId) ? unknownCustomer : null
}

/** A key is its API key's own, and what is in it is nobody's business. */
function keyDigest({ keyId, idempotencyKey }: EventRequest): string | null {
  return idempotencyKey === null ? null : digest([keyId, idempotencyKey])
}

/** What makes two requests the same, without keeping what is in them. */
function requestDigest({ type, to, customerId, data }: EventRequest): string {
  const sorted = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1))
  return digest([type, to, customerId, sorted])
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
