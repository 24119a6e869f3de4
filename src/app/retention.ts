/**
 * Every night what has been kept for long enough goes, kind by kind. What a
 * run did is in its row, in the log and in the metrics. One that is cut short,
 * by the end of the process or by Postgres, is gone on with by the next.
 */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { CronJob } from './ports/jobs.ts'
import type { Log } from './ports/log.ts'
import { type Purged, type RetentionKind, retentionKinds, type RetentionRules, type RetentionStore } from './ports/retention.ts'

/** After midnight wherever Pforte is likely to stand, and before anybody is at work. UTC. */
const AT_NIGHT = '15 2 * * *'

export type RetentionDeps = {
  store: RetentionStore
  /** From pforte.yaml, which can be read again. */
  rules: () => RetentionRules
  log: Log
  /** Epoch milliseconds. */
  now: () => number
  metrics?: RetentionMetrics
}

export class Retention {
  readonly #deps: RetentionDeps
  readonly job: CronJob = { name: 'retention', pattern: AT_NIGHT, run: async (_at, stop) => void (await this.run(stop)) }

  constructor(deps: RetentionDeps) {
    this.#deps = deps
  }

  /** Once, now. What goes wrong with one kind keeps no other from its turn. @throws what went wrong first, in the end */
  async run(stop?: AbortSignal): Promise<Purged[]> {
    const { store, log, now, metrics } = this.#deps
    const startedAt = now()
    const id = await store.beginRun(startedAt)
    const done: Purged[] = []
    const failures: unknown[] = []
    for (const [kind, before] of this.#due(startedAt)) {
      if (stop?.aborted === true) break
      const begunAt = now()
      try {
        const { purged, isWhole } = await store.purge(kind, before, startedAt, stop)
        done.push({ kind, before, purged, tookMs: now() - begunAt, isWhole })
        metrics?.purged(kind, purged)
        await store.noteRun(id, done, null)
      } catch (error) {
        failures.push(error)
      }
    }
    const isWhole = failures.length === 0 && stop?.aborted !== true && done.every((one) => one.isWhole)
    const told = { run: id, tookMs: now() - startedAt, ...Object.fromEntries(done.map(({ kind, purged }) => [kind, purged])) }
    if (failures.length > 0) {
      log.warn(told, 'not everything that is old could be taken away; it is tried again')
      throw failures[0]
    }
    if (isWhole) {
      await store.noteRun(id, done, now())
      metrics?.succeeded(now())
      log.info(told, 'what was kept for long enough has been taken away')
    } else log.info(told, 'taking away what is old was cut short; the next run goes on')
    return done
  }

  /** How much would go now. Changes nothing. */
  async lookAhead(): Promise<{ kind: RetentionKind; before: number; old: number }[]> {
    const ahead: { kind: RetentionKind; before: number; old: number }[] = []
    for (const [kind, before] of this.#due(this.#deps.now())) {
      ahead.push({ kind, before, old: await this.#deps.store.countOld(kind, before) })
    }
    return ahead
  }

  /** Without those that are kept for ever. */
  #due(at: number): [RetentionKind, number][] {
    const rules = this.#deps.rules()
    return retentionKinds.flatMap((kind): [RetentionKind, number][] => {
      const keepMs = rules[kind]
      return keepMs === null ? [] : [[kind, at - keepMs]]
    })
  }
}

/** Names as in `metrics.ts`. */
export class RetentionMetrics {
  readonly #purged: Counter
  readonly #lastSuccess: Gauge

  constructor(registry: Registry) {
    const registers = [registry]
    this.#purged = new Counter({
      name: 'pforte_retention_purged_total',
      help: 'What was taken away after it had been kept for long enough, by kind.',
      labelNames: ['kind'],
      registers,
    })
    this.#lastSuccess = new Gauge({
      name: 'pforte_retention_last_success_timestamp_seconds',
      help: 'When all that was old had been taken away last, by this process; 0: not yet.',
      registers,
    })
  }

  purged(kind: RetentionKind, count: number): void {
    this.#purged.inc({ kind }, count)
  }

  /** @param at epoch milliseconds */
  succeeded(at: number): void {
    this.#lastSuccess.set(at / 1000)
  }
}
