import t from 'tap'
import { callerFacts, callerNumber, EventTranslator, unansweredCause, type AriChannel } from '../../src/telephony/ari-events.ts'

const leg = (state: string, more: Partial<AriChannel> = {}): AriChannel => ({ id: 'leg-1', state, ...more })
const line: Partial<AriChannel> = { dialplan: { app_data: 'pforte,line,hotline,carrier' }, caller: { number: '+496215550100' } }

t.test('a leg ends at the first sign of it, and only once', async (t) => {
  const translator = new EventTranslator()
  t.same(translator.translate({ type: 'ChannelHangupRequest', channel: leg('Ringing'), cause: 17 }, 5), {
    type: 'legEnded',
    at: 5,
    leg: 'leg-1',
    cause: 'busy',
  })
  t.equal(translator.translate({ type: 'StasisEnd', channel: leg('Ringing') }, 6), null)
  t.not(translator.translate({ type: 'StasisEnd', channel: { id: 'leg-2', state: 'Up' } }, 7), null)
  t.equal(translator.translate({ type: 'ChannelDestroyed', channel: { id: 'leg-2', state: 'Up' }, cause: 16 }, 8), null)
})

t.test('the memory of ended legs does not grow with the calls of a day', async (t) => {
  const translator = new EventTranslator()
  const ended = (id: string): unknown => translator.translate({ type: 'StasisEnd', channel: { id, state: 'Up' } }, 0)
  for (let n = 0; n < 20_000; n++) ended(`leg-${n}`)
  t.equal(ended('leg-19999'), null)
  t.not(ended('leg-1'), null, 'the oldest are forgotten')
})

t.test('a caller who leaves before the answer has hung up, whatever the cause says', async (t) => {
  const translator = new EventTranslator()
  t.match(translator.translate({ type: 'StasisEnd', channel: leg('Ring', line), cause: 127 }, 0), { cause: 'hung_up' })
})

t.test('why a phone was not answered, from the cause on the wire', async (t) => {
  const causes = {
    21: 'rejected',
    17: 'busy',
    19: 'no_answer',
    18: 'no_answer',
    16: 'no_answer',
    20: 'unreachable',
    3: 'unreachable',
    1: 'unreachable',
    34: 'unreachable',
  }
  for (const [q850, cause] of Object.entries(causes)) t.equal(unansweredCause(Number(q850)), cause, q850)
  t.equal(unansweredCause(undefined), 'unreachable')
})

t.test('who calls is what the trunk says: withheld is nobody, the rest is taken as it is, within bounds', async (t) => {
  const number = (text: string): string | null => callerNumber(leg('Ring', { caller: { number: text } }))
  t.equal(number(''), null)
  t.equal(number('Anonymous'), null)
  t.equal(number('+496215550100'), '+496215550100')
  t.equal(number('not a number'), 'not a number')
  t.equal(number('1\u00002\r\n3\u202e4'), '1234')
  t.equal(number('7'.repeat(1000))?.length, 64)
  t.equal(callerNumber(leg('Ring')), null)
})

t.test('a caller’s channel is told from our own by what the dialplan handed over', async (t) => {
  t.same(callerFacts(leg('Up', line)), { dialled: 'hotline', trunk: 'carrier' })
  t.same(callerFacts(leg('Up', { dialplan: { app_data: 'pforte,line,4930,' } })), { dialled: '4930', trunk: null })
  t.equal(callerFacts(leg('Up', { dialplan: { app_data: 'pforte,leg' } })), null)
  t.equal(callerFacts(leg('Ringing', { dialplan: { app_data: '(Outgoing Line)' } })), null)
  t.equal(callerFacts(leg('Up')), null)
})

t.test('somebody else’s channel in our application is nobody’s call', async (t) => {
  t.equal(new EventTranslator().translate({ type: 'StasisStart', channel: leg('Up'), args: ['something'] }, 0), null)
})
