/** Messages that are left while Pforte is away, or is killed over them: each becomes one ticket, whole. */
import { copyFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../support/until.ts'
import type { Caller } from '../support/caller.ts'
import { Hotline } from '../support/hotline.ts'
import { definitionForSurvival } from './definition.ts'
import { atTheBeep, hearsFallback, holdsAll, nothingIsLeftOnAsterisk, ticketOf, ticketsOf } from './messages.ts'
import { stairs } from './sounds.ts'

t.setTimeout(240_000)

const hotline = await Hotline.open(t, { yaml: definitionForSurvival })
const { pforte } = hotline
const MESSAGE_MS = 2_000
/** Asterisk takes off the end of a message what it believes to be the sound of the key that ended it. */
const CUT_AT_KEY_MS = 600
const LONGEST_MS = 60_000

t.test(
  'while Pforte is away, callers leave a message; it is one ticket once Pforte is back, and stays one',
  { timeout: 60_000 },
  async (t) => {
    const [hangsUp, endsIt, saysNothing] = [await hotline.caller(t), await hotline.caller(t), await hotline.caller(t)]
    await pforte.terminate()
    await Promise.all(
      [hangsUp, endsIt, saysNothing].map(async (caller) => {
        await caller.dials()
        await hearsFallback(hotline, caller)
        await caller.hearsBeep()
        if (caller !== saysNothing) await caller.speaks(stairs(MESSAGE_MS))
        if (caller !== endsIt) return caller.hangsUp()
        void caller.call.sendDigits('#')
        await caller.isHungUpOn()
      }),
    )
    await pforte.run()
    for (const caller of [hangsUp, endsIt]) {
      const ticket = await ticketOf(hotline, caller)
      t.equal(ticket['caller'], caller.number)
      await holdsAll(t, hotline, ticket, caller === endsIt ? MESSAGE_MS - CUT_AT_KEY_MS : MESSAGE_MS)
    }
    await nothingIsLeftOnAsterisk(hotline)
    await pforte.kill()
    await pforte.run()
    for (const caller of [hangsUp, endsIt]) t.equal((await ticketsOf(hotline, caller)).length, 1)
    t.same(await ticketsOf(hotline, saysNothing), [], 'silence is no message')
  },
)

t.test('Pforte comes back while a caller speaks to the fallback, and another still listens to it', { timeout: 60_000 }, async (t) => {
  const [speaking, listening] = [await hotline.caller(t), await hotline.caller(t)]
  await pforte.terminate()
  await speaking.dials()
  await hearsFallback(hotline, speaking)
  await speaking.hearsBeep()
  const begunAt = performance.now()
  void speaking.speaks(stairs(LONGEST_MS))
  await listening.dials()
  await pforte.run()
  await hearsFallback(hotline, listening)
  await listening.hearsBeep()
  await listening.speaks(stairs(MESSAGE_MS))
  t.same(await ticketsOf(hotline, speaking), [], 'no half message')
  const spokenMs = performance.now() - begunAt
  await Promise.all([speaking.hangsUp(), listening.hangsUp()])
  await holdsAll(t, hotline, await ticketOf(hotline, speaking), spokenMs)
  await holdsAll(t, hotline, await ticketOf(hotline, listening), MESSAGE_MS)
  await nothingIsLeftOnAsterisk(hotline)
  for (const caller of [speaking, listening]) t.equal((await ticketsOf(hotline, caller)).length, 1)
})

/** What the caller and Pforte do; Pforte is started again afterwards if it does not run. */
const moments: Record<string, (caller: Caller) => Promise<void>> = {
  'never, the caller just hangs up': (caller) => caller.hangsUp(),
  'before the hang-up': async (caller) => {
    await pforte.kill()
    await caller.hangsUp()
  },
  'at the hang-up': async (caller) => void (await Promise.all([caller.hangsUp(), pforte.kill()])),
  'right after the hang-up': async (caller) => {
    await caller.hangsUp()
    await pforte.kill()
  },
  'when the row of the call is closed': async (caller) => {
    await caller.hangsUp()
    const closed = 'SELECT FROM calls WHERE caller = $1 AND ended_at IS NOT NULL'
    await until('the row to be closed', async () => (await pforte.db.query(closed, [caller.number])).rowCount)
    await pforte.kill()
  },
  'in the middle of making the ticket': async (caller) => {
    const client = await pforte.db.connect()
    try {
      await client.query('BEGIN')
      await client.query('LOCK TABLE tickets IN SHARE MODE')
      await caller.hangsUp()
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      await until('the ticket’s transaction to wait', async () => (await pforte.db.query(waiting)).rowCount)
      await pforte.kill()
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  },
  // As nobody can stop a process between two lines, the file is put back, as if it had not been deleted yet.
  'when the ticket is made and the recording not yet deleted': async (caller) => {
    const spool = join(pforte.environment['PFORTE_HOME']!, 'parts/asterisk/spool/recording')
    const { id } = (await caller.row())!
    await caller.hangsUp()
    const recording = (await readdir(spool)).find((name) => name.includes(id))
    if (recording === undefined) throw new Error('there is no recording of this call')
    const copy = join(pforte.home, recording)
    await copyFile(join(spool, recording), copy)
    await ticketOf(hotline, caller)
    await nothingIsLeftOnAsterisk(hotline)
    await pforte.kill()
    await copyFile(copy, join(spool, recording))
  },
}

t.test('callers hang up in the middle of the message, and Pforte is killed at some moment about that', { timeout: 120_000 }, async (t) => {
  const speaking = await Promise.all(
    Object.keys(moments).map(async (moment) => {
      const caller = await atTheBeep(t, hotline)
      void caller.speaks(stairs(LONGEST_MS))
      return { moment, caller, begunAt: performance.now(), spokenMs: 0 }
    }),
  )
  await new Promise((resolve) => setTimeout(resolve, MESSAGE_MS))
  for (const one of speaking) {
    one.spokenMs = performance.now() - one.begunAt
    await moments[one.moment]!(one.caller)
    if (!pforte.isRunning) await pforte.run()
  }
  for (const { moment, caller, spokenMs } of speaking) {
    t.comment(`killed ${moment}`)
    const ticket = await ticketOf(hotline, caller)
    await holdsAll(t, hotline, ticket, spokenMs)
    t.match(await caller.afterwards(), { outcome: 'voicemail', ticketId: ticket['id'] })
  }
  await nothingIsLeftOnAsterisk(hotline)
  for (const { moment, caller } of speaking) t.equal((await ticketsOf(hotline, caller)).length, 1, `one ticket, killed ${moment}`)
})
