/** Stories of those who guess: slowed down, then sent to the loop, hearing only what a wrong PIN hears; and of those who pay meanwhile. */
import type { Test } from 'tap'
import { LINES, WRONG_PINS } from '../support/definition.ts'
import type { Caller } from '../support/caller.ts'
import type { Hotline } from '../support/hotline.ts'
import { pathOf } from '../support/on-record.ts'

const TRIES_A_CALL = 3

export function guessingStories(t: Test, hotline: Hotline): void {
  t.test('a caller guesses over many calls: slower and slower, and then not even the right PIN is correct', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const number = hotline.freshNumber()
    await guess(t, number)
    const { row, waitsMs } = await guess(t, number)
    t.ok(row, 'the second call was answered like the first')
    for (const [guesses, waitMs] of waitsMs.entries()) {
      // An eighth of the longest, a quarter, a half.
      t.ok(waitMs >= WRONG_PINS.slowDownMs / 2 ** (3 - guesses), `the answer took ${Math.round(waitMs)} ms`)
    }

    const caller = await (await hotline.caller(t, { number })).dials()
    for (let tries = 1; tries <= TRIES_A_CALL; tries++) {
      await caller.types(pin)
      t.equal(await caller.hears('not_correct', 'not_let_in'), tries < TRIES_A_CALL ? 'not_correct' : 'not_let_in')
    }
    await caller.hearsMusic()
    await caller.hangsUp()
    const stopped = await caller.afterwards()
    t.match(stopped, { outcome: 'abandoned', customerId: null })
    t.notMatch(JSON.stringify(stopped), /limit/, 'the row says no more than the caller heard')
    t.equal(agents[0]!.rung.length, 0)

    const other = await (await hotline.caller(t)).dials()
    await other.types(pin)
    await agents[0]!.answers()
    t.pass('from any other number the same PIN gets in')
  })

  t.test('many guess on one line: it raises the alarm and asks for the customer number, and who pays gets in', async (t) => {
    const { queue, agents } = await hotline.team(t)
    const customer = await hotline.admit({ queue })
    const other = await hotline.admit({ queue })
    let left: number = WRONG_PINS.lineAlarmAfter
    const crowd = Array.from({ length: Math.ceil(left / TRIES_A_CALL) }, async () => {
      const tries = Math.min(TRIES_A_CALL, left)
      left -= tries
      await guess(t, hotline.freshNumber(), LINES.guessed, tries)
    })
    await Promise.all(crowd)
    t.ok(
      hotline.pforte.output.some((line) => /may be guessing PINs on line guessed/.test(line)),
      'the log says so',
    )
    t.match(await metrics(), /pforte_pin_alarms_total\{[^}]*\} [1-9]|pforte_pin_alarms_total [1-9]/)

    const caller = await (await hotline.caller(t)).dials(LINES.guessed)
    await caller.types(customer.pin)
    await caller.hears('ask_customer_number')
    await caller.types(customer.customerNumber)
    await agents[0]!.answers()
    await caller.talksTo(agents[0]!)
    await caller.hangsUp()
    t.match(await caller.afterwards(), { outcome: 'connected', contractId: customer.contractId })

    const hesitant = await (await hotline.caller(t)).dials(LINES.guessed)
    await hesitant.types(customer.pin)
    await hesitant.hears('ask_customer_number')
    await hesitant.hangsUp()
    const row = await hesitant.afterwards()
    t.match(row, { outcome: 'abandoned', contractId: null })
    t.equal(pathOf(row), 'outage: off, ask_pin: step_up, ask_customer_number: hung_up', 'half a way in is none')

    const stranger = await (await hotline.caller(t)).dials(LINES.guessed)
    await stranger.typesWrongPin()
    t.equal(await stranger.hears('ask_customer_number', 'not_correct'), 'ask_customer_number', 'a wrong PIN is not told from a right one')
    await stranger.types(customer.customerNumber)
    t.equal(await stranger.hears('not_correct', 'not_let_in'), 'not_correct')
    await stranger.types(customer.pin)
    await stranger.hears('ask_customer_number')
    await stranger.types(other.customerNumber)
    t.equal(await stranger.hears('not_correct', 'not_let_in'), 'not_correct', 'neither is somebody else’s customer number')
    await stranger.hangsUp()

    const elsewhere = await (await hotline.caller(t)).dials()
    await elsewhere.types(customer.pin)
    await agents[0]!.answers()
    t.pass('on other lines the PIN alone still does')
  })

  /** Types wrong PINs for one call, and answers how long each answer took. */
  async function guess(t: Test, number: string, line = 'hotline', tries = TRIES_A_CALL): Promise<{ row: Caller; waitsMs: number[] }> {
    const caller = await (await hotline.caller(t, { number })).dials(line)
    const waitsMs: number[] = []
    for (let one = 1; one <= tries; one++) {
      const { lastDigitEndAt } = await caller.types(hotline.freshPin())
      const prompt = await caller.hears('not_correct', 'not_let_in')
      const heard = caller.call.heard.hears(await hotline.prompt(prompt), lastDigitEndAt)
      waitsMs.push((heard?.startedAt ?? lastDigitEndAt) - lastDigitEndAt)
    }
    await caller.hangsUp()
    await caller.afterwards()
    return { row: caller, waitsMs }
  }

  async function metrics(): Promise<string> {
    const response = await fetch(`${hotline.pforte.url}/metrics`, {
      headers: { authorization: `Bearer ${hotline.pforte.environment['PFORTE_API_KEY']}` },
    })
    return response.text()
  }
}
