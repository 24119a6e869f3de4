import t from 'tap'
import { InOrder } from '../../src/telephony/in-order.ts'

t.test('what shares a name is done one after the other, and nothing else waits', async (t) => {
  const order = new InOrder()
  const done: string[] = []
  const first = Promise.withResolvers<void>()
  const slow = order.run(['leg', 'playback'], async () => {
    await first.promise
    done.push('play')
  })
  const stop = order.run(['playback'], async () => void done.push('stop'))
  const join = order.run(['leg', 'other'], async () => void done.push('join'))
  await order.run(['somebody'], async () => void done.push('somebody'))
  t.same(done, ['somebody'])
  first.resolve()
  await Promise.all([slow, stop, join])
  t.same(done, ['somebody', 'play', 'stop', 'join'])
})
