/**
 * Runs background work that is kept in Postgres, with graphile-worker in the
 * schema `graphile_worker`: what somebody ordered and what comes by the clock,
 * each done by one of all processes, in order within a queue, and again if it
 * fails.
 *
 * A runner is alive while its keeper (keeper.ts) holds its lock. So what a
 * process was doing when it died is taken up at once, where graphile-worker by
 * itself would wait four hours. When the keeper loses Postgres the whole runner
 * is taken down and set up anew, for as long as it takes: graphile-worker gives
 * up when it cannot write down that a job is done.
 *
 * It costs next to nothing while nothing is to be done: who orders says so
 * (NOTIFY), work for later has its timer here, and a look every
 * twenty seconds finds the rest.
 */
import { EventEmitter } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { makeWorkerUtils, parseCronItems, run, type Runner, type TaskList, type WorkerEvents } from 'graphile-worker'
import type { CronJob, JobRunner, OrderedJob } from '../../app/ports/jobs.ts'
import type { Log } from '../../app/ports/log.ts'
import { isUnavailable } from '../errors.ts'
import { endPool, poolFor, type Settings, settingsOf, within } from './graphile.ts'
import { type Hint, Keeper } from './keeper.ts'
import type { JobOrders } from './orders.ts'

const againAfterMs = 1_000
/** When it is looked for the next job of a queue after the one before has ended: as a rule, and where Postgres is slow. */
const queueFreeAfterMs = [25, 1_000]
/** How long work under way has for its last step once it was told to end. */
const closeMs = 5_000
/** And how long Postgres has to write down that it ended. */
const writeDownMs = 1_000
const madeUpForMs = 24 * 60 * 60_000

export type JobsOptions = {
  databaseUrl: string
  log: Log
  cron: readonly CronJob[]
  ordered: readonly OrderedJob[]
  orders: JobOrders
  /** NOTIFY channels that are listened to as well. */
  hints?: readonly Hint[]
  /** Each time that listening begins: what was told before was not heard. */
  onListening?: () => void
}

/** Returns at once; Postgres is waited for in the background. */
export function openJobs(options: JobsOptions): JobRunner {
  return new Jobs(options)
}

class Jobs implements JobRunner {
  readonly #options: JobsOptions
  readonly #closing = new AbortController()
  readonly #ran: Promise<void>
  readonly #stopNudging: () => void
  readonly #underWay = new Set<Promise<void>>()
  #isAway = false
  #nudge: () => void = () => {}

  constructor(options: JobsOptions) {
    this.#options = options
    this.#stopNudging = options.orders.onDue(() => this.#nudge())
    this.#ran = this.#keepRunning()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#stopNudging()
    await this.#ran
  }

  async #keepRunning(): Promise<void> {
    const { log } = this.#options
    let toldWhy = ''
    while (!this.#closing.signal.aborted) {
      try {
        await this.#runOnce()
        toldWhy = ''
      } catch (error) {
        if (!isUnavailable(error)) {
          // Once, and not each second for as long as it lasts.
          const why = (error as Error).message
          if (why !== toldWhy) log.error({ err: error }, 'background work cannot be done now; it is tried again')
          toldWhy = why
        } else if (!this.#isAway) {
          log.info({}, 'background work waits for Postgres')
        }
        this.#isAway = true
      }
      await wait(againAfterMs, undefined, { signal: this.#closing.signal, ref: false }).catch(() => {})
    }
  }

  /** From connecting until Postgres is lost or we are to close. */
  async #runOnce(): Promise<void> {
    const { databaseUrl, log, hints = [], onListening } = this.#options
    const ending = new AbortController()
    // graphile-worker listens as well, but only some time after its first look for jobs.
    const orders: Hint = { channel: 'jobs:insert', heard: () => this.#nudge() }
    const keeper = await Keeper.open(databaseUrl, log, [orders, ...hints], () => this.#nudge())
    const pool = poolFor(databaseUrl, log)
    let runner: Runner | null = null
    try {
      const events = new EventEmitter() as WorkerEvents
      events.once('pool:create', ({ workerPool }) => {
        // Leaves before the first look for jobs does: whoever sees that a job is ours sees that we are there.
        keeper.hold(workerPool.id)
        this.#nudge = () => workerPool.nudge(1)
      })
      // Its queue is free once that is written down, of which nobody tells.
      events.on('job:complete', ({ job }) => {
        if (job.job_queue_id !== null) for (const ms of queueFreeAfterMs) setTimeout(() => this.#nudge(), ms).unref()
      })
      const settings = settingsOf(pool, log)
      const cron = [...this.#options.cron, cleaning(settings)]
      runner = await run({ ...settings, events }, this.#tasks(cron, ending.signal), parseCronItems(cron.map(cronItem)))
      const ended = runner.promise.catch(() => {})
      await keeper.releaseDead()
      if (this.#isAway) log.info({}, 'background work goes on')
      this.#isAway = false
      onListening?.()
      const closed = new Promise<void>((resolve) => this.#closing.signal.addEventListener('abort', () => resolve(), { once: true }))
      if (!this.#closing.signal.aborted) await Promise.race([ended, keeper.lost, closed])
    } finally {
      this.#nudge = () => {}
      ending.abort()
      const stopped = runner?.stop() ?? Promise.resolve()
      await within(closeMs, Promise.all(this.#underWay))
      // What Postgres does not write down now is done again by whoever is next.
      await endPool(pool, await within(writeDownMs, stopped))
      await keeper.close()
    }
  }

  #tasks(cron: readonly CronJob[], ending: AbortSignal): TaskList {
    const { ordered, log } = this.#options
    const task =
      (name: string, work: (payload: unknown) => Promise<void>) =>
      async (payload: unknown): Promise<void> => {
        const working = (async () => work(payload))()
        const ended = working.catch(() => {})
        this.#underWay.add(ended)
        try {
          await working
        } catch (error) {
          if (ending.aborted || isUnavailable(error)) log.debug({ job: name }, 'this job was cut short; it is done again')
          else log.error({ job: name, ...whereFailed(error) }, 'this job failed; it is tried again')
          // What it says would be kept beside the job, and may quote what was in somebody's row.
          throw new Error('It failed; the log says why.')
        } finally {
          this.#underWay.delete(ended)
        }
      }
    return Object.fromEntries([
      ...cron.map((job) => [job.name, task(job.name, (payload) => job.run(dueAt(payload), ending))]),
      ...ordered.map((job) => [job.name, task(job.name, (payload) => job.run(payload, ending))]),
    ])
  }
}

/** What was tried as often as may be stays as it is, for a day at most. */
function cleaning(settings: Settings): CronJob {
  return {
    name: 'clean_jobs',
    pattern: '41 2 * * *',
    run: async () => {
      const utils = await makeWorkerUtils(settings)
      await utils.cleanup({ tasks: ['DELETE_PERMAFAILED_JOBS'] }).finally(() => utils.release())
    },
  }
}

/**
 * One at a time, and one that waits. What comes once an hour or less and was due while nobody ran is made up for, once;
 * what comes every few minutes comes soon enough.
 */
function cronItem({ name, pattern }: CronJob): Parameters<typeof parseCronItems>[0][number] {
  const backfillPeriod = pattern.startsWith('*') ? 0 : madeUpForMs
  return { task: name, match: pattern, identifier: name, options: { backfillPeriod, queueName: `cron ${name}`, jobKey: `cron ${name}` } }
}

function dueAt(payload: unknown): number {
  const { _cron: cron } = payload as { _cron?: { ts?: string } }
  return cron?.ts === undefined ? Date.now() : Date.parse(cron.ts)
}

/** An error's message may quote somebody's row; where it came from does not. */
function whereFailed(error: unknown): object {
  const { name, code, stack } = error as { name?: string; code?: string; stack?: string }
  return { error: name, code, at: stack?.match(/^ +at .*$/gm)?.map((frame) => frame.trim()) }
}
