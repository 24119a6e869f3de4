/**
 * What those who watch ask of the store: which things were changed a moment
 * ago, and how they stand now. A hint costs the one who changed something
 * nothing worth measuring; only whoever listens reads.
 */
import type { AgentRecord, CallRecord, MessageRecord, QueueRecord, Ticket } from './records.ts'
import type { Announcement } from './store.ts'

/** What was changed and committed since the last look. It names each thing once, however often it was changed. */
export type Touched = {
  tickets: ReadonlySet<string>
  calls: ReadonlySet<string>
  messages: ReadonlySet<string>
  /** Places in queues, or what agents do. Both are few, and are read as a whole. */
  service: boolean
  announcements: boolean
  /** So much was changed that nobody has written down what. */
  isTooMuch: boolean
}

export interface LiveStore {
  /**
   * From now on what this process changes is written down; `onTouched` is called after a commit, once until the next `take`.
   * Null: no longer. One at a time listens.
   */
  listen(onTouched: (() => void) | null): void
  take(): Touched
  /** It could not be read. It comes with the next `take`. */
  putBack(touched: Touched): void

  /** Those of them that there are, in no order. @throws StoreUnavailable */
  tickets(ids: readonly string[]): Promise<Ticket[]>
  /** @throws StoreUnavailable */
  calls(ids: readonly string[]): Promise<CallRecord[]>
  /** @throws StoreUnavailable */
  messages(ids: readonly string[]): Promise<MessageRecord[]>
  /** @param at decides whose wrap-up is over, epoch milliseconds. @throws StoreUnavailable */
  queues(at: number): Promise<QueueRecord[]>
  /** @throws StoreUnavailable */
  agents(at: number): Promise<AgentRecord[]>
  /** @throws StoreUnavailable */
  announcements(): Promise<Announcement[]>
}
