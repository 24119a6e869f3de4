import t from 'tap'
import { advance, newTransaction, type Action, type Happening, type Transaction } from '../../../../src/local/phone/sip/transaction.ts'

/** Runs a transaction on a clock of its own, up to `untilMs`, and tells what it did and when. */
function story(kind: Transaction['kind'], happenings: readonly (readonly [atMs: number, Happening])[], untilMs = 60_000) {
  let transaction = newTransaction(kind)
  const timers = new Map<string, number>()
  const did: string[] = []
  const waiting = [...happenings]
  for (let now = 0; now <= untilMs; ) {
    const [timer, due] = [...timers].toSorted((a, b) => a[1] - b[1])[0] ?? ['', Infinity]
    const [next] = waiting
    const at = Math.min(next?.[0] ?? Infinity, due)
    if (at === Infinity || at > untilMs) break
    now = at
    let happening: Happening
    if (next !== undefined && next[0] <= due) happening = (waiting.shift() as (typeof waiting)[0])[1]
    else {
      timers.delete(timer)
      happening = { type: 'timer', timer: timer as 'resend' }
    }
    const [after, actions] = advance(transaction, happening)
    transaction = after
    for (const action of actions) note(action, now)
  }
  return { did, phase: transaction.phase }

  function note(action: Action, now: number): void {
    if (action.do !== 'timer') did.push(`${now} ${action.do}`)
    else if (action.afterMs === null) timers.delete(action.timer)
    else timers.set(action.timer, now + action.afterMs)
  }
}

const start = [0, { type: 'start' }] as const
const response = (at: number, status: number) => [at, { type: 'response', status }] as const
const again = (at: number) => [at, { type: 'again' }] as const
const ack = (at: number) => [at, { type: 'ack' }] as const

t.test('an INVITE that nobody answers is sent at growing distances, and given up after 32 s', async (t) => {
  t.same(story('inviteClient', [start]).did, [
    '0 send',
    '500 send',
    '1500 send',
    '3500 send',
    '7500 send',
    '15500 send',
    '31500 send',
    '32000 timedOut',
    '32000 end',
  ])
})

t.test('once it rings, the INVITE is not repeated, however long it rings', async (t) => {
  t.same(story('inviteClient', [start, response(600, 180), response(9000, 180), response(40_000, 200)], 50_000).did, [
    '0 send',
    '500 send',
    '600 deliver',
    '9000 deliver',
    '40000 deliver',
  ])
})

t.test('each repetition of the answer is delivered, so that it is acknowledged again', async (t) => {
  t.same(story('inviteClient', [start, response(100, 200), response(600, 200), response(700, 486)]).did, [
    '0 send',
    '100 deliver',
    '600 deliver',
    '32100 end',
  ])
})

t.test('a rejection is told once, and acknowledged as often as it comes', async (t) => {
  t.same(story('inviteClient', [start, response(100, 486), response(600, 486)]).did, [
    '0 send',
    '100 acknowledge',
    '100 deliver',
    '600 acknowledge',
    '32100 end',
  ])
})

t.test('a BYE whose confirmation gets lost is repeated, never further apart than 4 s', async (t) => {
  const { did } = story('client', [start])
  t.same(did.slice(0, 6), ['0 send', '500 send', '1500 send', '3500 send', '7500 send', '11500 send'])
  t.same(did.slice(-2), ['32000 timedOut', '32000 end'])
  t.same(story('client', [start, response(50, 200), response(550, 200)]).did, ['0 send', '50 deliver', '5050 end'])
})

t.test('a repeated INVITE gets the latest response again, and is not taken for a new call', async (t) => {
  t.same(story('inviteServer', [start, response(1, 100), again(500), response(700, 180), again(1500)], 2000).did, [
    '0 deliver',
    '1 send',
    '500 send',
    '700 send',
    '1500 send',
  ])
})

t.test('a rejection is repeated until it is acknowledged', async (t) => {
  t.same(story('inviteServer', [start, response(10, 486), ack(1600)], 30_000).did, [
    '0 deliver',
    '10 send',
    '510 send',
    '1510 send',
    '6600 end',
  ])
  t.equal(story('inviteServer', [start, response(10, 486)]).did.at(-1), '32010 end')
})

t.test('after an answer, an INVITE that was on its way is swallowed', async (t) => {
  t.same(story('inviteServer', [start, response(10, 200), again(500), response(520, 200)]).did, [
    '0 deliver',
    '10 send',
    '520 send',
    '32010 end',
  ])
})

t.test('a repeated BYE is confirmed again, and done once', async (t) => {
  t.same(story('server', [start, response(1, 200), again(500)]).did, ['0 deliver', '1 send', '500 send', '32001 end'])
})
