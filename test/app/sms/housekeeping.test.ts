import t from 'tap'
import { SmsHousekeeping } from '../../../src/app/sms/housekeeping.ts'
import { StoreUnavailable } from '../../../src/app/ports/store.ts'
import { quiet } from '../../support/postgres.ts'

const minute = 60_000
const hour = 60 * minute
const start = Date.UTC(2026, 2, 2, 8)

t.test('after a start all receipts are looked at, then only what is new, and once an hour those of a day', async (t) => {
  const { keeping, looked, clock } = house()
  for (const later of [0, minute, 2 * minute, hour, hour + minute]) {
    clock.at = start + later
    await keeping.round()
  }
  t.same(looked.matched, [0, start - 2 * minute, start - minute, start - 23 * hour, start + hour - 2 * minute])
  t.same(looked.purged.length, 2, 'and what is old goes as often')
  t.same(
    looked.expired,
    [0, minute, 2 * minute, hour, hour + minute].map((later) => start + later),
  )
})

t.test('Postgres is away for a while: the next round makes up for it', async (t) => {
  const { keeping, looked, clock } = house()
  looked.fails = new StoreUnavailable('away')
  await keeping.round()
  clock.at = start + 5 * minute
  looked.fails = null
  await keeping.round()
  looked.fails = new StoreUnavailable('away')
  clock.at = start + 6 * minute
  await keeping.round()
  looked.fails = null
  clock.at = start + 20 * minute
  await keeping.round()
  t.same(looked.matched, [0, start + 3 * minute], 'since the last one that was done')
})

t.test('a bug is told without what it was about, and the next round comes', async (t) => {
  const said: unknown[] = []
  const { keeping, looked } = house({ ...quiet, error: (...what) => said.push(what) })
  looked.fails = new Error('duplicate key (sender)=(+491701234567)')
  await keeping.round()
  t.equal(said.length, 1)
  t.notMatch(JSON.stringify(said), /\+49/)
  t.same([looked.matched.length, looked.purged.length], [1, 1], 'what has nothing to do with it is done all the same')
})

t.test('what is left of a round is not begun once it is closed', async (t) => {
  const { keeping, looked } = house()
  keeping.open()
  await keeping.close()
  t.same([looked.expired.length, looked.matched.length, looked.purged.length], [1, 0, 0])
})

function house(log = quiet) {
  const clock = { at: start }
  const looked = { expired: [] as number[], matched: [] as number[], purged: [] as number[], fails: null as Error | null }
  const keeping = new SmsHousekeeping({
    log,
    now: () => clock.at,
    outbox: {
      async expirePiles(at) {
        if (looked.fails !== null) throw looked.fails
        looked.expired.push(at)
        return { nextAt: null }
      },
    },
    receipts: {
      async matchLeft(since) {
        if (looked.fails instanceof StoreUnavailable) throw looked.fails
        looked.matched.push(since)
        return 0
      },
      countUnmatched: async () => 0,
      async purgeReceipts(before) {
        looked.purged.push(before)
        return { purged: 0, unmatched: 0 }
      },
    },
  })
  return { keeping, looked, clock }
}
