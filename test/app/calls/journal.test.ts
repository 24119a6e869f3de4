import t, { type Test } from 'tap'
import { Journal } from '../../../src/app/calls/journal.ts'
import { StoreUnavailable, type CallRow } from '../../../src/app/ports/store.ts'
import { quiet, testStore } from '../../support/postgres.ts'
import { callRow, monday, serviceWith } from '../../support/stories.ts'

/** A journal before a real store, and a call whose row says which step it stands in. */
async function underWay(test: Test) {
  const store = await testStore(test)
  await serviceWith(store, ['anna'])
  const journal = new Journal(store.calls, quiet)
  let step = 'ask_pin'
  const row = (): CallRow => callRow('call-1', { path: [{ step, enteredAt: monday, outcome: null }] })
  return {
    store,
    journal,
    row,
    stepsTo(next: string): void {
      step = next
      journal.mark('call-1', row)
    },
    enterQueue: () =>
      journal.carry('call-1', row, (row) => store.calls.enterQueue({ callId: 'call-1', row, queue: 'emergency', priority: 0, at: monday })),
    written: async () => (await store.calls.openCalls('pbx')).map(({ row }) => row.path[0]?.step),
  }
}

t.test('the row goes into the queue together with the caller, and needs no write of its own', async (t) => {
  const call = await underWay(t)
  call.stepsTo('waiting')
  t.match((await call.enterQueue()).offers, [{ agentId: 'anna' }])
  t.same(await call.written(), ['waiting'])
  t.equal(call.journal.unwritten, 0)
})

t.test('what happens while the caller enters is written afterwards', async (t) => {
  const call = await underWay(t)
  call.stepsTo('waiting')
  await call.journal.carry('call-1', call.row, async (row) => {
    await call.store.calls.saveCalls([row])
    call.stepsTo('nobody_free')
  })
  await call.journal.written('call-1')
  t.same(await call.written(), ['nobody_free'])
})

t.test('a caller whose entry fails is written down all the same', async (t) => {
  const call = await underWay(t)
  call.stepsTo('waiting')
  await t.rejects(
    call.journal.carry('call-1', call.row, () => Promise.reject(new StoreUnavailable('away'))),
    StoreUnavailable,
  )
  await call.journal.written('call-1')
  t.same(await call.written(), ['waiting'])
})

t.test('of two who take the row along, the one who was held up does not have the last word', async (t) => {
  const call = await underWay(t)
  const { promise: heldUp, resolve: goOn } = Promise.withResolvers<void>()
  call.stepsTo('talking')
  const slow = call.journal.carry('call-1', call.row, async (row) => {
    await heldUp
    await call.store.calls.saveCalls([row])
  })
  call.stepsTo('over')
  await call.journal.carry('call-1', call.row, (row) => call.store.calls.saveCalls([row]))
  goOn()
  await slow
  await call.journal.written('call-1')
  t.same(await call.written(), ['over'])
})

t.test('at the end nothing stays unwritten, not even of a caller who is just entering', async (t) => {
  const call = await underWay(t)
  call.stepsTo('waiting')
  const entering = call.enterQueue()
  call.stepsTo('ringing')
  await call.journal.close()
  await entering
  t.same(await call.written(), ['ringing'])
  t.equal(call.journal.unwritten, 0)
})
