/** What docs/ tells people to type does what it says: every page is run as it stands, against a whole Pforte. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { newId } from '../../src/store/ids.ts'
import { openStore } from '../../src/store/open.ts'
import { TestPforte } from '../support/pforte.ts'
import { quiet, rules } from '../support/postgres.ts'
import { asked, commandsOf, isOf, runCommands } from './shell.ts'

t.setTimeout(300_000)

const PAGES = ['api.md', 'crm.md', 'privacy.md']
/** Asterisk's own business. */
const NOBODYS = ['/prompts/{hash}.wav']

const pforte = await TestPforte.start()
const folder = await mkdtemp(join(tmpdir(), 'pforte-docs-'))
t.teardown(async () => {
  await pforte.stop()
  await rm(folder, { recursive: true, force: true })
})
await leaveVoicemail()

for (const page of PAGES) {
  t.test(`docs/${page}: every command works`, async (t) => {
    const { code, said } = await runCommands(await commandsOf(page), folder, {
      API: pforte.url,
      KEY: pforte.environment['PFORTE_API_KEY']!,
    })
    t.equal(code, 0, said.slice(-3000))
  })
}

t.test('docs/api.md shows every operation that there is, and nothing that there is not', async (t) => {
  const document = (await pforte.request('GET', '/openapi.json')).body as { paths: Record<string, Record<string, unknown>> }
  const shown = asked(await commandsOf('api.md'))
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).flatMap((method) => (method === 'head' || NOBODYS.includes(path) ? [] : [{ method: method.toUpperCase(), path }])),
  )
  t.ok(operations.length > 50)
  for (const { method, path } of operations) {
    t.ok(
      shown.some((one) => one.method === method && isOf(one, path)),
      `${method} ${path}`,
    )
  }
  for (const one of shown) {
    t.ok(
      operations.some(({ method, path }) => one.method === method && isOf(one, path)),
      `${one.method} ${one.path} is there`,
    )
  }
})

/** A call that left a message, as the hotline keeps both. */
async function leaveVoicemail(): Promise<void> {
  const { DATABASE_URL = '', PFORTE_SECRET = '' } = pforte.environment
  const store = await openStore({ databaseUrl: DATABASE_URL, secret: Buffer.from(PFORTE_SECRET), log: quiet, ...rules })
  const callId = newId()
  const { ticketId } = await store.calls.keepVoicemail({
    recording: callId,
    callId,
    line: 'hotline',
    caller: '+4962155501',
    at: Date.now(),
    wav: Buffer.alloc(32_000),
    durationMs: 2_000,
    language: 'de',
  })
  await store.close()
  await pforte.db.query(
    `INSERT INTO calls (id, asterisk, leg, line, dialled, language, flow_hash, started_at, ended_at, outcome, ticket_id, path)
     VALUES ($1, 'elsewhere', 'leg', 'hotline', 'x', 'de', 'flow', now(), now(), 'voicemail', $2, '[]')`,
    [callId, ticketId],
  )
}
