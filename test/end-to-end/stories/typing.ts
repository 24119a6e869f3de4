/** Stories of fingers: early, fast, slow, on the wrong keys. */
import type { Test } from 'tap'
import type { DigitTiming } from '../../../src/local/phone/rtp/digit-sender.ts'
import { LINES } from '../support/definition.ts'
import { greetingOnThePhone } from '../support/greeting.ts'
import type { Hotline } from '../support/hotline.ts'
import { pathOf } from '../support/on-record.ts'

/** `between_digits` of these stories is 3 s, `total` is 12 s. */
const NEARLY_TOO_SLOW: DigitTiming = { toneMs: 300, gapMs: 1_500 }

export function typingStories(t: Test, hotline: Hotline): void {
  gettingIn('typed into the first word of the welcome', (pin) => pin)
  gettingIn('keyed as fast as a phone can, 40 ms a digit, one right after the other', (pin) => pin, { toneMs: 40, gapMs: 0 })
  gettingIn('keyed by a machine, 60 ms and 60 ms', (pin) => pin, { toneMs: 60, gapMs: 60 })
  gettingIn('keyed by a slow hand', (pin) => pin, NEARLY_TOO_SLOW)
  gettingIn('with a # after it, as many are used to', (pin) => `${pin}#`)
  gettingIn('with more digits after it', (pin) => `${pin}7788`)
  gettingIn('after a slip that * takes back', (pin) => `${pin.slice(0, 3)}*${pin}`)
  gettingIn('with the letters A to D in between, which no step knows', (pin) => `A${pin.slice(0, 2)}BC${pin.slice(2)}D`)

  function gettingIn(how: string, typed: (pin: string) => string, timing: Partial<DigitTiming> = {}): void {
    t.test(`a PIN gets in: ${how}`, async (t) => {
      const { queue, agents } = await hotline.team(t)
      const { pin } = await hotline.admit({ queue })
      const caller = await (await hotline.caller(t)).dials()
      await caller.call.heard.waitForAudio()
      await caller.types(typed(pin), timing)
      await agents[0]!.answers()
      await caller.talksTo(agents[0]!)
      await caller.hangsUp()
      t.equal(pathOf(await caller.afterwards()), 'outage: off, ask_pin: right, opening: open, waiting: connected')
    })
  }

  t.test('the first key silences the prompt', async (t) => {
    const caller = await (await hotline.caller(t)).dials()
    await caller.hears('welcome')
    const { lastDigitEndAt } = await caller.types('1')
    await caller.call.heard.waitForSilence(800, { since: lastDigitEndAt })
    t.notOk(caller.call.heard.hears(await hotline.prompt('ask_pin')), 'the rest of it is not spoken')
    await caller.hangsUp()
  })

  t.test('typing into "not correct" counts for the next try', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials()
    await caller.typesWrongPin()
    await caller.hears('not_correct')
    await caller.types(pin)
    await agents[0]!.answers()
    t.notOk(caller.call.heard.hears(await hotline.prompt('ask_pin')), 'there was no need to ask again')
  })

  t.test('a PIN that breaks off is wrong once no more digit comes', async (t) => {
    const caller = await (await hotline.caller(t)).dials()
    await caller.types('123')
    await caller.hears('not_correct')
    await caller.hangsUp()
    t.match(pathOf(await caller.afterwards()), /ask_pin: wrong/)
  })

  t.test('a caller who starts over and over runs out of time', async (t) => {
    const caller = await (await hotline.caller(t)).dials()
    await caller.types('1*2*345', { toneMs: 200, gapMs: 1_700 })
    await caller.hears('not_correct')
    await caller.hangsUp()
    t.match(pathOf(await caller.afterwards()), /ask_pin: wrong/)
  })

  t.test('# ends the entry early', async (t) => {
    const caller = await (await hotline.caller(t)).dials()
    await caller.types('123#')
    await caller.hears('not_correct')
    await caller.hangsUp()
    t.match(pathOf(await caller.afterwards()), /ask_pin: wrong/)
  })

  t.test('# alone says that there is no PIN, and costs no try', async (t) => {
    const caller = await (await hotline.caller(t)).dials()
    await caller.types('#')
    await caller.hearsMusic()
    await caller.hangsUp()
    t.match(pathOf(await caller.afterwards()), /^outage: off, ask_pin: none, music: /)
  })

  t.test('a greeting from a studio (44.1 kHz, stereo) is heard, and typing interrupts it as well', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const caller = await (await hotline.caller(t)).dials(LINES.recorded)
    const heard = await caller.call.heard.waitForPrompt(greetingOnThePhone())
    t.ok(heard.heardMs >= 800)
    await caller.types(pin)
    await agents[0]!.answers()
    t.notOk(caller.call.heard.hears(greetingOnThePhone())?.complete)

    const patient = await (await hotline.caller(t)).dials(LINES.recorded)
    await patient.hearsMusic()
    t.match(patient.call.heard.hears(greetingOnThePhone()), { complete: true }, 'from the first to the last sound')
  })
}
