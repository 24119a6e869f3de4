/** What looking after receipts asks of the store; taking them is part of `outbox.ts`. Every method rejects with `StoreUnavailable`; long ones leave off at `stop`. */
export interface ReceiptStore {
  /** Looks once more for the parts of receipts that were received after `since` (epoch ms) and match none yet. Returns how many were matched. */
  matchLeft(since: number, at: number, stop?: AbortSignal): Promise<number>
  /** Receipts that were received by then and match no part of ours: of another system on the same account, or of what was erased. */
  countUnmatched(receivedBy: number): Promise<number>
  /** Deletes what was received before then; `unmatched` of them never matched a part. */
  purgeReceipts(before: number, stop?: AbortSignal): Promise<{ purged: number; unmatched: number }>
}
