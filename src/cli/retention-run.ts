import pino from 'pino'
import { Retention } from '../app/retention.ts'
import { withStore } from './surroundings.ts'

/** What the job does at night, at once; or only a look at what it would do. */
export async function retentionRun({ dryRun = false }: { dryRun?: boolean }): Promise<number> {
  return withStore(async ({ service, store }) => {
    const retention = new Retention({
      store: store.retention,
      rules: () => service.retention,
      log: pino({ level: 'silent' }),
      now: Date.now,
    })
    const told = dryRun
      ? (await retention.lookAhead()).map(({ kind, before, old }) => ({ kind, before, count: old }))
      : (await retention.run()).map(({ kind, before, purged }) => ({ kind, before, count: purged }))
    for (const { kind, before, count } of told) {
      const day = new Date(before).toISOString().slice(0, 10)
      console.log(`${kind.padEnd(14)} ${String(count).padStart(9)}  from before ${day}`)
    }
    console.log(dryRun ? 'So much would go; nothing was changed.' : '✓ so much went')
    return 0
  })
}
