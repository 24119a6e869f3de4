/**
 * What holds for every call, whatever happens in it. The books of `ledger.ts`
 * (nothing left open, no two timers of a name, no prompt over music, no call
 * that nothing will ever wake) are checked after every turn in all of these.
 */
import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import t from 'tap'
import { advance } from '../../../src/domain/call/advance.ts'
import type { Flow } from '../../../src/domain/call/flow.ts'
import { stateForRow, type Doing } from '../../../src/domain/call/state.ts'
import { hotline } from './hotline.ts'
import { RandomCall, draws, type Draw } from './random-call.ts'
import { randomFlow } from './random-flow.ts'

const endlessMusic = { ...hotline.steps.music, times: 0 } as Flow['steps'][string]
const endlessHotline: Flow = { ...hotline, steps: { ...hotline.steps, music: endlessMusic } }
const flows = fc.oneof(fc.constant(hotline), fc.constant(endlessHotline), randomFlow())

const everyDoing: Doing['what'][] = [
  'announcing',
  'reading_announcement',
  'announcing_special',
  'collecting',
  'looking_up',
  'music',
  'choosing',
  'entering_queue',
  'waiting',
  'ringing',
  'talking',
  'greeting',
  'recording',
  'listening',
  'dialling',
]

function played(flow: Flow, script: readonly Draw[], digits?: string): RandomCall {
  const call = new RandomCall(flow)
  for (const draw of script) call.draw(draw, digits)
  return call
}

t.test('no event in any step throws, and the books balance after every turn', async (t) => {
  const stoodIn = new Map<string, number>()
  fc.assert(
    fc.property(flows, draws, (flow, script) => {
      const call = new RandomCall(flow)
      for (const draw of script) {
        call.draw(draw)
        const { what } = call.state.doing
        stoodIn.set(what, (stoodIn.get(what) ?? 0) + 1)
      }
    }),
    { numRuns: 6_000 },
  )
  // Chance that never comes by a kind of step would prove nothing about it.
  for (const what of everyDoing) t.ok((stoodIn.get(what) ?? 0) > 20, `${what} ${stoodIn.get(what)} times`)
})

t.test('after a hang-up a call has ended and nothing is left open', async () => {
  fc.assert(
    fc.property(flows, draws, draws, (flow, script, afterwards) => {
      const call = played(flow, script)
      call.event({ type: 'callerHungUp' })
      const { state } = call
      assert.equal(state.phase, 'ended')
      assert.notEqual(state.outcome, null)
      assert.equal(call.commands.filter(({ type }) => type === 'end').length, 1)
      assert(
        state.path.every(({ outcome }) => outcome !== null),
        'every step of the path says how it ended',
      )
      assert.equal(state.typedAhead + state.pinInHand, '')
      for (const draw of afterwards) call.draw(draw)
      assert.deepEqual({ ...call.state, doing: state.doing, nextVisit: state.nextVisit }, state)
    }),
    { numRuns: 2_000 },
  )
})

t.test('# always leads to the voicemail from the loop', async (t) => {
  let times = 0
  fc.assert(
    fc.property(draws, (script) => {
      const call = new RandomCall(endlessHotline)
      for (const draw of script) {
        call.draw(draw)
        if (call.state.phase !== 'active' || (call.state.step !== 'music' && call.state.step !== 'offer')) continue
        times += 1
        const { state } = advance(endlessHotline, call.state, { type: 'digitReceived', at: call.at, digit: '#' })
        assert.equal(state.step, 'message')
      }
    }),
    { numRuns: 2_000 },
  )
  t.ok(times > 100, `the loop was stood in ${times} times`)
})

/**
 * Stronger than looking for digits in what comes out (there are numbers enough
 * in it that are none): whoever types other digits gets the same, to the last
 * letter. Menus are left out; there a digit is a choice.
 */
t.test('digits never occur in commands, path or row', async () => {
  fc.assert(
    fc.property(randomFlow(['menu']), draws, (flow, script) => {
      const one = played(flow, script, '0123456789')
      const other = played(flow, script, '7391846205')
      assert.deepEqual(one.commands, other.commands)
      assert.deepEqual(one.state.path, other.state.path)
      assert.deepEqual(stateForRow(one.state), stateForRow(other.state))
    }),
    { numRuns: 2_000 },
  )
})

t.test('being away keeps the step, the tries and the place', async () => {
  fc.assert(
    fc.property(flows, draws, fc.boolean(), fc.nat({ max: 999 }), (flow, script, processDied, two) => {
      const call = played(flow, script)
      const before = call.state
      call.away(1, two, processDied)
      const after = call.state
      if (after.step !== before.step || after.phase !== before.phase || after.path.length !== before.path.length) return
      assert.deepEqual(after.tries, before.tries)
      assert.equal(after.queuedSince, before.queuedSince)
      assert.deepEqual(after.admission, before.admission)
      assert.deepEqual(after.path, before.path)
    }),
    { numRuns: 2_000 },
  )
})

t.test('advance changes no state that it was given', async () => {
  fc.assert(
    fc.property(flows, draws, (flow, script) => {
      const call = new RandomCall(flow)
      for (const draw of script) {
        const before = call.state
        const written = JSON.stringify(before)
        call.draw(draw)
        assert.equal(JSON.stringify(before), written)
      }
    }),
    { numRuns: 300 },
  )
})
