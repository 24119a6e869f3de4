/** Stories of an outage in Mannheim: switched on ahead of the PIN, heard, and switched off again. */
import type { Test } from 'tap'
import { wavDurationMs } from '../../../src/app/audio/wav.ts'
import { LINES } from '../support/definition.ts'
import type { Hotline } from '../support/hotline.ts'
import { pathOf } from '../support/on-record.ts'

const TEXT = 'Wegen eines Bagger-Schadens sind in Mannheim zurzeit alle Anschlüsse gestört. Wir arbeiten daran.'

/** A prompt’s end that is not worth a whole packet is not sent when nothing comes after it. */
const LAST_SOUND_MS = 500

export function announcementStories(t: Test, hotline: Hotline): void {
  t.test('an announcement is switched on: heard and gone, heard and passed by, over at its end', async (t) => {
    const put = (order: object): Promise<Record<string, any>> => hotline.pforte.put(`/v1/announcements/${LINES.outage}`, order)
    const { queue, agents } = await hotline.team(t)
    const { pin } = await hotline.admit({ queue })
    const endsAt = new Date(Date.now() + 3_600_000).toISOString()
    t.match(await put({ on: true, text: TEXT, endsAt }), { name: LINES.outage, on: true, text: { de: TEXT } })
    const outage = await announcement()

    const content = await (await hotline.caller(t)).dials(LINES.outage)
    await content.call.heard.waitForPrompt(outage)
    await content.isHungUpOn()
    const informed = await content.afterwards()
    t.match(informed, { outcome: 'informed' })
    t.equal(pathOf(informed), 'outage: heard, informed: informed')
    t.ok((content.call.heard.hears(outage)?.heardMs ?? 0) > wavDurationMs(outage) - LAST_SOUND_MS, 'from the first word to the last')

    const premium = await (await hotline.caller(t)).dials(LINES.outage)
    await premium.call.heard.waitForPrompt(outage)
    await premium.types('1')
    await premium.hears('welcome')
    await premium.types(pin)
    await agents[0]!.answers()
    await premium.talksTo(agents[0]!)
    await premium.hangsUp()
    t.equal(pathOf(await premium.afterwards()), 'outage: pressed, ask_pin: right, opening: open, waiting: connected')

    const hasty = await (await hotline.caller(t)).dials(LINES.outage)
    await hasty.call.heard.waitForPrompt(outage)
    await hasty.hangsUp()
    t.match(await hasty.afterwards(), { outcome: 'abandoned' })

    const soon = Date.now() + 500
    await put({ on: true, endsAt: new Date(soon).toISOString() })
    await new Promise((resolve) => setTimeout(resolve, soon + 50 - Date.now()))
    const afterwards = await (await hotline.caller(t)).dials(LINES.outage)
    await afterwards.hears('welcome')
    await afterwards.hangsUp()
    t.match(pathOf(await afterwards.afterwards()), /^outage: off, ask_pin/)

    t.match(await put({ on: false }), { on: false })
    const usual = await (await hotline.caller(t)).dials(LINES.outage)
    await usual.hears('welcome')

    async function announcement(): Promise<Buffer> {
      const { rows } = await hotline.pforte.db.query<{ hash: string }>(
        `SELECT prompts ->> 'de' AS hash FROM announcements WHERE name = $1`,
        [LINES.outage],
      )
      const response = await fetch(`${hotline.pforte.url}/prompts/${rows[0]?.hash}.wav`)
      return Buffer.from(await response.arrayBuffer())
    }
  })

  t.test('an announcement that nobody has defined cannot be switched on', async (t) => {
    const { status } = await hotline.pforte.request('PUT', '/v1/announcements/heidelberg', { on: true, text: TEXT })
    t.equal(status, 404)
  })
}
