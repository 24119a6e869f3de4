import fc from 'fast-check'
import t from 'tap'
import { EventTranslator, type AriEvent } from '../../src/telephony/ari-events.ts'
import { readEnd, readQuickly } from '../../src/telephony/quick-reading.ts'

const channel =
  '{"id":"1795670306.52","name":"PJSIP/anonymous-00000000","state":"Up","protocol_id":"5191d02e1573@127.0.0.1",' +
  '"caller":{"name":"","number":"+4962140000000"},"connected":{"name":"","number":""},"accountcode":"",' +
  '"dialplan":{"context":"pforte-enter","exten":"s","priority":2,"app_name":"Stasis","app_data":"pforte,line,hotline,anonymous"},' +
  '"creationtime":"2026-11-26T05:18:26.231+0000","language":"en"}'
const tail = `"channel":${channel},"asterisk_id":"02:fc:00:00:00:01","application":"pforte"}`
const at = '"timestamp":"2026-11-26T05:18:28.774+0000"'

t.test('a digit that is read quickly means what it means when it is read whole', async (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...'0123456789*#ABCD'), fc.nat(5_000), (digit, durationMs) => {
      const text = `{"type":"ChannelDtmfReceived",${at},"digit":"${digit}","duration_ms":${durationMs},${tail}`
      const told = (event: AriEvent | null) => event && new EventTranslator().translate(event, 7)
      const whole = told(JSON.parse(text) as AriEvent)
      t.strictSame(told(readQuickly(text)), whole)
      return whole !== null
    }),
  )
})

t.test('every sign of a leg’s end says of which leg', async (t) => {
  for (const text of [
    `{"type":"ChannelHangupRequest",${at},${tail}`,
    `{"cause":32,"soft":true,"type":"ChannelHangupRequest",${at},${tail}`,
    `{"type":"StasisEnd",${at},${tail}`,
    `{"type":"ChannelDestroyed",${at},"cause":16,"cause_txt":"Normal Clearing",${tail}`,
    `{"type":"ChannelDestroyed",${at},"cause":16,"cause_txt":"Normal Clearing","tech_cause":200,${tail}`,
  ]) {
    t.strictSame(readEnd(text), { leg: '1795670306.52', wasUp: true }, text.slice(0, 60))
    t.strictSame(readEnd(text.replace('"state":"Up"', '"state":"Ringing"')), { leg: '1795670306.52', wasUp: false })
  }
})

t.test('an agent’s leg that was answered', async (t) => {
  const text = `{"type":"StasisStart",${at},"args":["leg"],${tail}`
  const told = (event: AriEvent | null) => event && new EventTranslator().translate(event, 7)
  t.strictSame(told(readQuickly(text)), told(JSON.parse(text) as AriEvent))
  t.match(told(readQuickly(text)), { type: 'legAnswered', leg: '1795670306.52' })
})

t.test('what is written otherwise is left to whoever reads it whole', async (t) => {
  for (const text of [
    `{"type":"StasisStart",${at},"args":["line","hotline"],${tail}`,
    `{"type":"PlaybackFinished",${at},"playback":{"id":"a","state":"done"}}`,
    `{"type":"StasisEnd",${at},"channel":{"name":"first","id":"1"}}`,
    `{"type":"StasisEnd",${at},"channel":{"id":"a\\"b","state":"Up"}}`,
    `{"type":"ChannelDtmfReceived",${at},"digit":"\\u0031","duration_ms":80,${tail}`,
    `{ "type": "StasisEnd", ${at}, ${tail}`,
    'no JSON at all',
  ]) {
    t.equal(readEnd(text), null, text.slice(0, 60))
    t.equal(readQuickly(text), null)
  }
})
