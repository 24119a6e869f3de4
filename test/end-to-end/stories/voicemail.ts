/** Stories of messages: what is said becomes a ticket, once, and can be heard; what is not said becomes none. */
import { writeFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { readWav } from '../../../src/app/audio/wav.ts'
import { PromptShape } from '../../../src/local/phone/rtp/recognise.ts'
import { keptFile } from '../../support/kept.ts'
import { until } from '../../support/until.ts'
import type { Caller } from '../support/caller.ts'
import { LINES } from '../support/definition.ts'
import type { Hotline, Row } from '../support/hotline.ts'
import { ari } from '../support/left-behind.ts'
import { pathOf } from '../support/on-record.ts'

/** Of the line that takes brief messages; Asterisk counts whole seconds, and may begin another one. */
const LONGEST_MS = 7_000
/** Enough to be no other words. */
const RECOGNISED_MS = 1_500

export function voicemailStories(t: Test, hotline: Hotline): void {
  t.test('a message of somebody unknown becomes a ticket that one can hear', async (t) => {
    const caller = await atTheBeep(await hotline.caller(t))
    await caller.speaks(await hotline.prompt('not_correct'))
    await caller.types('#')
    await caller.hears('thanks')
    await caller.isHungUpOn()
    const ticket = await caller.ticket()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'voicemail', customerId: null })
    t.match(pathOf(row), /voicemail: left, thanks: done, message_left: voicemail$/)
    t.match(ticket, {
      caller: caller.number,
      customerId: null,
      status: 'received',
      source: 'voicemail',
      version: 1,
      voicemail: { durationMs: Number },
    })
    await t.resolves(hears(ticket, 'not_correct'))
    await isDeletedOnAsterisk(row)
  })

  t.test('a message of a customer whose number is known is theirs', async (t) => {
    const number = hotline.freshNumber()
    const { customerId } = await hotline.admit({}, { numbers: [number] })
    const caller = await atTheBeep(await hotline.caller(t, { number }))
    await caller.speaks(await hotline.prompt('not_correct'))
    await caller.types('#')
    t.match(await caller.ticket(), { caller: number, customerId })
    const { items } = await hotline.get(`/v1/tickets?customerId=${customerId}`)
    t.equal(items.length, 1)
  })

  t.test('a caller hangs up in the middle of the message: it is kept', async (t) => {
    const caller = await atTheBeep(await hotline.caller(t))
    await caller.speaks(await hotline.prompt('not_correct'))
    await caller.hangsUp()
    const ticket = await caller.ticket()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'voicemail' })
    await t.resolves(hears(ticket, 'not_correct'))
    t.equal((await hotline.get(`/v1/tickets?caller=${encodeURIComponent(caller.number)}`))['items'].length, 1)
    await isDeletedOnAsterisk(row)
  })

  t.test('the greeting can be cut short with #, and silence ends the message', async (t) => {
    const caller = await (await hotline.caller(t)).dials(LINES.hushed)
    await caller.types('#')
    await caller.hearsMusic()
    await caller.types('#')
    await caller.hears('leave_message')
    await caller.types('#')
    await caller.hearsBeep()
    t.notOk(caller.call.heard.hears(await hotline.prompt('leave_message'))?.complete)
    await caller.speaks(await hotline.prompt('not_correct'))
    await caller.hears('thanks')
    await hears(await caller.ticket(), 'not_correct')
  })

  t.test('three seconds of silence are no message: no ticket, and the music goes on', async (t) => {
    const caller = await atTheBeep(await hotline.caller(t), LINES.hushed)
    await caller.standsIn('music')
    await caller.hangsUp()
    const row = await caller.afterwards()
    t.match(row, { outcome: 'abandoned', ticketId: null })
    t.match(pathOf(row), /voicemail: empty, music: /)
    t.same((await hotline.get(`/v1/tickets?caller=${encodeURIComponent(caller.number)}`))['items'], [])
    await isDeletedOnAsterisk(row)
  })

  t.test('a caller hangs up right after the beep without a word: no ticket', async (t) => {
    const caller = await atTheBeep(await hotline.caller(t))
    await caller.hangsUp()
    const row = await caller.afterwards()
    await isDeletedOnAsterisk(row)
    t.match(await caller.row(), { ticketId: null })
    t.same((await hotline.get(`/v1/tickets?caller=${encodeURIComponent(caller.number)}`))['items'], [])
  })

  t.test('whoever talks for ever is thanked at the longest duration', async (t) => {
    const caller = await atTheBeep(await hotline.caller(t), LINES.brief)
    const speech = await hotline.prompt('nobody_free')
    let talks = true
    void (async () => {
      while (talks && (await caller.speaks(speech)));
    })()
    await caller.hears('thanks')
    talks = false
    await caller.isHungUpOn()
    const ticket = await caller.ticket()
    const { durationMs } = ticket['voicemail'] as { durationMs: number }
    t.ok(durationMs <= LONGEST_MS + 200 && durationMs > LONGEST_MS - 2_500, `it lasts ${durationMs} ms`)
    t.match(await caller.afterwards(), { outcome: 'voicemail' })
  })

  t.test('a recording is served in ranges, as players ask for it', async (t) => {
    const caller = await atTheBeep(await hotline.caller(t))
    await caller.speaks(await hotline.prompt('not_correct'))
    await caller.hangsUp()
    const url = `${hotline.pforte.url}/v1/tickets/${(await caller.ticket())['id']}/voicemail`
    const authorization = `Bearer ${hotline.pforte.environment['PFORTE_API_KEY']}`
    const ask = (range?: string, method = 'GET'): Promise<Response> =>
      fetch(url, { method, headers: { authorization, ...(range === undefined ? {} : { range }) } })

    const whole = await ask()
    t.equal(whole.headers.get('content-type'), 'audio/wav')
    t.equal(whole.headers.get('accept-ranges'), 'bytes')
    const wav = Buffer.from(await whole.arrayBuffer())
    const head = await ask(undefined, 'HEAD')
    t.equal(head.headers.get('content-length'), String(wav.length))
    const part = await ask('bytes=1000-1999')
    t.equal(part.status, 206)
    t.equal(part.headers.get('content-range'), `bytes 1000-1999/${wav.length}`)
    t.same(Buffer.from(await part.arrayBuffer()), wav.subarray(1000, 2000))
    const tail = await ask('bytes=-500')
    t.same(Buffer.from(await tail.arrayBuffer()), wav.subarray(-500))
    t.equal((await ask(`bytes=${wav.length}-`)).status, 416)
    t.equal((await fetch(url)).status, 401)
  })

  async function atTheBeep(caller: Caller, line = 'hotline'): Promise<Caller> {
    await caller.dials(line)
    await caller.types('#')
    await caller.hearsMusic()
    await caller.types('#')
    await caller.hears('leave_message')
    await caller.hearsBeep()
    return caller
  }

  /** The recording holds these words. */
  async function hears(ticket: Row, prompt: string): Promise<void> {
    const response = await fetch(`${hotline.pforte.url}/v1/tickets/${ticket['id']}/voicemail`, {
      headers: { authorization: `Bearer ${hotline.pforte.environment['PFORTE_API_KEY']}` },
    })
    const recording = Buffer.from(await response.arrayBuffer())
    const shape = new PromptShape(Int16Array.from(samplesOf(await hotline.prompt(prompt))))
    const found = shape.find(samplesOf(recording))
    if ((found?.heardSamples ?? 0) >= RECOGNISED_MS * 8) return
    const kept = keptFile(`pforte-recording-${ticket['id']}.wav`)
    await writeFile(kept, recording)
    throw new Error(`the recording does not hold ${prompt} (${JSON.stringify(found)}); it is kept in ${kept}`)
  }

  async function isDeletedOnAsterisk(row: Row): Promise<void> {
    await until('the recording to be deleted on Asterisk', async () => {
      const stored = await ari(hotline.pforte, 'recordings/stored')
      return !stored.some(({ name }) => name.includes(row['id']))
    })
  }
}

function samplesOf(wav: Buffer): Float32Array {
  return (readWav(wav).channels[0] ?? new Float32Array()).map((sample) => sample * 32767)
}
