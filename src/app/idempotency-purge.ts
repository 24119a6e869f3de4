import type { CronJob } from './ports/jobs.ts'
import type { Writing } from './ports/writing.ts'

/** Answers to writes count for a day and are thrown away within the hour after it. */
export function idempotencyPurge(writing: Pick<Writing, 'forgetAnswers'>): CronJob {
  return {
    name: 'idempotency_purge',
    pattern: '0 * * * *',
    run: async (at, signal) => void (await writing.forgetAnswers(at, signal)),
  }
}
