/** Stories of callers who hang up, in each step: nothing is left behind, and the row says what happened. */
import type { Test } from 'tap'
import { CallFailed } from '../../../src/local/phone/outgoing.ts'
import { until } from '../../support/until.ts'
import type { Caller } from '../support/caller.ts'
import { IMPATIENT, LINES } from '../support/definition.ts'
import type { Hotline } from '../support/hotline.ts'
import { pathOf } from '../support/on-record.ts'

export function hangUpStories(t: Test, hotline: Hotline): void {
  inStep('in the welcome', 'abandoned', /^outage: off, ask_pin: hung_up$/, async (caller) => {
    await caller.hears('welcome')
  })

  inStep('in the middle of the PIN', 'abandoned', /^outage: off, ask_pin: hung_up$/, async (caller) => {
    await caller.types('01')
  })

  inStep('right after the last digit', null, /ask_pin: (hung_up|wrong)/, async (caller) => {
    await caller.typesWrongPin()
  })

  inStep('in "not correct"', 'abandoned', /ask_pin: wrong, not_correct: hung_up$/, async (caller) => {
    await caller.typesWrongPin()
    await caller.hears('not_correct')
  })

  inStep('in the music', 'abandoned', /music: hung_up$/, async (caller) => {
    await caller.types('#')
    await caller.hearsMusic()
  })

  inStep('in the offer', 'abandoned', /offer: hung_up$/, async (caller) => {
    await caller.types('#')
    await caller.hears('offer_voicemail')
  })

  inStep('in the greeting of the voicemail', 'abandoned', /voicemail: hung_up$/, async (caller) => {
    await caller.types('#')
    await caller.hearsMusic()
    await caller.types('#')
    await caller.hears('leave_message')
  })

  inStep('while the thanks are said', 'voicemail', /voicemail: left, thanks: hung_up$/, async (caller) => {
    await caller.types('#')
    await caller.hearsMusic()
    await caller.types('#')
    await caller.hearsBeep()
    await caller.speaks(await hotline.prompt('not_correct'))
    await caller.types('#')
    await caller.hears('thanks')
  })

  inStep('while told that it is closed', 'abandoned', /opening: closed, closed: hung_up$/, async (caller) => {
    const { pin } = await hotline.admit({ hours: 'business' })
    await caller.types(pin)
    await caller.hears('closed')
  })

  inStep('while waiting for somebody to be free', 'abandoned', /waiting: hung_up$/, async (caller, t) => {
    const { queue } = await hotline.team(t, 0)
    const { pin } = await hotline.admit({ queue })
    await caller.types(pin)
    await caller.standsIn('waiting')
    await caller.hearsSound()
  })

  inStep('while told that nobody is free', 'abandoned', /waiting: timeout, nobody_free: hung_up$/, async (caller) => {
    const { pin } = await hotline.admit({ queue: IMPATIENT })
    await caller.types(pin)
    await caller.hears('nobody_free')
  })

  inStep(
    'in "please stay on the line"',
    'abandoned',
    /ask_pin_again: exhausted, not_let_in: hung_up$/,
    async (caller) => {
      for (let tries = 1; tries <= 3; tries++) {
        await caller.typesWrongPin()
        await caller.hears(tries < 3 ? 'not_correct' : 'not_let_in')
      }
    },
    LINES.forgetful,
  )

  inStep(
    'in the goodbye',
    'abandoned',
    /music: exhausted, goodbye: hung_up$/,
    async (caller) => {
      await caller.types('#')
      await caller.hears('goodbye')
    },
    LINES.forgetful,
  )

  inStep('right after the last digit of a right PIN', null, /(ask_pin|waiting): (hung_up|connected)$/, async (caller, t) => {
    const { queue } = await hotline.team(t, 1)
    const { pin } = await hotline.admit({ queue })
    await caller.types(pin)
  })

  function inStep(
    where: string,
    outcome: string | null,
    path: RegExp,
    upToThere: (caller: Caller, t: Test) => Promise<void>,
    line?: string,
  ): void {
    t.test(`a caller hangs up ${where}`, async (t) => {
      const caller = await (await hotline.caller(t)).dials(line)
      await upToThere(caller, t)
      await caller.hangsUp()
      const row = await caller.afterwards()
      if (outcome !== null) t.equal(row['outcome'], outcome)
      t.match(pathOf(row), path)
    })
  }

  t.test('a caller gives up before the answer, at different moments', async (t) => {
    const caller = await hotline.caller(t)
    const givesUpAfterMs = [0, 1, 2, 5, 10, 20]
    for (const afterMs of givesUpAfterMs) {
      const dialling = await caller.phone.dial(hotline.pforte.lineUri(), { from: caller.number })
      await new Promise((resolve) => setTimeout(resolve, afterMs))
      await dialling.cancel()
      const answer = await dialling.answered.then(
        () => 'answered, and hung up',
        (error: unknown) => {
          if (!(error instanceof CallFailed)) throw error
          return error.status
        },
      )
      t.ok(answer === 487 || answer === 'answered, and hung up', `${answer}`)
    }
    const rows = await until('all of these calls to be over', async () => {
      const rows = await hotline.calls({ caller: caller.number })
      return rows.every((row) => row['endedAt'] !== null) ? rows : null
    })
    for (const row of rows) {
      t.equal(row['outcome'], 'abandoned')
      await hotline.isGone(row)
    }
  })
}
