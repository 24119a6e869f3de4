/** Joins what is done in the background: what comes by the clock, and what somebody ordered. */
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { CronJob, JobRunner } from '../app/ports/jobs.ts'
import { idempotencyPurge } from '../app/idempotency-purge.ts'
import { Retention, RetentionMetrics } from '../app/retention.ts'
import { ticketClocks } from '../app/tickets/ticket-clocks.ts'
import { WebhookLoop } from '../app/webhooks/loop.ts'
import { countTries } from '../app/webhooks/metrics.ts'
import type { Service } from '../config.ts'
import { openJobs } from '../store/jobs.ts'
import type { Store } from '../store/open.ts'
import type { HttpSender } from '../webhooks/sender.ts'

export type BackgroundDeps = {
  postgres: { databaseUrl: string }
  store: Store
  /** Closed with the work. */
  sender: HttpSender
  service: () => Service
  metrics: Registry
  log: Logger
  now: () => number
}

/** Begins in the background, and again whenever Postgres was away. */
export function openBackground({ postgres, store, sender, service, metrics, log, now }: BackgroundDeps): JobRunner {
  const webhooks = new WebhookLoop({
    outbox: store.deliveries,
    sender,
    orders: store.jobs,
    log,
    now,
    random: Math.random,
    onTry: countTries(metrics),
  })
  const rules = () => service().retention
  const retention = new Retention({ store: store.retention, rules, log, now, metrics: new RetentionMetrics(metrics) })
  const cron: CronJob[] = [
    webhooks.sweep,
    idempotencyPurge(store.writing),
    retention.job,
    ticketClocks({ store: store.ticketClocks, log, now }),
  ]
  const jobs = openJobs({
    databaseUrl: postgres.databaseUrl,
    log,
    cron,
    ordered: [webhooks.job],
    orders: store.jobs,
    hints: [{ channel: 'pforte_webhooks', heard: (id) => webhooks.tell(id) }],
    onListening: () => webhooks.lookSoon(),
  })
  return {
    close: async () => {
      await jobs.close()
      sender.close()
    },
  }
}
