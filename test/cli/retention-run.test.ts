/** What goes at night, at the command line: first a look, then for good. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { testStore } from '../support/postgres.ts'

const ROOT = join(import.meta.dirname, '../..')

t.test('npx pforte retention run says with --dry-run what would go, and takes it away without', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'pforte-retention-'))
  t.teardown(() => rm(home, { recursive: true, force: true }))
  const store = await testStore(t)
  await store.query(`INSERT INTO events (id, type, request_digest, message_ids, created_at)
    SELECT gen_random_uuid(), 'payment.received', '', '{}', now() - n * interval '20 days' FROM generate_series(0, 3) n`)
  const env = { ...process.env, NODE_OPTIONS: '', PFORTE_HOME: home, DATABASE_URL: store.url, PFORTE_SECRET: '\u0007'.repeat(32) }
  const run = async (...more: string[]): Promise<{ exitCode: number; out: string }> => {
    const child = spawn(process.execPath, ['src/cli.ts', 'retention', 'run', ...more], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    const exitCode = await new Promise<number>((resolve) => child.on('close', resolve))
    return { exitCode, out }
  }
  const left = async (): Promise<number> => (await store.query('SELECT FROM events')).rowCount!

  const ahead = await run('--dry-run')
  t.equal(ahead.exitCode, 0)
  t.match(ahead.out, /^events +2 {2}from before \d{4}-\d\d-\d\d$/m)
  t.match(ahead.out, /nothing was changed/)
  t.equal(await left(), 4)

  const done = await run()
  t.equal(done.exitCode, 0)
  t.match(done.out, /^events +2 {2}from before /m)
  t.equal(await left(), 2)
  t.match((await store.records.retentionRuns({ limit: 1, cursor: null })).items, [{ endedAt: Number }])
})
