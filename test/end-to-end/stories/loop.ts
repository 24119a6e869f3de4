/** Stories of callers without a PIN: music, the offer, and round again. */
import type { Test } from 'tap'
import { LINES } from '../support/definition.ts'
import type { Hotline } from '../support/hotline.ts'
import { pathOf } from '../support/on-record.ts'

export function loopStories(t: Test, hotline: Hotline): void {
  t.test('who types nothing hears music and the offer, over and over', async (t) => {
    const caller = await (await hotline.caller(t)).dials()
    await caller.hears('ask_pin')
    for (let round = 1; round <= 2; round++) {
      await caller.hearsMusic()
      await caller.hears('offer_voicemail')
    }
    await caller.hearsMusic()
    await caller.hangsUp()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'abandoned', ticketId: null, agentId: null, waitMs: null })
    t.equal(pathOf(row), 'outage: off, ask_pin: none, music: done, offer: done, music: done, offer: done, music: hung_up')
  })

  t.test('a handset that was forgotten is hung up in the end', async (t) => {
    const caller = await (await hotline.caller(t)).dials(LINES.forgetful)
    await caller.types('#')
    await caller.hears('offer_voicemail')
    await caller.hears('goodbye')
    await caller.isHungUpOn()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'turned_away' })
    t.equal(pathOf(row), 'outage: off, ask_pin: none, music: done, offer: done, music: exhausted, goodbye: done, turned_away: turned_away')
  })

  t.test('# in the music leads to the voicemail, other keys to nothing', async (t) => {
    const caller = await (await hotline.caller(t)).dials()
    await caller.types('#')
    await caller.hearsMusic()
    await caller.types('0123456789*ABCD')
    await caller.types('#')
    await caller.hears('leave_message')
    await caller.hangsUp()
    t.match(pathOf(await caller.afterwards()), /(music|offer): #, voicemail: hung_up$/)
  })

  t.test('# in the offer leads to the voicemail', async (t) => {
    const caller = await (await hotline.caller(t)).dials()
    await caller.types('#')
    await caller.hears('offer_voicemail')
    await caller.types('#')
    await caller.hears('leave_message')
    await caller.hangsUp()
    t.match(pathOf(await caller.afterwards()), /music: done, offer: #, voicemail: hung_up$/)
  })

  t.test('# in "please stay on the line" leads to the voicemail', async (t) => {
    const caller = await (await hotline.caller(t)).dials()
    for (let tries = 1; tries <= 3; tries++) {
      await caller.typesWrongPin()
      await caller.hears(tries < 3 ? 'not_correct' : 'not_let_in')
    }
    await caller.types('#')
    await caller.hears('leave_message')
    await caller.hangsUp()
    t.match(pathOf(await caller.afterwards()), /not_let_in: #, voicemail: hung_up$/)
  })
}
