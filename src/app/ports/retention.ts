/** Taking away what has been kept for long enough (`retention` in pforte.yaml), and erasing what is held about one customer. */

/** As pforte.yaml names them, in the order in which they are worked off. */
export const retentionKinds = ['recordings', 'message_texts', 'numbers', 'tickets', 'events', 'webhooks', 'audit'] as const
export type RetentionKind = (typeof retentionKinds)[number]

/** How long each kind is kept, in milliseconds; null: without end. */
export type RetentionRules = Readonly<Record<RetentionKind, number | null>>

/** What became of one kind. `before`: what is older was to go (epoch ms). `isWhole`: all of it went; else the next run goes on. */
export type Purged = { kind: RetentionKind; before: number; purged: number; tookMs: number; isWhole: boolean }

export type RetentionRun = {
  id: string
  startedAt: number
  /** Null: it is under way, or was cut off. */
  endedAt: number | null
  kinds: Purged[]
}

/** Every method rejects with `StoreUnavailable` while Postgres is away. */
export interface RetentionStore {
  /**
   * Takes away what of this kind is older, piece by piece, each in a transaction of its own; between two it leaves off when it
   * is to stop. Doing it again, or twice at a time, does no harm.
   */
  purge(kind: RetentionKind, before: number, at: number, stop?: AbortSignal): Promise<{ purged: number; isWhole: boolean }>
  /** How much `purge` would take away. */
  countOld(kind: RetentionKind, before: number): Promise<number>
  beginRun(at: number): Promise<string>
  noteRun(id: string, kinds: readonly Purged[], endedAt: number | null): Promise<void>
}
