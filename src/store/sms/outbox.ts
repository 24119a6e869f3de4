/** The port `Outbox`, put together: one file behind it for each idea. */
import type { Claimed, ClaimRequest, Outbox, Taken, TryResult } from '../../app/ports/outbox.ts'
import type { Incoming } from '../../app/ports/smsc.ts'
import type { StrangerCap } from '../../domain/sms/caps.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'
import type { Connections, Statement } from '../connections.ts'
import type { Leases } from '../lease.ts'
import { claim } from './claims.ts'
import type { SmsIntents, SmsListeners } from './intents.ts'
import { takeReceipts } from './receipts.ts'
import { expirePiles, takeReplies } from './replies.ts'
import { recordResults } from './results.ts'
import { takeSenderLease, type SenderLease } from './sender-lease.ts'
import { rescue, settleUncertain } from './uncertain.ts'

/** Windows, caps or templates may be others now: what waits for them is looked at again. */
const lookAgain: Statement = {
  name: 'look at held messages again',
  text: `UPDATE messages SET due_at = $1 WHERE state = 'held' AND due_at > $1`,
}

export class PostgresOutbox implements Outbox {
  readonly #connections: Connections
  readonly #leases: Leases
  readonly #sms: SmsIntents
  readonly #listeners: SmsListeners

  /** @param listeners whom the intents tell */
  constructor(connections: Connections, leases: Leases, sms: SmsIntents, listeners: SmsListeners) {
    this.#connections = connections
    this.#leases = leases
    this.#sms = sms
    this.#listeners = listeners
  }

  onDue(listener: () => void): void {
    this.#listeners.onDue.push(listener)
  }

  onAlarm(listener: (cap: StrangerCap) => void): void {
    this.#listeners.onAlarm.push(listener)
  }

  async claim<T extends Taken>(request: ClaimRequest<T>): Promise<Claimed<T>> {
    const { definition } = this.#sms
    return definition === null ? { submitting: [], isMore: false, nextDueAt: null } : claim(this.#connections, definition, request)
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
    const receipts = incoming.filter((one) => one.kind === 'receipt')
    const replies = incoming.filter((one) => one.kind === 'reply')
    if (receipts.length > 0) await takeReceipts(this.#connections, receipts, at)
    if (replies.length > 0) await takeReplies(this.#connections, this.#sms, replies, at)
  }

  expirePiles(at: number): Promise<{ nextAt: number | null }> {
    return expirePiles(this.#connections, this.#sms, at)
  }

  async useSms(definition: SmsDefinition | null, at: number): Promise<void> {
    const isFirst = this.#sms.definition === null
    this.#sms.definition = definition
    if (definition === null || isFirst) return
    await this.#connections.run(lookAgain, [new Date(at)])
    for (const listener of this.#listeners.onDue) listener()
  }
}
