/** What callers leave, and what becomes of it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from '../../support/until.ts'
import type { Caller } from '../support/caller.ts'
import type { Hotline, Row } from '../support/hotline.ts'
import { ari } from '../support/left-behind.ts'
import { stairsHeard } from './sounds.ts'

const HEARD_WITHIN_MS = 20_000

/** The prompt that Asterisk itself plays while Pforte is away; recording begins after it. */
export async function hearsFallback({ pforte }: Hotline, caller: Caller): Promise<void> {
  const wav = await readFile(join(pforte.environment['PFORTE_HOME']!, 'parts/asterisk/data/sounds/pforte/fallback.wav'))
  await caller.call.heard.waitForPrompt(wav, { timeoutMs: HEARD_WITHIN_MS })
}

/** Brings a caller to the beep. */
export async function atTheBeep(t: Test, hotline: Hotline): Promise<Caller> {
  const caller = await hotline.caller(t)
  await caller.dials()
  await caller.types('#')
  await caller.standsIn('music')
  await caller.types('#')
  await caller.hears('leave_message')
  await caller.types('#')
  await caller.hearsBeep()
  return caller
}

export async function ticketsOf(hotline: Hotline, caller: Caller): Promise<Row[]> {
  return (await hotline.get(`/v1/tickets?${new URLSearchParams({ caller: caller.number })}`))['items']
}

/** Waits for the ticket of this caller. */
export async function ticketOf(hotline: Hotline, caller: Caller): Promise<Row> {
  return until(`the message of ${caller.number} to be a ticket`, async () => (await ticketsOf(hotline, caller))[0])
}

export async function voicemailOf({ pforte }: Hotline, ticket: Row): Promise<Buffer> {
  const response = await fetch(`${pforte.url}/v1/tickets/${ticket['id']}/voicemail`, {
    headers: { authorization: `Bearer ${pforte.environment['PFORTE_API_KEY']}` },
  })
  if (!response.ok) throw new Error(`the voicemail of ticket ${ticket['number']} answered ${response.status}`)
  return Buffer.from(await response.arrayBuffer())
}

/** The ticket's recording is the beginning of `stairs`, this long and without a gap. */
export async function holdsAll(t: Test, hotline: Hotline, ticket: Row, spokenMs: number): Promise<void> {
  const heard = stairsHeard(await voicemailOf(hotline, ticket))
  t.match(ticket, { source: 'voicemail', status: 'received' })
  t.equal(heard.first, 0, 'from the first word')
  t.ok(heard.heardMs >= spokenMs - 300, `to the last: ${heard.heardMs} of ${spokenMs} ms`)
  t.ok(heard.longestFaultMs <= 60, `and all between: ${heard.longestFaultMs} ms missing or double`)
}

/** What is a ticket is deleted on Asterisk; waits for that. */
export async function nothingIsLeftOnAsterisk({ pforte }: Hotline): Promise<void> {
  await until('the recordings to be deleted on Asterisk', async () => {
    const left = await ari(pforte, 'recordings/stored')
    if (left.length > 0) throw new Error(JSON.stringify(left))
    return true
  })
}
