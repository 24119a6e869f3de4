/** What people may ask of whoever keeps something about them, and the proof that it is done. Part of `Records`. */
import type { Page, PageRequest, Result } from './records.ts'
import type { RetentionRun } from './retention.ts'

/** What somebody said about getting messages, with its proof. */
export type KeptConsent = {
  /** `all`, or what templates of pforte.yaml are for. */
  purpose: string
  is: 'out' | 'in'
  at: number
  /** As it is configured; null if nobody wrote one. */
  word: string | null
  messageId: string | null
  /** Over which route and to which of our numbers; or `api`. */
  over: string
  /** Of what was said over the API: who heard it, or where it is written. */
  evidence: string | null
}
export type NumberConsents = {
  number: string
  /** `all` first: what is of no purpose that is named here. */
  purposes: { purpose: string; mayReceive: boolean }[]
  /** Newest first. */
  said: KeptConsent[]
}
/** `number` is E.164. */
export type NewConsent = { number: string; purpose: string; is: 'out' | 'in'; evidence: string | null }

export interface PrivacyRecords {
  retentionRuns(page: PageRequest): Promise<Page<RetentionRun>>
  /** Refused as `not_found` where there is none (any more). What is counted stays as it is. */
  eraseCustomer(id: string, at: number): Promise<Result<null>>
  /** All that is held about a customer, as pieces of one JSON document. Null: there is no such customer. */
  exportCustomer(id: string, at: number): Promise<AsyncIterable<string> | null>
  consents(number: string): Promise<NumberConsents>
  sayConsent(said: NewConsent, at: number): Promise<Result<NumberConsents>>
}
