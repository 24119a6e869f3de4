/** What was missed is told once, all of it and in its order; or it is said that nobody can tell. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { LIVE_TYPES, type LiveEvent, type LiveType } from '../../../src/app/live/events.ts'
import { Ring } from '../../../src/app/live/ring.ts'

const all: ReadonlySet<LiveType> = new Set(LIVE_TYPES)
const add = (ring: Ring, type: LiveType, key: string, json = key): LiveEvent => ring.add({ type, key, json }, 0)
const numbers = (events: readonly { json: string }[] | null): string[] | null => events?.map(({ json }) => json) ?? null

t.test('whoever was away for a moment is told what came meanwhile', async (t) => {
  const ring = new Ring('a')
  add(ring, 'ticket.changed', '1')
  const { id } = add(ring, 'call.changed', '2')
  t.strictSame(numbers(ring.after(id, all)), [])
  add(ring, 'ticket.changed', '3')
  add(ring, 'call.changed', '4')
  t.strictSame(numbers(ring.after(id, all)), ['3', '4'])
  t.strictSame(numbers(ring.after(id, new Set(['call.changed']))), ['4'])
  t.strictSame(numbers(ring.after('a-0', all)), ['1', '2', '3', '4'])
  add(ring, 'ticket.changed', '1', 'as it is now')
  t.strictSame(numbers(ring.after('a-0', all)), ['2', '3', '4', 'as it is now'], 'of each thing only the newest')
  t.strictSame(numbers(ring.after(id, all)), ['3', '4', 'as it is now'])
})

t.test('an id of another stream, of none, or of what is yet to come resumes nothing', async (t) => {
  const ring = new Ring('a')
  add(ring, 'ticket.changed', '1')
  for (const id of ['b-1', 'a-2', 'a-', 'a', '', '-1', 'a--1', 'a-1.5', 'a-1e0', 'a-0x1', 'a- 1', '1'.repeat(100), 'a-1 '])
    t.equal(ring.after(id, all), null, id)
  t.not(ring.after('a-1', all), null)
})

t.test('what nobody wanted was not read, so whoever wants it now has missed it', async (t) => {
  const ring = new Ring('a')
  const before = ring.position
  ring.skip('message.changed')
  add(ring, 'ticket.changed', '1')
  t.equal(ring.after(before, all), null)
  t.strictSame(numbers(ring.after(before, new Set(['ticket.changed']))), ['1'])
  t.strictSame(numbers(ring.after(ring.position, all)), [])
})

t.test('whatever the limits, what is told is all that came, or nothing', async (t) => {
  const step = fc.record({
    type: fc.constantFrom(...LIVE_TYPES),
    key: fc.constantFrom('a', 'b', 'c'),
    size: fc.nat(30),
    isSkipped: fc.boolean(),
    afterMs: fc.nat(20),
  })
  const limits = fc.record({
    events: fc.integer({ min: 1, max: 10 }),
    ageMs: fc.integer({ min: 1, max: 60 }),
    bytes: fc.integer({ min: 1, max: 100 }),
  })
  const whatever = (): void =>
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 40 }), fc.subarray([...LIVE_TYPES], { minLength: 1 }), (limits, steps, wanted) => {
        const ring = new Ring('a', limits)
        const types = new Set(wanted)
        const told: { type: LiveType; key: string; json: string; at: number }[] = []
        const skipped: LiveType[] = []
        const positions = [{ id: ring.position, told: 0, skipped: 0 }]
        let at = 0
        for (const { type, key, size, isSkipped, afterMs } of steps) {
          at += afterMs
          if (isSkipped) {
            ring.skip(type)
            skipped.push(type)
          } else {
            const json = `${told.length}${'x'.repeat(size)}`
            ring.add({ type, key, json }, at)
            told.push({ type, key, json, at })
          }
          positions.push({ id: ring.position, told: told.length, skipped: skipped.length })
          ring.trim(at)
          for (const position of positions) {
            const missed = ring.after(position.id, types)
            if (missed === null) continue
            const since = told.slice(position.told)
            const isNewest = (event: (typeof told)[number], place: number): boolean =>
              !since.slice(place + 1).some(({ type, key }) => type === event.type && key === event.key)
            const due = since.filter((event, place) => types.has(event.type) && isNewest(event, place))
            assert.deepEqual(numbers(missed), numbers(due))
            assert.ok(missed.length <= limits.events && due.every((event) => event.at > at - limits.ageMs), 'no more than is kept')
            assert.ok(due.reduce((sum, { json }) => sum + json.length, 0) <= limits.bytes)
            assert.ok(!skipped.slice(position.skipped).some((type) => types.has(type)), 'none that was not read')
          }
          assert.notEqual(ring.after(ring.position, types), null, 'whoever is here has missed nothing')
        }
      }),
      { numRuns: 200 },
    )
  t.doesNotThrow(whatever)
})
