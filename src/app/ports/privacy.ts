/** What people may ask of whoever keeps something about them, and the proof that it is done. Part of `Records`. */
import type { Page, PageRequest } from './records.ts'
import type { RetentionRun } from './retention.ts'

export interface PrivacyRecords {
  retentionRuns(page: PageRequest): Promise<Page<RetentionRun>>
}
