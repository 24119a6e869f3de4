import t from 'tap'
import { toMermaid } from '../../../src/domain/call/mermaid.ts'
import { hotline } from './hotline.ts'

t.test('the hotline as a picture', async (t) => {
  t.matchSnapshot(toMermaid(hotline))
})

t.test('whatever a step is called, the picture holds', async (t) => {
  const picture = toMermaid({
    ...hotline,
    start: 'end "here" #1',
    steps: { 'end "here" #1': { kind: 'hang_up', outcome: 'informed' } },
  })
  t.match(picture, 's0(("end #quot;here#quot; #35;1<br/><small>hangs up: informed</small>"))')
})
