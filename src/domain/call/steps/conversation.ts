/** Caller and leg talk: the same for an agent and for a transfer. */
import type { LegName } from '../events.ts'
import type { ObservedCall } from '../resume.ts'
import type { Turn } from '../turn.ts'

/** Within this time of picking up nobody has heard the other yet: the agent is told why the line is dead. */
const justPickedUpMs = 1_000

/** The leg has answered: both in one bridge, which ends the music. */
export function talk(turn: Turn, leg: LegName, agentId: string | null): void {
  turn.clearTimers()
  turn.do({ type: 'connect', visit: turn.state.visit, leg })
  turn.state.doing = { what: 'talking', leg, agentId }
  turn.state.connectedAt = turn.at
  turn.state.agentId = agentId
}

/** The other side has hung up, so the call is over for the caller too. */
export function otherSideLeft(turn: Turn): void {
  releaseTalkingAgent(turn)
  turn.do({ type: 'hangUp' })
  turn.end('connected', 'connected')
}

/** The caller has hung up. */
export function closeConversation(turn: Turn): void {
  const doing = turn.state.doing
  if (doing.what !== 'talking') return
  const justPickedUp = doing.agentId !== null && turn.at - (turn.state.connectedAt ?? 0) < justPickedUpMs
  turn.do({ type: justPickedUp ? 'tellCallerGone' : 'hangUpLeg', leg: doing.leg })
  releaseTalkingAgent(turn)
  turn.mark('connected')
}

/** The bridge did not come about: nobody has been spoken to. The leg is given up. */
export function forgetConversation(turn: Turn): void {
  const doing = turn.state.doing
  if (doing.what !== 'talking') return
  turn.do({ type: 'hangUpLeg', leg: doing.leg })
  turn.state.connectedAt = null
  turn.state.agentId = null
}

/** Bridged: nobody has noticed anything. Both there but apart: joined again. */
export function resumeConversation(turn: Turn, observed: ObservedCall): void {
  const doing = turn.state.doing
  if (doing.what !== 'talking') return
  if (!observed.legs.some((found) => found.leg === doing.leg)) return otherSideLeft(turn)
  if (!observed.bridged) turn.do({ type: 'connect', visit: turn.state.visit, leg: doing.leg })
}

function releaseTalkingAgent(turn: Turn): void {
  const doing = turn.state.doing
  if (doing.what !== 'talking' || doing.agentId === null) return
  const offer = Number(doing.leg.slice(doing.leg.indexOf('-') + 1))
  turn.do({ type: 'releaseAgent', offer, agentId: doing.agentId, why: 'conversation_ended' })
}
