import t from 'tap'
import { nearestName } from '../../src/domain/nearest-name.ts'

t.test('a slip of the pen is recognised, another word is not', async (t) => {
  const steps = ['welcome', 'ask_pin', 'music', 'thanks']
  t.equal(nearestName('welcom', steps), 'welcome')
  t.equal(nearestName('Music', steps), 'music')
  t.equal(nearestName('aks_pin', steps), 'ask_pin')
  t.equal(nearestName('thx', steps), null)
  t.equal(nearestName('voicemail', steps), null)
  t.equal(nearestName('', steps), null)
  t.equal(nearestName('welcome', []), null)
  t.equal(nearestName('x'.repeat(10_000), steps), null)
})
