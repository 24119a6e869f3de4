/** What a call under way is given by `Calls`. */
import type { AgentRelease, CallOutcome } from '../../domain/call/commands.ts'
import type { Flow, QueueName } from '../../domain/call/flow.ts'
import type { CallState } from '../../domain/call/state.ts'
import type { AgentReleaseRequest, CallStore, Offer, PinAnswer } from '../ports/store.ts'
import type { Log } from '../ports/log.ts'
import type { Telephony } from '../ports/telephony.ts'
import type { Journal } from './journal.ts'

export type CallServices = {
  /** Names the PBX in rows. */
  asterisk: string
  telephony: Telephony
  store: CallStore
  journal: Journal
  log: Log
  now: () => number
  announcements: { promptFor(name: string, language: string, at: number): string | null }
  voicemails: { keep(recording: string): void; drop(recording: string): void }
  dispatcher: { deliver(offers: Offer[]): void; kick(queue: QueueName | null): void; changesAt(at: number | null): void }
  /** The PBX's endpoint of a trunk that pforte.yaml names; the name itself for one that has left the file since. */
  trunkEndpoint(name: string): string
  callerGone(language: string): string | null
  typedFor(state: CallState): { pin: string; customerNumber: string | null } | null
  queueOf(flow: Flow, state: CallState): QueueName | null
  nextForAgent(why: AgentRelease, queue: QueueName | null, at: number): AgentReleaseRequest['next']
  onPinChecked(answer: PinAnswer): void
  onEnded(outcome: CallOutcome): void
  /** Told after every event, so that a finished call can be put away. */
  onSettled(): void
}
