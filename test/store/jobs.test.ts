/** Background work: by the clock and by order, whichever process does it, and whatever happens to Postgres meanwhile. */
import t, { type Test } from 'tap'
import pg from 'pg'
import type { CronJob, OrderedJob } from '../../src/app/ports/jobs.ts'
import { Connections } from '../../src/store/connections.ts'
import { JobOrders, openJobs, type JobsOptions } from '../../src/store/jobs.ts'
import { freshDatabase, ownPostgres, quiet } from '../support/postgres.ts'
import { until } from '../support/until.ts'

type Runner = ReturnType<typeof openJobs> & { orders: JobOrders; url: string }

/** One process's background work, on a database that several may share. */
async function runner(t: Test, work: Partial<JobsOptions>, url?: string): Promise<Runner> {
  const database = url === undefined ? await freshDatabase() : null
  const databaseUrl = url ?? database!.url
  const connections = new Connections(databaseUrl, quiet)
  const orders = new JobOrders(connections)
  let listening = (): void => {}
  const ready = new Promise<void>((resolve) => (listening = resolve))
  const jobs = openJobs({ databaseUrl, log: quiet, cron: [], ordered: [], orders, ...work, onListening: listening })
  t.teardown(async () => {
    await jobs.close()
    await connections.close()
    await database?.drop()
  })
  await ready
  return Object.assign(jobs, { orders, url: databaseUrl })
}

async function query<Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text, values)).rows
  } finally {
    await client.end()
  }
}

/** Notes what it was told to do. */
function noting(name: string): { job: OrderedJob; done: unknown[] } {
  const done: unknown[] = []
  return { done, job: { name, run: async (payload) => void done.push(payload) } }
}

t.test('what is ordered is done, and what is ordered for later is done then', async (t) => {
  const letters = noting('letters')
  const { orders } = await runner(t, { ordered: [letters.job] })
  await orders.order({ name: 'letters', payload: { to: 'Anna' } })
  await orders.order({ name: 'letters', payload: { to: 'Ben' }, at: Date.now() + 300 })
  await until('both letters', () => letters.done.length === 2)
  t.strictSame(letters.done, [{ to: 'Anna' }, { to: 'Ben' }])
})

t.test('jobs of one queue are done one after the other, and an order that waits is replaced by the next of its key', async (t) => {
  const seen: string[] = []
  const first = Promise.withResolvers<void>()
  const job: OrderedJob = {
    name: 'visit',
    run: async (payload) => {
      const { at } = payload as { at: string }
      seen.push(`begins ${at}`)
      if (at === 'one') await first.promise
      seen.push(`ends ${at}`)
    },
  }
  const { orders } = await runner(t, { ordered: [job] })
  await orders.order({ name: 'visit', payload: { at: 'one' }, queue: 'street', key: 'street' })
  await until('the first to begin', () => seen.length === 1)
  await orders.order({ name: 'visit', payload: { at: 'two' }, queue: 'street', key: 'street' })
  await orders.order({ name: 'visit', payload: { at: 'three' }, queue: 'street', key: 'street' })
  await orders.order({ name: 'visit', payload: { at: 'elsewhere' }, queue: 'another street' })
  await until('the one elsewhere', () => seen.includes('ends elsewhere'))
  first.resolve()
  await until('the last', () => seen.includes('ends three'))
  t.strictSame(seen, ['begins one', 'begins elsewhere', 'ends elsewhere', 'ends one', 'begins three', 'ends three'])
})

t.test('work that comes once a day and was due while nobody ran is made up for once', async (t) => {
  const due = new Date(Date.now() - 120_000)
  const ran: number[] = []
  const nightly: CronJob = {
    name: 'nightly',
    pattern: `${due.getUTCMinutes()} ${due.getUTCHours()} * * *`,
    run: async (at) => void ran.push(at),
  }
  const yesterday = await runner(t, { cron: [nightly] })
  await yesterday.close()
  t.strictSame(ran, [], 'it was not known then')
  await query(yesterday.url, `UPDATE graphile_worker._private_known_crontabs SET known_since = now() - interval '2 days'`)
  const today = await runner(t, { cron: [nightly] }, yesterday.url)
  await until('the missed night', () => ran.length > 0)
  t.strictSame(ran, [Math.floor(due.getTime() / 60_000) * 60_000], 'and it is told for when it was due')
  await today.close()
  await runner(t, { cron: [nightly] }, yesterday.url)
  t.equal(ran.length, 1, 'a restart does not do it again')
})

t.test('what throws is tried again, and what it says is kept in no row', async (t) => {
  let tries = 0
  const job: OrderedJob = {
    name: 'fragile',
    run: async () => {
      tries += 1
      throw new Error('the PIN is 48213')
    },
  }
  const { orders, url } = await runner(t, { ordered: [job] })
  await orders.order({ name: 'fragile', payload: {}, key: 'fragile' })
  const [row] = await until('the failure to be written down', async () => {
    const rows = await query<{ last_error: string | null; attempts: number }>(url, 'SELECT last_error, attempts FROM graphile_worker.jobs')
    return rows[0]?.last_error == null ? null : rows
  })
  t.equal(tries, 1)
  t.match(row, { attempts: 1, last_error: 'It failed; the log says why.' })
})

t.test('what a process was doing when it died is done by the next one at once', async (t) => {
  const { url, orders } = await runner(t, { ordered: [noting('other').job] })
  await orders.order({ name: 'letters', payload: { to: 'Anna' }, queue: 'post' })
  // As a process leaves it that is killed in the middle of it.
  await query(url, `UPDATE graphile_worker._private_jobs SET locked_at = now(), locked_by = 'pool-dead', attempts = 1`)
  await query(url, `UPDATE graphile_worker._private_job_queues SET locked_at = now(), locked_by = 'pool-dead'`)
  const letters = noting('letters')
  await runner(t, { ordered: [letters.job] }, url)
  await until('the letter', () => letters.done.length === 1)
  t.strictSame(letters.done, [{ to: 'Anna' }])
})

t.test('what a living process does is taken from it by nobody', async (t) => {
  let begun = 0
  const end = Promise.withResolvers<void>()
  const job: OrderedJob = {
    name: 'long',
    run: async () => {
      begun += 1
      await end.promise
    },
  }
  const one = await runner(t, { ordered: [job] })
  await one.orders.order({ name: 'long', payload: {} })
  await until('it to begin', () => begun === 1)
  const letters = noting('letters')
  const other = await runner(t, { ordered: [job, letters.job] }, one.url)
  await other.orders.order({ name: 'letters', payload: { to: 'Anna' } })
  await until('something later, done by the other', () => letters.done.length === 1)
  t.equal(begun, 1)
  end.resolve()
})

t.test('closing tells work under way, and waits for it', async (t) => {
  const seen: string[] = []
  const job: OrderedJob = {
    name: 'long',
    run: (_payload, signal) =>
      new Promise((resolve) => {
        seen.push('begun')
        signal.addEventListener('abort', () => {
          seen.push('told')
          resolve()
        })
      }),
  }
  const jobs = await runner(t, { ordered: [job] })
  await jobs.orders.order({ name: 'long', payload: {} })
  await until('it to begin', () => seen.length === 1)
  await jobs.close()
  t.strictSame(seen, ['begun', 'told'])
  t.strictSame(await query(jobs.url, 'SELECT FROM graphile_worker.jobs WHERE locked_by IS NOT NULL'), [])
})

t.test('Postgres may be away when it begins and go away at any time: work goes on afterwards', { timeout: 90_000 }, async (t) => {
  const postgres = await ownPostgres(t)
  const { url } = await freshDatabase(postgres.url)
  await postgres.stop()
  const connections = new Connections(url, quiet)
  const orders = new JobOrders(connections)
  const letters = noting('letters')
  const started: string[] = []
  const held = Promise.withResolvers<void>()
  const slow: OrderedJob = {
    name: 'slow',
    run: async () => {
      started.push('slow')
      await held.promise
    },
  }
  let listened = 0
  const jobs = openJobs({
    databaseUrl: url,
    log: quiet,
    cron: [],
    ordered: [letters.job, slow],
    orders,
    onListening: () => {
      listened += 1
    },
  })
  await postgres.start()
  await until('it to run', () => listened === 1)
  await orders.order({ name: 'letters', payload: { to: 'Anna' } })
  await until('the first letter', () => letters.done.length === 1)

  for (const end of [() => postgres.kill(), () => postgres.stop()]) {
    const before = listened
    await orders.order({ name: 'slow', payload: {}, key: 'slow' })
    await until('work to be under way', () => started.length > 0)
    await end()
    // It ends while nobody can write that down.
    held.resolve()
    await postgres.start()
    await until('it to run again', () => listened > before)
    const letter = letters.done.length
    await orders.order({ name: 'letters', payload: { to: 'Ben' } })
    await until('a letter after it', () => letters.done.length > letter)
  }
  await until('nothing to be left', async () => (await query(url, 'SELECT FROM graphile_worker.jobs')).length === 0)

  await postgres.freeze()
  await jobs.close()
  t.pass('it closes while Postgres stands still')
  await postgres.thaw()
  await connections.close()
})
