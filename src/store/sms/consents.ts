/**
 * What people said about getting messages, with its proof. Nothing is ever
 * changed in here, only added: the last word counts (domain/sms/consent.ts).
 */
import { sql, type Kysely, type Transaction } from 'kysely'
import type { KeptConsent, NewConsent, NumberConsents } from '../../app/ports/privacy.ts'
import type { Result } from '../../app/ports/records.ts'
import { changesConsent, everyPurpose, mayReceive, type ConsentChange } from '../../domain/sms/consent.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import { changedIn } from '../changes.ts'
import type { Connections } from '../connections.ts'
import { refuse } from '../customers.ts'
import { printable } from '../phone-numbers.ts'
import type { Schema, TraceStep } from '../schema.ts'
import type { SmsIntents } from './intents.ts'

export type SaidConsent = {
  /** E.164, or whatever the carrier calls the sender. */
  number: string
  purpose: string
  is: 'out' | 'in'
  /** As it is configured; null if nobody wrote one. */
  word: string | null
  messageId: string | null
  /** Over which route and to which of our numbers; or `api`. */
  over: string
  /** Of what was said over the API: who heard it, or where it is written. */
  evidence: string | null
}

/** For as long as this transaction lasts, nobody else takes what this number writes or says. */
export async function lockNumber(transaction: Transaction<Schema>, number: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`pforte sms of ${number}`}, 0))`.execute(transaction)
}

/**
 * All that this number said, in the order of its saying.
 * @param erased its `Keys.erasedDigest`, by which an opt-out is found whose customer was erased
 */
export async function consentsOf(database: Kysely<Schema>, number: string, erased: Buffer | null = null): Promise<KeptConsent[]> {
  const rows = await database
    .selectFrom('sms_consents')
    .select(['purpose', 'is_in', 'word', 'message_id as messageId', 'said_over as over', 'said_at as at', 'evidence'])
    .where((is) => (erased === null ? is('number', '=', number) : is.or([is('number', '=', number), is('erased_digest', '=', erased)])))
    .orderBy('id')
    .execute()
  return rows.map(({ is_in, ...said }) => ({ ...said, is: is_in ? 'in' : 'out' }))
}

/**
 * Writes it down, unless the same was said last, and ends what waits for a number that wants no more of it. The transaction holds
 * `lockNumber`.
 * @returns `changes`: what may be sent to this number is other than before, so that it is worth a confirmation
 */
export async function sayConsent(
  transaction: Transaction<Schema>,
  { definition, erasedDigest }: Pick<SmsIntents, 'definition' | 'erasedDigest'>,
  said: SaidConsent,
  at: number,
): Promise<{ changes: boolean }> {
  const before = await consentsOf(transaction, said.number, erasedDigest(said.number))
  const changes = changesConsent(before, said)
  // Who says START without ever having said STOP has given proof of consent; who says it twice has not given more.
  const isNews = changes || before.findLast(({ purpose }) => purpose === said.purpose)?.is !== said.is
  if (isNews) {
    await transaction
      .insertInto('sms_consents')
      .values({
        number: said.number,
        purpose: said.purpose,
        is_in: said.is === 'in',
        said_at: new Date(at),
        word: said.word,
        message_id: said.messageId,
        said_over: said.over,
        evidence: said.evidence,
      })
      .execute()
  }
  if (changes && said.is === 'out' && definition !== null) {
    await suppressWaiting(transaction, definition, said.number, [...before, { purpose: said.purpose, is: said.is, at }], at)
  }
  return { changes }
}

/** What is being submitted at this moment is gone; every other message is asked for once more when it is claimed. */
async function suppressWaiting(
  transaction: Transaction<Schema>,
  definition: SmsDefinition,
  number: string,
  consents: readonly ConsentChange[],
  at: number,
): Promise<void> {
  const waiting = await transaction
    .selectFrom('messages')
    .select(['id', 'template'])
    .where('recipient', '=', number)
    .where('direction', '=', 'out')
    .where('state', 'in', ['held', 'queued'])
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
  const unwanted = waiting.flatMap(({ id, template }) => {
    const purpose = template === null ? null : (definition.templates[template]?.purpose ?? null)
    return purpose === null || mayReceive(consents, purpose) ? [] : [id]
  })
  if (unwanted.length === 0) return
  const step: TraceStep = { at, what: 'suppressed', why: 'the recipient opted out' }
  await transaction
    .updateTable('messages')
    .set({ state: 'suppressed', due_at: null, sealed_text: null, trace: sql`trace || ${JSON.stringify([step])}::jsonb` })
    .where('id', 'in', unwanted)
    .execute()
  changedIn(transaction).message(unwanted)
}

/** For an operator who was told on the phone, or another system. */
export class Consents {
  readonly #connections: Connections
  readonly #sms: Pick<SmsIntents, 'definition' | 'erasedDigest'>

  constructor(connections: Connections, sms: Pick<SmsIntents, 'definition' | 'erasedDigest'>) {
    this.#connections = connections
    this.#sms = sms
  }

  /** All that this number (E.164) said, in the order of its saying. */
  of(number: string): Promise<KeptConsent[]> {
    return consentsOf(this.#connections.kysely, number, this.#sms.erasedDigest(number))
  }

  /** What may be sent to this number (E.164), purpose by purpose, and all that it said. */
  async standing(number: string): Promise<NumberConsents> {
    const said = await this.of(number)
    const others = [...this.#purposes(), ...said.map(({ purpose }) => purpose)].filter((purpose) => purpose !== everyPurpose)
    const purposes = [...new Set(others)].sort()
    return {
      number,
      purposes: [everyPurpose, ...purposes].map((purpose) => ({ purpose, mayReceive: mayReceive(said, purpose) })),
      said: said.toReversed(),
    }
  }

  /** Saying the same again changes nothing. */
  async say(said: NewConsent, at: number): Promise<Result<NumberConsents>> {
    const { number, purpose, is, evidence } = said
    const known = this.#purposes()
    if (purpose !== everyPurpose && this.#sms.definition !== null && !known.includes(purpose)) {
      return refuse('invalid', 'purpose', `is the purpose of no template in pforte.yaml. Known: ${[everyPurpose, ...known].join(', ')}.`)
    }
    await this.setConsent({ number, purpose, is, evidence: evidence === null ? null : printable(evidence) }, at)
    return { ok: true, value: await this.standing(number) }
  }

  /** @param said.number E.164 */
  setConsent(
    said: Pick<SaidConsent, 'number' | 'purpose' | 'is'> & { evidence?: string | null },
    at: number,
  ): Promise<{ changes: boolean }> {
    return this.#connections.kyselyTransaction(async (transaction) => {
      await lockNumber(transaction, said.number)
      return sayConsent(transaction, this.#sms, { evidence: null, ...said, word: null, messageId: null, over: 'api' }, at)
    })
  }

  /** What the templates of pforte.yaml are for; answers to what somebody just did are for nothing that can be ended. */
  #purposes(): string[] {
    const templates = Object.values(this.#sms.definition?.templates ?? {})
    return [...new Set(templates.flatMap(({ purpose }) => (purpose === null ? [] : [purpose])))]
  }
}
