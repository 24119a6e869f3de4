/** The port `Outbox`, put together: one file behind it for each idea. */
import { createHash } from 'node:crypto'
import type { Claimed, ClaimRequest, Outbox, Taken, TryResult } from '../../app/ports/outbox.ts'
import type { Incoming } from '../../app/ports/smsc.ts'
import { untilStored } from '../../app/store-patience.ts'
import type { StrangerCap } from '../../domain/sms/caps.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import type { Connections, Statement } from '../connections.ts'
import type { Keys } from '../keys.ts'
import type { Leases } from '../lease.ts'
import type { PhoneNumbers } from '../phone-numbers.ts'
import { claim } from './claims.ts'
import { homeNumber } from './home-number.ts'
import type { SmsIntents, SmsListeners } from './intents.ts'
import { takeReceipts } from './receipts.ts'
import { expirePiles, takeReplies } from './replies.ts'
import { recordResults } from './results.ts'
import { takeSenderLease, type SenderLease } from './sender-lease.ts'
import { rescue, settleUncertain } from './uncertain.ts'

/** Of held messages: so many in one statement … */
const mostAtOnce = 2_000
/** … and one after the other, so that what becomes due meanwhile does not wait behind a night's worth of them. */
const lookEveryMs = 2
const afterAll = { createdAt: Date.UTC(9999, 0), id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' }

/** Windows, caps or templates may be others now: what waits for them is looked at again, the newest first. */
export const lookAgain: Statement = {
  name: 'look at held messages again',
  text: `WITH piece AS (
      SELECT id, created_at, $1::timestamptz + ($4::bigint + row_number() OVER (ORDER BY created_at DESC, id DESC)) * interval '${lookEveryMs} ms' AS look_at
      FROM messages WHERE state = 'held' AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT ${mostAtOnce}),
    looked AS (
      UPDATE messages m SET due_at = piece.look_at FROM piece WHERE m.id = piece.id AND m.state = 'held' AND m.due_at > piece.look_at)
    SELECT created_at AS "createdAt", id FROM piece ORDER BY created_at, id LIMIT 1`,
}

const rulesLookedBy: Statement = { name: 'by which rules held messages were looked at', text: 'SELECT digest FROM sms_rules' }
const keepRules: Statement = {
  name: 'held messages were looked at by these rules',
  text: 'INSERT INTO sms_rules (digest) VALUES ($1) ON CONFLICT (only_one) DO UPDATE SET digest = excluded.digest',
}

export class PostgresOutbox implements Outbox {
  readonly #connections: Connections
  readonly #keys: Keys
  readonly #leases: Leases
  readonly #sms: SmsIntents
  readonly #listeners: SmsListeners
  readonly #numbers: PhoneNumbers

  /** @param listeners whom the intents tell */
  constructor(connections: Connections, keys: Keys, leases: Leases, sms: SmsIntents, listeners: SmsListeners, numbers: PhoneNumbers) {
    this.#connections = connections
    this.#keys = keys
    this.#leases = leases
    this.#sms = sms
    this.#listeners = listeners
    this.#numbers = numbers
  }

  onDue(listener: () => void): void {
    this.#listeners.onDue.push(listener)
  }

  onAlarm(listener: (cap: StrangerCap) => void): void {
    this.#listeners.onAlarm.push(listener)
  }

  async claim<T extends Taken>(request: ClaimRequest<T>): Promise<Claimed<T>> {
    const { definition } = this.#sms
    return definition === null
      ? { submitting: [], isMore: false, nextDueAt: null }
      : claim(this.#connections, this.#keys, definition, request)
  }

  record(results: readonly TryResult[], at: number): Promise<void> {
    return recordResults(this.#connections, results, at)
  }

  rescue(sender: string, at: number): Promise<{ uncertain: number }> {
    return rescue(this.#connections, sender, at)
  }

  async settleUncertain(at: number): Promise<{ nextAt: number | null }> {
    const { definition } = this.#sms
    return definition === null ? { nextAt: null } : settleUncertain(this.#connections, definition, at)
  }

  takeSenderLease(): Promise<SenderLease> {
    return takeSenderLease(this.#leases)
  }

  async takeIncoming(incoming: readonly Incoming[], at: number): Promise<void> {
    const known = (said: string): string => homeNumber(this.#numbers, said)
    const receipts = incoming.flatMap((one) => (one.kind === 'receipt' ? [{ ...one, to: known(one.to) }] : []))
    const replies = incoming.flatMap((one) => (one.kind === 'reply' ? [{ ...one, from: known(one.from) }] : []))
    if (receipts.length > 0) await takeReceipts(this.#connections, receipts, at)
    if (replies.length > 0) await takeReplies(this.#connections, this.#sms, replies, at)
  }

  expirePiles(at: number, stop?: AbortSignal): Promise<{ nextAt: number | null }> {
    return expirePiles(this.#connections, this.#sms, at, undefined, stop)
  }

  async useSms(definition: SmsDefinition | null, at: number): Promise<void> {
    this.#sms.definition = definition
    if (definition === null) return
    const isInUse = (): boolean => this.#sms.definition === definition
    await untilStored(() => this.#lookAgain(definition, at, isInUse), isInUse)
  }

  /** If the rules are others than those by which all that is held was looked at last, by whichever process. */
  async #lookAgain(definition: SmsDefinition, at: number, isInUse: () => boolean): Promise<void> {
    const digest = createHash('sha256').update(JSON.stringify(definition)).digest('base64url')
    const [rules] = await this.#connections.run<{ digest: string }>(rulesLookedBy, [])
    if (rules?.digest === digest) return
    let last: { createdAt: number; id: string } | undefined = afterAll
    for (let looked = 0; last !== undefined && isInUse(); looked += mostAtOnce) {
      const values: unknown[] = [new Date(at), new Date(last.createdAt), last.id, looked]
      ;[last] = await this.#connections.run<{ createdAt: number; id: string }>(lookAgain, values)
    }
    if (!isInUse()) return
    await this.#connections.run(keepRules, [digest])
    for (const listener of this.#listeners.onDue) listener()
  }
}
