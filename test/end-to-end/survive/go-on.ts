/** Everybody of the cast goes on as if nothing had happened. */
import type { Test } from 'tap'
import type { Call } from '../../../src/local/phone/call.ts'
import type { Caller } from '../support/caller.ts'
import type { Hotline } from '../support/hotline.ts'
import { AGENT_HZ, announce, CALLER_HZ, HEARD_WITHIN_MS, ROLES, type Cast, type Role } from './cast.ts'
import { ticketsOf, voicemailOf } from './messages.ts'
import { stairs } from './sounds.ts'

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
