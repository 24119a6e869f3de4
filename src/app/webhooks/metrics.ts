import { Counter, type Registry } from 'prom-client'
import type { DrainDeps } from './drain.ts'

/** Counts tries to deliver, for an alarm on receivers that take nothing. @returns what `drain` tells of each try */
export function countTries(registry: Registry): NonNullable<DrainDeps['onTry']> {
  const tries = new Counter({
    name: 'pforte_webhook_tries_total',
    help: 'Tries to deliver to a webhook: delivered, failed (tried again), dead (given up).',
    labelNames: ['result'],
    registers: [registry],
  })
  for (const result of ['delivered', 'failed', 'dead']) tries.inc({ result }, 0)
  return (result) => tries.inc({ result })
}
