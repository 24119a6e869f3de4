/** Takes away what has been kept for long enough: page by page, each a short transaction of its own (sweeps.ts). */
import type { Purged, RetentionKind, RetentionRun, RetentionStore } from '../../app/ports/retention.ts'
import type { Page, PageRequest } from '../../app/ports/records.ts'
import type { Connections, Statement } from '../connections.ts'
import type { Keys } from '../keys.ts'
import { newestFirst, pageOf } from '../pages.ts'
import { type Old, sweeps, type Sweep } from './sweeps.ts'

const progressOf: Statement = {
  name: 'how far old things are gone',
  text: 'SELECT done_to AS "doneTo" FROM retention_progress WHERE what = $1',
}
const noteProgress: Statement = {
  name: 'note how far old things are gone',
  text: `INSERT INTO retention_progress AS p (what, done_to) VALUES ($1, $2)
    ON CONFLICT (what) DO UPDATE SET done_to = greatest(p.done_to, excluded.done_to)`,
}
/** As migrations/0007_writes.sql has it. */
export const withoutValues: Statement = {
  name: 'what goes is not written down a second time',
  text: `SELECT set_config('pforte.audit_values', 'none', true),
    set_config('pforte.actor', coalesce(nullif(current_setting('pforte.actor', true), ''), '{"pforte": "jobs"}'), true)`,
}
const planned: Statement = {
  name: 'what is old is planned for its values',
  text: `SELECT set_config('plan_cache_mode', 'force_custom_plan', true)`,
}
const beginRun: Statement = {
  name: 'begin a run of the retention',
  text: 'INSERT INTO retention_runs (started_at) VALUES ($1) RETURNING id',
}
const noteRun: Statement = {
  name: 'note what a run of the retention did',
  text: 'UPDATE retention_runs SET kinds = $2::jsonb, ended_at = $3 WHERE id = $1',
}

/** Before anything of ours. */
const beginning = '1900-01-01T00:00:00Z'

export class Retention implements RetentionStore {
  readonly #connections: Connections
  readonly #keys: Keys

  constructor(connections: Connections, keys: Keys) {
    this.#connections = connections
    this.#keys = keys
  }

  async purge(kind: RetentionKind, before: number, at: number, stop?: AbortSignal): Promise<{ purged: number; isWhole: boolean }> {
    const { run } = this.#connections
    // What goes is not written down a second time, in the audit.
    const take = ({ take, given }: Sweep, old: Old[]): Promise<object[]> =>
      this.#connections.transaction((within, last) => {
        const quiet = within(withoutValues, [])
        return Promise.all([last(take, given(old, by)), quiet]).then(([gone]) => gone)
      })
    const by = { at, erasedName: (name: string) => this.#keys.erasedName(name) }
    let purged = 0
    for (const sweep of sweeps[kind]) {
      // What waits now and is settled by the time that its state is walked is met once more at the next run.
      const doneTo = await this.#mayBeDoneTo(sweep, before)
      for await (const old of this.#old(sweep, before)) {
        if (old.length > 0) purged += (await take(sweep, old)).length
        if (stop?.aborted === true) return { purged, isWhole: false }
      }
      if (sweep.progress !== null) await run(noteProgress, [sweep.progress.name, new Date(doneTo)])
    }
    return { purged, isWhole: true }
  }

  async countOld(kind: RetentionKind, before: number): Promise<number> {
    let count = 0
    for (const sweep of sweeps[kind]) for await (const old of this.#old(sweep, before)) count += old.length
    return count
  }

  async beginRun(at: number): Promise<string> {
    const [run] = await this.#connections.run<{ id: number }>(beginRun, [new Date(at)])
    return String(run!.id)
  }

  async noteRun(id: string, kinds: readonly Purged[], endedAt: number | null): Promise<void> {
    await this.#connections.run(noteRun, [id, JSON.stringify(kinds), endedAt === null ? null : new Date(endedAt)])
  }

  /** Newest first. */
  async runs(page: PageRequest): Promise<Page<RetentionRun>> {
    const runs = this.#connections.kysely
      .selectFrom('retention_runs')
      .select(['id', 'started_at as startedAt', 'ended_at as endedAt', 'kinds'])
    const rows = await newestFirst(runs, 'started_at', 'id', (id) => /^\d{1,15}$/.test(id), page).execute()
    return pageOf(
      rows,
      page.limit,
      (row) => ({ at: row.startedAt, id: String(row.id) }),
      (row) => ({ ...row, id: String(row.id) }),
    )
  }

  /** What is old, page by page; those of a page that do not go yet are not among it. */
  async *#old(sweep: Sweep, before: number): AsyncGenerator<Old[]> {
    const { run } = this.#connections
    const { progress } = sweep
    const [done] = progress === null ? [] : await run<{ doneTo: number }>(progressOf, [progress.name])
    const from = done === undefined ? beginning : new Date(done.doneTo).toISOString()
    for (const state of sweep.states ?? [null]) {
      let [at, id] = [from, sweep.firstId]
      for (;;) {
        const behind = [new Date(before), at, id, ...(state === null ? [] : [state])]
        const page = await this.#connections.transaction((within, last) =>
          Promise.all([within(planned, []), last<Old>(sweep.find, behind)]).then(([, found]) => found),
        )
        yield page.filter(({ goes }) => goes)
        const last = page.at(-1)
        if (last === undefined || page.length < sweep.pageRows) break
        ;({ at, id } = last)
      }
    }
  }

  async #mayBeDoneTo({ progress }: Sweep, before: number): Promise<number> {
    if (progress === null) return before
    const [waiting] = await this.#connections.run<{ oldest: number | null }>(progress.waiting, [])
    return Math.min(before, waiting?.oldest ?? before)
  }
}
