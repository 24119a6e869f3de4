/** Joins what is done in the background: what comes by the clock, and what somebody ordered. */
import type { Logger } from 'pino'
import type { CronJob, JobRunner } from '../app/ports/jobs.ts'
import { openJobs } from '../store/jobs.ts'
import type { Store } from '../store/open.ts'

export type BackgroundDeps = {
  databaseUrl: string
  store: Store
  log: Logger
}

/** Begins in the background, and again whenever Postgres was away. */
export function openBackground({ databaseUrl, store, log }: BackgroundDeps): JobRunner {
  const cron: CronJob[] = []
  return openJobs({ databaseUrl, log, cron, ordered: [], orders: store.jobs })
}
