/** A call as those see it who do its commands: what it is, where it stands, and how to tell it what came of them. */
import type { CallEvent } from '../../domain/call/events.ts'
import type { CallState } from '../../domain/call/state.ts'
import type { CallRow, KnownCaller } from '../ports/store.ts'
import type { CallWork } from './call-work.ts'
import type { ActiveFlow } from './definitions.ts'
import type { CallServices } from './services.ts'

/** What a call is from its first moment; none of it changes. */
export type CallFacts = {
  id: string
  leg: string
  line: string
  dialled: string
  caller: string | null
  trunk: string | null
  startedAt: number
}

export type CallInHand = {
  readonly facts: CallFacts
  readonly flow: ActiveFlow
  readonly services: CallServices
  readonly work: CallWork
  readonly state: CallState
  take(event: CallEvent): void
  /** As it is written down now. */
  row(): CallRow
  /** Who calls, for the agent's display. Not part of the call's own row. */
  known: KnownCaller
}

/** The call still stands in this visit, so what it asked for is still wanted. */
export function isStillIn(call: CallInHand, visit: number): boolean {
  return call.state.visit === visit && call.state.phase === 'active'
}
