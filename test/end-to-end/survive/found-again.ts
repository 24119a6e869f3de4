/** How callers in every step are found again, after something has happened to Pforte. */
import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import type { Call } from '../../../src/local/phone/call.ts'
import type { Caller } from '../support/caller.ts'
import type { Hotline, Row } from '../support/hotline.ts'
import { AGENT_HZ, CALLER_HZ, HEARD_WITHIN_MS, placesIn, ROLES, type Cast, type Role } from './cast.ts'
import { longestWithout } from './sounds.ts'

/** Three packets: less than anybody takes for more than a crackle. */
export const UNHEARD_MS = 60

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

/** What is not as it was, each in a few words: everybody is still on the line, in the step where they stood, at the place that they had. */
export async function lost(hotline: Hotline, cast: Cast): Promise<string[]> {
  const found: string[] = []
  const compare = (what: string, before: unknown, now: unknown): void => {
    if (!isDeepStrictEqual(before, now)) found.push(`${what}: ${JSON.stringify(before)} has become ${JSON.stringify(now)}`)
  }
  for (const role of ROLES) {
    if (cast.callers[role].call.isOver) found.push(`${role} has been hung up on`)
    compare(role, shapeOf(cast.before[role]), shapeOf(await cast.callers[role].row()))
  }
  compare('places in the queue', cast.places, await placesIn(hotline, cast.team.queue))
  // Nobody else is reserved, and nobody is offered to two.
  for (const [agent, state, role] of [
    [cast.anna, 'talking', 'talking'],
    [cast.ben, 'ringing', 'ringing'],
  ] as const) {
    const shown = await agent.shownAs()
    compare(agent.id, { state, callId: cast.before[role]['id'] }, { state: shown['state'], callId: shown['callId'] })
  }
  if (!cast.ringing.isWaiting) found.push('the phone has stopped ringing')
  return found
}

export async function nothingLost(t: Test, hotline: Hotline, cast: Cast): Promise<void> {
  t.same(await lost(hotline, cast), [], 'everybody stands where they stood')
}

/** How long, in milliseconds, either of those who talk did not hear the other. */
export function longestApart(
  { callers, conversation }: { callers: { talking: Caller }; conversation: Call },
  since: number,
): { caller: number; agent: number } {
  return {
    caller: longestWithout(callers.talking.call.heard.wav(since), AGENT_HZ),
    agent: longestWithout(conversation.heard.wav(since), CALLER_HZ),
  }
}

/** Neither heard anything but the other, all the time. */
export function conversationUntouched(t: Test, cast: Parameters<typeof longestApart>[0], since: number): void {
  for (const [who, withoutMs] of Object.entries(longestApart(cast, since))) {
    t.ok(withoutMs <= UNHEARD_MS, `the ${who} heard the other without a gap (${withoutMs} ms)`)
  }
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
