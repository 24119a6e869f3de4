/**
 * Callers in every step at once.
 *
 * `everybody` brings them there; then something happens to Pforte, and each of
 * them notices nothing, or no more than a prompt that is spoken anew
 * (`found-again.ts`), and finishes the call in the normal way (`go-on.ts`).
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Call } from '../../../src/local/phone/call.ts'
import type { IncomingCall } from '../../../src/local/phone/incoming.ts'
import { until } from '../../support/until.ts'
import type { AgentAtPhone } from '../support/agent.ts'
import type { Caller } from '../support/caller.ts'
import { LINES } from '../support/definition.ts'
import type { Hotline, Row, Scope, Team } from '../support/hotline.ts'
import { endlessTone, stairs } from './sounds.ts'

export const CALLER_HZ = 440
export const AGENT_HZ = 620
const RECORDED_MS = 120_000
export const HEARD_WITHIN_MS = 20_000

export type Role =
  | 'talking'
  | 'ringing'
  | 'first'
  | 'second'
  | 'prompted'
  | 'typing'
  | 'mistaken'
  | 'music'
  | 'recording'
  | 'greeted'
  | 'informed'

export type Cast = {
  callers: Record<Role, Caller>
  pins: Record<Role, string>
  team: Team
  anna: AgentAtPhone
  ben: AgentAtPhone
  conversation: Call
  ringing: IncomingCall
  /** `performance.now()` */
  recordingSince: number
  announcement: Buffer
  /** What the API showed of each before it happened. */
  before: Record<Role, Row>
  places: Row[]
}

export const ROLES: readonly Role[] = [
  'talking',
  'ringing',
  'first',
  'second',
  'prompted',
  'typing',
  'mistaken',
  'music',
  'recording',
  'greeted',
  'informed',
]

/** Where each of them stands. */
const STEPS: Record<Role, string> = {
  talking: 'waiting',
  ringing: 'waiting',
  first: 'waiting',
  second: 'waiting',
  prompted: 'ask_pin',
  typing: 'ask_pin',
  mistaken: 'ask_pin_again',
  music: 'music',
  recording: 'voicemail',
  greeted: 'voicemail',
  informed: 'outage',
}

/** Brings a caller into each step. The prompts of `greeted` and `informed` have just begun when it returns. */
export async function everybody(t: Scope, hotline: Hotline): Promise<Cast> {
  const team = await hotline.team(t, 2)
  const [anna, ben] = team.agents as [AgentAtPhone, AgentAtPhone]
  const callers = {} as Record<Role, Caller>
  const pins = {} as Record<Role, string>
  for (const role of ROLES) {
    callers[role] = await hotline.caller(t)
    pins[role] = (await hotline.admit({ queue: team.queue })).pin
  }
  const { talking, ringing, first, second, prompted, typing, mistaken, music, recording, greeted, informed } = callers
  const announcement = await announce(hotline, true)
  let recordingSince = 0

  // Beside each other, whoever can; those with a PIN one after the other, so that it is known who waits for how long.
  const withPin = async (): Promise<{ conversation: Call; rings: IncomingCall }> => {
    const enters = async (caller: Caller, pin: string): Promise<void> => {
      await caller.dials()
      await caller.types(pin)
      await caller.standsIn('waiting')
    }
    await enters(talking, pins.talking)
    const conversation = await anna.answers()
    void talking.speaks(endlessTone(CALLER_HZ))
    void conversation.play(endlessTone(AGENT_HZ))
    await Promise.all([talking.hearsTone(AGENT_HZ), conversation.heard.waitForTone(CALLER_HZ, { timeoutMs: HEARD_WITHIN_MS })])
    await enters(ringing, pins.ringing)
    const rings = await ben.rings()
    await enters(first, pins.first)
    await enters(second, pins.second)
    return { conversation, rings }
  }
  const [{ conversation, rings }] = await Promise.all([
    withPin(),
    prompted.dials().then(() => prompted.hears('welcome')),
    typing.dials().then(() => typing.types(pins.typing.slice(0, 3))),
    mistaken.dials().then(async () => {
      await mistaken.typesWrongPin()
      await mistaken.hears('not_correct')
      await mistaken.hears('ask_pin')
    }),
    music.dials().then(async () => {
      await music.types('#')
      await music.hearsMusic()
    }),
    recording.dials().then(async () => {
      await recording.types('#')
      await recording.standsIn('music')
      await recording.types('#')
      await recording.hears('leave_message')
      await recording.types('#')
      await recording.hearsBeep()
      recordingSince = performance.now()
      void recording.speaks(stairs(RECORDED_MS))
    }),
  ])
  await Promise.all([
    greeted.dials().then(async () => {
      await greeted.types('#')
      await greeted.standsIn('music')
      await greeted.types('#')
      await greeted.hears('leave_message')
    }),
    informed.dials(LINES.outage).then(() => informed.call.heard.waitForPrompt(announcement, { timeoutMs: HEARD_WITHIN_MS })),
  ])
  const before = {} as Record<Role, Row>
  for (const role of ROLES) before[role] = await callers[role].standsIn(STEPS[role])
  await ben.isShownAs('ringing')
  await anna.isShownAs('talking')
  return {
    callers,
    pins,
    team,
    anna,
    ben,
    conversation,
    ringing: rings,
    recordingSince,
    announcement,
    before,
    places: await placesIn(hotline, team.queue),
  }
}

/** The sound of what callers of that line then hear. */
export async function announce({ pforte }: Hotline, on: boolean): Promise<Buffer> {
  const { prompts } = await until('the announcement to be switched', async () => {
    await pforte.put(`/v1/announcements/${LINES.outage}`, {
      on,
      text: { de: 'In Mannheim sind zur Zeit viele Anschlüsse gestört. Wir arbeiten daran.' },
    })
    const { rows } = await pforte.db.query<{ prompts: Record<string, string> }>('SELECT prompts FROM announcements WHERE name = $1', [
      LINES.outage,
    ])
    return rows[0]
  })
  return readFile(join(pforte.environment['PFORTE_HOME']!, 'prompts', `${prompts['de']}.wav`))
}

/** Who waits in this queue, in which order. */
export async function placesIn(hotline: Hotline, queue: string): Promise<Row[]> {
  const all = (await hotline.get('/v1/queues')) as Row[] | { items: Row[] }
  const found = (Array.isArray(all) ? all : all.items).find((one) => one['name'] === queue)
  const waiting = (found?.['waiting'] ?? []) as Row[]
  return waiting.map(({ callId, position, priority, sinceAt }) => ({ callId, position, priority, sinceAt }))
}
