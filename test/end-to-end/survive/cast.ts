/**
 * Callers in every step at once, and what each of them finds afterwards.
 *
 * `everybody` brings them there; then something happens to Pforte; `goOn` has
 * each of them notice nothing, or no more than a prompt that is spoken anew,
 * and finish the call in the normal way.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Call } from '../../../src/local/phone/call.ts'
import type { IncomingCall } from '../../../src/local/phone/incoming.ts'
import { until } from '../../support/until.ts'
import type { AgentAtPhone } from '../support/agent.ts'
import type { Caller } from '../support/caller.ts'
import { LINES } from '../support/definition.ts'
import type { Hotline, Row, Team } from '../support/hotline.ts'
import { ticketsOf, voicemailOf } from './messages.ts'
import { endlessTone, longestWithout, stairs } from './sounds.ts'

const CALLER_HZ = 440
const AGENT_HZ = 620
const RECORDED_MS = 120_000
const HEARD_WITHIN_MS = 20_000

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

const ROLES: Role[] = [
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
export async function everybody(t: Test, hotline: Hotline): Promise<Cast> {
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

/** Whose prompt begins anew. */
export type SpokenTo = 'prompted' | 'typing' | 'mistaken' | 'informed' | 'greeted'
export const SPOKEN_TO: readonly SpokenTo[] = ['prompted', 'typing', 'mistaken', 'informed', 'greeted']
/** When it happens again, soon afterwards: what `greeted` hears once more may be over by then. */
export const SPOKEN_TO_AGAIN = SPOKEN_TO.filter((role) => role !== 'greeted')

/** How long after `since` (performance.now()) the first word of each prompt came that is spoken anew. */
export async function spokenAnew(
  hotline: Hotline,
  { callers, announcement }: Cast,
  since: number,
  to = SPOKEN_TO,
): Promise<Map<Role, number>> {
  const prompts: Record<SpokenTo, Buffer> = {
    prompted: await hotline.prompt('welcome'),
    typing: await hotline.prompt('welcome'),
    mistaken: await hotline.prompt('ask_pin'),
    greeted: await hotline.prompt('leave_message'),
    informed: announcement,
  }
  const afterMs = await Promise.all(
    to.map(async (role): Promise<[Role, number]> => {
      const { startedAt } = await callers[role].call.heard.waitForPrompt(prompts[role], { since, timeoutMs: HEARD_WITHIN_MS })
      return [role, startedAt - since]
    }),
  )
  return new Map(afterMs)
}

/** `prompted 512, typing 530, …` */
export function timesOf(afterMs: ReadonlyMap<Role, number>): string {
  return [...afterMs].map(([role, ms]) => `${role} ${ms.toFixed(0)}`).join(', ')
}

/** Everybody is still on the line, in the step where they stood, at the place that they had; nobody else is reserved. */
export async function nothingLost(t: Test, hotline: Hotline, cast: Cast): Promise<void> {
  for (const role of ROLES) {
    t.notOk(cast.callers[role].call.isOver, `${role} is still on the line`)
    const row = await cast.callers[role].row()
    t.same(shapeOf(row), shapeOf(cast.before[role]), `${role} stands where they stood`)
  }
  t.same(await placesIn(hotline, cast.team.queue), cast.places, 'those who wait kept their places')
  t.match(await cast.anna.shownAs(), { state: 'talking', callId: cast.before.talking['id'] })
  t.match(await cast.ben.shownAs(), { state: 'ringing', callId: cast.before.ringing['id'] })
  t.ok(cast.ringing.isWaiting, 'the phone rings on')
}

/** Neither heard anything but the other, all the time. */
export function conversationUntouched(
  t: Test,
  { callers, conversation }: { callers: { talking: Caller }; conversation: Call },
  since: number,
): void {
  const ears = { caller: { heard: callers.talking.call.heard, hz: AGENT_HZ }, agent: { heard: conversation.heard, hz: CALLER_HZ } }
  for (const [who, { heard, hz }] of Object.entries(ears)) {
    const withoutMs = longestWithout(heard.wav(since), hz)
    t.comment(
      `${who}: longest time without the other's tone ${withoutMs} ms, longest gap between packets ${heard.longestGapMs({ since }).toFixed(0)} ms`,
    )
    t.ok(withoutMs <= 60, `the ${who} heard the other without a gap`)
  }
}

/** Everybody finishes the call in the normal way. @returns the ticket's recording of who spoke all the time */
export async function goOn(t: Test, hotline: Hotline, cast: Cast): Promise<{ recorded: Buffer; recordedMs: number }> {
  const { callers, pins, anna, ben } = cast
  const { talking, ringing, first, second, prompted, typing, mistaken, music, recording, greeted, informed } = callers

  let recordedMs = 0
  const withAgents = async (): Promise<void> => {
    const late = await cast.ringing.answer()
    if (late === undefined) throw new Error('ben picked up, and nobody was there')
    await hearEachOther(ringing, late)
    await talking.hangsUp()
    t.match(await cast.conversation.ended, { by: 'them' }, 'the conversation ends with the caller')
    await hearEachOther(first, await anna.answers())
    await late.hangUp()
    await ringing.isHungUpOn()
    const next = await ben.answers()
    await hearEachOther(second, next)
    await first.hangsUp()
    await second.hangsUp()

    // Whoever was typing when it happened.
    await anna.becomes('paused')
    for (const caller of [prompted, typing]) {
      await caller.types(caller === prompted ? pins.prompted : pins.typing)
      const call = await ben.answers()
      await hearEachOther(caller, call)
      await call.hangUp()
      await caller.isHungUpOn()
    }
  }
  await Promise.all([
    withAgents(),
    (async () => {
      await mistaken.typesWrongPin()
      t.equal(await mistaken.hears('not_correct', 'not_let_in'), 'not_correct', 'the second of three tries')
      await mistaken.hears('ask_pin')
      await mistaken.typesWrongPin()
      t.equal(await mistaken.hears('not_correct', 'not_let_in'), 'not_let_in', 'the third of three tries')
      await mistaken.hangsUp()
    })(),
    (async () => {
      await music.types('#')
      await music.hears('leave_message')
      await music.hangsUp()
    })(),
    (async () => {
      recordedMs = performance.now() - cast.recordingSince
      await recording.types('#')
      await recording.hears('thanks')
      await recording.isHungUpOn()
    })(),
    (async () => {
      await greeted.hearsBeep()
      await greeted.speaks(stairs(2_500))
      await greeted.types('#')
      await greeted.hears('thanks')
      await greeted.isHungUpOn()
    })(),
    (async () => {
      await informed.types('5')
      await informed.hears('welcome')
      await informed.hangsUp()
    })(),
  ])
  await announce(hotline, false)
  const outcomes = {} as Record<Role, string>
  for (const role of ROLES) outcomes[role] = (await callers[role].afterwards())['outcome']
  t.match(outcomes, {
    talking: 'connected',
    ringing: 'connected',
    first: 'connected',
    second: 'connected',
    prompted: 'connected',
    typing: 'connected',
    mistaken: 'abandoned',
    music: 'abandoned',
    recording: 'voicemail',
    greeted: 'voicemail',
    informed: 'abandoned',
  })
  await anna.isShownAs('paused')
  await ben.isShownAs('available')
  await greeted.ticket()
  const ticket = await recording.ticket()
  t.equal((await ticketsOf(hotline, recording)).length, 1, 'one message, one ticket')
  return { recorded: await voicemailOf(hotline, ticket), recordedMs }
}

async function hearEachOther(caller: Caller, call: Call): Promise<void> {
  void caller.speaks({ hz: CALLER_HZ, ms: 20_000 })
  void call.play({ hz: AGENT_HZ, ms: 20_000 })
  await Promise.all([caller.hearsTone(AGENT_HZ), call.heard.waitForTone(CALLER_HZ, { timeoutMs: HEARD_WITHIN_MS })])
}

/** The sound of what callers of that line then hear. */
async function announce({ pforte }: Hotline, on: boolean): Promise<Buffer> {
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

async function placesIn(hotline: Hotline, queue: string): Promise<Row[]> {
  const all = (await hotline.get('/v1/queues')) as Row[] | { items: Row[] }
  const found = (Array.isArray(all) ? all : all.items).find((one) => one['name'] === queue)
  const waiting = (found?.['waiting'] ?? []) as Row[]
  return waiting.map(({ callId, position, priority, sinceAt }) => ({ callId, position, priority, sinceAt }))
}

const shapeOf = (row: Row | null): Row | null =>
  row === null
    ? null
    : {
        id: row['id'],
        path: row['path'],
        customerId: row['customerId'],
        agentId: row['agentId'],
        answeredAt: row['answeredAt'],
        endedAt: row['endedAt'],
      }
