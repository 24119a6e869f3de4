import t from 'tap'
import fc from 'fast-check'
import { placeInBurstMs } from '../../../src/domain/sms/spread.ts'

const tenMinutes = 600_000

t.test('a place is the same whoever works it out, and lies within the time given', async () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(10_000_000), (key, overMs) => {
      const place = placeInBurstMs(key, overMs)
      return place === placeInBurstMs(key, overMs) && Number.isInteger(place) && place >= 0 && (place < overMs || overMs === 0)
    }),
  )
})

t.test('a thousand messages of one night are spread evenly, also when their ids hardly differ', async (t) => {
  for (const idOf of [(count: number) => `ticket-${count}`, (count: number) => `01890a5d-ac96-774b-bcce-b302099a${8000 + count}`]) {
    const perMinute = Array.from({ length: 10 }, () => 0)
    for (let count = 0; count < 1000; count++) {
      const minute = Math.floor(placeInBurstMs(idOf(count), tenMinutes) / 60_000)
      perMinute[minute] = (perMinute[minute] ?? 0) + 1
    }
    // 100 expected in each; five standard deviations are 47.
    t.ok(Math.max(...perMinute) < 147 && Math.min(...perMinute) > 53, perMinute.join(' '))
  }
})
