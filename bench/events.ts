/**
 * `POST /v1/events` on a whole Pforte, while it sends the messages of what it
 * takes to its simulated carrier: how many a second are answered with all
 * written down, and how long one waits at half of what must be reached. The
 * load comes from this process, Pforte is another, and Postgres keeps `fsync`.
 */
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { parseDocument } from 'yaml'
import { TestPforte } from '../test/support/pforte.ts'
import { judged, ms, quantile, told, type Figure } from './figure.ts'
import { besideDisk } from './load/disk.ts'
import { asFastAsItGoes, atRate, type Asked, type Loaded, type Target } from './load/http-load.ts'
import type { BenchOptions } from './run.ts'

/** Of issue 4. */
const BAR_PER_SECOND = 1_500
const BAR_P99_MS = 50
const CONNECTIONS = [40, 100]
const WARM_UP_MS = 5_000
const LOAD_MS = 15_000
/** In which caller IDs are spread, so that nobody gets too many. */
const NUMBERS = 50_000_000
const WINDOW = 100
const name = 'events'

export async function run({ progress }: BenchOptions): Promise<Figure[]> {
  progress.step('events: starting Pforte')
  const pforte = await TestPforte.start({ yaml: asTheyCome })
  try {
    const { fsync, commit } = await settings(pforte)
    assert.deepEqual({ fsync, commit }, { fsync: 'on', commit: 'on' }, 'every answer means that it is on the disk')
    const target = (connections: number): Target => ({ url: pforte.url, key: pforte.environment['PFORTE_API_KEY']!, connections })
    progress.step('events: warming up')
    await asFastAsItGoes(target(40), WARM_UP_MS, events('warm'))
    await allSent(pforte)
    // As autovacuum does within a minute of a new installation's first load; until then plans are those of empty tables.
    await pforte.db.query('ANALYZE')
    const figures: Figure[] = []
    for (const connections of CONNECTIONS) {
      progress.step(`events: as fast as it goes over ${connections} connections`)
      const before = await counted(pforte)
      const load = await asFastAsItGoes(target(connections), LOAD_MS, events(`fast ${connections}`))
      const after = await counted(pforte)
      complete(load, after.events - before.events)
      const perSecond = load.answered / load.seconds
      figures.push(
        judged(
          name,
          `events a second, ${connections} connections`,
          count(perSecond),
          `≥ ${count(BAR_PER_SECOND)}`,
          perSecond >= BAR_PER_SECOND,
        ),
        told(name, '  p50, p99', `${ms(quantile(load.spentMs, 0.5))}, ${ms(quantile(load.spentMs, 0.99))}`),
        told(name, '  messages that left meanwhile, a second', count((after.left - before.left) / load.seconds)),
        told(name, '  events a commit', ((after.events - before.events) / (after.batches - before.batches)).toFixed(1)),
      )
      await allSent(pforte)
    }
    const half = BAR_PER_SECOND / 2
    progress.step(`events: ${half} a second`)
    const before = await counted(pforte)
    const { value: load, syncMs } = await besideDisk(pforte.home, atRate(target(100), half, LOAD_MS, events('half')))
    const after = await counted(pforte)
    complete(load, after.events - before.events)
    const p99 = quantile(load.spentMs, 0.99)
    const measured = `p99 ${ms(p99)}`
    figures.push(
      judged(name, `${half} events a second (p50 ${ms(quantile(load.spentMs, 0.5))})`, measured, `< ${BAR_P99_MS} ms`, p99 < BAR_P99_MS),
      told(name, '  messages that left meanwhile, a second', count((after.left - before.left) / load.seconds)),
      told(name, '  the disk alone, to keep a page (p50, p99)', `${ms(quantile(syncMs, 0.5))}, ${ms(quantile(syncMs, 0.99))}`),
    )
    progress.done('events')
    return figures
  } finally {
    await pforte.stop()
  }
}

/** Each from a shop that may send it twice, to a number of its own. */
function events(batch: string): (place: number) => Asked {
  return (place) => ({
    method: 'POST',
    path: '/v1/events',
    headers: { 'idempotency-key': `${batch} ${place}` },
    body: JSON.stringify({
      type: 'payment.received',
      to: `+4915${200_000_000 + Math.floor(Math.random() * NUMBERS)}`,
      data: { amount: '49,90 €', invoice: `2026-${place}` },
    }),
  })
}

function complete({ answered, failed }: Loaded, written: number): void {
  assert.deepEqual(failed.slice(0, 3), [], 'every event is taken')
  assert.equal(written, answered, 'every event that was answered is written down')
}

async function counted({ db }: TestPforte): Promise<{ events: number; left: number; batches: number }> {
  const { rows } = await db.query<Record<'events' | 'left' | 'batches', string>>(
    `SELECT count(*) AS events, count(DISTINCT xmin::text) AS batches, (SELECT count(*) FROM messages WHERE sent_at IS NOT NULL) AS left FROM events`,
  )
  return { events: Number(rows[0]!.events), left: Number(rows[0]!.left), batches: Number(rows[0]!.batches) }
}

async function settings({ db }: TestPforte): Promise<{ fsync: string; commit: string }> {
  const { rows } = await db.query(`SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit`)
  return rows[0]
}

/** What one round left behind is not the next one's. */
async function allSent({ db }: TestPforte): Promise<void> {
  const waiting = async (): Promise<number> => {
    const { rows } = await db.query<{ count: string }>(`SELECT count(*) FROM messages WHERE state IN ('queued', 'submitting')`)
    return Number(rows[0]!.count)
  }
  while ((await waiting()) > 0) await wait(500)
}

/** A carrier that takes as many as come, whatever the hour. */
function asTheyCome(text: string): string {
  const file = parseDocument(text)
  file.setIn(['sms', 'window'], 'always')
  file.setIn(['smpp', 'window'], WINDOW)
  return file.toString()
}

const count = (number: number): string => Math.round(number).toLocaleString('en')
