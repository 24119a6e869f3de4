/** The other way to Asterisk survives as well: the line is cut and Node is killed, with callers in every step. */
import t from 'tap'
import { until } from '../../support/until.ts'
import { Hotline } from '../support/hotline.ts'
import { asteriskOf, putBehindALine } from './behind-a-line.ts'
import { everybody } from './cast.ts'
import { definitionForSurvival } from './definition.ts'
import { conversationUntouched, nothingLost, SPOKEN_TO_AGAIN, spokenAnew, timesOf } from './found-again.ts'
import { goOn } from './go-on.ts'
import { nothingIsLeftOnAsterisk } from './messages.ts'
import { stairsHeard } from './sounds.ts'

t.setTimeout(240_000)

const CUT_FOR_MS = 10_000

const hotline = await Hotline.open(t, { yaml: definitionForSurvival, transport: 'ari-client' })
const { pforte } = hotline
const line = await putBehindALine(t, pforte)

t.test('the line is cut for ten seconds, and then Pforte is killed, with somebody in every step', { timeout: 150_000 }, async (t) => {
  t.match((await asteriskOf(pforte)).detail, /over ari-client/)
  const cast = await everybody(t, hotline)
  const cutAt = performance.now()
  line.cut()
  const over = new Promise((resolve) => setTimeout(resolve, CUT_FOR_MS))
  await until('/readyz to say so', async () => !(await asteriskOf(pforte)).ok)
  await over
  line.mend()
  const mendedAt = performance.now()
  t.comment(`spoken anew, ms after the line was mended: ${timesOf(await spokenAnew(hotline, cast, mendedAt))}`)
  await until('/readyz to say that all is well', async () => (await asteriskOf(pforte)).ok)
  await nothingLost(t, hotline, cast)

  await pforte.kill()
  const startedAt = performance.now()
  await pforte.run()
  t.comment(`spoken anew, ms after the start of the process: ${timesOf(await spokenAnew(hotline, cast, startedAt, SPOKEN_TO_AGAIN))}`)
  await nothingLost(t, hotline, cast)
  conversationUntouched(t, cast, cutAt)
  const { recorded, recordedMs } = await goOn(t, hotline, cast)
  const heard = stairsHeard(recorded)
  t.ok(heard.longestFaultMs <= 60 && heard.heardMs > recordedMs - 1_000, `all of the message: ${heard.heardMs} of ${recordedMs} ms`)
  await nothingIsLeftOnAsterisk(hotline)
})
