import t from 'tap'
import { drawFlow } from '../../src/console/draw-flow.ts'
import type { Flow } from '../../src/domain/call/flow.ts'
import { hotlineFlow } from '../http/the-service.ts'

t.test('every step has its box, every outcome its arrow', async (t) => {
  const svg = drawFlow(hotlineFlow)
  for (const step of Object.keys(hotlineFlow.steps)) t.match(svg, `data-step="${step}"`)
  for (const outcome of ['right', 'none · exhausted', 'timeout · full', 'left', 'empty', '#']) t.match(svg, `>${outcome}</text>`)
  t.match(svg, '>answered</text>', 'and the human, who is no step, is in it')
  t.notMatch(svg, /NaN|undefined/)
})

t.test('boxes do not lie on each other', async (t) => {
  const svg = drawFlow(hotlineFlow)
  const boxes = [
    ...svg.matchAll(
      /<g class="step [^>]*translate\(([\d.]+) ([\d.]+)\)"><title>[^<]*<\/title><rect class="box" width="(\d+)" height="(\d+)"/g,
    ),
  ].map(([, ...numbers]) => numbers.map(Number) as [number, number, number, number])
  t.equal(boxes.length, Object.keys(hotlineFlow.steps).length)
  for (const [index, [x, y, width, height]] of boxes.entries()) {
    for (const [left, top] of boxes.slice(index + 1)) t.ok(Math.abs(x - left) >= width || Math.abs(y - top) >= height)
  }
})

t.test('a name cannot become markup', async (t) => {
  const flow: Flow = {
    ...hotlineFlow,
    start: '<b>"&',
    steps: { '<b>"&': { kind: 'announce', prompts: ['<script>'], then: { done: 'nowhere' } } },
  }
  const svg = drawFlow(flow)
  t.notMatch(svg, /<b>|<script>/)
  t.match(svg, 'this step is missing', 'and a step that an edge only names is shown as such')
})
