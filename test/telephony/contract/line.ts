/** The connection itself. */
import type { Test } from 'tap'
import { openTelephony } from '../../../src/telephony/open.ts'
import { proxyTo } from '../support/proxy.ts'
import type { Stage } from '../support/stage.ts'
import { keptLog, Witness } from '../support/witness.ts'

export function line(t: Test, { pbx, transport, id, open, scene, caller, anna, ring }: Stage): void {
  t.test('connecting says what is there and how it is talked to', async (t) => {
    const { telephony, seen } = await scene(t)
    t.match(telephony.status, { is: 'connected', version: pbx.version, transport })
    t.same(seen.statuses, [telephony.status])
  })

  t.test('the line to the PBX is cut: calls stay, commands say so at once, and it comes back by itself', async (t) => {
    const proxy = await proxyTo(t, pbx.ariUrl)
    const here = await scene(t, proxy.url)
    const { telephony, seen } = here
    const { rings } = await anna(t, here)
    const { leg: callerLeg, call } = await caller(t, here)
    const { leg: leaving, call: leavingCall } = await caller(t, here)
    const leg = id('leg')
    await here.send(ring(leg, callerLeg))
    const ringing = await rings
    await seen.status('connected')

    const waiting = telephony.send({ do: 'startMusic', leg: callerLeg })
    proxy.cut()
    await seen.status('disconnected')
    await waiting
    t.match(await telephony.send({ do: 'stopMusic', leg: callerLeg }), { ok: false, why: 'unreachable' })
    t.match(await telephony.observe([]), { ok: false, why: 'unreachable' })
    await leavingCall.hangUp()

    proxy.mend()
    await seen.status('connected')
    const observed = await telephony.observe([])
    if (!observed.ok) return t.fail(observed.detail)
    t.match(
      observed.value.legs.find((one) => one.leg === callerLeg),
      { state: 'up', dialled: 'hotline' },
    )
    t.match(
      observed.value.legs.find((one) => one.leg === leg),
      { state: 'ringing' },
    )
    t.equal(
      observed.value.legs.find((one) => one.leg === leaving),
      undefined,
      'who left meanwhile is not there',
    )
    t.notOk(call.isOver)

    await ringing.answer()
    t.match(await seen.event('legAnswered'), { leg }, 'and events come again, for old legs too')
    await call.sendDigits('5')
    t.match(await seen.event('digit'), { leg: callerLeg, digit: '5' })
    await here.send({ do: 'hangUp', leg })
    await here.send({ do: 'hangUp', leg: callerLeg })
    t.match(await call.ended, { by: 'them' })
  })

  t.test('a line that is dead without being closed is noticed', async (t) => {
    const proxy = await proxyTo(t, pbx.ariUrl)
    const { telephony, seen } = await scene(t, proxy.url, { pingMs: 200, limitMs: 500 })
    await seen.status('connected')
    proxy.freeze()
    const outcome = await telephony.send({ do: 'hangUp', leg: 'nobody' })
    t.ok(!outcome.ok && (outcome.why === 'timeout' || outcome.why === 'unreachable'))
    t.match(await seen.status('disconnected'), { why: /dead/ })
    proxy.mend()
    await seen.status('connected')
    t.match(await telephony.send({ do: 'hangUp', leg: 'nobody' }), { ok: false, why: 'gone' })
  })

  t.test('a PBX that does not answer a command: it fails when its time is up, and no sooner is another hurt', async (t) => {
    const proxy = await proxyTo(t, pbx.ariUrl)
    const { telephony, seen } = await scene(t, proxy.url, { limitMs: 400, pingMs: 60_000 })
    proxy.freeze()
    const outcomes = await Promise.all([telephony.send({ do: 'hangUp', leg: 'one' }), telephony.send({ do: 'hangUp', leg: 'two' })])
    for (const outcome of outcomes) t.match(outcome, { ok: false, why: 'timeout', detail: /channels\.hangup/ })
    proxy.cut()
    await seen.status('disconnected')
  })

  t.test('another process takes our application: that is final', async (t) => {
    const { telephony, seen } = await scene(t)
    const other = await scene(t)
    await seen.status('replaced')
    t.equal(telephony.status.is, 'replaced')
    t.match(await telephony.send({ do: 'hangUp', leg: 'nobody' }), { ok: false, why: 'unreachable' })
    t.match(await other.telephony.send({ do: 'hangUp', leg: 'nobody' }), { ok: false, why: 'gone' })
  })

  t.test('a listener that throws costs its own event and no other', async (t) => {
    const { telephony, seen, lines } = open(pbx.ariUrl)
    t.teardown(() => telephony.close())
    telephony.onEvent(() => {
      throw new Error('a bug')
    })
    telephony.onStatus(() => {
      throw new Error('another bug')
    })
    const late = new Witness(telephony)
    await telephony.connect()
    const phone = await pbx.phone(t, '+496215550100')
    const dialling = await phone.dial(pbx.hotline)
    await late.event('callerArrived')
    await seen.event('callerArrived')
    await dialling.cancel()
    await dialling.answered.catch(() => {})
    await late.event('legEnded')
    t.equal(late.statuses[0]?.is, 'connected')
    t.match(
      lines.filter(({ level }) => level === 'error').map(({ fields }) => fields),
      [{ status: 'connected' }, { event: 'callerArrived' }, { event: 'legEnded' }],
    )
  })

  t.test('a wrong password is said at once, with the mend', async (t) => {
    const { log } = keptLog()
    const telephony = openTelephony({
      url: pbx.ariUrl,
      user: pbx.user,
      password: 'falsch',
      app: 'pforte',
      transport,
      promptUrl: pbx.promptUrl,
      log,
    })
    t.teardown(() => telephony.close())
    const failure = await telephony.connect().catch((error: unknown) => error)
    t.match(failure, { name: 'ConnectFailure', what: /refuses/, mend: /ARI_PASSWORD/ })
    t.notMatch(String(failure), /falsch/)
  })
}
