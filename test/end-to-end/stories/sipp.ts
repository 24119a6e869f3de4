/** Stories of callers whose phone is not ours: sipp, over the same SIP, RTP and RFC 4733 digits as any telephone network. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from '../../support/until.ts'
import { LINES } from '../support/definition.ts'
import type { Hotline } from '../support/hotline.ts'
import { pathOf } from '../support/on-record.ts'
import { SippCaller } from '../support/sipp-caller.ts'

export function sippStories(t: Test, hotline: Hotline): void {
  const line = LINES.foreign

  t.test('sipp types the right PIN and talks to a human, who hangs up', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin, customerId, contractId } = await hotline.admit({ queue })
    const sentence = await hotline.prompt('not_correct')
    const caller = await SippCaller.dials(t, hotline, line, [[{ types: pin }], [{ says: sentence }]], 'is hung up on')
    await caller.standsIn('ask_pin')
    await caller.goesOn()
    const ringing = await agents[0]!.rings()
    t.equal(ringing.callerId, caller.number)
    const call = await ringing.answer()
    await caller.goesOn()
    await call!.heard.waitForPrompt(sentence)
    await call!.hangUp()
    await caller.isContent()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'connected', line, agentId: agents[0]!.id, customerId, contractId })
    t.equal(pathOf(row), 'outage: off, ask_pin: right, opening: open, waiting: connected')
  })

  t.test('sipp types a wrong PIN, then the right one, and hangs up on the human', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await SippCaller.dials(t, hotline, line, [[{ types: hotline.freshPin() }], [{ types: pin }]], 'hangs up')
    await caller.standsIn('ask_pin')
    await caller.goesOn()
    await caller.standsIn('not_correct')
    await caller.goesOn()
    const call = await agents[0]!.answers()
    await until('the conversation to be written down', async () => (await caller.row())?.['agentId'] === agents[0]!.id)
    await caller.goesOn()
    t.match(await call.ended, { by: 'them' })
    await caller.isContent()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'connected', agentId: agents[0]!.id })
    t.equal(pathOf(row), 'outage: off, ask_pin: wrong, not_correct: done, ask_pin_again: right, opening: open, waiting: connected')
  })

  t.test('sipp types three wrong PINs, and is in the loop', async (t) => {
    const wrong = (): { types: string }[] => [{ types: hotline.freshPin() }]
    const caller = await SippCaller.dials(t, hotline, line, [wrong(), wrong(), wrong()], 'hangs up')
    await caller.standsIn('ask_pin')
    await caller.goesOn()
    const first = (await caller.standsIn('not_correct'))['path'].length
    await caller.goesOn()
    await until('the second PIN to be wrong', async () => (await caller.standsIn('not_correct'))['path'].length > first)
    await caller.goesOn()
    await caller.standsIn('music')
    await caller.goesOn()
    await caller.isContent()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'abandoned', customerId: null, ticketId: null })
    t.equal(
      pathOf(row),
      'outage: off, ask_pin: wrong, not_correct: done, ask_pin_again: wrong, not_correct: done, ask_pin_again: exhausted, not_let_in: done, music: hung_up',
    )
  })

  t.test('sipp has no PIN and presses #, # again in the music, and leaves a message that ends with #', async (t) => {
    const sentence = await hotline.prompt('not_correct')
    const acts = [[{ types: '#' }], [{ types: '#' }], [{ types: '#' }], [{ says: sentence }, { types: '#' }]]
    const caller = await SippCaller.dials(t, hotline, line, acts, 'is hung up on')
    for (const step of ['ask_pin', 'music', 'voicemail']) {
      await caller.standsIn(step)
      await caller.goesOn()
    }
    const spool = join(hotline.pforte.environment['PFORTE_HOME']!, 'parts/asterisk/spool/recording')
    const { id } = (await caller.row())!
    await until('Asterisk to record, which it does after the beep', async () => (await readdir(spool)).some((name) => name.includes(id)))
    await caller.goesOn()
    await caller.isContent()
    t.match(await caller.ticket(), { caller: caller.number, source: 'voicemail', voicemail: { durationMs: Number } })
    const row = await caller.afterwards()
    t.match(row, { outcome: 'voicemail', customerId: null })
    t.equal(pathOf(row), 'outage: off, ask_pin: none, music: #, voicemail: left, thanks: done, message_left: voicemail')
  })

  t.test('sipp hangs up in the welcome', async (t) => {
    const caller = await SippCaller.dials(t, hotline, line, [], 'hangs up')
    await caller.standsIn('ask_pin')
    await caller.goesOn()
    await caller.isContent()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'abandoned' })
    t.equal(pathOf(row), 'outage: off, ask_pin: hung_up')
  })
}
