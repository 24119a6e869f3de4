/** Stories of callers who say nothing, or nonsense, about who they are; and of numbers that nobody answers. */
import type { Test } from 'tap'
import { until } from '../../support/until.ts'
import { LINES } from '../support/definition.ts'
import type { Hotline, Row } from '../support/hotline.ts'

const LONGEST_CALLER = 64

export function strangerStories(t: Test, hotline: Hotline): void {
  // One after the other: nothing but the line tells whose row is whose.
  t.test('callers who say nothing, or nonsense, about who they are', async (t) => {
    await t.test('a caller without a number leaves a message all the same', async (t) => {
      const caller = await hotline.caller(t)
      const row = await answeredAs(caller, 'anonymous', async () => {
        await caller.types('#')
        await caller.hearsSound()
        await caller.types('#')
        await caller.hears('leave_message')
        await caller.hearsBeep()
        await caller.speaks(await hotline.prompt('not_correct'))
      })
      t.match(row, { caller: null })
      const ticket = await until('the ticket', async () => (await hotline.get(`/v1/calls/${row['id']}`))['ticketId'])
      t.match(await hotline.get(`/v1/tickets/${ticket}`), { caller: null, customerId: null, source: 'voicemail' })
    })

    for (const [what, header] of [
      ['no user at all', '<sip:127.0.0.1>'],
      ['SQL', `"x'); DROP TABLE calls;--" <sip:1');DROP%20TABLE%20calls;--@127.0.0.1>`],
      ['SQL, escaped', `<sip:%27%29%3B%20DROP%20TABLE%20calls%3B--@127.0.0.1>`],
      ['300 characters', `"${'n'.repeat(300)}" <sip:${'9'.repeat(300)}@127.0.0.1>`],
      ['UTF-8', `"Jörg Ünal 🦊" <sip:j%C3%B6rg-%F0%9F%A6%8A@127.0.0.1>`],
      ['NUL, newline and the end of a text that runs from right to left', `<sip:1%00%0A%E2%80%AE2@127.0.0.1>`],
      ['quotes and brackets', `"O'Brien \\"the\\" <b>" <sip:o'brien%22%3Cb%3E@127.0.0.1>`],
      ['half a character of UTF-8', `<sip:j%C3@127.0.0.1>`],
    ] as const) {
      await t.test(`the From header says ${what}`, async (t) => {
        const caller = await hotline.caller(t)
        const row = await answeredAs(caller, { header }, () => caller.hears('welcome'))
        t.equal(row['outcome'], 'abandoned')
        const shown: string | null = row['caller']
        t.ok(shown === null || ([...shown].length <= LONGEST_CALLER && !/[\p{Cc}\p{Cf}]/u.test(shown)), `the row says ${shown}`)
      })
    }

    await t.test('what is no SIP at all in From, Asterisk drops; the next caller is answered as ever', async (t) => {
      const caller = await hotline.caller(t)
      for (const header of ['"', 'tel:nobody', `<sip:jörg-🦊@127.0.0.1>`, `"a" "b" <sip:<>@>`]) {
        const dialled = await caller.phone.dial(hotline.pforte.lineUri(LINES.strangers), { from: { header } })
        dialled.answered.catch(() => {})
      }
      await caller.dials()
      await caller.hears('welcome')
    })

    await t.test('a number in national form is the same caller', async (t) => {
      const caller = await hotline.caller(t)
      const row = await answeredAs(caller, `0${caller.number.slice('+49'.length)}`, () => caller.hears('welcome'))
      t.equal(row['caller'], caller.number)
    })
  })

  t.test('a number that no line has is not answered', async (t) => {
    const caller = await hotline.caller(t)
    for (const dialled of ['+49621999999', 'nobody', '1', 'DROP%20TABLE%20calls', 'a'.repeat(300)]) {
      const failure = await caller.dials(dialled).then(
        () => null,
        (error: unknown) => error,
      )
      t.match(failure, { name: 'CallFailed', status: 404 }, dialled)
    }
    t.equal(await caller.row(), null)
  })

  /** The call's row, found as the newest of the strangers' line. */
  async function answeredAs(
    caller: Awaited<ReturnType<Hotline['caller']>>,
    from: string | { header: string },
    during: () => Promise<unknown>,
  ): Promise<Row> {
    const before = new Set((await hotline.calls({ line: LINES.strangers })).map(({ id }) => id))
    await caller.dials(LINES.strangers, { from })
    await during()
    await caller.hangsUp()
    return until('the row of the stranger', async () => {
      const row = (await hotline.calls({ line: LINES.strangers })).find(({ id }) => !before.has(id))
      return row?.['endedAt'] != null ? row : null
    })
  }
}
