import t from 'tap'
import fc from 'fast-check'
import { choose, sortKeyAt, type FreeAgent, type WaitingCaller } from '../../../src/domain/acd/choose.ts'

const caller = (callId: string, sortAt: number, queue = 'emergency'): WaitingCaller => ({ callId, sortAt, queue })
const agent = (agentId: string, freeSinceAt: number, queues = ['emergency']): FreeAgent => ({ agentId, freeSinceAt, queues })

t.test('the next caller gets the agent who has been idle longest', async (t) => {
  t.strictSame(choose([caller('late', 20), caller('early', 10)], [agent('busy-till-now', 9), agent('idle', 1)]), [
    { callId: 'early', agentId: 'idle' },
    { callId: 'late', agentId: 'busy-till-now' },
  ])
})

t.test('a caller for whom nobody is free is passed over and holds nobody up', async (t) => {
  t.strictSame(choose([caller('first', 1, 'billing'), caller('second', 2)], [agent('anna', 1)]), [{ callId: 'second', agentId: 'anna' }])
})

t.test('each step of priority is worth its seconds, so waiting long enough outweighs it', async (t) => {
  const premium = sortKeyAt(100_000, 1, 60_000)
  t.ok(premium < sortKeyAt(50_000, 0, 60_000), 'overtakes whoever waits for 50 s')
  t.ok(premium > sortKeyAt(30_000, 0, 60_000), 'but not whoever waits for 70 s')
})

const queues = fc.constantFrom('a', 'b', 'c')
const callers = fc.uniqueArray(fc.record({ callId: fc.string(), queue: queues, sortAt: fc.nat(20) }), { selector: (one) => one.callId })
const agents = fc.uniqueArray(fc.record({ agentId: fc.string(), queues: fc.subarray(['a', 'b', 'c']), freeSinceAt: fc.nat(20) }), {
  selector: (one) => one.agentId,
})

t.test('nobody is paired twice, nobody with a queue they do not serve, and nobody waits beside a free agent', async () => {
  fc.assert(
    fc.property(callers, agents, (waiting, free) => {
      const pairs = choose(waiting, free)
      const served = new Map(pairs.map(({ callId, agentId }) => [callId, agentId]))
      const taken = new Set(pairs.map(({ agentId }) => agentId))
      const serves = (agentId: string, queue: string) => free.find((one) => one.agentId === agentId)!.queues.includes(queue)
      return (
        served.size === pairs.length &&
        taken.size === pairs.length &&
        waiting.every((one) => !served.has(one.callId) || serves(served.get(one.callId)!, one.queue)) &&
        waiting.every(
          (one) => served.has(one.callId) || free.every((idle) => taken.has(idle.agentId) || !idle.queues.includes(one.queue)),
        ) &&
        // First come, first served within a queue.
        waiting.every((one) =>
          waiting.every(
            (other) => one.queue !== other.queue || one.sortAt >= other.sortAt || !served.has(other.callId) || served.has(one.callId),
          ),
        )
      )
    }),
  )
})

t.test('the order in which they are named makes no difference', async (t) => {
  fc.assert(
    fc.property(callers, agents, fc.func(fc.nat()), (waiting, free, shuffle) => {
      const shuffled = [...waiting].sort((a, b) => shuffle(a.callId) - shuffle(b.callId))
      t.strictSame(choose(shuffled, free.toReversed()), choose(waiting, free))
      return true
    }),
    { numRuns: 30 },
  )
})
